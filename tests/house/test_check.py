"""tools/check runs its steps in order and stops at the first that fails."""

import sys
from pathlib import Path

import check
import pytest


def _say(word: str, status: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({word!r}); raise SystemExit({status})"]


def test_steps_run_in_order_until_one_fails(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(check, "STEPS", {"one": _say("first"), "two": _say("second", 5), "three": _say("third")})
    assert check.main([]) == 1
    out = capfd.readouterr().out
    assert out.index("first") < out.index("second")
    assert "third" not in out
    assert "two FAILED (status 5)" in out


def test_steps_that_go_together_all_run_and_the_next_does_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = {"lint": _say("first", 4), "types": _say("second"), "tests": _say("third")}
    monkeypatch.setattr(check, "STEPS", steps)
    assert check.main([]) == 1
    out = capfd.readouterr().out
    # the words of each stand together, under its name
    assert "== lint\nfirst\n" in out and "== types\nsecond\n" in out
    assert "third" not in out
    assert "lint FAILED (status 4)" in out and "types FAILED" not in out


def test_all_good_is_status_0_and_named_steps_run_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "STEPS", {"one": _say("first"), "two": _say("second")})
    assert check.main(["two"]) == 0
    out = capfd.readouterr().out
    assert "second" in out
    assert "first" not in out


def test_an_unknown_step_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    assert check.main(["lnit"]) == 2
    assert "lnit" in capfd.readouterr().err


def test_every_kind_of_check_is_a_step() -> None:
    assert list(check.STEPS) == [
        "lint",
        "format",
        "types",
        "stubs",
        "layers",
        "vectors",
        "miniprogram",
        "collect",
        "core",
        "tests",
        "paced",
        "alone",
    ]


def test_compiled_sources_are_kept_for_the_next_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = "import os; raise SystemExit('PYTHONDONTWRITEBYTECODE' in os.environ)"
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(check, "STEPS", {"one": [sys.executable, "-c", ask]})
    assert check.main([]) == 0


@pytest.mark.parametrize("mark", ["paced", "alone"])
def test_no_test_of_a_step_of_its_own_is_forgotten(mark: str, checkout: Path) -> None:
    files = check.STEPS[mark][check.STEPS[mark].index(f"{mark} and not long") + 1 :]
    here = Path(__file__)
    users = [path for path in (checkout / "tests").rglob("*.py") if path != here and f"mark.{mark}" in path.read_text()]
    assert files and {str(path.relative_to(checkout)) for path in users} == set(files)
