"""Runs viper code of an Xtensa with register windows (ESP32, S2, S3) and counts its instructions.

An interpreter for what MicroPython's emitter writes, after the Xtensa Instruction Set Architecture Reference Manual: each
instruction is decoded once into a function that does it and gives the address of the next. Whatever else comes is refused by
name of its bits, so a newer emitter cannot be counted wrongly. As on the chip, a word at an odd address is an error.
"""

from collections.abc import Callable

from mpyfile import MeasureError, Program
from viper_machine import MEMORY_BYTES, RETURN, STACK, Lookup, Machine

_WORD, _SIGN = 0xFFFFFFFF, 0x80000000
# what the four bits of a branch against a constant stand for
_CONSTANTS = (-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256)

Step = Callable[[], int]


def _signed(value: int, bits: int) -> int:
    return (value ^ 1 << bits - 1) - (1 << bits - 1)


def _word(value: int) -> int:
    """Read a register as a signed number."""
    return (value ^ _SIGN) - _SIGN


# conditions of branches, by the field that names them; the two registers hold 0 to 2**32 - 1
_COMPARE: dict[int, Callable[[int, int], bool]] = {
    0: lambda a, b: not a & b,
    1: lambda a, b: a == b,
    2: lambda a, b: a ^ _SIGN < b ^ _SIGN,
    3: lambda a, b: a < b,
    4: lambda a, b: not ~a & b,
    8: lambda a, b: bool(a & b),
    9: lambda a, b: a != b,
    10: lambda a, b: a ^ _SIGN >= b ^ _SIGN,
    11: lambda a, b: a >= b,
    12: lambda a, b: bool(~a & b),
}
_COMPARE_ZERO: dict[int, Callable[[int], bool]] = {
    0: lambda a: a == 0,
    1: lambda a: a != 0,
    2: lambda a: a >= _SIGN,
    3: lambda a: a < _SIGN,
}
# arithmetic of two registers, by the fields op1 and op2
_ARITHMETIC: dict[tuple[int, int], Callable[[int, int], int]] = {
    (0, 1): lambda a, b: a & b,
    (0, 2): lambda a, b: a | b,
    (0, 3): lambda a, b: a ^ b,
    (0, 8): lambda a, b: a + b,
    (0, 9): lambda a, b: (a << 1) + b,
    (0, 10): lambda a, b: (a << 2) + b,
    (0, 11): lambda a, b: (a << 3) + b,
    (0, 12): lambda a, b: a - b,
    (2, 8): lambda a, b: a * b,
    (2, 10): lambda a, b: a * b >> 32,
    (2, 11): lambda a, b: _word(a) * _word(b) >> 32,
}


class Xtensa(Machine):
    """An xtensawin; see `Machine`."""

    ARCH = "xtensawin"

    def __init__(self, program: Program, lookup: Lookup, idle: tuple[str, ...] = ()) -> None:
        self._bytes = bytearray(MEMORY_BYTES)
        view = memoryview(self._bytes)
        self._halves, self._words = view.cast("H"), view.cast("I")
        self._steps: dict[int, Step] = {}
        self._registers = [0] * 16
        self._shift = 0
        super().__init__(program, lookup, idle)

    def _write(self, at: int, data: bytes) -> None:
        self._bytes[at : at + len(data)] = data

    def _read(self, at: int, count: int) -> bytes:
        return bytes(self._bytes[at : at + count])

    def _execute(self, code: int, handle: int, count: int, arguments: int) -> int:
        self._registers[:] = [0] * 16
        self._registers[1] = STACK
        return self._enter(code, handle, count, arguments)

    def _enter(self, code: int, handle: int, count: int, arguments: int) -> int:
        """Run a function to its end, in the window that is there, and give what it returns."""
        self._registers[2:6] = [handle, count, 0, arguments]
        steps, at, taken = self._steps, code, 0
        while at != RETURN:
            step = steps.get(at)
            if step is None:
                step = steps[at] = self._decode(at)
            at = step()
            taken += 1
        self.count += taken
        return self._registers[2]

    # --- decoding: which instruction it is, by its fields, and the function that does it

    def _decode(self, at: int) -> Step:
        low = self._bytes[at] | self._bytes[at + 1] << 8
        op, t, s, r = low & 15, low >> 4 & 15, low >> 8 & 15, low >> 12
        bits = low if op >= 8 else low | self._bytes[at + 2] << 16
        step: Step | None = None
        if op >= 8:
            step = self._narrow(at, op, t, s, r)
        elif op == 0:
            step = self._three_registers(at + 3, bits >> 16 & 15, bits >> 20, t, s, r)
        elif op == 1:
            step = self._literal(at, t, bits >> 8)
        elif op == 2:
            step = self._memory(at + 3, r, t, s, bits >> 16)
        elif op == 6:
            step = self._jump(at, t, s, r, bits)
        elif op == 7:
            step = self._branch(at, t, s, r, bits >> 16)
        if step is None:
            raise MeasureError(f"instruction {bits:#08x} of the Xtensa is not expected of the emitter")
        return step

    def _narrow(self, at: int, op: int, t: int, s: int, r: int) -> Step | None:
        """Decode an instruction of 16 bits."""
        after = at + 2
        if op == 8:
            return self._load(after, self._words, 2, t, s, r * 4)
        if op == 9:
            return self._store(after, self._words, 2, t, s, r * 4)
        if op == 10:
            return self._set(after, r, lambda a, b: a + b, s, t)
        if op == 11:
            return self._add(after, r, s, t or -1)
        if op == 12 and t < 8:
            number = (t & 7) << 4 | r
            return self._give(after, s, number - 128 if number >= 96 else number)
        if op == 12:
            return self._go_if_zero(after, at + 4 + ((t & 3) << 4 | r), _COMPARE_ZERO[t >> 2 & 1], s)
        if op == 13 and r == 0:
            return self._add(after, t, s, 0)
        if op == 13 and r == 15 and t in (0, 1):
            return lambda: RETURN
        return (lambda: after) if op == 13 and (r, t) == (15, 3) else None

    def _three_registers(self, after: int, op1: int, op2: int, t: int, s: int, r: int) -> Step | None:
        """Decode arithmetic, shifts, calls and jumps by register."""
        if (op1, op2) in _ARITHMETIC:
            return self._set(after, r, _ARITHMETIC[op1, op2], s, t)
        if (op1, op2) == (0, 0):
            return self._call_or_jump(after, t, s, r)
        if (op1, op2) == (0, 6) and s < 2:
            return self._set(after, r, (lambda a, b: abs(_word(b))) if s else (lambda a, b: -b), s, t)
        if (op1, op2) == (0, 4) and r < 2:
            return self._set_shift(after, s, r == 1)
        if op1 == 1:
            return self._shifted(after, op2, t, s, r)
        if op1 in (4, 5):
            # extui: a field of bits
            right, mask = (op1 & 1) << 4 | s, (2 << op2) - 1
            return self._set(after, r, lambda a, b: b >> right & mask, t, t)
        return None

    def _shifted(self, after: int, op2: int, t: int, s: int, r: int) -> Step | None:
        if op2 < 2:
            left = 32 - (op2 << 4 | t)
            return self._set(after, r, lambda a, b: a << left, s, s)
        if op2 < 4:
            right = (op2 & 1) << 4 | s
            return self._set(after, r, lambda a, b: _word(b) >> right, t, t)
        if op2 == 4:
            return self._set(after, r, lambda a, b: b >> s, t, t)
        if op2 == 9:
            return self._set(after, r, lambda a, b: b >> self._shift, t, t)
        if op2 == 10:
            return self._set(after, r, lambda a, b: a << (32 - self._shift), s, s)
        if op2 == 11:
            return self._set(after, r, lambda a, b: _word(b) >> self._shift, t, t)
        return None

    def _memory(self, after: int, r: int, t: int, s: int, low: int) -> Step | None:
        """Decode loads, stores, and sums with a constant."""
        views = (self._bytes, self._halves, self._words)
        if r < 3:
            return self._load(after, views[r], r, t, s, low << r)
        if 4 <= r < 7:
            return self._store(after, views[r - 4], r - 4, t, s, low << (r - 4))
        if r == 10:
            return self._give(after, t, _signed(s << 8 | low, 12))
        if r == 12:
            return self._add(after, t, s, _signed(low, 8))
        return self._add(after, t, s, _signed(low, 8) << 8) if r == 13 else None

    def _jump(self, at: int, t: int, s: int, r: int, bits: int) -> Step | None:
        """Decode jumps, branches by one register, and the entry of a function."""
        kind, condition = t & 3, t >> 2
        if kind == 0:
            to = at + 4 + _signed(bits >> 6, 18)
            return lambda: to
        if kind == 1:
            return self._go_if_zero(at + 3, at + 4 + _signed(bits >> 12, 12), _COMPARE_ZERO[condition], s)
        if kind == 2:
            # beqi, bnei, blti, bgei
            test = _COMPARE[(1, 9, 2, 10)[condition]]
            constant = _CONSTANTS[r] & _WORD
            return self._go_if_zero(at + 3, at + 4 + _signed(bits >> 16, 8), lambda a: test(a, constant), s)
        if condition == 0:
            return self._add(at + 3, s, s, -(bits >> 12 << 3))
        return None

    def _branch(self, at: int, t: int, s: int, r: int, low: int) -> Step | None:
        """Decode branches by two registers, or by a bit of one."""
        registers, after, to = self._registers, at + 3, at + 4 + _signed(low, 8)
        if r in _COMPARE:
            test = _COMPARE[r]
            return lambda: to if test(registers[s], registers[t]) else after
        if r & 7 in (6, 7):
            bit, wanted = 1 << ((r & 1) << 4 | t), r >= 8
            return lambda: to if bool(registers[s] & bit) == wanted else after
        return None

    # --- doing

    def _set(self, after: int, to: int, what: Callable[[int, int], int], first: int, second: int) -> Step:
        registers = self._registers

        def step() -> int:
            registers[to] = what(registers[first], registers[second]) & _WORD
            return after

        return step

    def _add(self, after: int, to: int, source: int, constant: int) -> Step:
        registers = self._registers

        def step() -> int:
            registers[to] = (registers[source] + constant) & _WORD
            return after

        return step

    def _give(self, after: int, to: int, constant: int) -> Step:
        registers, value = self._registers, constant & _WORD

        def step() -> int:
            registers[to] = value
            return after

        return step

    def _literal(self, at: int, to: int, offset: int) -> Step:
        place = ((at + 3) & ~3) + ((offset - 0x10000) << 2)
        return self._give(at + 3, to, self._words[place >> 2])

    def _load(
        self, after: int, view: "bytearray | memoryview[int]", size: int, to: int, base: int, offset: int
    ) -> Step:
        registers, rest = self._registers, (1 << size) - 1

        def step() -> int:
            place = (registers[base] + offset) & _WORD
            if place & rest or place >= MEMORY_BYTES:
                raise MeasureError(f"a load of {rest + 1} bytes from {place:#x}")
            registers[to] = view[place >> size]
            return after

        return step

    def _store(
        self, after: int, view: "bytearray | memoryview[int]", size: int, source: int, base: int, offset: int
    ) -> Step:
        registers, rest = self._registers, (1 << size) - 1
        mask = (1 << (8 << size)) - 1

        def step() -> int:
            place = (registers[base] + offset) & _WORD
            if place & rest or place >= MEMORY_BYTES:
                raise MeasureError(f"a store of {rest + 1} bytes to {place:#x}")
            view[place >> size] = registers[source] & mask
            return after

        return step

    def _set_shift(self, after: int, source: int, is_left: bool) -> Step:
        registers = self._registers

        def step() -> int:
            amount = registers[source] & 31
            self._shift = 32 - amount if is_left else amount
            return after

        return step

    def _go_if_zero(self, after: int, to: int, test: Callable[[int], bool], source: int) -> Step:
        registers = self._registers
        return lambda: to if test(registers[source]) else after

    def _call_or_jump(self, after: int, t: int, s: int, r: int) -> Step | None:
        """Decode what goes to an address in a register; of calls those with eight registers between."""
        registers = self._registers
        if (r, t) == (0, 10):
            return lambda: registers[s]
        if (r, t) == (0, 9):
            return lambda: RETURN
        if (r, t) == (2, 15):
            return lambda: after
        if (r, t) != (0, 14):
            return None

        def step() -> int:
            value, function = self._serve(registers[s], *registers[10:13])
            if function is not None:
                kept, shift = registers[:], self._shift
                value = self._enter(*function)
                registers[:], self._shift = kept, shift
            registers[10] = value
            return after

        return step
