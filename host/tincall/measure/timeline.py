"""The picture of a call: what each microphone took, what each ear got, and what happened when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_COLOURS = ("#1f6f8b", "#1f6f8b", "#b3541e", "#b3541e")


@dataclass(frozen=True)
class Track:
    """One row of the picture.

    Args:
        title: what the row shows.
        samples: int16.
        rate_hz: its rate.
        t0_ns: instant of sample 0.
    """

    title: str
    samples: Samples
    rate_hz: int
    t0_ns: int


@dataclass(frozen=True)
class Moment:
    """One thing that happened.

    Args:
        label: a word or two.
        t_ns: when.
    """

    label: str
    t_ns: int


def draw(path: Path, title: str, tracks: Sequence[Track], moments: Sequence[Moment], notes: Sequence[str]) -> bool:
    """Draw the picture as PNG.

    Args:
        path: where to.
        title: one line on top.
        tracks: rows, top to bottom.
        moments: vertical lines through all rows.
        notes: one line per track, written into its corner; empty for none.

    Returns:
        False when matplotlib is not installed; nothing is written then.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    start_ns = min([track.t0_ns for track in tracks] + [moment.t_ns for moment in moments])
    figure = Figure(figsize=(12, 1.2 + 1.5 * len(tracks)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=12)
    rows = figure.subplots(len(tracks), 1, sharex=True, squeeze=False)[:, 0]
    for row, track, note, colour in zip(rows, tracks, notes, _COLOURS, strict=False):
        low, high, seconds = _envelope(track.samples, track.rate_hz)
        row.fill_between(seconds + (track.t0_ns - start_ns) / 1e9, low, high, color=colour, linewidth=0)
        row.set_ylim(-1, 1)
        row.set_yticks([])
        row.set_ylabel(track.title, rotation=0, ha="right", va="center", fontsize=9)
        row.text(0.995, 0.06, note, transform=row.transAxes, ha="right", fontsize=9, color="#444444")
        for moment in moments:
            row.axvline((moment.t_ns - start_ns) / 1e9, color="#888888", linewidth=0.8, linestyle=":")
    _label(rows[0], moments, start_ns)
    rows[-1].set_xlabel("seconds")
    figure.savefig(path, dpi=110)
    return True


def _label(row: object, moments: Sequence[Moment], start_ns: int) -> None:
    """Write the moments' labels above the first row, in two heights so that close ones can be read."""
    for number, moment in enumerate(moments):
        row.text(  # type: ignore[attr-defined]
            (moment.t_ns - start_ns) / 1e9,
            1.08 + 0.22 * (number % 3),
            moment.label,
            fontsize=8,
            ha="left",
            color="#333333",
        )


def _envelope(samples: Samples, rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Reduce samples to the least and the greatest of each 5 ms."""
    size = rate_hz // 200
    count = max(1, len(samples) // size)
    blocks = np.resize(samples, count * size).reshape(count, size) / 32768.0
    seconds = np.asarray((np.arange(count) + 0.5) / 200.0, dtype=np.float64)
    return blocks.min(axis=1), blocks.max(axis=1), seconds
