"""tools/node_tests runs the mini program's tests where Node is, and says so where it is not."""

import os
from pathlib import Path

import node_tests
import pytest


def _node(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a Node of our own first on the path."""
    program = folder / "node"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin:/bin")
    return program


@pytest.mark.parametrize(("says", "have"), [("v20.20.2", (20, 20)), ("v18.17.0-pre", (18, 17)), ("node?", (0, 0))])
def test_a_node_says_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, have: tuple[int, int]
) -> None:
    assert node_tests.version(str(_node(tmp_path, monkeypatch, f"echo {says}"))) == have


@pytest.mark.parametrize(("is_ci", "status"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("says", ["", "v16.20.0"])
def test_without_a_good_node_only_ci_fails(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_ci: bool,
    status: int,
    says: str,
) -> None:
    monkeypatch.setenv("CI", "1") if is_ci else monkeypatch.delenv("CI", raising=False)
    if says:
        _node(tmp_path, monkeypatch, f"echo {says}")
    else:
        monkeypatch.setenv("PATH", str(tmp_path))
    assert node_tests.main() == status
    said = capsys.readouterr().err
    assert "apt-get install nodejs" in said
    assert ("skipped" in said) != is_ci


@pytest.mark.parametrize("status", [0, 3])
def test_every_test_file_is_run_and_their_status_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    heard = tmp_path / "heard"
    _node(tmp_path, monkeypatch, f'[ "$1" = --version ] && echo v18.19.0 && exit\necho "$@" > {heard}\nexit {status}')
    assert node_tests.main() == status
    flag, *files = heard.read_text().split()
    assert flag == "--test"
    assert files == sorted(f"tests/miniprogram/{path.name}" for path in node_tests.TESTS.glob("*.test.mjs"))
    assert len(files) > 5


def test_no_tests_at_all_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _node(tmp_path, monkeypatch, "echo v20.0.0")
    monkeypatch.setattr(node_tests, "TESTS", tmp_path)
    assert node_tests.main() == 1
