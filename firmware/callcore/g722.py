"""G.722 at 64 kbit/s (mode 1), both ways, by the ITU rule bit for bit, overload included; nothing is allocated on the way.

PCM is signed 16-bit little-endian at 16 kHz; two samples make one code, high band in its upper two bits. The rule is that of
the ITU-T reference code (G.191 `funcg722`): every sum saturates at 16 bits and both ends of the filter bank at 15. Coders that
leave the latter out differ on overload only. The quantiser has 30 levels: its search ends before the two unused thresholds.

A state is an array of 16-bit words that `state` makes, one for each direction of a call. Signed numbers stand in it plus 32768:
viper loads words without a sign, and its int has 64 bits on one target and 32 on another, so they must not meet otherwise.
While a frame is coded the numbers live in locals, where a load costs one instruction. No bound is checked in here: the caller
answers for `soff`, `doff` and `n`.

Long, yet one thing: the codec. Load this file only where wideband is spoken: its machine code and tables take some 10 KB.
"""

from array import array

from callcore.compat import const, micropython, ptr8, ptr16

# a state: 21 words of the low band, 21 of the high, 22 samples that the filter bank still needs, then room to work in
_BAND_WORDS = const(21)
_TAIL = const(42)
_LINE = const(64)
_TAIL_WORDS = const(22)

# what `_band` does: bit 0 says which band, bit 1 which direction
_LOW_ENCODE = const(0)
_HIGH_ENCODE = const(1)
_LOW_DECODE = const(2)
_HIGH_DECODE = const(3)

# offsets into the table
_QM4 = const(30)
_QM6 = const(46)
_STEPS = const(110)
_SCALES = const(126)


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def _make_table() -> "array[int]":
    """Put all tables into one, so that the loop holds one pointer: Recommendation G.722 section 6.2, tables 14 to 21."""
    words = array("H", bytearray(2 * 158))
    # decision levels of the low band, times 8; level 0 stands before the first
    low = _numbers(
        "0 35 72 110 150 190 233 276 323 370 422 473 530 587 650 714 786 858 940 1023 1121 1219"
        " 1339 1458 1612 1765 1980 2195 2557 2919"
    )
    # outputs of the inverse quantisers of 4 and 6 bits, the halves of a sign mirrored
    four = _numbers("20456 12896 8968 6288 4240 2584 1200")
    six = _numbers(
        "24808 21904 19008 16704 14984 13512 12280 11192 10232 9360 8576 7856 7192 6576 6000 5456"
        " 4944 4464 4008 3576 3168 2776 2400 2032 1688 1360 1040 728"
    )
    # what a code adds to the logarithm of the step, by the magnitude of its upper four bits
    log = (3042, 1198, 538, 334, 172, 58, -30, -60)
    # 2048 * 2 ** (i / 32)
    scale = _numbers(
        "2048 2093 2139 2186 2233 2282 2332 2383 2435 2489 2543 2599 2656 2714 2774 2834 2896 2960"
        " 3025 3091 3158 3228 3298 3371 3444 3520 3597 3676 3756 3838 3922 4008"
    )
    for i in range(30):
        words[i] = low[i] << 3
    for i in range(7):
        words[_QM4 + 1 + i] = 32768 - four[i]
        words[_QM4 + 8 + i] = 32768 + four[i]
    words[_QM4] = words[_QM4 + 15] = 32768
    for i in range(28):
        words[_QM6 + 4 + i] = 32768 - six[i]
        words[_QM6 + 32 + i] = 32768 + six[i]
    for i in range(4):
        words[_QM6 + i] = 32768 - 136
        words[_QM6 + 60 + i] = 32768 + (432, 136, -432, -136)[i]
    for i in range(16):
        words[_STEPS + i] = 32768 + (log[7] if i in (0, 15) else log[i - 1 if i < 8 else i - 8])
    for i in range(32):
        words[_SCALES + i] = scale[i]
    return words


_table = _make_table()


def state(samples: int) -> "array[int]":
    """Make the state of one direction of a call, at rest.

    Args:
        samples: the most that one call of `encode` or `decode` will be asked for, even.
    """
    words = array("H", b"\x00\x80" * (_LINE + _TAIL_WORDS + samples))
    words[0] = 32768 + 32
    words[_BAND_WORDS] = 32768 + 8
    return words


def encode(words: "array[int]", src: object, soff: int, dst: object, doff: int, n: int) -> int:
    """Encode PCM.

    Args:
        words: a state that is used for nothing but encoding this stream.
        src: buffer of PCM at 16 kHz.
        soff: offset of the first sample in bytes, even.
        dst: buffer for the codes, one byte for two samples.
        doff: offset of the first code in bytes.
        n: samples, even, at most what the state was made for.

    Returns:
        Codes written, in bytes.
    """
    _bank(words, src, soff, n, 0)
    _band(words, dst, doff, n >> 1, _LOW_ENCODE)
    _band(words, dst, doff, n >> 1, _HIGH_ENCODE)
    return n >> 1


def decode(words: "array[int]", src: object, soff: int, dst: object, doff: int, n: int) -> int:
    """Decode to PCM.

    Args:
        words: a state that is used for nothing but decoding this stream.
        src: buffer of codes.
        soff: offset of the first code in bytes.
        dst: buffer for the PCM at 16 kHz.
        doff: offset of the first sample in bytes, even.
        n: samples, even, at most what the state was made for.

    Returns:
        Samples written.
    """
    _band(words, src, soff, n >> 1, _LOW_DECODE)
    _band(words, src, soff, n >> 1, _HIGH_DECODE)
    _bank(words, dst, doff, n, 1)
    return n


@micropython.viper
def _bank(words: object, sound: object, at: int, n: int, back: int) -> int:
    """Split `n` samples into pairs of a low and a high word, in the working room of the state, or bring them `back` together.

    Long, yet one thing: the two filters of the bank are the same both ways. The coefficients of each are 4096 together, so
    that 32768 too much in every word is 2**27 too much in a sum. A pair is put where the two oldest words of its window
    stood; no later window reaches there.
    """
    w = ptr16(words)
    pcm = ptr16(sound)
    at >>= 1
    k = 0
    while k < 22:
        w[64 + k] = w[42 + k]
        k += 1
    k = 86
    end = 86 + n
    most = 16383
    if back:
        most = 32767
        while k < end:
            low = w[k]
            high = w[k + 1] - 0x8000
            w[k] = low + high
            w[k + 1] = low - high
            k += 2
    else:
        while k < end:
            w[k] = pcm[at] ^ 0x8000
            at += 1
            k += 1
    k = 0
    while k < 22:
        w[42 + k] = w[64 + n + k]
        k += 1
    k = 64
    end = 64 + n
    while True:
        if k >= end:
            return n
        high = w[k] * 3 - w[k + 2] * 11 + w[k + 4] * 12 + w[k + 6] * 32 - w[k + 8] * 210 + w[k + 10] * 951
        high += w[k + 12] * 3876 - w[k + 14] * 805 + w[k + 16] * 362 - w[k + 18] * 156 + w[k + 20] * 53 - w[k + 22] * 11
        low = w[k + 23] * 3 - w[k + 21] * 11 + w[k + 19] * 12 + w[k + 17] * 32 - w[k + 15] * 210 + w[k + 13] * 951
        low += w[k + 11] * 3876 - w[k + 9] * 805 + w[k + 7] * 362 - w[k + 5] * 156 + w[k + 3] * 53 - w[k + 1] * 11
        low -= 0x8000000
        high -= 0x8000000
        if back:
            low >>= 11
            high >>= 11
        else:
            odd = high
            high = (low - odd) >> 14
            low = (low + odd) >> 14
        if low > most:
            low = most
        elif low < ~most:
            low = ~most
        if high > most:
            high = most
        elif high < ~most:
            high = ~most
        if back:
            pcm[at] = low & 0xFFFF
            pcm[at + 1] = high & 0xFFFF
            at += 2
        else:
            w[k] = low + 0x8000
            w[k + 1] = high + 0x8000
        k += 2


@micropython.viper
def _band(words: object, codes: object, at: int, n: int, what: int) -> int:
    """Code `n` words of one band, or decode them: quantise, and adapt step and predictor (Recommendation G.722, blocks 1 to 4).

    Long, yet one thing: a body for both bands and directions, since the predictor is most of it and its numbers stay in
    locals. `r1`, `r2` are the last outputs doubled and saturated, as the poles want them; `g1`, `g2` the signs of the last
    partial outputs, 0 or -1; `z` what the zeros predict and `s` the whole prediction.
    """
    w = ptr16(words)
    code = ptr8(codes)
    t = ptr16(_table)
    base = (what & 1) * 21
    step = w[base] - 0x8000
    log = w[base + 1]
    a1 = w[base + 2] - 0x8000
    a2 = w[base + 3] - 0x8000
    b1 = w[base + 4] - 0x8000
    b2 = w[base + 5] - 0x8000
    b3 = w[base + 6] - 0x8000
    b4 = w[base + 7] - 0x8000
    b5 = w[base + 8] - 0x8000
    b6 = w[base + 9] - 0x8000
    d1 = w[base + 10] - 0x8000
    d2 = w[base + 11] - 0x8000
    d3 = w[base + 12] - 0x8000
    d4 = w[base + 13] - 0x8000
    d5 = w[base + 14] - 0x8000
    d6 = w[base + 15] - 0x8000
    r1 = w[base + 16] - 0x8000
    g1 = (w[base + 17] - 0x8000) >> 1
    g2 = 0 - (w[base + 17] & 1)
    r2 = w[base + 18] - 0x8000
    s = w[base + 19] - 0x8000
    z = w[base + 20] - 0x8000
    # at rest the logarithm is 0 like every other number, and it is never negative
    log -= 0x8000
    # encoding reads the pairs where `_bank` left them; decoding writes them where it wants them
    k = 64 + (what & 1) + (what >> 1) * 22
    end = at + n
    while True:
        if at >= end:
            break
        # the code, and what it says the error was
        if what < 2:
            d = w[k] - 0x8000 - s
            if d > 32767:
                d = 32767
            elif d < -32768:
                d = -32768
            sign = d >> 15
            d ^= sign
            if what:
                m = 3 + sign + sign
                if d >= (step * 4512) >> 15:
                    m -= 1
                code[at] = code[at] | (m << 6)
            else:
                m = 0
                high = 29
                while m < high:
                    middle = (m + high + 1) >> 1
                    if d >= (t[middle] * step) >> 15:
                        m = middle
                    else:
                        high = middle - 1
                if not sign:
                    m = 61 - m
                elif m < 2:
                    m = 63 - m
                else:
                    m = 33 - m
                code[at] = m
        else:
            m = code[at]
            if what & 1:
                m >>= 6
            else:
                m &= 63
                d = s + ((step * (t[46 + m] - 0x8000)) >> 15)
                if d > 16383:
                    d = 16383
                elif d < -16384:
                    d = -16384
                w[k] = d + 0x8000
        at += 1
        # the error as both ends know it, and the next step
        log = (log * 127) >> 7
        if what & 1:
            d = 1616
            if m & 1:
                log -= 214
            else:
                d = 7408
                log += 798
            if m < 2:
                d = 0 - d
            d = (step * d) >> 15
            if log < 0:
                log = 0
            elif log > 22528:
                log = 22528
            step = 10 - (log >> 11)
        else:
            m >>= 2
            d = (step * (t[30 + m] - 0x8000)) >> 15
            log += t[110 + m] - 0x8000
            if log < 0:
                log = 0
            elif log > 18432:
                log = 18432
            step = 8 - (log >> 11)
        m = t[126 + ((log >> 6) & 31)]
        if step < 0:
            step = m << (2 - step)
        else:
            step = (m >> step) << 2
        # the output
        m = s + d
        if what == 3:
            high = m
            if m > 16383:
                high = 16383
            elif m < -16384:
                high = -16384
            w[k] = high + 0x8000
        k += 2
        m += m
        if m > 32767:
            m = 32767
        elif m < -32768:
            m = -32768
        # the poles
        sign = (d + z) >> 20
        high = a1 << 2
        if sign == g1:
            high = 0 - high
        if high > 32767:
            high = 32767
        elif high < -32768:
            high = -32768
        a2 = ((a2 * 127) >> 7) + (high >> 7) - 128
        if sign == g2:
            a2 += 256
        if a2 > 12288:
            a2 = 12288
        elif a2 < -12288:
            a2 = -12288
        a1 = ((a1 * 255) >> 8) - 192
        if sign == g1:
            a1 += 384
        high = 15360 - a2
        if a1 > high:
            a1 = high
        elif a1 < 0 - high:
            a1 = 0 - high
        g2 = g1
        g1 = sign
        r2 = r1
        r1 = m
        # the zeros: each adapts by its sign against the newest, then weighs the difference one later
        high = 128
        if not d:
            high = 0
        b6 = ((b6 * 255) >> 8) + (((d6 ^ d) >> 15) | 1) * high
        d6 = d5
        z = (d6 * b6) >> 14
        b5 = ((b5 * 255) >> 8) + (((d5 ^ d) >> 15) | 1) * high
        d5 = d4
        z += (d5 * b5) >> 14
        if (z + 32768) >> 16:
            z = 32767 if z > 0 else -32768
        b4 = ((b4 * 255) >> 8) + (((d4 ^ d) >> 15) | 1) * high
        d4 = d3
        z += (d4 * b4) >> 14
        if (z + 32768) >> 16:
            z = 32767 if z > 0 else -32768
        b3 = ((b3 * 255) >> 8) + (((d3 ^ d) >> 15) | 1) * high
        d3 = d2
        z += (d3 * b3) >> 14
        if (z + 32768) >> 16:
            z = 32767 if z > 0 else -32768
        b2 = ((b2 * 255) >> 8) + (((d2 ^ d) >> 15) | 1) * high
        d2 = d1
        z += (d2 * b2) >> 14
        if (z + 32768) >> 16:
            z = 32767 if z > 0 else -32768
        b1 = ((b1 * 255) >> 8) + (((d1 ^ d) >> 15) | 1) * high
        d1 = d
        z += (d1 * b1) >> 14
        if (z + 32768) >> 16:
            z = 32767 if z > 0 else -32768
        s = ((a1 * r1) >> 15) + ((a2 * r2) >> 15)
        if (s + 32768) >> 16:
            s = 32767 if s > 0 else -32768
        s += z
        if (s + 32768) >> 16:
            s = 32767 if s > 0 else -32768
    w[base] = step + 0x8000
    w[base + 1] = log + 0x8000
    w[base + 2] = a1 + 0x8000
    w[base + 3] = a2 + 0x8000
    w[base + 4] = b1 + 0x8000
    w[base + 5] = b2 + 0x8000
    w[base + 6] = b3 + 0x8000
    w[base + 7] = b4 + 0x8000
    w[base + 8] = b5 + 0x8000
    w[base + 9] = b6 + 0x8000
    w[base + 10] = d1 + 0x8000
    w[base + 11] = d2 + 0x8000
    w[base + 12] = d3 + 0x8000
    w[base + 13] = d4 + 0x8000
    w[base + 14] = d5 + 0x8000
    w[base + 15] = d6 + 0x8000
    w[base + 16] = r1 + 0x8000
    w[base + 17] = 0x8000 + g1 * 2 - g2
    w[base + 18] = r2 + 0x8000
    w[base + 19] = s + 0x8000
    w[base + 20] = z + 0x8000
    return n
