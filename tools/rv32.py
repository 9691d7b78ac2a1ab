"""Runs viper code of a 32-bit RISC-V (ESP32-C3, C6) in unicorn and counts its instructions."""

from typing import Any

from mpyfile import MeasureError, Program
from unicorn import UC_ARCH_RISCV, UC_HOOK_BLOCK, UC_HOOK_CODE, UC_MODE_RISCV32, Uc, UcError
from unicorn import riscv_const as riscv
from viper_machine import MEMORY_BYTES, RETURN, RUNTIME, STACK, Lookup, Machine

# c.jr t0: what stands at each place of the runtime, which a hook has done by then
_LEAVE = b"\x82\x82"

_ARGUMENTS = (riscv.UC_RISCV_REG_A0, riscv.UC_RISCV_REG_A1, riscv.UC_RISCV_REG_A2, riscv.UC_RISCV_REG_A3)


class Rv32(Machine):
    """An rv32imc; see `Machine`."""

    ARCH = "rv32imc"

    def __init__(self, program: Program, lookup: Lookup, idle: tuple[str, ...] = ()) -> None:
        self._uc = Uc(UC_ARCH_RISCV, UC_MODE_RISCV32)
        self._uc.mem_map(0, MEMORY_BYTES)
        self._uc.mem_write(RUNTIME, _LEAVE * ((MEMORY_BYTES - RUNTIME) // 2))
        self._error: MeasureError | None = None
        self._lengths: dict[tuple[int, int], int] = {}
        self._uc.hook_add(UC_HOOK_BLOCK, self._block, begin=0, end=RUNTIME - 1)
        self._uc.hook_add(UC_HOOK_CODE, self._runtime, begin=RUNTIME, end=MEMORY_BYTES)
        super().__init__(program, lookup, idle)

    def _write(self, at: int, data: bytes) -> None:
        self._uc.mem_write(at, data)

    def _read(self, at: int, count: int) -> bytes:
        return bytes(self._uc.mem_read(at, count))

    def _execute(self, code: int, handle: int, count: int, arguments: int) -> int:
        uc = self._uc
        self._error = None
        uc.reg_write(riscv.UC_RISCV_REG_SP, STACK)
        uc.reg_write(riscv.UC_RISCV_REG_RA, RETURN)
        self._enter(code, handle, count, arguments)
        try:
            uc.emu_start(code, RETURN)
        except UcError as error:
            at = uc.reg_read(riscv.UC_RISCV_REG_PC)
            raise MeasureError(f"the machine code faults at {at - code:#x} of its function: {error}") from error
        if self._error is not None:
            raise self._error
        return int(uc.reg_read(riscv.UC_RISCV_REG_A0))

    def _enter(self, code: int, handle: int, count: int, arguments: int) -> None:
        """Set the registers as for the call of a function."""
        for register, word in zip(_ARGUMENTS, (handle, count, 0, arguments), strict=True):
            self._uc.reg_write(register, word)

    def _block(self, uc: Any, at: int, size: int, _: object) -> None:
        """Count a run of instructions that has no branch but its last."""
        key = (at, size)
        if key not in self._lengths:
            code, k, found = self._read(at, size), 0, 0
            while k < size:
                # the lowest bits of an instruction say whether it is a compressed one
                k += 4 if code[k] & 3 == 3 else 2
                found += 1
            self._lengths[key] = found
        self.count += self._lengths[key]

    def _runtime(self, uc: Any, at: int, size: int, _: object) -> None:
        try:
            value, function = self._serve(at, *(uc.reg_read(register) for register in _ARGUMENTS[:3]))
        except MeasureError as error:
            self._error = error
            uc.emu_stop()
            return
        if function is None:
            uc.reg_write(riscv.UC_RISCV_REG_A0, value)
            uc.reg_write(riscv.UC_RISCV_REG_T0, uc.reg_read(riscv.UC_RISCV_REG_RA))
        else:
            self._enter(*function)
            uc.reg_write(riscv.UC_RISCV_REG_T0, function[0])
