"""Golden G.711: tables 1 and 2 of the Recommendation as intervals and mid-values, searched rather than computed.

The tables list where each interval of inputs begins and what its code puts out. Written so, no slip in the shifting of
bits in `callcore.g711` can repeat itself here. Negative inputs are taken in ones' complement, as G.191's code does.
"""

import hashlib
from bisect import bisect_right
from typing import Any


def _alaw_starts() -> list[int]:
    """Where the 128 positive intervals of table 1 begin and the last ends, on the scale of 16-bit samples."""
    starts = [16 * k for k in range(32)]
    for segment in range(6):
        starts += [(512 << segment) + k * (32 << segment) for k in range(16)]
    return [*starts, 32768]


def _ulaw_starts() -> list[int]:
    """The same for table 2, whose unit is 4 of a 16-bit sample."""
    starts = [0] + [4 * (2 * k - 1) for k in range(1, 16)]
    for segment in range(1, 8):
        starts += [4 * ((32 << segment) - 33 + k * (2 << segment)) for k in range(16)]
    return [*starts, 4 * 8159]


def _law(starts: list[int], middle_of_first: int, inverted: int) -> dict[str, Any]:
    middles = [middle_of_first] + [(starts[k] + starts[k + 1]) // 2 for k in range(1, 128)]

    def encode(sample: int) -> int:
        size = ~sample if sample < 0 else sample
        number = min(bisect_right(starts, size) - 1, 127)
        return (number | (0x80 if sample >= 0 else 0)) ^ inverted

    def decode(code: int) -> int:
        number = (code ^ inverted) & 0x7F
        return middles[number] if code & 0x80 else -middles[number]

    edges = sorted({edge for start in starts for edge in (start - 1, start, -start - 1, -start)} | {-32768, 32767})
    return {
        "encode_sha256": hashlib.sha256(bytes(encode(s) for s in range(-32768, 32768))).hexdigest(),
        "encode": [[s, encode(s)] for s in edges if -32768 <= s <= 32767],
        "decode": [decode(code) for code in range(256)],
    }


def build() -> dict[str, Any]:
    """Give both laws: the hash over the codes of -32768 to 32767, codes at each decision value, all decoded values."""
    return {
        "source": "ITU-T G.711 tables 1 and 2; negative samples in ones' complement as in G.191",
        "PCMA": _law(_alaw_starts(), 8, 0x55),
        "PCMU": _law(_ulaw_starts(), 0, 0x7F),
    }
