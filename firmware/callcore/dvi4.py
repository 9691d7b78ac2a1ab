"""DVI4 at 8 kHz: 4 bits a sample by the IMA's rule, one block in each packet (RFC 3551 section 4.5.1); allocates nothing.

PCM is signed 16-bit little-endian. A block is a header of 4 bytes and then a code of 4 bits for each sample, the first one in
the upper half of a byte. The header says where prediction stands before the first sample (16 bits, most significant byte
first), then the place in the table of steps, then nought; so a packet that is lost spoils no other.

The rule is the IMA's own: a difference is put together from shifted steps. Coders that multiply instead, as FFmpeg does, come
out up to 209 of 32,768 apart. Only the place in a header is checked in here: the caller answers for offsets and `n`.
"""

from array import array

from callcore.compat import const, micropython, ptr8, ptr16

_HEADER_BYTES = const(4)

_LAST = const(88)
# words behind the table of steps, of the encoder; a decoder has nothing to keep and borrows them
# the prediction plus 32768, and the place in the table
_GUESS = const(89)
_PLACE = const(90)


class Dvi4:
    """Both directions of one stream."""

    def __init__(self) -> None:
        words = array("H", bytearray(2 * 91))
        # each step is a tenth more than the one before; the IMA's table is this with 14 bits of fraction, but for three entries
        size = 122296
        for place in range(_LAST):
            words[place] = size >> 14
            size += size // 10
        words[3] = 10
        words[4] = 11
        words[_LAST] = 32767
        words[_GUESS] = 0x8000
        self._words = words

    def encode(self, src: object, soff: int, dst: bytearray, doff: int, n: int) -> int:
        """Encode PCM to one block.

        Args:
            src: buffer of PCM.
            soff: offset of the first sample in bytes, even.
            dst: buffer for the block.
            doff: offset of its header in bytes.
            n: samples, even, at least 2.

        Returns:
            Bytes written, half of `n` and 4.
        """
        words = self._words
        guess = words[_GUESS]
        dst[doff] = guess >> 8 ^ 0x80
        dst[doff + 1] = guess & 255
        dst[doff + 2] = words[_PLACE]
        dst[doff + 3] = 0
        _code(soff, doff + _HEADER_BYTES, n << 1, words, src, dst)
        return (n >> 1) + _HEADER_BYTES

    def decode(self, src: bytearray, soff: int, dst: object, doff: int, n: int) -> int:
        """Decode one block to PCM.

        Args:
            src: buffer of the block.
            soff: offset of its header in bytes; a place beyond the table's end is taken as its last one.
            dst: buffer for the PCM.
            doff: offset of the first sample in bytes, even.
            n: samples, even, at least 2.

        Returns:
            Samples written.
        """
        words = self._words
        guess = words[_GUESS]
        place = words[_PLACE]
        words[_GUESS] = (src[soff] ^ 0x80) << 8 | src[soff + 1]
        words[_PLACE] = min(src[soff + 2], _LAST)
        _code(doff, soff + _HEADER_BYTES, n << 1 | 1, words, dst, src)
        words[_GUESS] = guess
        words[_PLACE] = place
        return n


@micropython.viper
def _code(at: int, off: int, n: int, words: object, sound: object, codes: object) -> int:
    """Code half of `n` samples, or decode as many when `n` is odd; long, yet one thing: an encoder contains the decoder.

    Samples and prediction stand plus 32768 here, so that no number but a difference has a sign. `off` comes to count codes, two
    in a byte, and `at` samples. They and `n` are the first arguments, since viper keeps only those in registers.
    """
    w = ptr16(words)
    pcm = ptr16(sound)
    code = ptr8(codes)
    at >>= 1
    off <<= 1
    end = at + (n >> 1)
    n &= 1
    guess = w[89]
    place = w[90]
    pair = 0
    while at < end:
        step = w[place]
        left = 0
        if n:
            four = code[off >> 1]
            if not off & 1:
                four >>= 4
        else:
            four = 0
            left = (pcm[at] ^ 0x8000) - guess
            if left < 0:
                four = 8
                left = 0 - left
        # which of the step, its half and its quarter the difference holds; a decoder knows, and has nothing left to compare
        total = step >> 3
        bit = 4
        while bit:
            if left >= step:
                left -= step
                four |= bit
            if four & bit:
                total += step
            step >>= 1
            bit >>= 1
        if four & 8:
            total = 0 - total
        guess += total
        if guess < 0:
            guess = 0
        if guess > 65535:
            guess = 65535
        place -= 1
        if four & 4:
            place += ((four & 3) << 1) + 3
        if place > 88:
            place = 88
        if place < 0:
            place = 0
        if n:
            pcm[at] = guess ^ 0x8000
        else:
            # right with every second code, which writes over the first
            pair = (pair << 4 | four) & 255
            code[off >> 1] = pair
        off += 1
        at += 1
    w[89] = guess
    w[90] = place
    return n
