"""How results reach the person or the program that asked: a human view, or one JSON document on the standard output.

With `--json` nothing else goes there; remarks and errors go to the standard error output in both forms. rich is only
loaded when something is drawn with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tincall.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

# where nobody looks, no line of a table is to be folded: another program cuts it into words
_PIPE_CHARS = 240

_form = {"json": False}


def use_json(wanted: bool) -> None:
    """Choose the form for this process; once chosen, JSON stays."""
    _form["json"] = _form["json"] or wanted


def reset() -> None:
    """Go back to the human form; for tests, where one process stands for many."""
    _form["json"] = False


def is_json() -> bool:
    """Tell whether `--json` was given."""
    return _form["json"]


def result(document: dict[str, Any], human: Callable[[Console], object], problem: OperatorError | None = None) -> None:
    """Give the result of a command.

    Args:
        document: what `--json` prints, on one line.
        human: draws the same for a person.
        problem: why this result is a failure all the same; it is told after the result, in the document as `error`.

    Raises:
        typer.Exit: there is a problem, with its status.
    """
    if is_json():
        _print_json(document if problem is None else {**document, "error": _told(problem)})
    else:
        from rich.console import Console

        human(Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_CHARS))
    if problem is not None:
        import typer

        _complain(problem)
        raise typer.Exit(problem.status)


def note(text: str) -> None:
    """Tell the person something beside the result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def error(problem: OperatorError) -> None:
    """Say what went wrong and what to do: to the person always, and to the program as the one document."""
    _complain(problem)
    if is_json():
        _print_json({"error": _told(problem)})


def _complain(problem: OperatorError) -> None:
    note(f"tincall: {problem.message}")
    if problem.hint:
        note(f"         {problem.hint}")


def _told(problem: OperatorError) -> dict[str, Any]:
    return {"message": problem.message, "hint": problem.hint, "status": problem.status}


def _print_json(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def when(unix_ms: int | None) -> str:
    """Write a time for a person, in the local zone; empty when it never happened."""
    if not unix_ms:
        return ""
    return datetime.fromtimestamp(unix_ms / 1000).strftime("%Y-%m-%d %H:%M:%S")


def lately(unix_ms: int | None) -> str:
    """Write a time in few characters, for a table: what was today without its date."""
    text = when(unix_ms)
    return text.removeprefix(f"{datetime.now():%Y-%m-%d} ")


def lasted(duration_ms: int | None) -> str:
    """Write a duration for a person, as `1:02`; empty when there is none."""
    if duration_ms is None:
        return ""
    seconds = round(duration_ms / 1000)
    return f"{seconds // 60}:{seconds % 60:02d}"


def escape(text: object) -> str:
    """Make foreign text safe to draw: no markup of rich, no control characters."""
    from rich.markup import escape as escape_markup

    plain = "" if text is None else str(text)
    return escape_markup("".join(c if c.isprintable() else "?" for c in plain))
