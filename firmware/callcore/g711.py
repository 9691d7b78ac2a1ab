"""G.711 companding, A-law and mu-law, between buffers that the caller gives; nothing is allocated on the way.

The rule is the one of the ITU-T reference code (G.191 `alaw_compress`, `ulaw_compress`): negative samples are taken in
ones' complement before they are cut, so -1 mirrors 0. It differs from other well-known codecs at decision values only.

PCM is signed 16-bit little-endian; its offset and its buffer's length in bytes are even. No bound is checked in here:
the caller answers for `soff`, `doff` and `n`.

A law costs about 4.6 KB of tables. A-law's are made at import; mu-law's by `prepare_ulaw` or at first use, so call
`prepare_ulaw` before the heap is locked.
"""

from array import array

from callcore.compat import micropython, ptr8, ptr16


def _alaw_codes() -> bytearray:
    # One byte for each 12-bit sample >> 4. The 128 codes of a sign are intervals in rising order: segments 0 and 1 have
    # steps of one, each later one twice the step before.
    codes = bytearray(4096)
    at = 0
    for code in range(128):
        width = 1 << max(0, (code >> 4) - 1)
        codes[at : at + width] = bytes([code ^ 0xD5]) * width
        codes[4096 - at - width : 4096 - at] = bytes([code ^ 0x55]) * width
        at += width
    return codes


def _alaw_words() -> "array[int]":
    words = array("H", bytearray(512))
    for code in range(256):
        segment = ((code ^ 0x55) >> 4) & 7
        size = (((code ^ 0x55) & 15) << 4) + 8
        if segment:
            size = (size + 256) << (segment - 1)
        words[code] = size if code & 0x80 else 0x10000 - size
    return words


def _ulaw_codes() -> bytearray:
    # One byte for each (magnitude + 4) >> 3, magnitude 0 to 32767, sign bit set for positive. Adding 4 is the ITU's bias
    # of 132 without the 128 that only names the segment; what lies beyond the last interval is clipped into it.
    codes = bytearray(b"\x80" * 4097)
    at = 0
    for code in range(128):
        width = 1 << (code >> 4)
        codes[at : at + width] = bytes([code ^ 0xFF]) * width
        at += width
    return codes


def _ulaw_words() -> "array[int]":
    words = array("H", bytearray(512))
    for code in range(256):
        size = (((((code ^ 0xFF) & 15) << 3) + 132) << (((code ^ 0xFF) >> 4) & 7)) - 132
        words[code] = size if code & 0x80 else (0x10000 - size) & 0xFFFF
    return words


_alaw_code_of = _alaw_codes()
_alaw_word_of = _alaw_words()
_ulaw_code_of = bytearray(0)
_ulaw_word_of = array("H")


def prepare_ulaw() -> None:
    """Make mu-law's tables now (4.6 KB), so that its functions do not allocate at their first call."""
    global _ulaw_code_of, _ulaw_word_of
    if not _ulaw_code_of:
        _ulaw_word_of = _ulaw_words()
        _ulaw_code_of = _ulaw_codes()


@micropython.viper
def alaw_encode(src: object, soff: int, dst: object, doff: int, n: int) -> int:
    """Encode PCM to A-law (G.711 table 1, even bits inverted).

    Args:
        src: buffer of PCM.
        soff: offset of the first sample in bytes, even.
        dst: buffer for the codes, one byte a sample.
        doff: offset of the first code in bytes.
        n: samples.

    Returns:
        Codes written, in bytes.
    """
    codes = ptr8(_alaw_code_of)
    pcm = ptr16(src)
    out = ptr8(dst)
    soff >>= 1
    end = soff + n
    while soff < end:
        out[doff] = codes[pcm[soff] >> 4]
        soff += 1
        doff += 1
    return n


@micropython.viper
def alaw_decode(src: object, soff: int, dst: object, doff: int, n: int) -> int:
    """Decode A-law to PCM (G.711 table 1).

    Args:
        src: buffer of codes.
        soff: offset of the first code in bytes.
        dst: buffer for the PCM.
        doff: offset of the first sample in bytes, even.
        n: samples.

    Returns:
        Samples written.
    """
    words = ptr16(_alaw_word_of)
    codes = ptr8(src)
    pcm = ptr16(dst)
    doff >>= 1
    end = soff + n
    while soff < end:
        pcm[doff] = words[codes[soff]]
        soff += 1
        doff += 1
    return n


@micropython.viper
def ulaw_encode(src: object, soff: int, dst: object, doff: int, n: int) -> int:
    """Encode PCM to mu-law (G.711 table 2).

    Args:
        src: buffer of PCM.
        soff: offset of the first sample in bytes, even.
        dst: buffer for the codes, one byte a sample.
        doff: offset of the first code in bytes.
        n: samples.

    Returns:
        Codes written, in bytes.
    """
    prepare_ulaw()
    codes = ptr8(_ulaw_code_of)
    pcm = ptr16(src)
    out = ptr8(dst)
    soff >>= 1
    end = soff + n
    while soff < end:
        size = pcm[soff]
        if size < 0x8000:
            out[doff] = codes[(size + 4) >> 3]
        else:
            # 4 more than the ones' complement
            out[doff] = codes[(0x10003 - size) >> 3] ^ 0x80
        soff += 1
        doff += 1
    return n


@micropython.viper
def ulaw_decode(src: object, soff: int, dst: object, doff: int, n: int) -> int:
    """Decode mu-law to PCM (G.711 table 2).

    Args:
        src: buffer of codes.
        soff: offset of the first code in bytes.
        dst: buffer for the PCM.
        doff: offset of the first sample in bytes, even.
        n: samples.

    Returns:
        Samples written.
    """
    prepare_ulaw()
    words = ptr16(_ulaw_word_of)
    codes = ptr8(src)
    pcm = ptr16(dst)
    doff >>= 1
    end = soff + n
    while soff < end:
        pcm[doff] = words[codes[soff]]
        soff += 1
        doff += 1
    return n
