"""The drawn page shows the call machine as it is, and the tool notices when it does not."""

import re
from pathlib import Path

import draw_states
import pytest

from callcore import authority, call

ENDS = {
    "On the board": call.SHARED + call.BOARD,
    "In the relay, which has the last word": call.SHARED + authority.AUTHORITY,
}


def sections() -> dict[str, str]:
    title, *rest = re.split(r"^## (.+)$", draw_states.page(), flags=re.MULTILINE)
    return dict(zip(rest[::2], rest[1::2], strict=True))


def test_the_page_in_the_docs_is_up_to_date(checkout: Path) -> None:
    assert draw_states.main(["--check"], checkout) == 0


def test_check_fails_and_writes_nothing_when_the_page_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "call-states.md"
    page.parent.mkdir()
    page.write_text("# An older page\n")
    assert draw_states.main(["--check"], tmp_path) == 1
    assert page.read_text() == "# An older page\n"
    assert "-# An older page" in capsys.readouterr().out
    assert draw_states.main([], tmp_path) == 0
    assert draw_states.main(["--check"], tmp_path) == 0
    assert capsys.readouterr().out.endswith("is up to date\n")


def test_a_changed_table_makes_the_page_stale(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "BOARD", call.BOARD[1:])
    assert draw_states.main(["--check"], checkout) == 1


@pytest.mark.parametrize("title", ENDS)
def test_every_row_of_the_tables_is_drawn(title: str) -> None:
    text = sections()[title]
    diagram, table = text.split("```mermaid")[1].split("```")
    for states, events, following, send in ENDS[title]:
        for state in states:
            if title != "On the board" and state == call.CLOSING:
                continue
            for event in events:
                if following == call.STAY and not send:
                    (line,) = [row for row in table.splitlines() if row.startswith(f"| {state} |") and "late" in row]
                    assert f"`{event}`" in line
                    continue
                said = f"`{send}`" if send else ""
                assert f"| {state} | `{event}` | {following or state} | {said} |" in table
                label = (f"{event} / {send}" if send else event).replace("<", "‹").replace(">", "›")
                (arrow,) = [row for row in diagram.splitlines() if f"    {state} --> {following or state}: " in row]
                assert label in arrow.split(": ", 1)[1].split(", ")


def test_only_states_that_can_be_reached_are_drawn() -> None:
    texts = sections()
    assert "CLOSING" in texts["On the board"]
    assert "CLOSING" not in texts["In the relay, which has the last word"]


def test_every_state_has_a_meaning() -> None:
    assert tuple(draw_states.MEANING) == call.STATES
