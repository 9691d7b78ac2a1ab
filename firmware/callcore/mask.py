"""Moving and masking bytes inside given buffers (RFC 6455 section 5.3): viper on the board, big-integer XOR on CPython.

The two halves are twins for speed only; tests hold them to the same bytes. The board's half walks single bytes up to a
word boundary and then aligned words (little-endian, as all its targets are): ESP32 and RISC-V trap on a word that is not
aligned. Offsets turn into addresses in place, since viper keeps only the first arguments in registers.
"""

from callcore.compat import MICROPYTHON, micropython, ptr8, ptr32

if MICROPYTHON:

    @micropython.viper
    def mask(buf: object, off: int, n: int, key: object, key_off: int) -> int:
        """XOR `n` bytes at `off` with the 4 key bytes at `key_off`, in place; masks and unmasks.

        Args:
            buf: writable buffer of at least `off + n` bytes.
            off: first byte, in bytes.
            n: how many bytes.
            key: buffer that holds the key; may be `buf` itself outside the masked range.
            key_off: where the 4 key bytes start.

        Returns:
            `n`.
        """
        k = ptr8(int(ptr8(key)) + key_off)
        off += int(ptr8(buf))
        end = off + n
        i = 0
        while off < end and off & 3:
            ptr8(off)[0] = int(ptr8(off)[0]) ^ int(k[i])
            i += 1
            off += 1
        word = int(k[i & 3]) | (int(k[(i + 1) & 3]) << 8) | (int(k[(i + 2) & 3]) << 16) | (int(k[(i + 3) & 3]) << 24)
        stop = off + ((end - off) & -8)
        while off < stop:
            ptr32(off)[0] = int(ptr32(off)[0]) ^ word
            ptr32(off)[1] = int(ptr32(off)[1]) ^ word
            off += 8
        while off < end:
            ptr8(off)[0] = int(ptr8(off)[0]) ^ int(k[i & 3])
            i += 1
            off += 1
        return n

    @micropython.viper
    def move(dst: object, dst_off: int, src: object, src_off: int, n: int) -> int:
        """Copy `n` bytes, first to last.

        Args:
            dst: writable buffer of at least `dst_off + n` bytes.
            dst_off: where the first byte goes.
            src: buffer of at least `src_off + n` bytes; may be `dst` itself when `dst_off` is not above `src_off`.
            src_off: where the first byte stands.
            n: how many bytes.

        Returns:
            `n`.
        """
        dst_off += int(ptr8(dst))
        at = int(ptr8(src)) + src_off
        end = dst_off + n
        if not (dst_off ^ at) & 3:
            while dst_off < end and dst_off & 3:
                ptr8(dst_off)[0] = ptr8(at)[0]
                dst_off += 1
                at += 1
            stop = dst_off + ((end - dst_off) & -16)
            while dst_off < stop:
                ptr32(dst_off)[0] = ptr32(at)[0]
                ptr32(dst_off)[1] = ptr32(at)[1]
                ptr32(dst_off)[2] = ptr32(at)[2]
                ptr32(dst_off)[3] = ptr32(at)[3]
                dst_off += 16
                at += 16
        while dst_off < end:
            ptr8(dst_off)[0] = ptr8(at)[0]
            dst_off += 1
            at += 1
        return n

else:

    def mask(buf: bytearray, off: int, n: int, key: "bytes | bytearray", key_off: int) -> int:
        """XOR `n` bytes at `off` with the 4 key bytes at `key_off`, in place; see the viper twin."""
        four = bytes(key[key_off : key_off + 4])
        if any(four):
            stream = int.from_bytes((four * ((n + 3) >> 2))[:n], "little")
            buf[off : off + n] = (int.from_bytes(buf[off : off + n], "little") ^ stream).to_bytes(n, "little")
        return n

    def move(dst: bytearray, dst_off: int, src: "bytes | bytearray | memoryview", src_off: int, n: int) -> int:
        """Copy `n` bytes; see the viper twin."""
        dst[dst_off : dst_off + n] = src[src_off : src_off + n]
        return n
