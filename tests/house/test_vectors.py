"""The golden vectors are up to date, and their rebuilder hides nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import vectors


class Place:
    """A tools folder and a vectors folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.tools = folder / "tools"
        self.vectors = folder / "vectors"
        self.tools.mkdir()
        self.vectors.mkdir()

    def family(self, name: str, content: str) -> None:
        (self.tools / f"vector_{name}.py").write_text(f"def build():\n    return {content}\n")

    def text(self, name: str) -> str:
        return (self.vectors / f"{name}.json").read_text()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setattr(vectors, "TOOLS", made.tools)
    monkeypatch.setattr(vectors, "VECTORS", made.vectors)
    return made


def test_the_vectors_of_the_checkout_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    status = vectors.main(["--check"])
    assert status == 0, capsys.readouterr().out


def test_a_new_family_is_shown_and_written(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.family("house_new", "{'a': [1, 2]}")
    assert vectors.main([]) == 0
    assert json.loads(place.text("house_new")) == {"a": [1, 2]}
    assert '+ "a": [1, 2]' in capsys.readouterr().out


def test_check_shows_and_writes_nothing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.family("house_old", "{'a': 2}")
    (place.vectors / "house_old.json").write_text('{\n "a": 1\n}\n')
    assert vectors.main(["--check"]) == 1
    shown = capsys.readouterr().out
    assert '- "a": 1' in shown and '+ "a": 2' in shown and "1 of 1 families would change" in shown
    assert place.text("house_old") == '{\n "a": 1\n}\n'


def test_what_is_up_to_date_is_left_alone(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.family("house_same", "{'a': 1}")
    assert vectors.main([]) == 0
    capsys.readouterr()
    assert vectors.main(["--check"]) == 0
    assert capsys.readouterr().out == "all vectors are up to date\n"


def test_only_the_named_families_are_built(place: Place) -> None:
    place.family("house_wanted", "{'a': 1}")
    place.family("house_other", "1 / 0")
    assert vectors.main(["house_wanted"]) == 0
    assert not (place.vectors / "house_other.json").exists()


def test_an_unknown_name_is_wrong_usage(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.family("house_known", "{}")
    with pytest.raises(SystemExit) as end:
        vectors.main(["house_unknown"])
    assert end.value.code == 2
    assert "house_known" in capsys.readouterr().err


def test_a_file_that_nobody_makes_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    (place.vectors / "house_orphan.json").write_text("{}\n")
    assert vectors.main(["--check"]) == 1
    assert "house_orphan.json" in capsys.readouterr().out


def test_what_json_would_change_is_refused(place: Place) -> None:
    place.family("house_keys", "{1: 'a'}")
    with pytest.raises(ValueError, match="house_keys"):
        vectors.main([])
    assert not list(place.vectors.iterdir())


@pytest.mark.parametrize("value", [{}, [], {"a": {"b": []}}, {"a": [{"b": 1}, {}]}, [[1, [2]], "\u00e9\n"], None])
def test_the_text_is_the_same_json(value: Any) -> None:
    assert json.loads(vectors.as_text(value)) == value


def test_one_case_stands_on_one_line() -> None:
    assert vectors.as_text({"cases": [{"a": 1}, {"a": [2]}]}) == '{\n "cases": [\n  {"a": 1},\n  {"a": [2]}\n ]\n}'
