"""The board's end of a link for tests: callcore's framer and messages in the client's role, no socket."""

from array import array
from typing import Any

from callcore import framer, wire
from callcore.messages import FROM_BOARD, FROM_RELAY, decode, encode

KEY = b"\x11\x22\x33\x44"
HELLO = {
    "t": "hello",
    "v": 1,
    "firmware": "test",
    "board": "TEST",
    "codecs": ["PCMA", "PCMU"],
    "ptimes": [20, 40],
    "features": [],
}


class BoardEnd:
    """Says what a board says and understands what it hears.

    Attributes:
        texts: messages heard, in order.
        packets: media heard.
        close_code: of the relay's close frame, 0 before it.
    """

    def __init__(self) -> None:
        self._framer = framer.Framer(server=False)
        self.texts: list[dict[str, Any]] = []
        self.packets: list[bytes] = []
        self.pongs: list[bytes] = []
        self.close_code = 0

    def take(self, data: bytes) -> None:
        """Hear bytes of the relay."""
        off = 0
        while off < len(data):
            off += self._framer.feed(data, off, len(data) - off)
            while True:
                kind = self._framer.next()
                if kind == framer.NEED_MORE:
                    break
                self._frame(kind)

    def _frame(self, kind: int) -> None:
        assert not self.close_code, "nothing may follow a close frame"
        if kind == framer.TEXT:
            self.texts.append(decode(self._framer.payload(), FROM_RELAY))
        elif kind == framer.BINARY:
            self.packets.append(self._framer.payload())
        elif kind == framer.CLOSE:
            self.close_code = self._framer.close_code()
        elif kind == framer.PONG:
            self.pongs.append(self._framer.payload())

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """Give the messages of one name, in order."""
        return [message for message in self.texts if message["t"] == kind]

    def last(self, kind: str) -> dict[str, Any]:
        """Give the newest message of that name."""
        return self.heard(kind)[-1]


def frame(kind: int, payload: bytes) -> bytes:
    """Make one masked frame."""
    return framer.encode(kind, payload, KEY)


def text(message: dict[str, Any]) -> bytes:
    """Make the frame of one message."""
    return frame(framer.TEXT, encode(message, FROM_BOARD))


def packet(seq: int, ssrc: int, payload_type: int = 8, size: int = 160) -> bytes:
    """Make one RTP packet."""
    buf = bytearray(wire.RTP_HEADER_BYTES + size)
    wire.write_header(buf, 0, 0, payload_type, array("I", [seq & 0xFFFF, seq * 160 & 0xFFFFFFFF, ssrc]))
    return bytes(buf)


def media(seq: int, ssrc: int, payload_type: int = 8, size: int = 160) -> bytes:
    """Make the frame of one RTP packet."""
    return frame(framer.BINARY, packet(seq, ssrc, payload_type, size))
