"""Golden G.722: the Recommendation's block diagram in plain Python, block by block under its own names, overload included.

Every sum and product goes through the saturating operators of G.191, as in its `funcg722`; nothing is folded, reordered or
searched cleverly. Signals are whole numbers made without floating point, so that they are the same everywhere.
"""

import math
from typing import Any

_QMF = (3, -11, -11, 53, 12, -156, 32, 362, -210, -805, 951, 3876)
_QMF24 = _QMF + _QMF[::-1]
_Q6 = [0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219]
_Q6 += [1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919]
_ILN = [0, 63, 62, *range(31, 3, -1)]
_ILP = [0, *range(61, 31, -1)]
_QM4 = [0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0]
_QM6_TOP = [24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456]
_QM6_TOP += [4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728]
_QM6 = [-136] * 4 + [-value for value in _QM6_TOP] + _QM6_TOP + [432, 136, -432, -136]
_QM2 = [-7408, -1616, 7408, 1616]
_RL42 = [0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0]
_WL = [-60, -30, 58, 172, 334, 538, 1198, 3042]
_RH2 = [2, 1, 2, 1]
_WH = [0, -214, 798]


def _sat(value: int) -> int:
    return max(-32768, min(32767, value))


def _mult(one: int, other: int) -> int:
    return _sat(one * other >> 15)


def _limit(value: int) -> int:
    return max(-16384, min(16383, value))


def _antilog(log: int, least: int) -> int:
    mantissa = math.floor(2048 * 2 ** ((log >> 6 & 31) / 32) + 0.5)
    shift = least - (log >> 11)
    return (mantissa << -shift if shift < 0 else mantissa >> shift) << 2


class _Band:
    """Blocks 3 and 4 of one band: the step's adaptation and the predictor."""

    def __init__(self, step: int, most_log: int, least: int) -> None:
        self.det, self.nb, self.most_log, self.least = step, 0, most_log, least
        self.a, self.b, self.d = [0, 0, 0], [0] * 7, [0] * 7
        self.r, self.p = [0, 0, 0], [0, 0, 0]
        self.s = self.sz = 0

    def scale(self, change: int) -> None:
        self.nb = max(0, min(self.most_log, (self.nb * 127 >> 7) + change))
        self.det = _antilog(self.nb, self.least)

    def predict(self, difference: int) -> None:
        a, b, d, r, p = self.a, self.b, self.d, self.r, self.p
        d[0] = difference
        r[0] = _sat(self.s + difference)  # RECONS
        p[0] = _sat(self.sz + difference)  # PARREC
        sg = [value >> 15 for value in p]
        # UPPOL2
        wd = _sat(_sat(a[1] + a[1]) + _sat(a[1] + a[1]))
        wd = _sat(-wd) if sg[0] == sg[1] else wd
        wd = (wd >> 7) + (128 if sg[0] == sg[2] else -128)
        ap2 = max(-12288, min(12288, _sat(wd + _mult(a[2], 32512))))
        # UPPOL1
        ap1 = _sat((192 if sg[0] == sg[1] else -192) + _mult(a[1], 32640))
        most = 15360 - ap2
        ap1 = max(-most, min(most, ap1))
        # UPZERO
        wd = 0 if difference == 0 else 128
        for i in range(1, 7):
            b[i] = _sat((wd if d[i] >> 15 == difference >> 15 else -wd) + _mult(b[i], 32640))
        # DELAYA
        self.d = d = [0, *d[:6]]
        self.r = r = [0, *r[:2]]
        self.p = [0, *p[:2]]
        self.a = [0, ap1, ap2]
        # FILTEP, FILTEZ, PREDIC
        sp = _sat(_mult(ap1, _sat(r[1] + r[1])) + _mult(ap2, _sat(r[2] + r[2])))
        self.sz = 0
        for i in range(6, 0, -1):
            self.sz = _sat(self.sz + _mult(_sat(d[i] + d[i]), b[i]))
        self.s = _sat(sp + self.sz)


class Coder:
    """One direction of a stream."""

    def __init__(self) -> None:
        self.low, self.high = _Band(32, 18432, 8), _Band(8, 22528, 10)
        self.line = [0] * 24  # newest first

    def _adapt(self, il: int, ih: int) -> None:
        low, high = self.low, self.high
        dl = _mult(low.det, _QM4[il >> 2])
        low.scale(_WL[_RL42[il >> 2]])
        low.predict(dl)
        dh = _mult(high.det, _QM2[ih])
        high.scale(_WH[_RH2[ih]])
        high.predict(dh)

    def encode(self, one: int, two: int) -> int:
        """Give the code of two samples."""
        self.line = [two, one, *self.line[:22]]
        accuma = sum(c * x for c, x in zip(_QMF24[1::2], self.line[1::2], strict=True))
        accumb = sum(c * x for c, x in zip(_QMF24[0::2], self.line[0::2], strict=True))
        xl, xh = _limit((accuma + accumb) * 4 >> 16), _limit((accumb - accuma) * 4 >> 16)
        el = _sat(xl - self.low.s)
        size = 32767 - (el & 32767) if el < 0 else el
        mil = 1
        while mil < 30 and size >= _mult(_Q6[mil] << 3, self.low.det):
            mil += 1
        il = _ILN[mil] if el < 0 else _ILP[mil]
        eh = _sat(xh - self.high.s)
        size = 32767 - (eh & 32767) if eh < 0 else eh
        far = size >= _mult(564 << 3, self.high.det)
        ih = (0 if far else 1) if eh < 0 else (2 if far else 3)
        self._adapt(il, ih)
        return ih << 6 | il

    def decode(self, code: int) -> tuple[int, int]:
        """Give the two samples of a code."""
        il, ih = code & 63, code >> 6
        rl = _limit(_sat(self.low.s + _mult(self.low.det, _QM6[il])))
        rh = _limit(_sat(self.high.s + _mult(self.high.det, _QM2[ih])))
        self._adapt(il, ih)
        self.line = [_sat(rl - rh), _sat(rl + rh), *self.line[:22]]
        xd = sum(c * x for c, x in zip(_QMF24[0::2], self.line[0::2], strict=True))
        xs = sum(c * x for c, x in zip(_QMF24[1::2], self.line[1::2], strict=True))
        return _sat(xd * 32 >> 16), _sat(xs * 32 >> 16)


def _noise(count: int, amplitude: int) -> list[int]:
    state, made = 1, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        made.append(((state >> 8 & 0xFFFF) - 32768) * amplitude >> 15)
    return made


def _wave(count: int, period: int, amplitude: int) -> list[int]:
    """A parabola's approach to a sine."""
    made = []
    for k in range(count):
        x = k * 65536 * 2 // period % 131072 - 65536
        y = x * (65536 - abs(x)) >> 15
        made.append(max(-32768, min(32767, y * amplitude >> 15)))
    return made


def _signals() -> dict[str, list[int]]:
    count = 640
    square = [32767 if k // 13 % 2 else -32768 for k in range(count)]
    sweep = [-32768 if k * k // 500 % 2 else 32767 for k in range(count)]
    speechlike = [
        a * (k % 160) // 160 + b
        for k, (a, b) in enumerate(zip(_wave(count, 80, 12000), _noise(count, 900), strict=True))
    ]
    return {
        "silence, then an impulse": [0] * 300 + [30000, -30000] + [0] * 338,
        "tone of amplitude 20000": _wave(count, 16, 20000),
        "clipped tone": _wave(count, 36, 70000),
        "full-scale square": square,
        "full-scale sweep": sweep,
        "full-scale noise": _noise(count, 32767),
        "voiced and breath": speechlike,
    }


def _hex(samples: list[int]) -> str:
    return b"".join((value & 0xFFFF).to_bytes(2, "little") for value in samples).hex()


def _decoded(codes: bytes) -> str:
    decoder = Coder()
    return _hex([sample for code in codes for sample in decoder.decode(code)])


def build() -> dict[str, Any]:
    """Give signals with their codes and what these decode to, then codes no encoder makes with what they decode to."""
    cases = []
    for name, pcm in _signals().items():
        encoder = Coder()
        codes = bytes(encoder.encode(pcm[k], pcm[k + 1]) for k in range(0, len(pcm), 2))
        cases.append({"name": name, "pcm": _hex(pcm), "codes": codes.hex(), "decoded": _decoded(codes)})
    wild = bytes(value & 255 for value in _noise(320, 32767))
    loud = bytes([0x24, 0x24, 0x04, 0x84] * 80)
    return {
        "source": "ITU-T G.722 blocks 1 to 4 with the saturation of G.191",
        "streams": cases,
        "decode_only": [{"codes": codes.hex(), "decoded": _decoded(codes)} for codes in (wild, loud, bytes(320))],
    }
