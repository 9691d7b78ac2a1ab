"""The figures of the voice benchmark for a page: a picture of the scores, as SVG, and a table, as Markdown."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from tincall.measure import speech
from tincall.measure.voice_conditions import MAIN

_WIDTH = 940
_TOP, _HEAD, _ROW, _GAP = 96, 46, 40, 18  # heights: title, head of a panel, one condition, between panels
_LABEL, _LEFT, _RIGHT = 26, 268, 648  # where words begin, and the ends of the scale
_COLUMNS = (("concealed %", 756, "concealed_pct", "{:.2f}"), ("buffer ms", 836, "buffer_ms", "{:.0f}"))
_GAP_COLUMN = ("gap ms", 912, "worst_gap_ms", "{}")
_LEAST, _MOST = 1.0, 4.64  # of P.862.1 and P.862.2
_BAR = 11
_BOARD, _PHONE, _INK, _FAINT, _LINE, _MISSED = "#0f766e", "#7dd3c0", "#1f2937", "#6b7280", "#e5e7eb", "#dc2626"
_BANDS = {speech.NARROW: "narrowband PESQ (P.862.1)", speech.WIDE: "wideband PESQ (P.862.2)"}
_NAMES = {"PCMA": "G.711 A-law", "PCMU": "G.711 µ-law", "G722": "G.722", "DVI4": "DVI4 (IMA ADPCM)", "L16": "L16"}
_COLOURS = {"board": _BOARD, "phone": _PHONE}


def svg(report: dict[str, Any]) -> str:
    """Draw the scores of the main codecs, a bar for each ear, with a mark where the target is.

    Args:
        report: as `voice_bench.run` gives it.
    """
    drawn: list[str] = []
    top = _TOP
    for codec in MAIN:
        rows = [row for row in report["rows"] if row["codec"] == codec]
        top = _panel(drawn, codec, rows, top) + _GAP
    return "\n".join([*_frame(top, report["pairs"]), *drawn, "</svg>", ""])


def _frame(height: int, pairs: int) -> list[str]:
    """Begin the picture: paper, title, legend."""
    legend = [
        (_LABEL, f'<rect x="{_LABEL}" y="67" width="14" height="{_BAR}" rx="2" fill="{_BOARD}"/>', "at the board"),
        (146, f'<rect x="146" y="67" width="14" height="{_BAR}" rx="2" fill="{_PHONE}"/>', "at the phone"),
        (266, f'<path d="M273 64v17" stroke="{_INK}" stroke-width="2.5"/>', "to be reached"),
    ]
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-size="13"'
        ' font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif" role="img">',
        "<title>Quality of speech over bad paths</title>",
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        _text(_LABEL, 34, "How speech comes through", size=20, weight=600),
        _text(_LABEL, 54, f"Means of {pairs} talks of recorded people, from microphone to ear", fill=_FAINT),
        *(part for x, mark, words in legend for part in (mark, _text(x + 20, 77, words, fill=_FAINT))),
    ]


def _panel(drawn: list[str], codec: str, rows: list[dict[str, Any]], top: int) -> int:
    """Draw one codec; gives where it ends."""
    conditions = [rows[at : at + 2] for at in range(0, len(rows), 2)]
    end = top + _HEAD + _ROW * len(conditions)
    band = rows[0]["band"] if rows else speech.NARROW
    drawn.append(_text(_LABEL, top + 30, _NAMES[codec], size=16, weight=600))
    drawn.append(_text(_LEFT, top + 14, _BANDS[band], fill=_FAINT, size=12))
    for score in (1, 2, 3, 4):
        x = _x(score)
        drawn.append(f'<path d="M{x} {top + _HEAD - 8}V{end}" stroke="{_LINE}"/>')
        drawn.append(_text(x, top + 32, str(score), fill=_FAINT, size=12, anchor="middle"))
    for title, x, _, _ in (*_COLUMNS, _GAP_COLUMN):
        drawn.append(_text(x, top + 32, title, fill=_FAINT, size=12, anchor="end"))
    for at, pair in enumerate(conditions):
        _condition(drawn, pair, top + _HEAD + _ROW * at)
    return end


def _condition(drawn: list[str], pair: list[dict[str, Any]], top: int) -> None:
    """Draw one condition: two bars, the target, the other figures."""
    drawn.append(f'<path d="M{_LABEL} {top}H{_GAP_COLUMN[1]}" stroke="{_LINE}"/>')
    drawn.append(_text(_LABEL, top + 25, pair[0]["words"]))
    for at, row in enumerate(pair):
        y = top + 8 + at * (_BAR + 3)
        drawn.append(
            f'<rect x="{_LEFT}" y="{y}" width="{_x(row["pesq"]) - _LEFT:.1f}" height="{_BAR}" rx="2"'
            f' fill="{_COLOURS[row["ear"]]}"/>'
        )
        missed = {target["figure"] for target in row["targets"] if not target["ok"]}
        figures = [(_RIGHT + 8, "pesq", "{:.2f}", "start")]
        figures += [(x, name, form, "end") for _, x, name, form in (*_COLUMNS, _GAP_COLUMN)]
        for x, name, form, anchor in figures:
            colour = _MISSED if name in missed else _INK if at == 0 else _FAINT
            drawn.append(_text(x, y + 10, form.format(row[name]), fill=colour, size=12, anchor=anchor))
    for target in pair[0]["targets"]:
        if target["figure"] == "pesq":
            drawn.append(f'<path d="M{_x(target["bound"])} {top + 4}v32" stroke="{_INK}" stroke-width="2.5"/>')


def _x(score: float) -> float:
    return round(_LEFT + (score - _LEAST) / (_MOST - _LEAST) * (_RIGHT - _LEFT), 1)


def _text(
    x: float, y: float, words: str, size: int = 13, fill: str = _INK, anchor: str = "start", weight: int = 400
) -> str:
    return (
        f'<text x="{x}" y="{y}" font-size="{size}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


_HEADS = ("on the way", "codec", "PESQ", "worst", "STOI", "concealed %", "buffer ms", "worst gap ms", "to be reached")
_ABOUT = """\
# Voice: how speech comes through

Written by `tincall bench voice{arguments}`; the same figures on each run. {pairs} talks of recorded people; each is coded by
the board's own code, its packets are mistreated on the way, and what arrives is played by both receiving ends: the board's
(callcore on MicroPython) and the phone's (the worker). Two figures in a cell: **at the board / at the phone**.

PESQ is narrowband (P.862.1) for G.711 and DVI4, wideband (P.862.2) for G.722 and L16: compare within a codec only. STOI reads
lower where play-out was stretched or shrunk inside the judged clip. *Buffer* is the mean time from sending a frame to playing
it, over a path that takes no time itself. Twenty seconds of other speech comes first, which counts in *concealed* and *buffer*.

On the way: packets are lost each by itself or in bursts (Gilbert's two states); a WiFi stall holds everything and lets it go at
once; TCP repeats what it lost after three more packets and a round trip, everything behind it waits, and a repeat that is
lost as well costs 200 ms more. Making up for that speeds speech up for a while, which PESQ judges harshly.
"""
_FIGURES = {"pesq": "PESQ ≥ {:g}", "concealed_pct": "concealed ≤ {:g} %", "buffer_ms": "buffer ≤ {:g} ms"}


def markdown(report: dict[str, Any], picture: str | None) -> str:
    """Write the page.

    Args:
        report: as `voice_bench.run` gives it.
        picture: name of the SVG file beside it; None: there is none.
    """
    rows = report["rows"]
    arguments = f" --chart {picture} --page FILE" if picture else " --page FILE"
    lines = [_ABOUT.format(arguments=arguments, pairs=report["pairs"])]
    if picture:
        lines += [f"![Scores over bad paths]({picture})", ""]
    lines += ["| " + " | ".join(_HEADS) + " |", "|---|---|" + "---:|" * 6 + "---|"]
    for at in range(0, len(rows), 2):
        board, phone = rows[at : at + 2]
        forms = (("pesq", "{:.2f}"), ("pesq_worst", "{:.2f}"), ("stoi", "{:.3f}"), *((n, f) for _, _, n, f in _COLUMNS))
        cells = [f"{form.format(board[name])} / {form.format(phone[name])}" for name, form in forms]
        cells.append(f"{board['worst_gap_ms']} / {phone['worst_gap_ms']}")
        lines.append("| " + " | ".join([board["words"], _NAMES[board["codec"]], *cells, _wanted(board, phone)]) + " |")
    return "\n".join([*lines, ""])


def _wanted(board: dict[str, Any], phone: dict[str, Any]) -> str:
    """Say of each target whether both ears reach it, and by how much not."""
    told = []
    for ours, theirs in zip(board["targets"], phone["targets"], strict=True):
        words = _FIGURES[ours["figure"]].format(ours["bound"])
        distance = max(ours["distance"], theirs["distance"])
        told.append(words + (": reached" if ours["ok"] and theirs["ok"] else f": **missed by {distance:g}**"))
    if board["sent_share"] < 1:
        told.append(f"{100 * board['sent_share']:.0f} % of the packets are sent")
    return "; ".join(told)
