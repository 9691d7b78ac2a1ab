"""The wheel carries all that the program needs, and works in an environment that knows nothing of the checkout.

What the program depends on is lent to that environment from this one, so that no network is needed.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import build
import bundle
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DEMO_S = 120
ASKED = """
import json, pathlib, sys
import tincall
from tincall import shipped
from tincall.emulator.child import BOARD, FIRMWARE, Program
from tincall.workbench import firmware
Program("cpython").command()
print(json.dumps({
    "at": tincall.__file__, "root": str(shipped.root()), "checkout": shipped.checkout(),
    "there": (FIRMWARE / "main.py").is_file() and (BOARD / "board.py").is_file(),
    "files": {arch: sorted(firmware.files(arch, "EMULATED")) for arch in firmware.arches()},
}))
"""


def make_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    command = [sys.executable, "-m", "pip", "wheel", str(CHECKOUT), "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "-q", "-w", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into an environment of its own, and give the folder of its programs."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (packages,) = (folder / "lib").glob("python*/site-packages")
    # a path file's folders are not asked for path files of their own, so this lends no editable installation
    (packages / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index"]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return python.parent


def run(program: Path, *arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    """Run something in a folder, with nothing of this process's environment."""
    environment = {"PATH": os.defpath, "HOME": str(at)}
    return subprocess.run(
        [program, *arguments], cwd=at, env=environment, capture_output=True, text=True, timeout=DEMO_S, check=False
    )


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the programs of an environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("wheel")
    return install(make_wheel(folder), folder / "empty")


def test_an_installed_wheel_has_the_firmware_for_boards_and_for_the_emulator(programs: Path, tmp_path: Path) -> None:
    done = run(programs / "python", "-c", ASKED, at=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["at"].startswith(str(programs.parent)) and told["root"].startswith(str(programs.parent))
    assert told["checkout"] is None and told["there"]
    assert set(told["files"]) == set(bundle.ARCHES)
    for files in told["files"].values():
        assert set(files) == set(bundle.plan()["EMULATED"])

    done = run(programs / "tincall", "--help", at=tmp_path)
    assert done.returncode == 0 and "emulate" in done.stdout
    done = run(programs / "tincall", "init", "--data", "data", "--json", at=tmp_path)
    assert done.returncode == 0, done.stderr

    done = run(programs / "tincall", "image", "EMULATED", "--out", "flash.img", "--json", at=tmp_path)
    assert done.returncode == 0 and (tmp_path / "flash.img").stat().st_size == 2 << 20, done.stderr

    root = Path(told["root"])
    shipped = {path.relative_to(root / "firmware") for path in (root / "firmware").rglob("*.py")}
    assert shipped == {path.relative_to(build.FIRMWARE) for path in build.FIRMWARE.rglob("*.py")}
    assert {path.name for path in (root / "boards").iterdir()} >= set(bundle.boards())


@pytest.mark.long
def test_a_whole_call_is_made_from_an_installed_wheel(programs: Path, tmp_path: Path) -> None:
    clip = next((CHECKOUT / ".cache/speech").glob("librivox-0870.wav"))
    arguments = ("demo", "--board", "cpython", "--clip", str(clip), "--seconds", "2", "--json")
    done = run(programs / "tincall", *arguments, at=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["board"]["verified"] and report["call"]["cause"] == 16


@pytest.mark.long
def test_two_wheels_of_the_same_sources_are_the_same_bytes(tmp_path: Path) -> None:
    one, two = (make_wheel(tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as wheel:
        assert not [name for name in wheel.namelist() if "__pycache__" in name or str(CHECKOUT) in name]
