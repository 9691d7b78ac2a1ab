"""Damage is found: in pages, in indexes, in rules, in rows that point to nothing; a sound file has none."""

import random
import sqlite3

import pytest

from tincall.relay.store import integrity


@pytest.fixture
def path(tmp_path):
    """A sound database of a few hundred pages."""
    place = tmp_path / "some.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE boards (sn TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE calls (id INTEGER PRIMARY KEY, sn TEXT REFERENCES boards (sn), said TEXT)")
        connection.execute("CREATE INDEX ix_said ON calls (said)")
        connection.execute("INSERT INTO boards VALUES ('SN-1')")
        dice = random.Random(1)
        rows = [("SN-1", dice.randbytes(300).hex()) for _ in range(500)]
        connection.executemany("INSERT INTO calls (sn, said) VALUES (?, ?)", rows)
    connection.close()
    return place


def problems(path, is_thorough=False):
    connection = sqlite3.connect(path)
    try:
        return integrity.problems(connection, is_thorough)
    finally:
        connection.close()


def test_a_sound_file_has_none(path):
    assert problems(path) == [] and problems(path, is_thorough=True) == []


def test_a_row_that_points_to_nothing_is_named(path):
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM boards")
    connection.commit()
    connection.close()
    found = problems(path)
    assert found[0] == "a row of calls points to a row of boards that is not there"
    assert len(found) == integrity.FINDINGS_MAX


def test_an_index_that_does_not_fit_its_table_is_found_by_the_thorough_look(path):
    connection = sqlite3.connect(path)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_said'").fetchone()
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET sql = 'CREATE INDEX ix_said ON calls (sn)' WHERE name = 'ix_said'")
    connection.commit()
    connection.close()
    assert root > 0
    assert problems(path, is_thorough=True)


def test_pages_overwritten_with_noise_are_found(path):
    dice = random.Random(2)
    whole = path.read_bytes()
    missed = []
    for page in range(2, len(whole) // 4096):
        path.write_bytes(whole[: page * 4096] + dice.randbytes(4096) + whole[(page + 1) * 4096 :])
        try:
            if not problems(path):
                missed.append(page)
        except sqlite3.DatabaseError:
            pass  # so damaged that it cannot be looked through
    assert missed == []
