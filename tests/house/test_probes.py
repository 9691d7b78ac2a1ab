"""The probes for known faults of the compiler: right with this one, and each fault of the past is found."""

from pathlib import Path

import build
import probes
import pytest


@pytest.mark.parametrize("arch", ["rv32imc", "xtensawin"])
def test_this_compiler_passes(arch: str, tmp_path: Path) -> None:
    assert set(probes.check(arch, tmp_path, build.compile_file).values()) == {""}


# what the compilers of the past did, written as source
FAULTS = {
    "a constant index goes elsewhere": ("p[15] = x + 3", "p[14] = x + 3", "store_words"),
    "an index does not survive a load": ("total += int(p[i]) + i", "total += int(p[i]) + int(p[i])", "index_halves"),
    "a local is lost": ("h -= g", "h -= e", "many_locals"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("arch", ["rv32imc", "xtensawin"])
def test_a_fault_is_found(arch: str, fault: str, tmp_path: Path) -> None:
    right, wrong, where = FAULTS[fault]
    assert right in probes.SOURCE

    def compile_wrongly(source: Path, arch: str, made: Path) -> bytes:
        source.write_text(source.read_text().replace(right, wrong))
        return build.compile_file(source, arch, made)

    found = {name for name, said in probes.check(arch, tmp_path, compile_wrongly).items() if said}
    assert found == {where}
