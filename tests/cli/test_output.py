"""Output: one document or a human view, and foreign text that cannot paint on the terminal."""

import json
import time

import pytest
import typer

from tincall.cli import output
from tincall.errors import OperatorError


@pytest.fixture(autouse=True)
def human():
    output.reset()
    yield
    output.reset()


def test_json_is_one_line_and_the_human_view_is_not_drawn(capsys):
    output.use_json(True)
    output.result({"a": 1, "b": "ü\n"}, lambda console: pytest.fail("drawn"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"a": 1, "b": "ü\n"}
    assert (out.count("\n"), err) == (1, "")


def test_the_human_view_prints_no_document(capsys):
    output.result({"a": 1}, lambda console: console.print("[bold]hello[/]"))
    assert capsys.readouterr() == ("hello\n", "")


def test_json_stays_chosen():
    output.use_json(True)
    output.use_json(False)
    assert output.is_json()


def test_notes_and_errors_go_beside_the_result(capsys):
    output.note("by the way")
    output.error(OperatorError("It is broken."))
    assert capsys.readouterr() == ("", "by the way\ntincall: It is broken.\n")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_result_that_is_a_failure_is_still_one_document(capsys, as_json):
    output.use_json(as_json)
    with pytest.raises(typer.Exit) as ended:
        output.result({"a": 1}, lambda console: console.print("drawn"), OperatorError("Broken.", "Mend it.", 2))
    assert ended.value.exit_code == 2
    out, err = capsys.readouterr()
    assert err == "tincall: Broken.\n         Mend it.\n"
    error = {"message": "Broken.", "hint": "Mend it.", "status": 2}
    assert (json.loads(out) == {"a": 1, "error": error}) if as_json else (out == "drawn\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("[red]x[/red]", "\\[red]x\\[/red]"),
        ("a\x1b[31mb", "a?[31mb"),
        ("a\u202eb\n", "a?b?"),
        (None, ""),
    ],
)
def test_foreign_text_is_drawn_as_text(text, shown):
    assert output.escape(text) == shown


@pytest.mark.parametrize(("ms", "shown"), [(None, ""), (0, "0:00"), (61_500, "1:02"), (3_600_000, "60:00")])
def test_durations_for_people(ms, shown):
    assert output.lasted(ms) == shown


def test_times_for_people():
    assert output.when(None) == output.when(0) == ""
    assert len(output.when(1_790_000_000_000)) == len("2026-01-01 00:00:00")


def test_times_of_today_are_short():
    now_ms = int(time.time() * 1000)
    assert output.when(now_ms).endswith(output.lately(now_ms))
    assert len(output.lately(now_ms)) in (8, 19)  # 19 when midnight has just passed
    assert output.lately(1_790_000_000_000) == output.when(1_790_000_000_000)
    assert output.lately(None) == ""


def test_what_nobody_looks_at_is_not_folded(capsys):
    output.result({}, lambda console: console.print("x" * 200))
    assert capsys.readouterr().out == "x" * 200 + "\n"
