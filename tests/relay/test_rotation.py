"""A board's key while it changes: every row of the table, at the relay alone; T-ID-13 has both ends."""

import asyncio
from dataclasses import replace

import pytest
from relay_store import KEK, Store, run

from tincall.errors import OperatorError
from tincall.relay import device_rows, rotation
from tincall.relay.device_rows import Device
from tincall.relay.key_box import KeyBox
from tincall.relay.registry import Registry, Rejected

DAY_S = 86_400
SETTLED = Device("SN-1", "m", "", "active", 3, b"sealed 3", "aa", 5, 5, "", "", 0, 100, key_s=200)
PENDING = replace(SETTLED, next_key=b"sealed 4", next_key_s=300)


def test_which_versions_are_good_and_which_key_is_held_against_them():
    assert rotation.versions(SETTLED) == (3,)
    assert rotation.versions(PENDING) == (3, 4)
    for kv in (1, 2, 3, 4, 5):
        assert rotation.sealed(SETTLED, kv) == (3, b"sealed 3")
        assert rotation.sealed(PENDING, kv) == ((4, b"sealed 4") if kv == 4 else (3, b"sealed 3"))


def test_when_a_key_has_lasted_its_time():
    assert not rotation.is_due(SETTLED, 199 + 10 * DAY_S, 10 * DAY_S)
    assert rotation.is_due(SETTLED, 200 + 10 * DAY_S, 10 * DAY_S)
    assert not rotation.is_due(SETTLED, 200 + 1000 * DAY_S, 0), "0 is never"
    assert not rotation.is_due(PENDING, 200 + 1000 * DAY_S, DAY_S), "it is under way"
    assert not rotation.is_due(SETTLED, 0, DAY_S), "a calendar that was put back"


def test_what_a_proof_changes():
    assert rotation.proved(PENDING, 3, 400) == {}
    changed = replace(PENDING, **rotation.proved(PENDING, 4, 400))
    assert changed == replace(SETTLED, kv=4, wrapped_key=b"sealed 4", key_s=400)
    assert replace(SETTLED, **rotation.begun(b"sealed 4", 300)) == PENDING
    assert replace(PENDING, **rotation.DROPPED) == SETTLED


def test_the_next_key_is_neither_printed_nor_shown():
    assert "sealed" not in repr(PENDING)
    assert "next_key" not in PENDING.public() and PENDING.public()["next_key_s"] == 300


def rows(tmp_path, work, **how):
    async def go():
        async with Store(tmp_path) as store:
            store.registry = Registry(store.database, KEK, store.clock, **how)
            await store.registry.load()
            await store.registry.enrol("SN-1", "m")
            return await work(store)

    return run(go())


async def stored(store):
    """Read the row as a relay that starts now would."""
    return (await store.database.read(device_rows.read))["SN-1"]


def test_both_keys_are_good_until_the_next_one_is_proved(tmp_path):
    async def go(store):
        old = store.registry.key("SN-1", 1)
        assert store.registry.key("SN-1", 2) == old
        device, changed = await store.registry.rotate("SN-1")
        assert changed and device == await stored(store)
        new = store.registry.offer(device)[0]
        assert (store.registry.key("SN-1", 1), store.registry.key("SN-1", 2)) == (old, new) and new != old
        again, changed = await store.registry.rotate("SN-1")
        assert (again, changed) == (device, False)
        assert (await store.registry.accept("SN-1", 1, "aa", "", 1)).next_key == device.next_key
        accepted = await store.registry.accept("SN-1", 2, "aa", "", 2)
        assert (accepted.kv, accepted.next_key, accepted.next_key_s) == (2, None, 0)
        assert accepted == await stored(store)
        assert {store.registry.key("SN-1", kv) for kv in (1, 2, 3)} == {new}
        assert await store.registry.accept("SN-1", 3, "aa", "", 1) is None, "retired"
        assert await store.registry.accept("SN-1", 3, "aa", "", 3) is None, "no such version"
        assert (await store.registry.accept("SN-1", 3, "aa", "", 2)).counter == 3

    rows(tmp_path, go)


def test_a_refused_session_retires_nothing(tmp_path):
    async def go(store):
        await store.registry.accept("SN-1", 5, "aa", "", 1)
        before, _ = await store.registry.rotate("SN-1")
        assert await store.registry.accept("SN-1", 5, "aa", "", 2) is None, "the counter"
        assert await store.registry.accept("SN-1", 6, "bb", "", 2) is None, "the chip"
        await store.registry.decide("SN-1", "suspend")
        assert await store.registry.accept("SN-1", 6, "aa", "", 2) is None, "the state"
        await store.registry.decide("SN-1", "resume")
        assert await stored(store) == before
        assert (await store.registry.accept("SN-1", 6, "aa", "", 2)).kv == 2

    rows(tmp_path, go)


def test_a_key_that_has_lasted_its_time_is_followed_by_another(tmp_path):
    async def go(store):
        for round_ in (1, 2, 3):
            assert (await store.registry.accept("SN-1", 4 * round_, "aa", "", round_)).next_key is None
            store.clock.advance(10 * DAY_S * 1000)
            due = await store.registry.accept("SN-1", 4 * round_ + 1, "aa", "", round_)
            assert due == await stored(store) and due.next_key is not None
            again = await store.registry.accept("SN-1", 4 * round_ + 2, "aa", "", round_)
            assert (again.next_key, again.next_key_s) == (due.next_key, due.next_key_s)
            done = await store.registry.accept("SN-1", 4 * round_ + 3, "aa", "", round_ + 1)
            assert (done.kv, done.next_key, done.key_s) == (round_ + 1, None, store.clock.unix_ms() // 1000)

    rows(tmp_path, go, key_life_s=10 * DAY_S)


def test_without_a_period_a_key_lasts(tmp_path):
    async def go(store):
        store.clock.advance(10_000 * DAY_S * 1000)
        assert (await store.registry.accept("SN-1", 1, "aa", "", 1)).next_key is None

    rows(tmp_path, go)


def test_who_is_revoked_gets_no_new_key_and_who_is_forgotten_has_none(tmp_path):
    async def go(store):
        device, _ = await store.registry.rotate("SN-1")
        new = store.registry.offer(device)[0]
        await store.registry.decide("SN-1", "revoke")
        assert store.registry.key("SN-1", 2) == new, "the board hears that it is revoked whichever key it has"
        with pytest.raises(Rejected) as caught:
            await store.registry.rotate("SN-1")
        assert caught.value.reason == "over"
        await store.registry.forget("SN-1")
        with pytest.raises(Rejected) as caught:
            await store.registry.rotate("SN-1")
        assert caught.value.reason == "unknown"
        anew = await store.registry.enrol("SN-1", "m")
        assert store.registry.get("SN-1").next_key is None
        assert {store.registry.key("SN-1", kv) for kv in (1, 2)} == {anew}

    rows(tmp_path, go)


def test_a_next_key_that_cannot_be_opened_is_dropped_and_the_board_keeps_its_own(tmp_path):
    async def go(store):
        own = store.registry.key("SN-1", 1)
        await store.registry.rotate("SN-1")
        foreign = KeyBox(bytes(32)).seal("SN-1", 2, b"k" * 32)
        await store.database.run(device_rows.change, {"SN-1": {"next_key": foreign}})
        again = Registry(store.database, KEK, store.clock)
        await again.load()
        assert again.key("SN-1", 2) == own
        assert (again.get("SN-1").next_key, again.get("SN-1").next_key_s) == (None, 0)
        assert again.get("SN-1") == await stored(store)
        assert (await again.rotate("SN-1"))[1]

    rows(tmp_path, go)


def test_a_pending_key_outlives_the_relay(tmp_path):
    async def go(store):
        device, _ = await store.registry.rotate("SN-1")
        again = Registry(store.database, KEK, store.clock)
        await again.load()
        assert again.offer(again.get("SN-1"))[0] == store.registry.offer(device)[0]

    rows(tmp_path, go)


def test_a_key_borrowed_from_another_row_or_version_opens_nothing(tmp_path):
    async def go(store):
        await store.registry.enrol("SN-2", "m")
        device, _ = await store.registry.rotate("SN-1")
        for stolen in ({"next_key": device.next_key}, {"next_key": store.registry.get("SN-2").wrapped_key}):
            await store.database.run(device_rows.change, {"SN-2": {**stolen, "next_key_s": 1}})
            again = Registry(store.database, KEK, store.clock)
            await again.load()
            assert again.get("SN-2").next_key is None

    rows(tmp_path, go)


def test_of_two_proofs_at_once_the_old_keys_one_is_refused_after_the_new_ones(tmp_path):
    async def go(store):
        await store.registry.rotate("SN-1")
        accepted = await asyncio.gather(
            store.registry.accept("SN-1", 5, "aa", "", 2), store.registry.accept("SN-1", 6, "aa", "", 1)
        )
        assert [one is not None for one in accepted] == [True, False]

    rows(tmp_path, go)


def test_a_disk_that_fails_leaves_the_rotation_as_it_was(tmp_path, monkeypatch):
    async def go(store):
        before, _ = await store.registry.rotate("SN-1")

        def fails(connection, changes):
            raise OperatorError("disk full")

        with monkeypatch.context() as patch:
            patch.setattr(device_rows, "change", fails)
            with pytest.raises(OperatorError):
                await store.registry.accept("SN-1", 5, "aa", "", 2)
        assert store.registry.get("SN-1") == before == await stored(store)
        assert (await store.registry.accept("SN-1", 5, "aa", "", 2)).kv == 2

    rows(tmp_path, go)
