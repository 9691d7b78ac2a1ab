"""Runs on a board: one exchange on a stream that is slow, split, garbled, too generous or silent."""

from board_stream import Stream
from board_world import World

from callcore.errors import LinkError
from handset import clock, https

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


class Exchange:
    """One exchange, run to its end."""

    def __init__(self, stream, method="GET", path="/v1/link", headers=(), body=b"", timeout_ms=1000):
        self.world = World()
        self.stream = stream
        self.answer = None
        self._ask = (method, path, "relay.example", headers, body, timeout_ms)

    async def _go(self):
        self.answer = await https.exchange(self.stream, *self._ask)

    def run(self, feed=None):
        if feed:
            self.world.create_task(feed)
        self.error = self.world.finish(self._go())
        return self


def answered(data, most=100000):
    """The answer to a request, when these bytes came, at most so many at a time."""
    stream = Stream()
    stream.most = most
    stream.feed(data)
    exchange = Exchange(stream).run()
    if exchange.error:
        raise exchange.error
    return exchange.answer


def reason_of(data, most=100000):
    try:
        answered(data, most)
    except LinkError as error:
        assert "relay:1" in error.detail
        return error.reason
    return ""


def test_a_request_is_written_as_it_should_be():
    stream = Stream()
    stream.feed(OK)
    Exchange(stream, "POST", "/a", (("Content-Type", "application/json"), ("X", "y")), b"{}").run()
    assert stream.sent == (
        b"POST /a HTTP/1.1\r\nHost: relay.example\r\nContent-Type: application/json\r\nX: y\r\nContent-Length: 2\r\n\r\n{}"
    )
    stream = Stream()
    stream.feed(OK)
    Exchange(stream).run()
    assert stream.sent == b"GET /v1/link HTTP/1.1\r\nHost: relay.example\r\n\r\n"


def test_a_request_goes_out_in_whatever_pieces_the_transport_takes():
    for most in (1, 2, 7):
        stream = Stream()
        stream.most = most
        stream.feed(OK)
        assert Exchange(stream, "POST", body=b"x" * 300).run().error is None
        assert stream.sent.endswith(b"\r\n\r\n" + b"x" * 300) and b"Content-Length: 300\r\n" in stream.sent


def test_an_answer_may_come_in_pieces_of_any_size():
    for most in range(1, len(OK) + 1):
        answer = answered(OK, most)
        assert (answer.status, answer.body, answer.rest) == (200, b"hello", b"")
        assert answer.headers == {"content-type": "text/plain", "content-length": "5"}


def test_an_answer_may_be_cut_in_two_anywhere():
    for cut in range(1, len(OK)):
        stream = Stream()
        stream.feed(OK[:cut])
        stream.feed(OK[cut:])
        assert Exchange(stream).run().answer.body == b"hello"


def test_an_empty_body():
    assert answered(b"HTTP/1.1 401 Unauthorized\r\ncontent-length:0\r\n\r\n").body == b""
    assert answered(b"HTTP/1.1 204 No Content\r\n\r\n").status == 204


def test_what_lies_behind_an_answer_is_kept():
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    for most in (1, 3, 100000):
        for behind in (b"", b"\x81\x02hi", b"\r\n\r\n" + bytes(range(200))):
            stream = Stream()
            stream.most = most
            stream.feed(head + behind)
            answer = Exchange(stream).run().answer
            left = bytearray(1000)
            rest = answer.rest
            while stream.waiting():
                n = stream.readinto(left)
                rest += bytes(left[:n])
            assert answer.status == 101 and answer.body == b"" and rest == behind
    assert answered(OK + b"MORE").rest == b"MORE"


def test_a_head_too_large_is_refused_after_little_more_than_the_bound():
    stream = Stream()
    stream.feed(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100000)
    exchange = Exchange(stream).run()
    assert exchange.error.reason == "http_garbage" and "2048" in exchange.error.detail
    assert stream.waiting() > 100000 + 22 - 2048 - 1100
    many = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"Content-Length: 0\r\n\r\n"
    assert reason_of(many) == "http_garbage"


def test_a_body_too_large_is_refused_before_it_is_read():
    stream = Stream()
    stream.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 8193\r\n\r\n" + b"x" * 8193)
    exchange = Exchange(stream).run()
    assert exchange.error.reason == "http_garbage"
    assert stream.waiting() > 7000
    assert len(answered(b"HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n" + b"x" * 8192).body) == 8192


def test_a_body_without_an_honest_length_is_refused():
    for header in (
        b"",
        b"Content-Length:\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ):
        assert reason_of(b"HTTP/1.1 200 OK\r\n" + header + b"\r\nhello") == "http_garbage", header


def test_garbage_is_no_answer():
    for head in (
        b"",
        b"garbage",
        b"HTTP/2 200 OK",
        b"HTTP/1.0 200 OK",
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 abc OK",
        b"HTTP/1.1 +20 OK",
        b"HTTP/1.1 -20 OK",
        b"HTTP/1.1 099 OK",
        b"SSH-2.0-OpenSSH_9.2",
        b"\xff\xfe\x00\x01",
        b"\x16\x03\x03\x00\x02",
        b"HTTP/1.1 200 OK\r\nno colon here",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\xc3: x",
    ):
        assert reason_of(head + b"\r\nContent-Length: 0\r\n\r\n") == "http_garbage", head


def test_line_ends_alone_are_no_head_for_ever():
    assert reason_of(b"\n" * 5000) == "http_garbage"


def test_the_peer_closing_is_a_lost_link_wherever_it_comes():
    for cut in range(len(OK)):
        stream = Stream()
        stream.feed(OK[:cut])
        stream.hang_up()
        assert Exchange(stream).run().error.reason == "link_lost", cut


def test_silence_is_a_time_out_of_the_whole_exchange():
    for data in (b"", OK[:10], OK[:-1]):
        stream = Stream()
        stream.feed(data)
        exchange = Exchange(stream, timeout_ms=700).run()
        assert exchange.error.reason == "timeout" and "relay:1" in exchange.error.detail
        assert 700 <= exchange.world.now < 720


def test_a_transport_that_takes_nothing_is_a_time_out():
    exchange = Exchange(Stream(room=10), timeout_ms=700).run()
    assert exchange.error.reason == "timeout" and exchange.stream.sent == b"GET /v1/li"
    assert 700 <= exchange.world.now < 720


async def drip(stream, data, every_ms):
    for byte in data:
        await clock.sleep_ms(every_ms)
        stream.feed(bytes((byte,)))


def test_a_drip_of_single_bytes_is_taken_within_the_time_and_no_longer():
    stream = Stream()
    exchange = Exchange(stream, timeout_ms=1000).run(drip(stream, OK, 10))
    assert exchange.answer.body == b"hello"
    stream = Stream()
    exchange = Exchange(stream, timeout_ms=1000).run(drip(stream, OK, 20))
    assert exchange.error.reason == "timeout" and exchange.world.now < 1020
