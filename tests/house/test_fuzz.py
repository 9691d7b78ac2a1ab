"""The search for bytes that break a reader: it finds what is there to be found, and nothing in ours (long, needs atheris)."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import fuzz
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS = 60


def search(*arguments: str, tool: Path = CHECKOUT / "tools/fuzz.py") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(tool), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 120)


def test_a_wrong_target_is_told() -> None:
    done = search("nothing")
    assert done.returncode == 2 and all(name in done.stderr for name in fuzz.NAMES)


def test_without_atheris_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert fuzz.main(["head"]) == fuzz.STATUS_NOT_THERE
    assert "pip install" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 180)
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="the extra `fuzz` is not installed")
@pytest.mark.parametrize("target", fuzz.NAMES)
def test_a_minute_of_search_finds_nothing(target: str) -> None:
    done = search(target, "--seconds", str(SECONDS))
    assert done.returncode == 0, done.stderr[-2000:]
