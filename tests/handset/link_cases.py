"""Runs on a board: the link's queues, frames, heartbeat, ends and errors, on a stream that the test controls."""

import json

from board_link import WELCOME, answer_to, frames_of, open_link, relay_frame
from board_world import World

from callcore import framer
from callcore.errors import LinkError
from handset import link
from handset.link import MEDIA_FRAMES, PACKET_OFFSET, SIGNALS

RINGING = {"t": "ringing", "call": "c"}


class Running:
    """A link whose task runs in a world."""

    def __init__(self, rest=b""):
        self.world = World()
        self.messages = []
        self.packets = []
        self.stream, self.link = open_link(rest, self.messages.append, self._packet)
        self.task = self.world.create_task(self.link.run())

    def _packet(self, buf, off, n):
        self.packets.append(bytes(buf[off : off + n]))

    def hear(self, *frames):
        """Let frames arrive, and a moment pass; gives what the board sent in that time."""
        before = len(frames_of(self.stream.sent))
        for frame in frames:
            self.stream.feed(frame)
        self.world.run(50)
        return frames_of(self.stream.sent)[before:]

    def end(self):
        """The reason and sentence with which the task ended."""
        self.world.run(50)
        error = self.task.error
        assert isinstance(error, LinkError), error
        return error.reason, error.detail


def text_of(frame):
    assert frame[0] == framer.TEXT
    return json.loads(frame[1].decode())


# --- upgrade


def test_the_upgrade_asks_for_this_wire_with_the_token():
    world = World()
    sent, rest, error = answer_to(world, 101, b"\x81\x00")
    assert error is None and rest == b"\x81\x00"
    lines = sent.split(b"\r\n")
    assert lines[0] == b"GET /v1/link HTTP/1.1"
    for line in (
        b"Host: relay.example",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Protocol: tincall.v1",
        b"Authorization: Bearer the-token",
    ):
        assert line in lines, line


def test_each_upgrade_has_a_key_of_its_own():
    world = World()
    keys = []
    for _ in range(3):
        sent = answer_to(world, 101)[0]
        keys.append([line for line in sent.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key")][0])
    assert len(set(keys)) == 3


def test_a_refused_upgrade_is_a_refused_token():
    for status in (401, 403):
        error = answer_to(World(), status)[2]
        assert error.reason == "token_refused" and str(status) in error.detail
    for status in (404, 429, 503):
        error = answer_to(World(), status)[2]
        assert error.reason == "link_refused" and str(status) in error.detail


def test_a_server_that_does_not_prove_to_be_a_websocket_is_none():
    for wrong in ("Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "Sec-WebSocket-Protocol: chat", None):
        assert answer_to(World(), 101, wrong=wrong or "", leave_out=wrong is None)[2].reason == "http_garbage"


def test_no_error_of_the_upgrade_shows_the_token():
    for status in (401, 500):
        assert "the-token" not in answer_to(World(), status)[2].detail


# --- frames and masks


def queue_audio(line, number, size=172):
    """Queue a packet that can be told from the others."""
    buf = line.media_buffer()
    for i in range(size):
        buf[PACKET_OFFSET + i] = number
    line.send_media(size)


def test_every_frame_is_masked_with_a_fresh_key():
    keys = []
    for _ in range(2):
        stream, line = open_link()
        line.media_open(172)
        for n in range(300):
            if n % 3:
                queue_audio(line, n & 255)
            else:
                line.send(RINGING)
        keys.append([frame[2] for frame in frames_of(stream.sent)])
        assert len(keys[-1]) == 300
    # of 600 random keys of 32 bits two are alike once in 24,000 runs
    assert len(set(keys[0] + keys[1])) >= 599
    assert all(one != two for one, two in zip(keys[0][1:], keys[0]))  # noqa: B905 - MicroPython has no strict


def test_packets_of_every_size_arrive_as_they_were():
    stream, line = open_link()
    for size in (12, 13, 125, 126, 127, 172, 332, 1292, 2048):
        line.media_open(size)
        stream.sent = b""
        queue_audio(line, size & 255, size)
        assert [(kind, payload) for kind, payload, _ in frames_of(stream.sent)] == [
            (framer.BINARY, bytes([size & 255]) * size)
        ]


# --- queues


def test_five_frames_wait_and_the_oldest_makes_room_and_is_counted():
    stream, line = open_link(room=0)
    line.media_open(172)
    for n in range(20):
        queue_audio(line, n)
    # frame 0 was under way at once and is never dropped
    assert line.dropped == 20 - 1 - MEDIA_FRAMES
    stream.room = None
    line.flush()
    assert [payload[0] for _, payload, _ in frames_of(stream.sent)] == [0, 15, 16, 17, 18, 19]


def test_a_frame_under_way_is_finished_whatever_happens():
    for cut in range(1, 180):
        stream, line = open_link(room=cut)
        line.media_open(172)
        for n in range(9):
            queue_audio(line, n)
        line.media_close()
        assert line.dropped == (8 if cut < 180 else 7)
        line.media_open(172)
        queue_audio(line, 100)
        stream.room = None
        line.flush()
        assert [payload[0] for _, payload, _ in frames_of(stream.sent)] == [0, 100]


def test_signalling_overtakes_waiting_audio_at_every_byte_boundary():
    audio, signal = 180, len(framer.encode(framer.TEXT, b'{"t":"ringing","call":"c"}', b"1234"))
    for room in range(0, 3 * audio + 2 * signal + 1):
        stream, line = open_link(room=room)
        line.media_open(172)
        for n in range(3):
            queue_audio(line, n)
        line.send(RINGING)
        begun = min(3, room // audio + 1)  # a frame counts as begun when it was offered
        line.send(RINGING)
        stream.room = None
        line.flush()
        order = [-1 if kind == framer.TEXT else payload[0] for kind, payload, _ in frames_of(stream.sent)]
        want = [0, 1, 2]
        want[begun:begun] = [-1, -1]
        assert order == want, (room, order)
        assert line.dropped == 0


class Dice:
    """Numbers that look random and are the same in each run (a linear congruential generator)."""

    def __init__(self, seed):
        self._state = seed

    def roll(self, sides):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 12) % sides


def test_whatever_the_transport_takes_the_stream_is_whole_frames_in_order():
    for seed in range(60):
        dice = Dice(seed)
        stream, line = open_link(room=0)
        line.media_open(172)
        stream.most = 1 + dice.roll(200)
        signals = audio = 0
        for _ in range(150):
            what = dice.roll(4)
            if what == 0 and len(line._signals) < SIGNALS:
                line.send({"t": "ping", "id": signals})
                signals += 1
            elif what == 1:
                queue_audio(line, audio & 255)
                audio += 1
            else:
                stream.room += dice.roll(120)
                line.flush()
        assert line._error is None
        stream.room = None
        line.flush()
        frames = frames_of(stream.sent)
        ids = [text_of(frame)["id"] for frame in frames if frame[0] == framer.TEXT]
        assert ids == list(range(signals))
        numbers = [payload[0] for kind, payload, _ in frames if kind == framer.BINARY]
        assert len(numbers) + line.dropped == audio
        assert all(0 < (two - one) & 255 < 128 for one, two in zip(numbers, numbers[1:]))  # noqa: B905
        assert all(payload == bytes([payload[0]]) * 172 for kind, payload, _ in frames if kind == framer.BINARY)


def test_sixty_four_messages_wait_and_one_more_loses_the_link():
    running = Running()
    running.stream.room = 0
    running.world.run(20)
    for n in range(SIGNALS + 1):  # one of them is under way
        running.link.send({"t": "ping", "id": n})
    running.world.run(100)
    assert not running.task.done()
    running.link.send({"t": "ping", "id": 99})
    reason, sentence = running.end()
    assert reason == "link_lost" and "takes no more messages" in sentence


def test_the_first_reason_holds():
    running = Running()
    running.stream.room = 0
    for n in range(SIGNALS + 2):
        running.link.send({"t": "ping", "id": n})
    running.stream.broken = LinkError("link_lost", "something later")
    running.link.flush()
    assert "takes no more messages" in running.end()[1]


# --- the task


def test_messages_and_packets_are_handed_on():
    running = Running(relay_frame(WELCOME))
    assert running.hear(framer.encode(framer.BINARY, b"p" * 172), relay_frame(RINGING)) == []
    assert [message["t"] for message in running.messages] == ["welcome", "ringing"]
    assert running.packets == [b"p" * 172]


def test_frames_may_come_in_single_bytes_and_many_at_once():
    running = Running()
    running.stream.most = 1
    data = relay_frame(RINGING) + framer.encode(framer.BINARY, b"p" * 30) + relay_frame(RINGING)
    running.stream.feed(data)
    running.world.run(3000)
    assert len(running.messages) == 2 and running.packets == [b"p" * 30]
    running.stream.most = 100000
    running.stream.feed(data * 100)
    running.world.run(200)
    assert len(running.messages) == 202 and len(running.packets) == 101


def test_pings_of_either_kind_are_answered_alike():
    running = Running()
    assert running.hear(framer.encode(framer.PING, b"\x00\xffdata"))[0][:2] == (framer.PONG, b"\x00\xffdata")
    assert text_of(running.hear(relay_frame({"t": "ping", "id": 77}))[0]) == {"t": "pong", "id": 77}
    assert running.hear(relay_frame({"t": "pong", "id": 1}), framer.encode(framer.PONG, b"")) == []
    assert running.messages == []


def beats(running, for_ms, every_ms):
    """Times at which the board sent a ping, while the relay answers."""
    times = []
    seen = len(frames_of(running.stream.sent))
    for _ in range(for_ms // every_ms):
        running.world.run(every_ms)
        frames = frames_of(running.stream.sent)[seen:]
        seen += len(frames)
        for frame in frames:
            assert text_of(frame)["t"] == "ping"
            times.append(running.world.now)
            running.stream.feed(relay_frame({"t": "pong", "id": text_of(frame)["id"]}))
    return times


def test_a_heartbeat_goes_out_each_ten_seconds():
    running = Running()
    times = beats(running, 61000, 100)
    assert len(times) == 6 and not running.task.done()
    assert all(10000 <= two - one <= 10200 for one, two in zip(times, times[1:]))  # noqa: B905


def test_the_relay_may_ask_for_another_heartbeat():
    for heartbeat_ms in (1000, 30000, 60000):
        running = Running()
        running.link.heartbeat_ms = heartbeat_ms
        times = beats(running, heartbeat_ms * 5, 100)
        assert not running.task.done(), heartbeat_ms
        assert len(times) >= 4
        assert all(heartbeat_ms <= two - one <= heartbeat_ms + 200 for one, two in zip(times, times[1:]))  # noqa: B905


def test_silence_of_25_seconds_is_a_lost_link():
    running = Running()
    running.world.run(20000)
    running.hear(relay_frame({"t": "pong", "id": 1}))
    heard = running.world.now
    running.world.run(24900)
    assert not running.task.done()
    running.world.run(200)
    reason, sentence = running.end()
    assert reason == "link_lost" and "25 s" in sentence and running.world.now - heard < 25300


def test_every_close_code_has_its_reason():
    for code, reason in (
        (1000, "link_lost"),
        (1001, "relay_stopped"),
        (1002, "link_lost"),
        (1009, "protocol"),
        (1013, "link_lost"),
        (4401, "token_refused"),
        (4403, "revoked"),
        (4409, "superseded"),
        (4429, "flood"),
        (4999, "link_lost"),
    ):
        running = Running()
        said = running.hear(framer.encode(framer.CLOSE, framer.close_payload(code, "why")))
        assert running.end()[0] == reason, code
        if reason == "link_lost":
            assert str(code) in running.end()[1]
        # RFC 6455 section 5.5.1: the code is said back, and nothing more
        assert [frame[:2] for frame in said] == [(framer.CLOSE, framer.close_payload(code, "why"))]


def test_a_close_without_a_code():
    running = Running()
    assert [frame[:2] for frame in running.hear(framer.encode(framer.CLOSE, b""))] == [(framer.CLOSE, b"")]
    assert running.end()[0] == "link_lost"


def test_goodbye_is_said_once():
    running = Running()
    running.link.close()
    assert [frame[:2] for frame in frames_of(running.stream.sent)] == [(framer.CLOSE, framer.close_payload(1000, ""))]
    assert running.stream.closed == 1
    for ending in (framer.close_payload(4409, ""), None):
        running = Running()
        running.hear(framer.encode(framer.CLOSE, ending) if ending else b"\x83\x00")
        running.end()
        running.link.close()
        assert len([1 for frame in frames_of(running.stream.sent) if frame[0] == framer.CLOSE]) == 1


def test_a_close_that_comes_with_the_end_of_the_connection_still_gives_its_reason():
    running = Running()
    running.stream.feed(framer.encode(framer.CLOSE, framer.close_payload(4409, "")))
    running.stream.hang_up()
    assert running.end()[0] == "superseded"


def test_what_has_arrived_is_read_before_anything_is_written():
    # a relay that takes another board closes and is gone; a write would fail and take what was to be read with it
    running = Running()
    running.world.run(20)
    running.stream.room = 0
    running.link.send(RINGING)
    running.stream.feed(framer.encode(framer.CLOSE, framer.close_payload(4409, "")))
    running.stream.broken = LinkError("link_lost", "relay:1 dropped the connection")
    assert running.end()[0] == "superseded"


def test_the_connection_ending_is_a_lost_link():
    running = Running()
    running.stream.hang_up()
    assert running.end()[0] == "link_lost"


def test_an_error_while_somebody_else_flushes_is_told_by_run():
    running = Running()
    running.world.run(100)
    running.stream.broken = LinkError("tls_failed", "relay:1 spoke garbage")
    running.link.send(RINGING)  # raises nothing here
    assert not running.task.done()
    assert running.end() == ("tls_failed", "relay:1 spoke garbage")


# --- what a relay may not say


def test_bad_messages_are_answered_and_the_link_is_kept():
    for text, about in (
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"7", ""),
        (b'{"t":7}', ""),
        (b'{"t":"hello","v":1}', "hello"),
        (b'{"t":"' + b"x" * 4000 + b'"}', ""),
        (b'{"t":"no\\u0007such"}', ""),
        (b'{"t":"nosuch"}', "nosuch"),
        (b'{"t":"bye","call":"c","cause":0}', "bye"),
        (b'{"t":"bye","call":"' + b"\\u0001" * 60 + b'","cause":16}', "bye"),
        (b'{"t":"invite","call":"c"}', "invite"),
        (b'{"t":"ringing","call":"c","call":"d"}', ""),
    ):
        running = Running()
        said = running.hear(framer.encode(framer.TEXT, text), relay_frame(RINGING))
        assert not running.task.done(), (text, running.task.error)
        assert [message["t"] for message in running.messages] == ["ringing"]
        assert len(said) == 1, text
        message = text_of(said[0])
        assert message["t"] == "error" and message["about"] == about and message["reason"], (text, message)


def test_a_bad_error_is_not_answered():
    running = Running()
    assert running.hear(framer.encode(framer.TEXT, b'{"t":"error","about":7}')) == []
    assert not running.task.done()


def test_breaches_of_the_protocol_close_with_their_code():
    for data, code in (
        (framer.encode(framer.TEXT, b"{}", b"1234"), 1002),  # masked
        (b"\x01\x02{}", 1002),  # fragment
        (b"\x80\x00", 1002),  # continuation
        (b"\xc1\x02{}", 1002),  # reserved bit
        (b"\x83\x00", 1002),  # no such opcode
        (b"\x89\x7e\x00\x7e" + bytes(126), 1002),  # long ping
        (b"\x81\x7e\x00\x02{}", 1002),  # length in a longer form than it needs
        (framer.encode(framer.CLOSE, b"\x03"), 1002),
        (framer.encode(framer.CLOSE, b"\x03\xed"), 1002),  # 1005
        (framer.encode(framer.TEXT, b'{"t":"\xff"}'), 1007),
        (framer.encode(framer.TEXT, b'{"t":"\xed\xa0\x80"}'), 1007),
        (framer.encode(framer.TEXT, b"x" * 4097), 1009),
        (framer.encode(framer.BINARY, b"x" * 2049), 1009),
        (b"\x82\x7f" + bytes(8), 1009),
    ):
        running = Running()
        said = running.hear(relay_frame(RINGING), data, relay_frame(RINGING))
        assert running.end()[0] == "protocol", (data[:10], running.end())
        assert len(running.messages) == 1
        assert [frame[0] for frame in said] == [framer.CLOSE]
        assert (said[0][1][0] << 8 | said[0][1][1]) == code, data[:10]


def test_no_more_audio_waits_after_a_call():
    stream, line = open_link(room=0)
    line.media_open(172)
    assert line.poll_ms == link.MEDIA_POLL_MS
    for n in range(4):
        queue_audio(line, n)
    line.media_close()
    assert line.poll_ms == link.IDLE_POLL_MS and line.dropped == 3
    stream.room = None
    line.flush()
    assert len(frames_of(stream.sent)) == 1
    line.media_open(332)
    assert line.dropped == 0
