"""Moving and masking bytes inside given buffers (RFC 6455 section 5.3): viper on the board, big-integer XOR on CPython.

The two halves are twins for speed only; tests hold them to the same bytes.
"""

from callcore.compat import MICROPYTHON, micropython, ptr8

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
        k = ptr8(key)
        k0 = int(k[key_off])
        k1 = int(k[key_off + 1])
        k2 = int(k[key_off + 2])
        k3 = int(k[key_off + 3])
        p = ptr8(int(ptr8(buf)) + off)
        whole = n & -4
        i = 0
        while i < whole:
            p[i] = int(p[i]) ^ k0
            p[i + 1] = int(p[i + 1]) ^ k1
            p[i + 2] = int(p[i + 2]) ^ k2
            p[i + 3] = int(p[i + 3]) ^ k3
            i += 4
        if i < n:
            p[i] = int(p[i]) ^ k0
        if i + 1 < n:
            p[i + 1] = int(p[i + 1]) ^ k1
        if i + 2 < n:
            p[i + 2] = int(p[i + 2]) ^ k2
        return n

    @micropython.viper
    def move(dst: object, dst_off: int, src: object, src_off: int, n: int) -> int:
        """Copy `n` bytes forward; `dst` may be `src` when the destination lies before the source.

        Returns:
            `n`.
        """
        d = ptr8(int(ptr8(dst)) + dst_off)
        s = ptr8(int(ptr8(src)) + src_off)
        i = 0
        while i < n:
            d[i] = s[i]
            i += 1
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
