"""Draws what a board says and what happens to it, an event a line; for `tincall emulate` and `tincall monitor`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tincall.cli import output

# what of an event is of no use to a person
_QUIET = {"source", "ev", "t_ns", "ms", "level"}
_COLOURS = {"warning": "yellow", "error": "bold red"}
_STATES = {"ringing": "yellow", "calling": "yellow", "answered": "bold green", "ended": "blue"}
_BAD = {"error", "crash"}


def drawer() -> Callable[[dict[str, Any]], None]:
    """Give what draws events on the standard output, with the seconds since the first of them."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    began_ns: list[int] = []

    def show(event: dict[str, Any]) -> None:
        if not began_ns:
            began_ns.append(event["t_ns"])
        console.print(_line((event["t_ns"] - began_ns[0]) / 1e9, event))

    return show


def _line(seconds: float, event: dict[str, Any]) -> str:
    """Write an event in rich's markup."""
    name = event["ev"]
    colour = _COLOURS.get(event.get("level") or ("error" if name in _BAD else ""), "")
    if event["source"] == "firmware" and name == "text":
        return f"[dim]{seconds:9.3f}[/] {_coloured(event['line'], colour)}"
    if name == "call":
        colour = _STATES.get(event.get("state", ""), colour)
    fields = " ".join(f"{key}={output.escape(value)}" for key, value in event.items() if key not in _QUIET)
    said = f"[{colour}]{fields}[/]" if name == "call" and colour else f"[dim]{fields}[/]"
    return f"[dim]{seconds:9.3f} {event['source']:8}[/] {_coloured(name, colour)} {said}"


def _coloured(text: str, colour: str) -> str:
    return f"[{colour}]{output.escape(text)}[/]" if colour else output.escape(text)
