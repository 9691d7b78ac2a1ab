"""What a bundle holds is compiled once and anew after a change; each board gets the files of its own manifest."""

import json
from pathlib import Path

import build
import bundle
import pytest


def test_what_is_compiled_already_is_taken_and_a_change_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "CACHE", tmp_path / "cache")
    source = tmp_path / "board.py"
    source.write_text("NAME = 'one'\n")
    monkeypatch.setattr(bundle, "plan", lambda: {"A": {"/lib/board.mpy": source}})
    compiler = build.find_compiler()
    first = bundle.cached("x64", compiler)
    before = first.stat().st_ino
    assert bundle.cached("x64", compiler) == first and first.stat().st_ino == before
    monkeypatch.setattr(bundle, "version", lambda: "9.9.9")
    second = bundle.cached("x64", compiler)
    assert second != first and json.loads((second / bundle.INDEX).read_text())["version"] == "9.9.9"
    source.write_text("NAME = 'two'\n")
    third = bundle.cached("x64", compiler)
    assert third != second and b"two" in (third / "boards/A/board.mpy").read_bytes()


def test_the_oldest_bundles_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "CACHE", tmp_path)
    monkeypatch.setattr(bundle, "bundle", lambda arch, folder, compiler: folder.mkdir())
    for number in range(8):
        monkeypatch.setattr(bundle, "fingerprint", lambda arch, compiler, number=number: str(number))
        (tmp_path / f"x86-{number}").mkdir()
        bundle.cached("x64", build.find_compiler())
    assert len(list(tmp_path.glob("x64-*"))) == bundle._KEPT and len(list(tmp_path.glob("x86-*"))) == 8


def test_a_file_that_two_boards_have_of_their_own_is_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = {}
    for board in ("A", "B"):
        source = tmp_path / board / "codec.py"
        source.parent.mkdir()
        source.write_text(f"NAME = 'codec of {board}'\n")
        plans[board] = {"/lib/codec.mpy": source}
    monkeypatch.setattr(bundle, "plan", lambda: plans)
    folder = bundle.bundle("x64", tmp_path / "out", build.find_compiler())
    index = json.loads((folder / bundle.INDEX).read_text())["boards"]
    for board in ("A", "B"):
        assert f"codec of {board}".encode() in (folder / index[board]["/lib/codec.mpy"]).read_bytes()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle.main(["x64", "--out", str(tmp_path)]) == 1
    assert "is there already" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_what_does_not_compile_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    bad = tmp_path / "board.py"
    bad.write_text("def (:\n")
    monkeypatch.setattr(bundle, "plan", lambda: {"A": {"/lib/board.mpy": bad}})
    assert bundle.main(["x64", "--out", str(tmp_path / "out")]) == 1
    assert "board.py for x64" in capsys.readouterr().err and list(tmp_path.iterdir()) == [bad]
