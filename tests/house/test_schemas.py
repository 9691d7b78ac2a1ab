"""The databases of older schemas are those that the migrations make, and none is missing."""

import re

import pytest
import schemas

from tincall.relay.store.engine import known_schemas


def test_the_schemas_of_the_checkout_are_what_the_migrations_make(capsys: pytest.CaptureFixture[str]) -> None:
    assert schemas.main(["--check"]) == 0, capsys.readouterr().out
    assert sorted(path.stem for path in schemas.SCHEMAS.glob("*.sql")) == known_schemas()


def test_every_row_of_a_table_is_in_its_schema() -> None:
    newest = schemas.built(known_schemas()[-1])
    for table, rows in schemas.ROWS.items():
        assert len(re.findall(rf'^INSERT INTO "{table}"', newest, re.MULTILINE)) == len(rows)


def test_a_table_without_rows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(schemas.ROWS, "devices")
    with pytest.raises(ValueError, match="devices"):
        schemas.built("0001")


def test_a_changed_step_is_shown_and_not_written(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(schemas, "SCHEMAS", tmp_path)
    monkeypatch.setattr(schemas, "ROOT", tmp_path)
    assert schemas.main(["--check"]) == 1 and list(tmp_path.iterdir()) == []
    assert schemas.main([]) == 0
    first = tmp_path / "0001.sql"
    released = first.read_text().replace("model_id VARCHAR(64)", "model_id VARCHAR(65)")
    first.write_text(released)
    capsys.readouterr()
    assert schemas.main([]) == 1
    assert "+\tmodel_id VARCHAR(64)" in capsys.readouterr().out and first.read_text() == released
