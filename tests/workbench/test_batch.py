"""Lists are refused with the line that is wrong; the ledger remembers over runs what each row has come to."""

import pytest

from tincall.errors import OperatorError
from tincall.workbench import batch


def rows(tmp_path, text, encoding="utf-8"):
    file = tmp_path / "list.csv"
    file.write_bytes(text.encode(encoding))
    return batch.rows(file, "model")


def test_a_list_as_a_program_for_tables_saves_it(tmp_path):
    found = rows(tmp_path, 'sn,name\r\nA-1,"Door, front"\r\nA-2,\r\n', "utf-8-sig")
    assert found == [batch.Row("A-1", "Door, front", "model"), batch.Row("A-2", "", "model")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no column sn"),
        ("name\nA\n", "has no column sn"),
        ("sn,key\nA,1\n", "has a column 'key'"),
        ("sn\n", "has 0 rows"),
        ("sn\nA\n../B\n", "list.csv:3: '../B' is no serial number"),
        ("sn\nA\nA\n", "list.csv:3: A stands there twice"),
        ("sn\nA,B\n", "more fields"),
    ],
)
def test_a_list_with_a_mistake_is_refused_whole(tmp_path, text, why):
    with pytest.raises(OperatorError, match=why) as told:
        rows(tmp_path, text)
    assert told.value.status == 2


def test_a_list_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(OperatorError, match="no text in UTF-8"):
        rows(tmp_path, "sn\nä\n", "latin-1")
    with pytest.raises(OperatorError, match="cannot be read"):
        batch.rows(tmp_path / "none.csv", "model")


def test_the_ledger_is_taken_up_as_it_was_left(tmp_path):
    one, two, three = (batch.Row(f"L-{number}", "", "m") for number in (1, 2, 3))
    ledger = batch.Ledger(tmp_path / "out")
    ledger.begin(one)
    ledger.save(one, b"image")
    ledger.begin(two)
    ledger.fail(three, "why")
    again = batch.Ledger(tmp_path / "out")
    assert [again.state(f"L-{number}") for number in (1, 2, 3, 4)] == ["done", "begun", "failed", ""]
    assert again.entries() == ledger.entries() and (tmp_path / "out/L-1.img").read_bytes() == b"image"


def test_what_is_no_ledger_is_not_written_over(tmp_path):
    (tmp_path / "report.json").write_text("[1]")
    with pytest.raises(OperatorError, match="is no ledger"):
        batch.Ledger(tmp_path)
    assert (tmp_path / "report.json").read_text() == "[1]"
