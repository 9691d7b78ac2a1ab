"""tools/upy keeps what it fetched, notices damage, works without a network, and says what to do when it cannot."""

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest
import upy

from tincall.errors import OperatorError

PROGRAM = Path(upy.__file__)


@pytest.fixture
def depot(tmp_path: Path) -> upy.Depot:
    """Give a depot that holds the packages fetched for this checkout, nothing unpacked, and no way to fetch."""
    fetched = upy.Depot(quiet=True)
    if not fetched.sound():
        if os.environ.get("CI"):
            pytest.fail("no packages: run tools/upy.py get")
        pytest.skip("no packages: run tools/upy.py get")
    copy = upy.Depot(tmp_path / "cache", quiet=True)
    shutil.copytree(fetched.debs, copy.debs)
    shutil.copy(fetched.lock_file, copy.lock_file)
    return copy


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the machine's apt at a Debian mirror that is not there."""
    _sources(tmp_path, monkeypatch, "Types: deb\nURIs: file:/nonexistent\nSuites: bookworm\nComponents: main\n")


def _sources(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    parts = folder / "parts"
    parts.mkdir()
    (parts / "some.sources").write_text(text)
    (folder / "apt.conf").write_text(f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}";\n')
    monkeypatch.setenv("APT_CONFIG", str(folder / "apt.conf"))


def test_makes_everything_from_the_packages_without_a_network(depot: upy.Depot, no_network: None) -> None:
    assert depot.get() == []
    for board, bits in (("unix", "64"), ("unix32", "32")):
        question = "import sys; print(sys.implementation.name, 64 if sys.maxsize > 2**31 else 32)"
        done = subprocess.run([depot.launcher(board), "-c", question], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["micropython", bits]
    clips = sorted(depot.speech.glob("*.wav"))
    assert len(clips) >= 10
    for clip in clips:
        with wave.open(str(clip)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
            assert file.getnframes() > 8000
    assert (depot.speech / "LICENCE.txt").read_text()


def test_the_launcher_works_from_any_folder_and_keeps_arguments(depot: upy.Depot, tmp_path: Path) -> None:
    depot.prepare("unix")
    moved = tmp_path / "some where"
    depot.folder.rename(moved)
    (tmp_path / "args.py").write_text("import sys\nprint(sys.argv[1:])\n")
    command = [moved / "micropython", "args.py", "a b", "$c"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['a b', '$c']"


def test_a_damaged_interpreter_is_unpacked_again(depot: upy.Depot) -> None:
    depot.prepare("unix32")
    libraries = list((depot.folder / "i386").rglob("libffi.so*"))
    assert libraries
    for library in libraries:
        library.unlink()
    assert depot.prepare("unix32").word_bits == 32


@pytest.mark.parametrize("damage", ["cut short", "changed", "removed", "unrecorded"])
def test_damaged_packages_are_fetched_again(
    depot: upy.Depot, damage: str, no_network: None, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = sorted(depot.debs.glob("libffi8*"))[0]
    whole = victim.read_bytes()
    if damage == "cut short":
        victim.write_bytes(whole[: len(whole) // 2])
    elif damage == "changed":
        victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif damage == "removed":
        victim.unlink()
    else:
        depot.lock_file.write_text("{")
    assert not depot.sound()
    # there is no network: that it tried to fetch is what can be seen
    with pytest.raises(OperatorError, match="apt-get update failed"):
        depot.get()


def test_a_failed_fetch_leaves_nothing_half_done(tmp_path: Path, no_network: None) -> None:
    depot = upy.Depot(tmp_path / "cache", quiet=True)
    with pytest.raises(OperatorError) as caught:
        depot.get()
    assert "TINCALL_MICROPYTHON" in caught.value.hint
    assert [path.name for path in depot.folder.iterdir()] == ["busy"]


def test_a_machine_without_debian_sources_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _sources(tmp_path, monkeypatch, "Types: deb\nURIs: file:/nonexistent\nSuites: noble\nComponents: main universe\n")
    with pytest.raises(OperatorError, match="no Debian archive") as caught:
        upy.Depot(tmp_path / "cache", quiet=True).get()
    assert "TINCALL_MICROPYTHON32" in caught.value.hint
    assert "--board cpython" in caught.value.hint


def _fresh(depot: upy.Depot, name: str, content: bytes) -> Path:
    folder = depot.folder / "debs.new"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    return folder


def test_the_same_version_with_other_bytes_is_refused(tmp_path: Path) -> None:
    depot = upy.Depot(tmp_path, quiet=True)
    depot._record(_fresh(depot, "a_1_amd64.deb", b"first"))
    with pytest.raises(OperatorError, match="another sha256"):
        depot._record(_fresh(depot, "a_1_amd64.deb", b"second"))
    assert depot.sound()
    assert (depot.debs / "a_1_amd64.deb").read_bytes() == b"first"


def test_a_new_version_replaces_the_old(tmp_path: Path) -> None:
    depot = upy.Depot(tmp_path, quiet=True)
    depot._record(_fresh(depot, "a_1_amd64.deb", b"first"))
    depot._record(_fresh(depot, "a_2_amd64.deb", b"second"))
    assert list(depot.lock()) == ["a_2_amd64.deb"]
    assert json.loads(depot.lock_file.read_text())["packages"]["a_2_amd64.deb"]["arch"] == "amd64"


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_path_prints_the_launcher_that_find_gives() -> None:
    done = _run("path", "unix", TINCALL_MICROPYTHON="/nonexistent/micropython")
    assert (done.returncode, done.stdout) == (2, "")
    assert "TINCALL_MICROPYTHON names /nonexistent/micropython" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_counts_what_passed_and_what_failed(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_a():\n    assert True\n\ndef test_b():\n    assert 1 == 2\n")
    (tmp_path / "test_two.py").write_text("def test_c():\n    assert True\n")
    done = _run("run", str(tmp_path), "--on", "cpython")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "cpython: 2 passed, 1 failed"
    assert "assert 1 == 2" in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nsys.exit(0)\n",
        "import os\nos._exit(0)\n",
        "raise ValueError\n",
        "x = 1\n",
        "async def test_a():\n    assert False\n",
    ],
)
def test_run_fails_when_a_file_ran_no_test(tmp_path: Path, text: str) -> None:
    (tmp_path / "test_good.py").write_text("def test_a():\n    assert True\n")
    (tmp_path / "test_odd.py").write_text(text)
    done = _run("run", str(tmp_path), "--on", "cpython")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "cpython: 1 passed, 1 failed"


def test_run_fails_on_an_empty_folder(tmp_path: Path) -> None:
    assert _run("run", str(tmp_path), "--on", "cpython").returncode == 1


def test_a_missing_interpreter_fails_in_ci_and_is_told_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_a():\n    assert True\n")
    missing = {"TINCALL_MICROPYTHON": "/nonexistent", "TINCALL_MICROPYTHON32": "/nonexistent"}
    in_ci = _run("run", str(tmp_path), CI="1", **missing)
    elsewhere = _run("run", str(tmp_path), CI="", **missing)
    assert (in_ci.returncode, elsewhere.returncode) == (1, 0)
    assert "unix32: not run" in elsewhere.stdout


def test_wrong_usage_is_told_in_a_line() -> None:
    for arguments in (["run", "/nonexistent"], ["run", str(PROGRAM), "--on", "pypy"], ["path", "esp32"], []):
        done = _run(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
