"""The tables in docs/wechat.md are those of the code, and the tool notices when they are not."""

from pathlib import Path

import pytest
import wechat_tables

from tincall.wechat import notify, pushes, vocabulary

EMPTY = f"# A page\n\n{wechat_tables.BEGIN}\nsomething old\n{wechat_tables.END}\n\nThe rest.\n"


def a_page(folder: Path, text: str) -> Path:
    page = folder / "docs" / "wechat.md"
    page.parent.mkdir()
    page.write_text(text)
    return page


def test_the_page_in_the_docs_is_up_to_date(checkout: Path) -> None:
    assert wechat_tables.main(["--check"], checkout) == 0


def test_check_fails_and_writes_nothing_when_the_page_is_stale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = a_page(tmp_path, EMPTY)
    assert wechat_tables.main(["--check"], tmp_path) == 1
    assert page.read_text() == EMPTY
    assert "-something old" in capsys.readouterr().out
    assert wechat_tables.main([], tmp_path) == 0
    assert wechat_tables.main(["--check"], tmp_path) == 0
    assert page.read_text().startswith("# A page\n")
    assert page.read_text().endswith("\n\nThe rest.\n")


@pytest.mark.parametrize(
    "text", ["no marks", wechat_tables.BEGIN, EMPTY + EMPTY, f"{wechat_tables.END}{wechat_tables.BEGIN}"]
)
def test_a_page_without_its_marks_is_left_alone(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = a_page(tmp_path, text)
    assert wechat_tables.main([], tmp_path) == 1
    assert page.read_text() == text
    assert "must hold these two lines" in capsys.readouterr().err


def test_no_page_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wechat_tables.main([], tmp_path) == 1
    assert "wechat.md" in capsys.readouterr().err


def test_a_changed_table_makes_the_page_stale(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(notify.NUMBERS, "tired", 9)
    assert wechat_tables.main(["--check"], checkout) == 1


def test_every_number_has_its_row() -> None:
    text = wechat_tables.tables()
    for (api, number), found in vocabulary.table().items():
        rows = [line for line in text.splitlines() if line.startswith(f"| `{number}` |") and f"`{api}`" in line]
        (row,) = [line for line in rows if found.sentence in line]
        assert found.advice in row and f"| {found.cause} " in row, (api, number)
    assert set(wechat_tables.APIS) == vocabulary.apis()
    assert set(wechat_tables.RETRIES) == set(vocabulary.RETRIES)


def test_every_status_reason_and_refusal_has_its_row() -> None:
    text = wechat_tables.tables()
    for one in (*vocabulary.Status, *vocabulary.Reason):
        assert f"| `{int(one)}` | {one.name} |" in text
    for word in (*notify.NUMBERS, *pushes._REFUSALS):
        assert f"`{word}`" in text
