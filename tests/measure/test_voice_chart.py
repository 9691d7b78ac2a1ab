"""Picture and page: whole, well formed, and true to the figures."""

import xml.etree.ElementTree as ET

from tincall.measure import voice_chart


def row(codec: str, ear: str, pesq: float, ok: bool) -> dict:
    return {
        "condition": "loss5",
        "words": "5 % lost & more",
        "codec": codec,
        "ear": ear,
        "band": "nb" if codec == "PCMA" else "wb",
        "pesq": pesq,
        "pesq_worst": 1.5,
        "stoi": 0.9,
        "concealed_pct": 4.8,
        "buffer_ms": 61.5,
        "worst_gap_ms": 40,
        "sent_share": 1.0,
        "targets": [{"figure": "pesq", "bound": 3.2, "ok": ok, "distance": 0.0 if ok else 0.7}],
    }


REPORT = {
    "board": "unix",
    "pairs": 12,
    "missed": 1,
    "rows": [
        row(c, ear, s, s > 3)
        for c, ear, s in (
            ("PCMA", "board", 3.3),
            ("PCMA", "phone", 2.5),
            ("G722", "board", 3.9),
            ("G722", "phone", 4.1),
        )
    ],
}


def test_the_picture_is_sound_and_shows_each_figure():
    root = ET.fromstring(voice_chart.svg(REPORT))
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for expected in (
        "3.30",
        "2.50",
        "3.90",
        "4.10",
        "4.80",
        "5 % lost & more",
        "Means of 12 talks of recorded people, from microphone to ear",
    ):
        assert expected in words
    bars = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("width") not in ("14", "940")]
    assert len(bars) == 4
    assert float(bars[0].get("width")) > float(bars[1].get("width"))


def test_a_missed_figure_is_marked():
    root = ET.fromstring(voice_chart.svg(REPORT))
    marked = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("fill") == "#dc2626"]
    assert marked == ["2.50"]


def test_the_page_has_a_line_for_each_condition_and_codec():
    page = voice_chart.markdown(REPORT, "voice.svg")
    assert "![Scores over bad paths](voice.svg)" in page and "--chart voice.svg" in page
    assert "| 5 % lost & more | G.711 A-law | 3.30 / 2.50 |" in page and "**missed by 0.7**" in page
    assert "| 5 % lost & more | G.722 | 3.90 / 4.10 |" in page and "PESQ ≥ 3.2: reached" in page


def test_the_page_tells_what_silence_saves():
    rows = [{**one, "sent_share": 0.66} for one in REPORT["rows"]]
    assert "66 % of the packets are sent" in voice_chart.markdown({**REPORT, "rows": rows}, None)


def test_a_page_without_a_picture_names_none():
    assert "](" not in voice_chart.markdown(REPORT, None)
