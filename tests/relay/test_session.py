"""One link: every way in which it lives, refuses, drops, and ends; whatever bytes come, it ends with a code or goes on."""

from typing import Any

import pytest
from support.board_end import HELLO, BoardEnd, frame, media, packet, text

from callcore import framer
from callcore.errors import MessageError
from tincall.relay import session as sessions
from tincall.relay.limits import Limits
from tincall.relay.session import CLOSED, CONNECTED, NEXT, READY, Session

SSRC = 0xDEADBEEF
WELCOME = {
    "t": "welcome",
    "v": 1,
    "now": 1_790_000_000,
    "heartbeat_ms": 10_000,
    "contacts": [],
    "settings": {"ring_ms": 60_000},
    "features": [],
}


class Link:
    """A session, its owner, and the board at its far end."""

    def __init__(self, **limits: int) -> None:
        self.board = BoardEnd()
        self.now_ms = 0
        self.shut = 0
        self.messages: list[dict[str, Any]] = []
        self.ends = 0
        self.stalled = False
        self.written = 0
        self.session = Session(self._write, self._shut, Limits(**limits), 0)
        self.session.owner = self

    def _write(self, data: bytes) -> None:
        self.written += len(data)
        self.board.take(data)

    def _shut(self) -> None:
        self.shut += 1

    def hello(self, message: dict[str, Any]) -> dict[str, Any]:
        return WELCOME

    def heard(self, message: dict[str, Any], now_ms: int) -> None:
        if message.get("call") == "wrong":
            raise MessageError("there is no such call", kind=message["t"])
        self.messages.append(message)

    def gone(self, now_ms: int) -> None:
        self.ends += 1

    def say(self, *frames: bytes, after_ms: int = 0) -> None:
        self.now_ms += after_ms
        self.session.receive(b"".join(frames), self.now_ms)

    def tick_until(self, now_ms: int) -> None:
        while (wake := self.session.next_wake_ms()) is not None and wake <= now_ms:
            self.session.tick(wake)
        self.now_ms = now_ms


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def ready() -> Link:
    link = Link()
    link.say(text(HELLO))
    return link


def in_call(link: Link) -> list[bytes]:
    got: list[bytes] = []
    link.session.expect(got.append, 8, SSRC)
    return got


def test_hello_is_welcomed_once(link: Link) -> None:
    assert link.session.state is CONNECTED
    link.say(text(HELLO))
    assert link.session.state is READY
    assert link.board.texts == [WELCOME]
    link.say(text(HELLO))
    assert link.board.last("error")["about"] == "hello"
    assert link.session.state is READY


def test_nothing_is_understood_before_hello(link: Link) -> None:
    link.say(text({"t": "ringing", "call": "c"}))
    assert link.messages == []
    assert link.board.last("error") == {"t": "error", "about": "ringing", "reason": "say hello first"}


def test_messages_reach_the_owner_however_the_bytes_are_cut(ready: Link) -> None:
    data = text({"t": "ringing", "call": "a"}) + media(1, SSRC) + text({"t": "bye", "call": "b", "cause": 16})
    got = in_call(ready)
    for i in range(len(data)):
        ready.say(data[i : i + 1])
    assert [message["t"] for message in ready.messages] == ["ringing", "bye"]
    assert got == [packet(1, SSRC)]


def test_more_than_the_framers_buffer_at_once_is_taken(ready: Link) -> None:
    got = in_call(ready)
    ready.say(*(media(i, SSRC, size=2000) for i in range(50)))
    assert len(got) == 50


def test_ping_is_answered_at_both_levels(ready: Link) -> None:
    ready.say(text({"t": "ping", "id": 7}), frame(framer.PING, b"abc"), frame(framer.PONG, b"unasked"))
    assert ready.board.last("pong") == {"t": "pong", "id": 7}
    assert ready.board.pongs == [b"abc"]


def test_a_bad_message_is_answered_and_the_link_stays(ready: Link) -> None:
    ready.say(
        frame(framer.TEXT, b'{"t":"dance"}'), frame(framer.TEXT, b"{"), text({"t": "bye", "call": "x", "cause": 1})
    )
    assert [error["about"] for error in ready.board.heard("error")] == ["dance", ""]
    assert len(ready.messages) == 1 and ready.session.state is READY


def test_what_the_owner_does_not_accept_is_answered(ready: Link) -> None:
    ready.say(text({"t": "ringing", "call": "wrong"}))
    assert ready.board.last("error")["reason"] == "there is no such call"


def test_errors_are_never_answered_with_errors(ready: Link) -> None:
    ready.say(text({"t": "error", "about": "x", "reason": "y"}), frame(framer.TEXT, b'{"t":"error"}'))
    assert ready.board.heard("error") == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (framer.encode(framer.TEXT, b"{}"), 1002),
        (b"\x83\x80\x00\x00\x00\x00", 1002),
        (b"\xc1\x80\x00\x00\x00\x00", 1002),
        (b"\x01\x80\x00\x00\x00\x00", 1002),
        (b"\x82\xfe\x00\x05", 1002),
        (frame(framer.TEXT, b"\xff\xfe"), 1007),
        (b"\x82\xfe\x08\x01\x00\x00\x00\x00", 1009),
        (b"\x81\xfe\x10\x01\x00\x00\x00\x00", 1009),
        (b"\x82\xff\x00\x00\x00\x00\x00\x00\x08\x00", 1009),
        (frame(framer.CLOSE, b"\x03"), 1002),
        (frame(framer.CLOSE, b"\x03\xec"), 1002),
    ],
)
def test_broken_framing_ends_the_link_with_its_code(ready: Link, data: bytes, code: int) -> None:
    ready.say(data, text({"t": "ping", "id": 1}))
    assert ready.session.state is CLOSED
    assert ready.board.close_code == code == ready.session.close_code
    assert ready.shut == 1 and ready.board.heard("pong") == []


@pytest.mark.parametrize(("payload", "code"), [(b"", 1000), (b"\x03\xe9bye", 1001), (b"\x0f\xa0", 4000)])
def test_the_boards_close_is_answered_in_kind(ready: Link, payload: bytes, code: int) -> None:
    ready.say(frame(framer.CLOSE, payload))
    assert ready.board.close_code == code and ready.shut == 1


def test_nothing_is_written_or_read_after_the_end(ready: Link) -> None:
    got = in_call(ready)
    ready.session.close(sessions.CLOSE_REVOKED, "revoked")
    ready.session.close(sessions.CLOSE_FLOOD, "again")
    written = ready.written
    ready.say(media(1, SSRC), text({"t": "ping", "id": 1}))
    assert not ready.session.send_message({"t": "pong", "id": 1})
    assert not ready.session.send_media(packet(1, SSRC))
    assert (ready.board.close_code, ready.shut, ready.written, got) == (4403, 1, written, [])
    assert ready.session.next_wake_ms() is None


def test_the_owner_hears_of_the_end_from_the_shell_only(ready: Link) -> None:
    ready.session.close(1001, "the relay stops")
    assert ready.ends == 0
    ready.session.gone(5)
    assert ready.ends == 1 and ready.session.close_code == 1001


def test_a_connection_that_just_breaks_is_told_so(ready: Link) -> None:
    ready.session.gone(5)
    assert (ready.ends, ready.session.state, ready.session.close_code) == (1, CLOSED, 1006)


def test_media_goes_to_the_sink_and_what_belongs_to_no_call_is_counted(ready: Link) -> None:
    ready.say(media(1, SSRC))
    got = in_call(ready)
    ready.say(
        media(1, SSRC),
        media(2, SSRC + 1),
        media(3, SSRC, payload_type=0),
        frame(framer.BINARY, b""),
        frame(framer.BINARY, packet(4, SSRC)[:11]),
        frame(framer.BINARY, b"\x90" + packet(5, SSRC)[1:]),
        frame(framer.BINARY, b"\x00" + packet(5, SSRC)[1:]),
        media(6, SSRC),
    )
    assert got == [packet(1, SSRC), packet(6, SSRC)]
    assert (ready.session.media_in, ready.session.media_bad) == (2, 7)
    ready.session.expect(None)
    ready.say(media(7, SSRC))
    assert len(got) == 2


def test_comfort_noise_belongs_to_a_call_that_has_agreed_on_it(ready: Link) -> None:
    got: list[bytes] = []
    for cn in (False, True):
        ready.session.expect(got.append, 8, SSRC, cn)
        ready.say(media(1, SSRC, payload_type=13), media(2, SSRC))
    assert got == [packet(2, SSRC), packet(1, SSRC, payload_type=13), packet(2, SSRC)]


def test_a_marker_does_not_hide_the_payload_type(ready: Link) -> None:
    got = in_call(ready)
    marked = bytearray(packet(1, SSRC))
    marked[1] |= 0x80
    ready.say(frame(framer.BINARY, bytes(marked)))
    assert got == [bytes(marked)]


@pytest.mark.parametrize("size", [0, 1, 113, 114, 160, 2036])
def test_media_of_every_size_arrives_as_one_message(ready: Link, size: int) -> None:
    assert ready.session.send_media(packet(9, 1, size=size))
    assert ready.board.packets == [packet(9, 1, size=size)]


def test_media_that_is_too_large_is_dropped(ready: Link) -> None:
    assert not ready.session.send_media(bytes(2049))
    assert ready.session.media_dropped == 1


def test_no_media_before_welcome(link: Link) -> None:
    assert not link.session.send_media(packet(1, 1))


def test_a_board_ten_times_too_fast_is_cut_within_two_seconds(ready: Link) -> None:
    in_call(ready)
    for i in range(1500):
        ready.say(media(i, SSRC), after_ms=(i % 3 != 0) * 2)
        if ready.session.state is CLOSED:
            break
    assert ready.board.close_code == 4429
    assert ready.now_ms < 2000


def test_bad_media_counts_for_the_flood_too(ready: Link) -> None:
    for i in range(400):
        ready.say(media(i, 1))
    assert ready.board.close_code == 4429


def test_a_board_in_step_is_never_cut(ready: Link) -> None:
    got = in_call(ready)
    for i in range(50 * 300):
        ready.say(media(i, SSRC), after_ms=20)
        if i % 50 == 0:
            ready.session.tick(ready.now_ms)
    assert len(got) == 50 * 300


def test_a_flood_of_messages_is_cut(ready: Link) -> None:
    for i in range(200):
        ready.say(text({"t": "ping", "id": i}))
    assert ready.board.close_code == 4429


def test_a_flood_of_nonsense_is_cut_sooner(ready: Link) -> None:
    for _ in range(40):
        ready.say(frame(framer.TEXT, b"[]"), after_ms=200)
        if ready.session.state is CLOSED:
            break
    assert ready.board.close_code == 4429


def test_a_board_that_does_nothing_but_complain_is_cut(ready: Link) -> None:
    for _ in range(40):
        ready.say(text({"t": "error", "about": "x", "reason": "y"}), after_ms=200)
        if ready.session.state is CLOSED:
            break
    assert ready.board.close_code == 4429


def test_silence_ends_the_link(ready: Link) -> None:
    ready.tick_until(24_000)
    assert ready.session.state is READY
    ready.tick_until(26_000)
    assert ready.session.state is CLOSED


def test_a_heartbeat_keeps_the_link(ready: Link) -> None:
    for i in range(20):
        ready.tick_until((i + 1) * 10_000)
        ready.say(text({"t": "ping", "id": i}))
    assert ready.session.state is READY


def test_a_link_without_hello_ends(link: Link) -> None:
    for i in range(20):
        link.tick_until(i * 1000)
        link.say(frame(framer.PING, b""))
    assert link.board.close_code == 1002


def test_a_far_end_that_does_not_read_gets_no_media_and_its_messages_later(ready: Link) -> None:
    ready.session.pause(0)
    assert not ready.session.send_media(packet(1, 1))
    assert all(ready.session.send_message({"t": "pong", "id": i}) for i in range(64))
    assert ready.board.packets == [] and ready.board.heard("pong") == []
    ready.session.resume()
    assert [message["id"] for message in ready.board.heard("pong")] == list(range(64))
    assert ready.session.send_media(packet(2, 1))
    assert (ready.session.media_out, ready.session.media_dropped) == (1, 1)


def test_messages_that_wait_keep_their_order_when_the_far_end_stops_again(ready: Link) -> None:
    ready.session.pause(0)
    for i in range(3):
        ready.session.send_message({"t": "pong", "id": i})
    take = ready._write

    def stop_after_one(data: bytes) -> None:
        take(data)
        ready.session.pause(0)

    ready.session._write = stop_after_one
    ready.session.resume()
    assert len(ready.board.heard("pong")) == 1
    ready.session._write = take
    ready.session.send_message({"t": "pong", "id": 3})
    ready.session.resume()
    assert [message["id"] for message in ready.board.heard("pong")] == [0, 1, 2, 3]


def test_a_full_signalling_queue_ends_the_link(ready: Link) -> None:
    ready.session.pause(0)
    for i in range(64):
        assert ready.session.send_message({"t": "pong", "id": i})
    assert not ready.session.send_message({"t": "pong", "id": 64})
    assert ready.board.close_code == 1013 and ready.shut == 1


def test_a_far_end_that_never_reads_again_ends_the_link(ready: Link) -> None:
    ready.session.pause(0)
    for i in range(12):
        ready.tick_until((i + 1) * 1000)
        ready.say(text({"t": "pong", "id": 0}))
    assert ready.board.close_code == 1013


def test_the_table_has_every_state_and_ends() -> None:
    assert set(NEXT) == {CONNECTED, READY, CLOSED}
    assert NEXT[CLOSED] == {}
    assert all(target in NEXT for events in NEXT.values() for target in events.values())
