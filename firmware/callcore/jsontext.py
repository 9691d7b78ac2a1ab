"""Is this byte string exactly one JSON text? Asked before any parser sees it, with the same answer on both interpreters.

MicroPython's parser takes much that is not JSON (`{"a" 1}`, `[1,,2]`, `01`, bad UTF-8) and CPython's calls itself for
each level of nesting. This scan walks the bytes once, never calls itself, and holds RFC 8259's grammar with four bounds of
our own: nesting, length of a number, no lone surrogate, well-formed UTF-8. It is bytecode and not viper because messages
are few and short, and native code costs a board three times the memory.
"""

from callcore.compat import const

# our messages nest three deep; the rest is room for keys of later versions
MAX_DEPTH = const(8)
# the longest double, sign and exponent included, has 24 characters
_MAX_NUMBER_BYTES = const(24)

# what may come next; the order matters: a value may come in the first two
_VALUE = const(0)
_VALUE_OR_END = const(1)
_KEY = const(2)
_KEY_OR_END = const(3)
_COLON = const(4)
_COMMA_OR_END = const(5)

_ESCAPED = b'"\\/bfnrt'
_BLANK = b" \n\r\t"


def _hex4(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Read four hexadecimal digits; -1 if they are not there."""
    if start + 4 > end:
        return -1
    value = 0
    for i in range(start, start + 4):
        c = buf[i]
        if 0x30 <= c <= 0x39:
            c -= 0x30
        elif 0x41 <= c <= 0x46 or 0x61 <= c <= 0x66:
            c = (c | 0x20) - 0x57
        else:
            return -1
        value = (value << 4) | c
    return value


def _escape(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Step over the escape whose backslash is at `start`; -1 if it is none, or half of a surrogate pair."""
    if start + 2 > end:
        return -1
    if buf[start + 1] != 0x75:
        return start + 2 if buf[start + 1] in _ESCAPED else -1
    code = _hex4(buf, start + 2, end)
    if code < 0 or 0xDC00 <= code <= 0xDFFF:
        return -1
    if code < 0xD800 or code > 0xDFFF:
        return start + 6
    if start + 12 > end or buf[start + 6] != 0x5C or buf[start + 7] != 0x75:
        return -1
    return start + 12 if 0xDC00 <= _hex4(buf, start + 8, end) <= 0xDFFF else -1


def _utf8(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Step over one character of two to four bytes (RFC 3629 section 4); -1 if it is not well formed."""
    first = buf[start]
    size = 2 if 0xC2 <= first <= 0xDF else 3 if 0xE0 <= first <= 0xEF else 4 if 0xF0 <= first <= 0xF4 else 0
    if not size or start + size > end:
        return -1
    # the second byte's narrower range keeps out overlong forms, surrogates and what lies beyond U+10FFFF
    low = 0xA0 if first == 0xE0 else 0x90 if first == 0xF0 else 0x80
    high = 0x9F if first == 0xED else 0x8F if first == 0xF4 else 0xBF
    for i in range(start + 1, start + size):
        if not low <= buf[i] <= high:
            return -1
        low = 0x80
        high = 0xBF
    return start + size


def _string(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Step over the string whose opening quote is at `start`; -1 if it is not one."""
    i = start + 1
    while 0 <= i < end:
        c = buf[i]
        if c == 0x22:
            return i + 1
        if c < 0x20:
            return -1
        if c == 0x5C:
            i = _escape(buf, i, end)
        elif c < 0x80:
            i += 1
        else:
            i = _utf8(buf, i, end)
    return -1


def _digits(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Step over one or more digits; -1 if there is none."""
    i = start
    while i < end and 0x30 <= buf[i] <= 0x39:
        i += 1
    return i if i > start else -1


def _number(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Step over a number; -1 if it is none or too long."""
    i = start + 1 if buf[start] == 0x2D else start
    if i < end and buf[i] == 0x30:
        i += 1
    else:
        i = _digits(buf, i, end)
    if 0 <= i < end and buf[i] == 0x2E:
        i = _digits(buf, i + 1, end)
    if 0 <= i < end and buf[i] in b"eE":
        i += 1
        if i < end and buf[i] in b"+-":
            i += 1
        i = _digits(buf, i, end)
    return i if i - start <= _MAX_NUMBER_BYTES else -1


def _scalar(buf: "bytes | bytearray | memoryview", start: int, end: int) -> int:
    """Step over a string, number or literal; -1 if there is none."""
    c = buf[start]
    if c == 0x22:
        return _string(buf, start, end)
    if c == 0x2D or 0x30 <= c <= 0x39:
        return _number(buf, start, end)
    for word in (b"true", b"false", b"null"):
        if start + len(word) <= end and bytes(buf[start : start + len(word)]) == word:
            return start + len(word)
    return -1


def scan(buf: "bytes | bytearray | memoryview", length: int) -> int:
    """Check that the first `length` bytes of `buf` are exactly one JSON text (RFC 8259) within our bounds.

    One loop with what may come next and a stack: the stack is the bits of `kinds`, 1 for an object and 0 for an array.

    Args:
        buf: bytes-like, at least `length` bytes.
        length: 0 to 65,535.

    Returns:
        the number of keys in the whole text, 0 or more; or -1 - p, where p is the position at which it stops being JSON.
    """
    expect = _VALUE
    depth = kinds = keys = i = 0
    while i < length:
        c = buf[i]
        at = i
        i += 1
        if c in _BLANK:
            continue
        if c == 0x22 and (expect == _KEY or expect == _KEY_OR_END):
            i = _string(buf, at, length)
            keys += 1
            expect = _COLON
        elif c == 0x3A and expect == _COLON:
            expect = _VALUE
        elif c == 0x2C and expect == _COMMA_OR_END and depth:
            expect = _KEY if kinds & 1 else _VALUE
        elif (c == 0x7D and kinds & 1 and (expect == _KEY_OR_END or expect == _COMMA_OR_END)) or (
            c == 0x5D and depth and not kinds & 1 and (expect == _VALUE_OR_END or expect == _COMMA_OR_END)
        ):
            depth -= 1
            kinds >>= 1
            expect = _COMMA_OR_END
        elif c in b"{[" and expect <= _VALUE_OR_END and depth < MAX_DEPTH:
            depth += 1
            kinds = (kinds << 1) | (c == 0x7B)
            expect = _KEY_OR_END if c == 0x7B else _VALUE_OR_END
        elif expect <= _VALUE_OR_END:
            i = _scalar(buf, at, length)
            expect = _COMMA_OR_END
        else:
            i = -1
        if i < 0:
            return -1 - at
    return keys if expect == _COMMA_OR_END and not depth else -1 - length
