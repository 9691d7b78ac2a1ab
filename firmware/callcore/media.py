"""Media formats: what a codec's name says about payload type, clock, rate and frame size (RFC 3551 section 6)."""

from callcore.compat import const
from callcore.errors import LocalError

# a packet holds one 20 ms frame, or two where the bytes of the headers matter more than 20 ms of delay
PTIMES_MS = (20, 40)

# columns of CODECS
PAYLOAD_TYPE = const(0)
_CLOCK_HZ = const(1)
SAMPLE_RATE_HZ = const(2)
_BYTES_PER_20_MS = const(3)
_BYTES_PER_PACKET = const(4)

# name: payload type, RTP clock in Hz, sample rate in Hz, bytes per 20 ms, bytes of a packet's own header. Clock and sample rate
# are two columns since RFC 3551 section 4.5.2 gives one codec, G722, a clock that is not its sample rate, and RFC 7587 section
# 4.1 another. L16 has fixed types for 44.1 kHz only (section 4.5.11), so ours at 16 kHz takes the first dynamic one. Opus has
# as many bytes in each packet, 24 kbit/s without variation, since a call's packets have one length.
CODECS = {
    "PCMU": (0, 8000, 8000, 160, 0),
    "PCMA": (8, 8000, 8000, 160, 0),
    "G722": (9, 8000, 16000, 160, 0),
    "DVI4": (5, 8000, 8000, 80, 4),
    "L16": (96, 16000, 16000, 640, 0),
    "opus": (97, 48000, 16000, 60, 0),
}


def codec(name: str) -> tuple[int, int, int, int, int]:
    """Give the row of CODECS for a codec.

    Args:
        name: encoding name as RFC 3551 writes it, such as `PCMA`.

    Raises:
        LocalError: no such codec.
    """
    if name not in CODECS:
        raise LocalError("no codec is called %r; known are %s" % (name, ", ".join(sorted(CODECS))))
    return CODECS[name]


def frame_bytes(name: str, ptime_ms: int) -> int:
    """Give the payload bytes of one packet.

    Args:
        name: a codec of CODECS.
        ptime_ms: audio in one packet, one of PTIMES_MS.

    Raises:
        LocalError: no such codec or ptime.
    """
    row = codec(name)
    return row[_BYTES_PER_20_MS] * _frames(ptime_ms) + row[_BYTES_PER_PACKET]


def frame_ticks(name: str, ptime_ms: int) -> int:
    """Give what one packet adds to the RTP timestamp, in ticks of the codec's RTP clock (RFC 3550 section 5.1).

    Args:
        name: a codec of CODECS.
        ptime_ms: audio in one packet, one of PTIMES_MS.

    Raises:
        LocalError: no such codec or ptime.
    """
    return codec(name)[_CLOCK_HZ] // 50 * _frames(ptime_ms)


def _frames(ptime_ms: int) -> int:
    if ptime_ms not in PTIMES_MS:
        raise LocalError("a packet cannot hold %r ms of audio; possible are %r" % (ptime_ms, PTIMES_MS))
    return ptime_ms // 20
