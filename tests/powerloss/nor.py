"""A NOR flash in memory whose power can be cut at any program or erase, for MicroPython's littlefs.

Erasing sets ones, programming only clears bits, as on the chip; programming what was not erased is noted in `misused`.
Nothing here allocates after the constructor, since littlefs may be called by the collector's finalisers while the heap is
locked.
"""

import micropython

NOTHING = 0  # the last operation leaves nothing
HALF = 1
FULL = 2
MODES = (NOTHING, HALF, FULL)

BLOCK_BYTES = 4096
_NEVER = 0x3FFFFFFF
_EIO = 5


@micropython.viper
def _copy(to, to_off: int, source, source_off: int, n: int):
    d = ptr8(to)  # noqa: F821 - the viper compiler knows it
    s = ptr8(source)  # noqa: F821
    for i in range(n):
        d[to_off + i] = s[source_off + i]


@micropython.viper
def _program(to, to_off: int, source, n: int) -> int:
    """Clear bits; gives how many bytes would have needed a bit set."""
    d = ptr8(to)  # noqa: F821
    s = ptr8(source)  # noqa: F821
    wrong = 0
    for i in range(n):
        was = d[to_off + i]
        want = s[i]
        d[to_off + i] = was & want
        if was & want != want:
            wrong += 1
    return wrong


@micropython.viper
def _erase(to, to_off: int, n: int):
    d = ptr8(to)  # noqa: F821
    for i in range(n):
        d[to_off + i] = 255


class Nor:
    """One power-up of a flash chip.

    Args:
        memory: bytearray of whole blocks; what the chip keeps.
        cut_at: number of the program or erase at which the power fails, from 1 on; 0 for never.
        mode: what the operation under way leaves.

    Attributes:
        operations: programs and erases so far.
        dead: the power has failed; everything is an error.
        misused: bytes programmed without having been erased.
    """

    def __init__(self, memory, cut_at=0, mode=FULL):
        self._memory = memory
        self._cut_at = cut_at or _NEVER
        self._mode = mode
        self.operations = 0
        self.dead = False
        self.misused = 0

    def bury(self, scratch):
        """Let files that nobody closed work on a copy of the memory, so that the collector closes them without an error."""
        scratch[:] = self._memory
        self._memory = scratch
        self._cut_at = _NEVER
        self.dead = False

    def readblocks(self, block, buf, off=0):
        if self.dead:
            raise OSError(_EIO)
        _copy(buf, 0, self._memory, block * BLOCK_BYTES + off, len(buf))

    def writeblocks(self, block, buf, off=0):
        n = self._allowed(len(buf))
        self.misused += _program(self._memory, block * BLOCK_BYTES + off, buf, n)
        if self.dead:
            raise OSError(_EIO)

    def ioctl(self, op, arg):
        if op == 4:
            return len(self._memory) // BLOCK_BYTES
        if op == 5:
            return BLOCK_BYTES
        if op == 6:
            _erase(self._memory, arg * BLOCK_BYTES, self._allowed(BLOCK_BYTES))
            if self.dead:
                raise OSError(_EIO)
        return 0

    def _allowed(self, n):
        """How many of `n` bytes the next operation gets done."""
        if self.dead:
            raise OSError(_EIO)
        self.operations += 1
        if self.operations < self._cut_at:
            return n
        self.dead = True
        return 0 if self._mode == NOTHING else n // 2 if self._mode == HALF else n
