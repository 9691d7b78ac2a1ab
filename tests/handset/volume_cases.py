"""Runs on a board: the volume goes up in steps and round, and is there after a start."""

import json

from callcore.errors import StoreError
from handset import diag
from handset.places import Folder
from handset.store import Store
from handset.volume import SETTINGS, Volume

said = []
diag.print = lambda text: said.append(json.loads(text))


def fresh():
    store = Store([Folder(".")])
    store.forget(SETTINGS)
    del said[:]
    return store


def test_the_boards_own_until_somebody_chooses():
    store = fresh()
    assert Volume(store, 7).level == 7 and said == []


def test_it_goes_up_and_round_and_is_kept():
    store = fresh()
    volume = Volume(store, 10)
    seen = []
    for _ in range(6):
        volume.step()
        seen.append(volume.level)
        assert Volume(store, 10).level == volume.level
    assert seen == [2, 4, 6, 8, 10, 2]
    assert [line["volume"] for line in said] == seen


def test_from_an_odd_one_of_the_boards_data():
    volume = Volume(fresh(), 7)
    volume.step()
    assert volume.level == 9
    volume.step()
    assert volume.level == 2


def test_what_makes_no_sense_is_not_taken():
    store = fresh()
    for body in (
        b"",
        b"x",
        b"[]",
        b"{}",
        b"7",
        b'{"volume": 11}',
        b'{"volume": 1}',
        b'{"volume": true}',
        b'{"volume": "4"}',
    ):
        store.save(SETTINGS, body)
        assert Volume(store, 8).level == 8, body


def test_flash_that_fails_is_told_and_the_volume_is_what_was_heard():
    store = fresh()

    def full(fact, body):
        raise StoreError("storage", "full")

    store.save = full
    volume = Volume(store, 4)
    volume.step()
    assert volume.level == 6 and said[-1]["step"] == "volume" and said[-1]["reason"] == "storage"
