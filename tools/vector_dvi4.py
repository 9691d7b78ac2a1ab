"""Golden DVI4: the IMA's rule and RFC 3551's block in plain Python, with the table of steps as the IMA printed it.

The rule is that of "Recommended Practices for Enhancing Digital Audio Compatibility in Multimedia Systems" (IMA, 1992): a
quantiser of three comparisons, and a difference put together by shifts and sums. Signals are whole numbers made without
floating point, so that they are the same everywhere.
"""

from typing import Any

from vector_g722 import _hex, _noise, _wave

STEPS = [7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97]
STEPS += [107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796]
STEPS += [876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428]
STEPS += [4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350]
STEPS += [22385, 24623, 27086, 29794, 32767]
MOVES = [-1, -1, -1, -1, 2, 4, 6, 8, -1, -1, -1, -1, 2, 4, 6, 8]


class Coder:
    """One direction of a stream."""

    def __init__(self, predict: int = 0, index: int = 0) -> None:
        self.predict, self.index = predict, index

    def header(self) -> bytes:
        """Give the four bytes that stand before a block."""
        return self.predict.to_bytes(2, "big", signed=True) + bytes([self.index, 0])

    def encode(self, sample: int) -> int:
        """Give the code of a sample."""
        step = STEPS[self.index]
        difference = sample - self.predict
        code = 8 if difference < 0 else 0
        difference = abs(difference)
        if difference >= step:
            code += 4
            difference -= step
        if difference >= step // 2:
            code += 2
            difference -= step // 2
        if difference >= step // 4:
            code += 1
        self.decode(code)
        return code

    def decode(self, code: int) -> int:
        """Give the sample of a code."""
        step = STEPS[self.index]
        difference = step // 8
        difference += step if code & 4 else 0
        difference += step // 2 if code & 2 else 0
        difference += step // 4 if code & 1 else 0
        moved = self.predict - difference if code & 8 else self.predict + difference
        self.predict = max(-32768, min(32767, moved))
        self.index = max(0, min(88, self.index + MOVES[code]))
        return self.predict


def block(coder: Coder, samples: list[int]) -> bytes:
    """Give the payload of a packet: the header, then two codes in a byte, the first in its upper half."""
    header = coder.header()
    codes = [coder.encode(sample) for sample in samples]
    return header + bytes(one << 4 | two for one, two in zip(codes[0::2], codes[1::2], strict=True))


def decoded(payload: bytes) -> list[int]:
    """Give the samples of a payload."""
    coder = Coder(int.from_bytes(payload[:2], "big", signed=True), min(payload[2], 88))
    return [coder.decode(code) for byte in payload[4:] for code in (byte >> 4, byte & 15)]


def _signals() -> dict[str, list[int]]:
    count = 480
    return {
        "silence, then an impulse": [0] * 200 + [30000, -30000] + [0] * 278,
        "tone of amplitude 20000": _wave(count, 16, 20000),
        "clipped tone": _wave(count, 36, 70000),
        "full-scale square": [32767 if k // 13 % 2 else -32768 for k in range(count)],
        "full-scale noise": _noise(count, 32767),
        "quiet noise": _noise(count, 40),
        "voiced": [a * (k % 80) // 80 for k, a in enumerate(_wave(count, 40, 12000))],
    }


def build() -> dict[str, Any]:
    """Give streams in packets of 20 ms with what these decode to, then packets that no encoder makes."""
    cases = []
    for name, pcm in _signals().items():
        coder = Coder()
        packets = [block(coder, pcm[at : at + 160]) for at in range(0, len(pcm), 160)]
        heard = [sample for packet in packets for sample in decoded(packet)]
        cases.append({"name": name, "pcm": _hex(pcm), "packets": [p.hex() for p in packets], "decoded": _hex(heard)})
    coder = Coder()
    long = block(coder, _wave(320, 16, 20000))
    wild = bytes(value & 255 for value in _noise(80, 32767))
    heads = ("8000ff00", "7fff5800", "000059ff", "ffff0001")
    strange = [bytes.fromhex(head) + wild for head in heads]
    return {
        "source": "RFC 3551 section 4.5.1; IMA Recommended Practices 3.00",
        "steps": STEPS,
        "streams": cases,
        "forty_ms": {"pcm": _hex(_wave(320, 16, 20000)), "packet": long.hex()},
        "decode_only": [{"packet": packet.hex(), "decoded": _hex(decoded(packet))} for packet in strange],
    }
