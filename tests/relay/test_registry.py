"""The registry: keys told once and sealed, memory equal to the database, changes told to those who must act."""

import asyncio
import sqlite3

import pytest
from relay_store import KEK, Store, run

from tincall.errors import OperatorError
from tincall.relay.registry import FORGOTTEN, Registry, Rejected

PUBLISHED = bytes(range(32))


async def reloaded(store):
    again = Registry(store.database, KEK, store.clock)
    await again.load()
    return again


def test_a_device_is_enrolled_once_with_a_key_of_its_own(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            first = await store.registry.enrol("SN-1", "model-x", "Door")
            second = await store.registry.enrol("SN-2", "model-x")
            assert len(first) == 32
            assert first != second
            assert store.registry.key("SN-1") == first
            with pytest.raises(Rejected) as caught:
                await store.registry.enrol("SN-1", "model-x")
            assert caught.value.reason == "exists"
            assert store.registry.key("SN-1") == first
            return [(d.sn, d.name, d.state, d.epoch, d.counter) for d in store.registry.list()]

    assert run(go()) == [("SN-1", "Door", "new", 0, 0), ("SN-2", "SN-2", "new", 0, 0)]


def test_two_enrolments_of_one_number_at_once_give_one_device(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            both = await asyncio.gather(*(store.registry.enrol("A", "m") for _ in range(2)), return_exceptions=True)
            keys = [one for one in both if isinstance(one, bytes)]
            assert len(keys) == 1
            assert isinstance(next(one for one in both if not isinstance(one, bytes)), Rejected)
            return store.registry.key("A") == keys[0]

    assert run(go())


def test_what_was_enrolled_is_there_after_a_restart(tmp_path):
    async def first():
        async with Store(tmp_path) as store:
            return await store.registry.enrol("SN-1", "m", key=b"k" * 32)

    async def second():
        async with Store(tmp_path) as store:
            return store.registry.key("SN-1")

    assert run(first()) == run(second()) == b"k" * 32


def test_no_key_is_in_the_files_or_in_what_can_be_printed(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            key = await store.registry.enrol("SN-1", "m")
            device = store.registry.get("SN-1")
            printed = repr(device) + repr(device.public()) + repr(vars(store.registry))
            assert device.wrapped_key.hex() not in printed
            assert repr(key) not in printed
            return key

    key = run(go())
    for file in tmp_path.iterdir():
        assert key not in file.read_bytes(), file


@pytest.mark.parametrize("sn", ["", "a" * 129, "a b", "a/b", "ä", "a\n", "../x", "a'--"])
def test_serial_numbers_outside_the_rule_are_refused(tmp_path, sn):
    async def go():
        async with Store(tmp_path) as store:
            with pytest.raises(Rejected) as caught:
                await store.registry.enrol(sn, "m")
            assert caught.value.reason == "bad_value"
            assert store.registry.list() == []

    run(go())


@pytest.mark.parametrize(
    ("model_id", "name", "key"),
    [("", "", None), ("m" * 65, "", None), ("a b", "", None), ("m", "n" * 65, None), ("m", "a\x1b[0m", None)]
    + [("m", "", PUBLISHED), ("m", "", b"short")],
)
def test_bad_words_and_the_published_key_are_refused(tmp_path, model_id, name, key):
    async def go():
        async with Store(tmp_path) as store:
            with pytest.raises(Rejected) as caught:
                await store.registry.enrol("SN-1", model_id, name, key)
            assert caught.value.reason == "bad_value"

    run(go())


def test_states_change_are_stored_and_told(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            told = []
            store.registry.watchers.append(lambda sn, state: told.append((sn, state)))
            await store.registry.enrol("SN-1", "m")
            await store.registry.set_state("SN-1", "revoked")
            assert store.registry.get("SN-1").state == "revoked"
            assert (await reloaded(store)).get("SN-1").state == "revoked"
            with pytest.raises(Rejected):
                await store.registry.set_state("SN-1", "happy")
            with pytest.raises(Rejected):
                await store.registry.set_state("SN-2", "active")
            await store.registry.forget("SN-1")
            assert store.registry.get("SN-1") is None
            assert (await reloaded(store)).list() == []
            with pytest.raises(Rejected) as caught:
                await store.registry.forget("SN-1")
            assert caught.value.reason == "unknown"
            return told

    assert run(go()) == [("SN-1", "revoked"), ("SN-1", FORGOTTEN)]


def test_a_forgotten_number_can_be_enrolled_anew_with_a_new_key(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            old = await store.registry.enrol("SN-1", "m")
            await store.registry.forget("SN-1")
            assert await store.registry.enrol("SN-1", "m") != old

    run(go())


def test_a_session_stores_counter_epoch_and_the_first_chip(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            first = await store.registry.accept("SN-1", 5, "0a0b", "1.0")
            assert (first.state, first.counter, first.epoch, first.uid, first.firmware) == (
                "active",
                5,
                1,
                "0a0b",
                "1.0",
            )
            assert await store.registry.accept("SN-1", 5, "0a0b", "1.0") is None
            assert await store.registry.accept("SN-1", 4, "0a0b", "1.0") is None
            second = await store.registry.accept("SN-1", 6, "ffff", "1.1")
            assert (second.epoch, second.uid) == (2, "0a0b")
            assert (await reloaded(store)).get("SN-1") == second == store.registry.get("SN-1")
            with pytest.raises(Rejected):
                await store.registry.accept("SN-2", 1, "", "")

    run(go())


def test_one_counter_is_accepted_once_though_many_come_at_once(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            all_ = await asyncio.gather(*(store.registry.accept("SN-1", 7, "aa", "") for _ in range(20)))
            return [device.epoch for device in all_ if device]

    assert run(go()) == [1]


def test_memory_keeps_to_the_database_though_the_asker_goes_away(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            asking = asyncio.create_task(store.registry.accept("SN-1", 9, "aa", ""))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            assert await store.registry.accept("SN-1", 9, "aa", "") is None
            assert (await reloaded(store)).get("SN-1") == store.registry.get("SN-1")

    run(go())


def test_being_there_is_noted_with_the_board_and_strangers_are_passed_over(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            await store.registry.enrol("SN-2", "m")
            store.clock.advance(5000)
            await store.registry.seen({"SN-1": "EMULATED", "SN-9": "x"})
            await store.registry.seen({})
            again = await reloaded(store)
            assert again.get("SN-1") == store.registry.get("SN-1")
            assert (again.get("SN-1").board, again.get("SN-1").last_seen_s) == (
                "EMULATED",
                store.clock.unix_ms() // 1000,
            )
            assert (again.get("SN-2").last_seen_s, again.get("SN-9")) == (0, None)

    run(go())


def test_an_unknown_number_has_a_key_too_and_it_is_nobodys(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            key = await store.registry.enrol("SN-1", "m")
            nobody = store.registry.key("SN-2")
            assert len(nobody) == 32
            assert nobody not in (key, bytes(32), PUBLISHED)
            assert store.registry.key("SN-3") == nobody

    run(go())


def test_another_key_encryption_key_is_told_at_once(tmp_path):
    async def first():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")

    async def second():
        async with Store(tmp_path, kek=b"x" * 32):
            pass

    run(first())
    with pytest.raises(OperatorError, match="kek.bin"):
        run(second())


def test_a_row_cannot_borrow_another_rows_key(tmp_path):
    async def first():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            await store.registry.enrol("SN-2", "m")

    run(first())
    direct = sqlite3.connect(tmp_path / "tincall.db")
    direct.execute("UPDATE devices SET wrapped_key = (SELECT wrapped_key FROM devices WHERE sn = 'SN-2')")
    direct.commit()
    direct.close()

    async def second():
        async with Store(tmp_path):
            pass

    with pytest.raises(OperatorError, match="SN-1"):
        run(second())
