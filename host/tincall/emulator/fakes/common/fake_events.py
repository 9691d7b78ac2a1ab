"""Tells the runner what the board's hardware does: one JSON object a line on the events wire, dropped when it is full.

A dropped event is not missed by the firmware, and a wire that blocks would stop it; so the runner reads fast and the board
never waits. `beat` is for the watchdog, `overrun` for the microphone; they allocate nothing, and are all that the audio path
may cause.
"""

import json
import time

import lines

_wire = lines.writer("TINCALL_EVENTS_FD")
_BEAT = b'{"ev":"wdt_feed"}\n'
_OVERRUN = b'{"ev":"mic_overrun"}\n'


def emit(name, **fields):
    """Send one event with the time of day.

    Args:
        name: what happened.
        fields: more of it, JSON values; the line must stay below 4096 bytes.
    """
    if _wire is None:
        return
    fields["ev"] = name
    fields["t_ns"] = time.time_ns()
    line = (json.dumps(fields) + "\n").encode()
    lines.put(_wire, line, len(line))


def beat():
    """Tell that the watchdog was fed."""
    if _wire is not None:
        lines.put(_wire, _BEAT, len(_BEAT))


def overrun():
    """Tell that a buffer of the microphone was thrown away unread."""
    if _wire is not None:
        lines.put(_wire, _OVERRUN, len(_OVERRUN))
