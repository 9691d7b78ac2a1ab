"""Byte layout of one media packet: the RTP header of RFC 3550 section 5.1, without padding, extension or CSRC.

Nothing here allocates: numbers of 32 bits (timestamp, SSRC) would be heap objects on a 32-bit MicroPython, so they live in
an `array("I")` of three words, `[sequence number, timestamp, SSRC]`, called *state* below, and are read and advanced
inside viper. Only differences of timestamps come out, as small integers.
"""

from callcore.compat import const, micropython, ptr8, ptr32, uint

RTP_HEADER_BYTES = const(12)
NOISE_TYPE = const(13)  # payload type of comfort noise (RFC 3389)

SOUND = const(0)
TOO_SHORT = const(1)
NOT_VERSION_2 = const(2)
HAS_EXTRAS = const(3)  # padding, extension or CSRC, which this wire does not use


@micropython.viper
def write_header(buf: object, off: int, marker: int, payload_type: int, state: object) -> int:
    """Write the 12 bytes of an RTP header.

    Args:
        buf: writable buffer of at least `off + 12` bytes.
        off: where the header starts, in bytes.
        marker: 1 on the first packet after silence, else 0.
        payload_type: 0 to 127 (RFC 3551 section 6).
        state: `array("I")` of sequence number, timestamp and SSRC; only read.

    Returns:
        The offset of the payload.
    """
    p = ptr8(buf)
    words = ptr8(state)
    p[off] = 0x80
    p[off + 1] = ((marker << 7) | payload_type) & 0xFF
    p[off + 2] = words[1]
    p[off + 3] = words[0]
    # the words are little-endian as all targets are: each stands the other way round
    i = 4
    while i < 12:
        p[off + i] = words[i ^ 3]
        i += 1
    return off + 12


@micropython.viper
def advance(state: object, samples: int) -> int:
    """Step a state to its next packet: sequence number by one, timestamp by `samples` of the RTP clock; both wrap."""
    words = ptr32(state)
    words[0] = (int(words[0]) + 1) & 0xFFFF
    words[1] = uint(int(words[1]) + samples)
    return 0


@micropython.viper
def check(buf: object, off: int, length: int) -> int:
    """Judge whether `length` bytes at `off` are a packet of this wire: SOUND, TOO_SHORT, NOT_VERSION_2 or HAS_EXTRAS."""
    if length < 12:
        return 1
    first = int(ptr8(buf)[off])
    if (first & 0xC0) != 0x80:
        return 2
    if (first & 0x3F) != 0:
        return 3
    return 0


def seq(buf: bytearray, off: int) -> int:
    """Read the sequence number of the packet at `off`, 0 to 65535."""
    return (buf[off + 2] << 8) | buf[off + 3]


def payload_type(buf: bytearray, off: int) -> int:
    """Read the payload type of the packet at `off`, 0 to 127."""
    return buf[off + 1] & 0x7F


def marker(buf: bytearray, off: int) -> int:
    """Read the marker bit of the packet at `off`: 1 on the first packet after silence."""
    return buf[off + 1] >> 7


@micropython.viper
def stamp_delta(buf: object, off: int, base: object, base_off: int) -> int:
    """Give timestamp at `buf[off + 4]` minus the one at `base[base_off + 4]`, both in packets, wrapped.

    Works on the upper 24 bits and the last 8, so that no step leaves the small integers.

    Returns:
        Samples, clipped to -2**29 .. 2**29 - 1 (what lies further out keeps its low 8 bits).
    """
    p = ptr8(buf)
    q = ptr8(base)
    high = 0
    i = 4
    while i < 7:
        high = (high << 8) + int(p[off + i]) - int(q[base_off + i])
        i += 1
    low = int(p[off + 7]) - int(q[base_off + 7])
    if low < 0:
        low += 0x100
        high -= 1
    high = ((high & 0xFFFFFF) ^ 0x800000) - 0x800000
    if high < -0x200000:
        high = -0x200000
    if high > 0x1FFFFF:
        high = 0x1FFFFF
    return (high << 8) + low


@micropython.viper
def ssrc_equal(buf: object, off: int, state: object) -> int:
    """Tell whether the packet at `off` carries the SSRC of `state`: 1 or 0."""
    p = ptr8(buf)
    words = ptr8(state)
    i = 8
    while i < 12:
        if p[off + i] != words[i ^ 3]:
            return 0
        i += 1
    return 1
