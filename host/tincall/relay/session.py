"""One device link without I/O: bytes and times in, bytes out through the `write` it was given, messages up, media across.

Rules of this file:

- It knows frames, messages of the link itself (`hello welcome ping pong error`) and rates. What a call is, its owner knows.
- The table `NEXT` holds its whole life. After CLOSED nothing is written and nothing read.
- Media is perishable: to a far end that does not read it is dropped and counted. Signalling is not: it waits in a queue of
  `Limits.signalling_queue`, and a full queue ends the link (1013).
- A bad message is answered with `error` and the link stays; too many of them, of messages, or of packets end it (4429).
- Per packet there are integers, one copy and one call. Whoever adds a log line, an object or an await to `_packet` or
  `send_media` takes calls away from every core that runs this.
- Nothing is told to the owner from inside `close`, `send_message` or `send_media`, so that all three may be called from
  anywhere. The shell calls `gone` from its loop soon after `shut` was called, and the owner hears of the end there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from callcore.compat import ticks_add, ticks_diff
from callcore.errors import MessageError, WireError
from callcore.framer import (
    BINARY,
    CLOSE,
    CLOSE_NORMAL,
    CLOSE_PROTOCOL,
    MAX_BINARY_BYTES,
    MAX_HEADER_BYTES,
    NEED_MORE,
    NO_CLOSE_CODE,
    PING,
    PONG,
    TEXT,
    Framer,
    close_payload,
    encode,
    write_header,
)
from callcore.messages import FROM_BOARD, FROM_RELAY, refusal
from callcore.messages import decode as decode_message
from callcore.messages import encode as encode_message
from callcore.wire import NOISE_TYPE, check
from tincall import logs
from tincall.leg import Sink
from tincall.relay.limits import Bucket, Limits
from tincall.relay.traffic import NOTHING

CONNECTED = "CONNECTED"  # upgraded, nobody has said hello
READY = "READY"  # welcomed: calls may be made
CLOSED = "CLOSED"  # our close frame is out, or the connection is gone

# state: {event: next state}; an event that a state does not list changes nothing
NEXT = {
    CONNECTED: {"hello": READY, "close": CLOSED},
    READY: {"close": CLOSED},
    CLOSED: {},
}

# close codes of docs/protocol.md beside those of the framer (RFC 6455 section 7.4)
CLOSE_GOING_AWAY = 1001
CLOSE_TRY_AGAIN = 1013
CLOSE_VERIFY = 4401
CLOSE_REVOKED = 4403
CLOSE_SUPERSEDED = 4409
CLOSE_FLOOD = 4429

TICK_MS = 1_000  # how late a silence may be noticed


def _binary_header(length: int) -> bytes:
    head = bytearray(MAX_HEADER_BYTES)
    return bytes(head[: write_header(head, 0, BINARY, length, False)])


# headers of all packets there can be: 2,049 small objects once, instead of one made per packet
HEADERS = tuple(_binary_header(length) for length in range(MAX_BINARY_BYTES + 1))


class Owner(Protocol):
    """Who has the link: the board's line."""

    def hello(self, message: dict[str, Any]) -> dict[str, Any]:
        """Hear the board's `hello`; gives the `welcome` to answer with."""
        ...

    def heard(self, message: dict[str, Any], now_ms: int) -> None:
        """Hear a message about calls; a MessageError raised here is answered to the board."""
        ...

    def gone(self, now_ms: int) -> None:
        """Hear that the link is over; told once, from the shell's loop."""
        ...


class Session:
    """The relay's side of one device link.

    Args:
        write: sends bytes; never blocks, never raises.
        shut: asks the shell to call `gone` soon and to end the connection once what was written is out.
        limits: rates and times.
        now_ms: time of the ring of 2^30 ms.

    Attributes:
        owner: who hears messages and the end; set before the first `receive`.
        state: CONNECTED, READY or CLOSED.
        close_code: of the end, ours or the far end's; 0 while open, 1006 when the connection just broke.
        is_answered: the far end has said its close, so both have once the state is CLOSED.
        media_in: packets given to the sink.
        media_bad: packets that were none, or belong to no call.
        media_out: packets written.
        media_dropped: packets not written, since the far end does not read or the link is over.
        traffic: gives what the connection under it has carried from and to the board, in bytes; set by the connection.
    """

    owner: Owner

    def __init__(self, write: Callable[[bytes], None], shut: Callable[[], None], limits: Limits, now_ms: int) -> None:
        self.state = CONNECTED
        self.close_code = 0
        self.is_answered = False
        self.media_in = self.media_bad = self.media_out = self.media_dropped = 0
        self._write = write
        self._shut = shut
        self._limits = limits
        self._framer = Framer(server=True)
        self._sink: Sink | None = None
        self._payload_types: tuple[int, ...] = ()
        self._ssrc = bytearray(4)
        self._media_rate = Bucket(limits.media_per_s, limits.media_burst, now_ms)
        self._message_rate = Bucket(limits.messages_per_s, limits.message_burst, now_ms)
        self._error_rate = Bucket(1, limits.error_burst, now_ms)
        self._waiting: deque[bytes] = deque()
        self._is_paused = False
        self._paused_ms: int | None = None
        self._heard_ms = self._opened_ms = self._ticked_ms = now_ms
        self.traffic: Callable[[], tuple[int, int]] = lambda: NOTHING
        self._log = logs.get("relay.session")

    @property
    def heartbeat_ms(self) -> int:
        """How often the board shall ping, for `welcome`."""
        return self._limits.heartbeat_ms

    # -- in ----------------------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take bytes of the stream; whatever they are, at worst the link ends with a code.

        Args:
            data: any number of bytes, cut anywhere.
            now_ms: time of the ring of 2^30 ms.
        """
        self._heard_ms = now_ms
        framer = self._framer
        left = len(data)
        off = 0
        try:
            while left and self.state is not CLOSED:
                taken = framer.feed(data, off, left)
                off += taken
                left -= taken
                while self.state is not CLOSED:
                    kind = framer.next()
                    if kind == BINARY:
                        self._packet(framer, now_ms)
                    elif kind == NEED_MORE:
                        break
                    else:
                        self._other(kind, framer, now_ms)
        except WireError as error:
            self.close(error.code, error.detail)

    def _packet(self, framer: Framer, now_ms: int) -> None:
        rate = self._media_rate
        rate.left -= 1
        if rate.left < 0 and not rate.refill(now_ms):
            self.close(CLOSE_FLOOD, "more media than a call has")
            return
        start = framer.start
        buf = framer.buf
        if (
            self._sink is None
            or check(buf, start, framer.length)
            or buf[start + 1] & 0x7F not in self._payload_types
            or buf[start + 8 : start + 12] != self._ssrc
        ):
            self.media_bad += 1
            return
        self.media_in += 1
        self._sink(framer.payload())

    def _other(self, kind: int, framer: Framer, now_ms: int) -> None:
        if not self._message_rate.take(now_ms):
            self.close(CLOSE_FLOOD, "more messages than a call has")
        elif kind == TEXT:
            framer.text()  # for its 1007; what is UTF-8 and no message is answered, not closed
            self._message(framer.payload(), now_ms)
        elif kind == PING:
            self._put(encode(PONG, framer.payload()))
        elif kind == CLOSE:
            code = framer.close_code()
            self.is_answered = True
            self.close(CLOSE_NORMAL if code == NO_CLOSE_CODE else code, "")

    def _message(self, data: bytes, now_ms: int) -> None:
        try:
            self._understand(decode_message(data, FROM_BOARD), now_ms)
        except MessageError as error:
            answer = refusal(error)
            if self._is_patient(now_ms) and answer is not None:
                self.send_message(answer)

    def _is_patient(self, now_ms: int) -> bool:
        """Count a misunderstanding, theirs or ours; False: there were too many, and the link ends."""
        if self._error_rate.take(now_ms):
            return True
        self.close(CLOSE_FLOOD, "nothing but misunderstandings")
        return False

    def _understand(self, message: dict[str, Any], now_ms: int) -> None:
        kind = message["t"]
        if kind == "ping":
            self.send_message({"t": "pong", "id": message["id"]})
        elif kind == "hello":
            if "hello" not in NEXT[self.state]:
                raise MessageError("hello was said already", kind=kind)
            welcome = self.owner.hello(message)
            self.state = NEXT[self.state]["hello"]
            self.send_message(welcome)
        elif kind == "error":
            if self._is_patient(now_ms):
                self._log.info("the board did not understand", about=message["about"], reason=message["reason"])
        elif kind != "pong":
            if self.state is not READY:
                raise MessageError("say hello first", kind=kind)
            self.owner.heard(message, now_ms)

    # -- out ---------------------------------------------------------------------------------------------------------

    def send_message(self, message: dict[str, Any]) -> bool:
        """Send one message, now or when the far end reads again.

        Args:
            message: `t` and its fields, as `callcore.messages` has them.

        Returns:
            Whether the link took it; False: it is over, or ends now because too much was waiting.

        Raises:
            LocalError: it is no message of ours.
        """
        return self._put(encode(TEXT, encode_message(message, FROM_RELAY)))

    def _put(self, frame: bytes) -> bool:
        if self.state is CLOSED:
            return False
        if not self._is_paused:
            self._write(frame)
            return True
        if len(self._waiting) >= self._limits.signalling_queue:
            self.close(CLOSE_TRY_AGAIN, "the link does not read its messages")
            return False
        self._waiting.append(frame)
        return True

    def send_media(self, packet: bytes) -> bool:
        """Send one RTP packet now, or drop and count it.

        Args:
            packet: at most 2,048 bytes; borrowed for the duration of this call.

        Returns:
            Whether it was written.
        """
        if self._is_paused or self.state is not READY or len(packet) > MAX_BINARY_BYTES:
            self.media_dropped += 1
            return False
        self._write(HEADERS[len(packet)] + packet)
        self.media_out += 1
        return True

    def expect(self, sink: Sink | None, payload_type: int = 0, ssrc: int = 0, cn: bool = False) -> None:
        """Say which packets belong to the call that the board is in, and who gets them.

        Args:
            sink: gets each packet; None: there is no call.
            payload_type: of the call's codec, 0 to 127.
            ssrc: what the board writes, 0 to 2^32 - 1.
            cn: whether comfort noise belongs to the call too.
        """
        self._sink = sink
        self._payload_types = (payload_type, NOISE_TYPE) if cn else (payload_type,)
        self._ssrc = bytearray(ssrc.to_bytes(4, "big"))

    def forget(self, sink: Sink) -> None:
        """Give packets to nobody, if it is `sink` that gets them; a later call's sink stays."""
        if self._sink == sink:
            self._sink = None

    def counters(self) -> dict[str, int]:
        """Give the packets so far, for logs and operators."""
        names = ("media_in", "media_bad", "media_out", "media_dropped")
        return {name: getattr(self, name) for name in names}

    # -- the shell's side --------------------------------------------------------------------------------------------

    def pause(self, now_ms: int) -> None:
        """Hear that the far end does not read: from here media is dropped and messages wait."""
        self._is_paused = True
        self._paused_ms = now_ms

    def resume(self) -> None:
        """Hear that the far end reads again: what waited is sent."""
        self._is_paused = False
        self._paused_ms = None
        while self._waiting and not self._is_paused:
            self._write(self._waiting.popleft())

    def close(self, code: int, reason: str) -> None:
        """End the link; after the first time it does nothing.

        Args:
            code: close code (RFC 6455 section 7.4, docs/protocol.md).
            reason: one sentence for the far end's log.
        """
        if "close" not in NEXT[self.state]:
            return
        self.state = NEXT[self.state]["close"]
        self.close_code = code
        self._waiting.clear()
        self._write(encode(CLOSE, close_payload(code, reason)))
        self._shut()

    def gone(self, now_ms: int) -> None:
        """Hear from the shell's loop that the link is over, by `close` or because the connection broke; once."""
        if self.state is not CLOSED:
            self.state = CLOSED
            self.close_code = 1006  # RFC 6455 section 7.4.1: told to the application, never sent
        self._sink = None
        self._waiting.clear()
        self._shut = _is_shut  # a circle with the connection would keep both until Python looks for circles
        self.owner.gone(now_ms)

    def tick(self, now_ms: int) -> None:
        """Judge the time: no hello, silence, or a far end that does not read."""
        self._ticked_ms = now_ms
        self._media_rate.settle(now_ms)
        self._message_rate.settle(now_ms)
        self._error_rate.settle(now_ms)
        limits = self._limits
        if ticks_diff(now_ms, self._heard_ms) >= limits.silence_ms:
            self.close(CLOSE_GOING_AWAY, "nothing was heard for too long")
        elif self.state is CONNECTED and ticks_diff(now_ms, self._opened_ms) >= limits.hello_ms:
            self.close(CLOSE_PROTOCOL, "nobody said hello")
        elif self._paused_ms is not None and ticks_diff(now_ms, self._paused_ms) >= limits.stalled_ms:
            self.close(CLOSE_TRY_AGAIN, "the link does not read")

    def next_wake_ms(self) -> int | None:
        """Say when `tick` is wanted, in the ring of 2^30 ms; None: never again."""
        return None if self.state is CLOSED else ticks_add(self._ticked_ms, TICK_MS)


def _is_shut() -> None:
    pass
