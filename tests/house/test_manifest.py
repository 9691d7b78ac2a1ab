"""What a board gets is what it needs: all that the handset imports is in the manifest, and nothing of callcore besides."""

import ast
from pathlib import Path

import build
import pytest


def imported(file: Path) -> set[Path]:
    """Name the files of callcore and handset that a file imports, at its head or later."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            path = build.FIRMWARE / (name.replace(".", "/") + ".py")
            if name.split(".")[0] in build.ROOMS and path.exists():
                found.add(path)
    return found


def reached(file: Path) -> set[Path]:
    """Name all that is loaded when a file is."""
    found: set[Path] = set()
    left = [file]
    while left:
        new = imported(left.pop()) - found
        found |= new
        left += new
    return found


def test_a_board_gets_all_that_it_imports_and_nothing_of_callcore_besides() -> None:
    needed = reached(build.FIRMWARE / build.MAIN) | {build.FIRMWARE / "callcore/__init__.py"}
    given = {path for path in build.sources() if path.parent.name in build.ROOMS}
    assert sorted(path.name for path in needed - given) == [], "firmware/manifest-core.py lacks these"
    of_core = {path for path in given - needed if path.parent.name == "callcore"}
    assert sorted(path.name for path in of_core) == [], "no board imports these"


def test_what_is_for_the_relay_alone_stays_off_the_board() -> None:
    given = {path.name for path in build.sources()}
    for name in ("authority.py", "handover.py", "sentences.py", "verify.py"):
        assert name not in given and (build.FIRMWARE / "callcore" / name).exists()


def test_every_source_is_there_once() -> None:
    found = build.sources()
    assert len(found) == len(set(found)) and all(path.is_file() for path in found)


def test_a_file_that_a_board_needs_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate can fail: an import is found wherever it stands."""
    monkeypatch.setattr(build, "FIRMWARE", tmp_path)
    (tmp_path / "callcore").mkdir()
    (tmp_path / "callcore/far.py").write_text("")
    (tmp_path / "main.py").write_text("def later():\n    from callcore import far\n")
    assert reached(tmp_path / "main.py") == {tmp_path / "callcore/far.py"}
