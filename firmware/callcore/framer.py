"""WebSocket framing without I/O (RFC 6455 section 5): a byte stream in, frames out, in one fixed buffer that never grows.

Rules of this file: it knows frames, not messages; it never waits and never sends. A frame's payload is borrowed: it lies in
`buf` from `start` on and holds until the next `next()` or `feed()`. A message is exactly one frame on this wire
(docs/protocol.md), so fragments are refused like reserved bits. After an error the framer must not be used again.
"""

from callcore.compat import MICROPYTHON, const
from callcore.errors import LocalError, WireError
from callcore.mask import mask, move

NEED_MORE = const(0)
TEXT = const(1)
BINARY = const(2)
CLOSE = const(8)
PING = const(9)
PONG = const(10)

MAX_TEXT_BYTES = const(4096)  # a signalling message, docs/protocol.md
MAX_BINARY_BYTES = const(2048)  # a media packet, docs/protocol.md
MAX_CONTROL_BYTES = const(125)  # RFC 6455 section 5.5
MAX_HEADER_BYTES = const(8)  # 2, 2 of extended length, 4 of masking key: nothing on this wire needs 8 of length
READ_AHEAD_BYTES = const(1024)  # what may lie behind a whole frame: two media packets and a message of usual size

CLOSE_NORMAL = const(1000)
CLOSE_PROTOCOL = const(1002)
CLOSE_NOT_UTF8 = const(1007)
CLOSE_TOO_BIG = const(1009)
NO_CLOSE_CODE = const(1005)  # RFC 6455 section 7.4.1: told to the application, never sent


class Framer:
    """One direction of one link: bytes to frames.

    Args:
        server: true on the relay, where frames must arrive masked; false on the board, where they must not.
        max_text_bytes: longest text payload taken, 125 to 65535.
        max_binary_bytes: longest binary payload taken, 125 to 65535.

    Attributes:
        buf: the buffer in which `start` and `length` are.
        start: offset of the payload of the frame that `next()` found, in bytes.
        length: its length in bytes.
    """

    def __init__(
        self, server: bool, max_text_bytes: int = MAX_TEXT_BYTES, max_binary_bytes: int = MAX_BINARY_BYTES
    ) -> None:
        self._server = server
        self._max_text_bytes = max_text_bytes
        self._max_binary_bytes = max_binary_bytes
        self._capacity = max(max_text_bytes, max_binary_bytes) + MAX_HEADER_BYTES + READ_AHEAD_BYTES
        self.buf = bytearray(self._capacity)
        self.start = 0
        self.length = 0
        self._head = 0  # first byte not yet given out
        self._tail = 0  # first free byte

    def feed(self, data: "bytes | bytearray | memoryview", off: int, n: int) -> int:
        """Take bytes of the stream; allocates nothing on the board.

        Args:
            data: a buffer; `n` bytes from `off` on are new.
            off: where the new bytes start.
            n: how many there are.

        Returns:
            How many were taken: all, or as many as fit. Call `next()` until NEED_MORE, then feed the rest; then at
            least one byte is always taken.
        """
        room = self._capacity - self._tail
        if n > room and self._head:
            move(self.buf, 0, self.buf, self._head, self._tail - self._head)
            self._tail -= self._head
            self._head = 0
            room = self._capacity - self._tail
        if n > room:
            n = room
        move(self.buf, self._tail, data, off, n)
        self._tail += n
        return n

    def next(self) -> int:
        """Find the next whole frame, unmasked, and point `start` and `length` at its payload; allocates nothing.

        Returns:
            TEXT, BINARY, CLOSE, PING, PONG, or NEED_MORE.

        Raises:
            WireError: the peer broke RFC 6455 or a limit; `.code` is the close code to answer with.
        """
        head = self._head
        have = self._tail - head
        if have < 2:
            if not have:
                self._head = self._tail = 0
            return NEED_MORE
        buf = self.buf
        first = buf[head]
        second = buf[head + 1]
        kind = first & 0x0F
        length = second & 0x7F
        if first & 0xF0 != 0x80 or second >> 7 != self._server or (kind >= CLOSE and length > MAX_CONTROL_BYTES):
            self._refuse(first, second)
        limit = self._limit(kind)
        at = head + 2
        if length == 126:
            if have < 4:
                return NEED_MORE
            length = (buf[head + 2] << 8) | buf[head + 3]
            if length < 126:
                raise WireError("a frame of %d bytes announced with a 16-bit length" % length)
            at = head + 4
        if length > limit or second & 0x7F == 127:
            raise WireError("a frame longer than %d bytes" % limit, CLOSE_TOO_BIG)
        if self._server:
            at += 4
        if self._tail - at < length:
            return NEED_MORE
        if self._server:
            mask(buf, at, length, buf, at - 4)
        self.start = at
        self.length = length
        self._head = at + length
        return kind

    def _limit(self, kind: int) -> int:
        """Give the longest payload of an opcode; raises WireError for opcodes that do not exist."""
        if kind == BINARY:
            return self._max_binary_bytes
        if kind == TEXT:
            return self._max_text_bytes
        if kind == CLOSE or kind == PING or kind == PONG:
            return MAX_CONTROL_BYTES
        if kind == 0:
            raise WireError("a continuation frame; a message is one frame here")
        raise WireError("opcode %d does not exist" % kind)

    def _refuse(self, first: int, second: int) -> None:
        """Say what is wrong with the two first bytes of a frame, as WireError."""
        if first & 0x70:
            raise WireError("reserved bits set without an extension")
        if not first & 0x80:
            raise WireError("a fragmented message; a message is one frame here")
        if second >> 7 != self._server:
            raise WireError("a frame that is not masked" if self._server else "a masked frame from the relay")
        raise WireError("a control frame longer than %d bytes" % MAX_CONTROL_BYTES)

    def payload(self) -> bytes:
        """Copy the payload of the frame just found."""
        return bytes(self.buf[self.start : self.start + self.length])

    def text(self) -> str:
        """Decode the payload of the text frame just found.

        Raises:
            WireError: not UTF-8 (close code 1007).
        """
        return _utf8(self.payload())

    def close_code(self) -> int:
        """Read the code of the close frame just found; 1005 when it carries none.

        Raises:
            WireError: a code or a reason that RFC 6455 section 7.4 does not allow.
        """
        if self.length == 0:
            return NO_CLOSE_CODE
        if self.length == 1:
            raise WireError("a close frame with half a code")
        code = (self.buf[self.start] << 8) | self.buf[self.start + 1]
        if code < 1000 or code > 4999 or code in (1004, 1005, 1006) or 1015 <= code < 3000:
            raise WireError("close code %d does not exist" % code)
        _utf8(self.payload()[2:])
        return code


def _utf8(data: bytes) -> str:
    """Decode, or raise WireError with close code 1007 (RFC 6455 section 8.1)."""
    try:
        text = data.decode()
    except UnicodeError:
        raise WireError("text that is not UTF-8", CLOSE_NOT_UTF8)
    if MICROPYTHON and _is_lax(data):
        raise WireError("text that is not UTF-8", CLOSE_NOT_UTF8)
    return text


def _is_lax(data: bytes) -> bool:
    """Tell whether bytes that MicroPython decodes are no UTF-8 for RFC 3629: it lets overlong forms, surrogates and all
    beyond U+10FFFF pass, which show in the first two bytes of a character."""
    for i in range(len(data)):
        first = data[i]
        if first < 0xC2:
            if first >= 0xC0:
                return True
            continue
        second = data[i + 1]
        if first == 0xE0 or first == 0xF0:
            if second < (0xA0 if first == 0xE0 else 0x90):
                return True
        elif first == 0xED or first == 0xF4:
            if second > (0x9F if first == 0xED else 0x8F):
                return True
        elif first > 0xF4:
            return True
    return False


def header_bytes(length: int, masked: bool) -> int:
    """Give the size of the header of a frame with a payload of `length` bytes (0 to 65535), masking key included."""
    return (2 if length < 126 else 4) + (4 if masked else 0)


def write_header(buf: bytearray, off: int, kind: int, length: int, masked: bool) -> int:
    """Write a frame header at `off`; the 4 bytes of the masking key, if any, are left for the caller.

    Args:
        buf: writable buffer with room for `header_bytes(length, masked)`.
        off: where the header starts.
        kind: TEXT, BINARY, CLOSE, PING or PONG.
        length: payload bytes, 0 to 65535; at most 125 for control frames.
        masked: true on the board.

    Returns:
        The offset of the payload; the key belongs into the 4 bytes before it.

    Raises:
        LocalError: `length` is out of range.
    """
    if length < 0 or length > 65535 or (kind >= CLOSE and length > MAX_CONTROL_BYTES):
        raise LocalError("a frame of kind %d cannot hold %d bytes" % (kind, length))
    bit = 0x80 if masked else 0
    buf[off] = 0x80 | kind
    if length < 126:
        buf[off + 1] = bit | length
        off += 2
    else:
        buf[off + 1] = bit | 126
        buf[off + 2] = length >> 8
        buf[off + 3] = length & 0xFF
        off += 4
    return off + 4 if masked else off


def encode(kind: int, payload: bytes, key: bytes = b"") -> bytes:
    """Make a whole frame as one bytes object: for signalling and for tests, not for audio.

    Args:
        kind: opcode.
        payload: 0 to 65535 bytes.
        key: 4 bytes of masking key on the board; empty on the relay.

    Raises:
        LocalError: the payload or the key has no such length.
    """
    if key and len(key) != 4:
        raise LocalError("a masking key has 4 bytes, not %d" % len(key))
    masked = len(key) == 4
    size = header_bytes(len(payload), masked)
    buf = bytearray(size + len(payload))
    write_header(buf, 0, kind, len(payload), masked)
    buf[size:] = payload
    if masked:
        buf[size - 4 : size] = key
        mask(buf, size, len(payload), key, 0)
    return bytes(buf)


def close_payload(code: int, reason: str) -> bytes:
    """Make the payload of a close frame: code and reason, the reason cut to what a control frame holds."""
    text = reason.encode()
    end = min(len(text), MAX_CONTROL_BYTES - 2)
    while end < len(text) and text[end] & 0xC0 == 0x80:  # never cut inside a character
        end -= 1
    return bytes((code >> 8, code & 0xFF)) + text[:end]
