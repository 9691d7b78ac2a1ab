"""A NOR flash in memory whose power can be cut at any program or erase, for MicroPython's littlefs and for `nvs_flash`.

Erasing sets ones, programming only clears bits, as on the chip; programming what was not erased is noted in `misused`.
Two chips may hang on one power. Nothing here allocates after the constructor, since littlefs may be called by the collector's
finalisers while the heap is locked.
"""

import micropython

NOTHING = 0  # the last operation leaves nothing
HALF = 1  # its first half
FULL = 2  # all of it
RANDOM = 3  # any of the bits that it was to change
UNORDERED = 4  # all of it, but what was first written since the last `sync` never arrived
MODES = (NOTHING, HALF, FULL, RANDOM, UNORDERED)

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
    d = ptr8(to)  # noqa: F821 - the viper compiler knows it
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
def _program_some(to, to_off: int, source, n: int, dice: int):
    d = ptr8(to)  # noqa: F821 - the viper compiler knows it
    s = ptr8(source)  # noqa: F821
    for i in range(n):
        dice = (dice * 25173 + 13849) & 0xFFFF
        d[to_off + i] = d[to_off + i] & (s[i] | (dice >> 8))


@micropython.viper
def _erase(to, to_off: int, n: int):
    d = ptr8(to)  # noqa: F821 - the viper compiler knows it
    for i in range(n):
        d[to_off + i] = 255


@micropython.viper
def _erase_some(to, to_off: int, n: int, dice: int):
    d = ptr8(to)  # noqa: F821 - the viper compiler knows it
    for i in range(n):
        dice = (dice * 25173 + 13849) & 0xFFFF
        d[to_off + i] = d[to_off + i] | (dice >> 8)


class Power:
    """What the chips of a board hang on, from one power-up to the next.

    Args:
        cut_at: number of the program or erase, of all chips together, at which it fails, from 1 on; 0 for never.
        mode: what the operation under way leaves.

    Attributes:
        operations: programs and erases so far.
        dead: it has failed; everything is an error.
    """

    def __init__(self, cut_at=0, mode=FULL):
        self._cut_at = cut_at or _NEVER
        self.mode = mode
        self.operations = 0
        self.dead = False
        self.chips = []

    def step(self):
        """Begin an operation; tells whether the power fails in it."""
        if self.dead:
            raise OSError(_EIO)
        self.operations += 1
        self.dead = self.operations >= self._cut_at
        return self.dead


class Nor:
    """One power-up of a flash chip.

    Args:
        memory: bytearray of whole blocks; what the chip keeps.
        power: a Power, or None for one that lasts.
        is_ordered: whoever writes waits for each operation, as NVS does, and needs no `sync`.

    Attributes:
        power: as above.
        misused: bytes programmed without having been erased.
        erases: how often each block was erased.
    """

    def __init__(self, memory, power=None, is_ordered=False):
        self.memory = memory
        self.power = power or Power()
        self.power.chips.append(self)
        self._is_ordered = is_ordered
        self.misused = 0
        self.erases = [0] * (len(memory) // BLOCK_BYTES)
        self._first = -1  # the block that was written first since the last sync, and what was in it
        self._before = bytearray(BLOCK_BYTES)

    def bury(self, scratch):
        """Let files that nobody closed work on a copy of the memory, so that the collector closes them without an error."""
        scratch[:] = self.memory
        self.memory = scratch
        self.power = Power()

    def program(self, at, buf):
        """Clear bits from the address `at` on."""
        n = len(buf)
        cut = self._begin(at // BLOCK_BYTES)
        mode = self.power.mode
        if cut and mode == RANDOM:
            _program_some(self.memory, at, buf, n, (self.power.operations * 7919 + at) & 0xFFFF)
        elif not cut or mode != NOTHING:
            self.misused += _program(self.memory, at, buf, n // 2 if cut and mode == HALF else n)
        self._end(cut)

    def erase(self, block):
        """Set all bits of a block."""
        at = block * BLOCK_BYTES
        cut = self._begin(block)
        mode = self.power.mode
        self.erases[block] += 1
        if cut and mode == RANDOM:
            _erase_some(self.memory, at, BLOCK_BYTES, (self.power.operations * 7919 + at) & 0xFFFF)
        elif not cut or mode != NOTHING:
            _erase(self.memory, at, BLOCK_BYTES // 2 if cut and mode == HALF else BLOCK_BYTES)
        self._end(cut)

    def _begin(self, block):
        cut = self.power.step()
        if self._first < 0:
            self._first = block
            _copy(self._before, 0, self.memory, block * BLOCK_BYTES, BLOCK_BYTES)
        return cut

    def _end(self, cut):
        if cut:
            if self.power.mode == UNORDERED:
                for chip in self.power.chips:
                    chip.lose()
            raise OSError(_EIO)
        if self._is_ordered:
            self._first = -1

    def lose(self):
        """Undo what was written first since the last sync, all of that block."""
        if self._first >= 0:
            _copy(self.memory, self._first * BLOCK_BYTES, self._before, 0, BLOCK_BYTES)

    # --- as MicroPython's file systems want it

    def readblocks(self, block, buf, off=0):
        if self.power.dead:
            raise OSError(_EIO)
        _copy(buf, 0, self.memory, block * BLOCK_BYTES + off, len(buf))

    def writeblocks(self, block, buf, off=0):
        self.program(block * BLOCK_BYTES + off, buf)

    def ioctl(self, op, arg):
        if op == 3:
            self._first = -1
        if op == 4:
            return len(self.memory) // BLOCK_BYTES
        if op == 5:
            return BLOCK_BYTES
        if op == 6:
            self.erase(arg)
        return 0
