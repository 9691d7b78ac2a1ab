"""Events as a person sees them."""

from typing import Any

import pytest

from tincall.cli import event_lines


def drawn(capsys: pytest.CaptureFixture[str], *events: dict[str, Any]) -> list[str]:
    show = event_lines.drawer()
    for event in events:
        show(event)
    return capsys.readouterr().out.splitlines()


def test_time_runs_from_the_first_and_what_is_of_no_use_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = drawn(
        capsys,
        {"source": "firmware", "ev": "call", "t_ns": 10**9, "ms": 7, "level": "info", "state": "ringing"},
        {"source": "firmware", "ev": "text", "t_ns": 3 * 10**9, "line": "[red]plain[/]\x1b[2J"},
    )
    assert first.split() == ["0.000", "firmware", "call", "state=ringing"]
    assert second == "    2.000 [red]plain[/]?[2J"


def test_levels_and_states_have_their_colours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    lines = drawn(
        capsys,
        {"source": "firmware", "ev": "error", "t_ns": 0, "level": "error", "step": "link"},
        {"source": "board", "ev": "crash", "t_ns": 0},
        {"source": "firmware", "ev": "call", "t_ns": 0, "level": "info", "state": "answered"},
        {"source": "port", "ev": "lost", "t_ns": 0, "level": "warning"},
        {"source": "firmware", "ev": "online", "t_ns": 0, "level": "info"},
    )
    red, green, yellow = "\x1b[1;31m", "\x1b[1;32m", "\x1b[33m"
    assert [next((colour for colour in (red, green, yellow) if colour in line), "") for line in lines] == [
        *(red, red, green, yellow, "")
    ]
