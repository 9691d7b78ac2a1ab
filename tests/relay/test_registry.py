"""The registry: keys told once and sealed, memory equal to the database, changes told to those who must act."""

import asyncio
import sqlite3

import pytest
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from relay_store import KEK, Store, run

from tincall.errors import OperatorError
from tincall.relay.registry import FORGOTTEN, Registry, Rejected
from tincall.relay.second_board import SecondBoard

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
            assert store.registry.key("SN-1", 1) == first
            with pytest.raises(Rejected) as caught:
                await store.registry.enrol("SN-1", "model-x")
            assert caught.value.reason == "exists"
            assert store.registry.key("SN-1", 1) == first
            return [(d.sn, d.name, d.state, d.epoch, d.counter) for d in store.registry.list()]

    assert run(go()) == [("SN-1", "Door", "new", 0, 0), ("SN-2", "SN-2", "new", 0, 0)]


def test_two_enrolments_of_one_number_at_once_give_one_device(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            both = await asyncio.gather(*(store.registry.enrol("A", "m") for _ in range(2)), return_exceptions=True)
            keys = [one for one in both if isinstance(one, bytes)]
            assert len(keys) == 1
            assert isinstance(next(one for one in both if not isinstance(one, bytes)), Rejected)
            return store.registry.key("A", 1) == keys[0]

    assert run(go())


def test_what_was_enrolled_is_there_after_a_restart(tmp_path):
    async def first():
        async with Store(tmp_path) as store:
            return await store.registry.enrol("SN-1", "m", key=b"k" * 32)

    async def second():
        async with Store(tmp_path) as store:
            return store.registry.key("SN-1", 1)

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


def test_decisions_are_stored_and_told_once(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            told = []
            store.registry.watchers.append(lambda sn, state: told.append((sn, state)))
            await store.registry.enrol("SN-1", "m")
            await store.registry.accept("SN-1", 1, "aa", "", 1)
            assert await store.registry.decide("SN-1", "suspend") == ("active", "suspended")
            assert await store.registry.decide("SN-1", "suspend") == ("suspended", "suspended")
            assert await store.registry.decide("SN-1", "resume") == ("suspended", "active")
            assert await store.registry.decide("SN-1", "revoke") == ("active", "revoked")
            assert store.registry.get("SN-1").state == "revoked"
            assert (await reloaded(store)).get("SN-1").state == "revoked"
            for sn, word, reason in (
                ("SN-1", "happy", "bad_value"), ("SN-1", "doubled", "bad_value"), ("SN-2", "suspend", "unknown"),
                ("SN-1", "resume", "over"), ("SN-1", "suspend", "over"),
            ):  # fmt: skip
                with pytest.raises(Rejected) as caught:
                    await store.registry.decide(sn, word)
                assert caught.value.reason == reason
            await store.registry.forget("SN-1")
            assert store.registry.get("SN-1") is None
            assert (await reloaded(store)).list() == []
            with pytest.raises(Rejected) as caught:
                await store.registry.forget("SN-1")
            assert caught.value.reason == "unknown"
            return told

    wanted = [("SN-1", "suspended"), ("SN-1", "active"), ("SN-1", "revoked"), ("SN-1", FORGOTTEN)]
    assert run(go()) == wanted


def test_every_decision_is_in_the_log_and_says_what_it_changed(tmp_path, capsys):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            for word in ("suspend", "suspend", "resume", "revoke"):
                await store.registry.decide("SN-1", word)

    with structlog.testing.capture_logs() as lines:
        run(go())
    audit = [
        (one["sn"], one["word"], one["before"], one["state"]) for one in lines if one["event"] == "operator decided"
    ]
    assert audit == [
        ("SN-1", "suspend", "new", "suspended"),
        ("SN-1", "suspend", "suspended", "suspended"),
        ("SN-1", "resume", "suspended", "new"),
        ("SN-1", "revoke", "new", "revoked"),
    ]


def stranger(why="uid_mismatch", uid="ff", counter=3):
    return SecondBoard("SN-1", why, uid, counter, "192.0.2.9", "1.0", 0, 0, 0)


async def strange(store, *steps):
    """Let sessions of the board itself (True) and proofs of another (False) come; gives whether each of those is a conflict."""
    await store.registry.enrol("SN-1", "m")
    found = []
    for number, is_own in enumerate((True, *steps), 10):
        if is_own:
            await store.registry.accept("SN-1", number, "aa", "", 1)
        else:
            found.append(await store.registry.doubt(stranger()))
    return found


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([False], [False]),
        ([False] * 5, [False] * 5),
        ([False, True, False], [False, True]),
        ([True, True, False, False, True, True], [False, False]),
        ([False, False, True, False], [False, False, True]),
    ],
)
def test_two_boards_by_turns_are_a_conflict_and_one_alone_is_none(tmp_path, steps, found):
    async def go():
        async with Store(tmp_path) as store:
            assert await strange(store, *steps) == found
            assert store.registry.get("SN-1").state == ("conflict" if found[-1] else "active")
            again = await reloaded(store)
            assert again.get("SN-1") == store.registry.get("SN-1")
            assert again.second_board("SN-1") == store.registry.second_board("SN-1")
            assert again.second_board("SN-1").times == len(found)

    run(go())


def test_turns_that_are_more_than_a_day_apart_are_no_turns(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await strange(store, False, True)
            store.clock.advance(86_401_000)
            assert not await store.registry.doubt(stranger())

    run(go())


def test_a_conflict_is_told_and_its_way_out_forgets_the_second_board(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            told = []
            store.registry.watchers.append(lambda sn, state: told.append(state))
            await strange(store, False, True, False)
            assert await store.registry.accept("SN-1", 99, "aa", "", 1) is None, "nobody is let in"
            assert await store.registry.decide("SN-1", "resume") == ("conflict", "active")
            assert store.registry.second_board("SN-1") is (await reloaded(store)).second_board("SN-1") is None
            assert await store.registry.accept("SN-1", 99, "aa", "", 1)
            assert not await store.registry.doubt(stranger())
            await store.registry.forget("SN-1")
            assert store.registry.second_board("SN-1") is (await reloaded(store)).second_board("SN-1") is None
            with pytest.raises(Rejected):
                await store.registry.doubt(stranger())
            return told

    assert run(go()) == ["conflict", "active", FORGOTTEN]


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
            first = await store.registry.accept("SN-1", 5, "0a0b", "1.0", 1)
            assert (first.state, first.counter, first.epoch, first.uid, first.firmware) == (
                "active",
                5,
                1,
                "0a0b",
                "1.0",
            )
            assert await store.registry.accept("SN-1", 5, "0a0b", "1.0", 1) is None
            assert await store.registry.accept("SN-1", 4, "0a0b", "1.0", 1) is None
            assert await store.registry.accept("SN-1", 6, "ffff", "1.1", 1) is None, "another chip"
            second = await store.registry.accept("SN-1", 6, "0a0b", "1.1", 1)
            assert (second.epoch, second.uid) == (2, "0a0b")
            assert (await reloaded(store)).get("SN-1") == second == store.registry.get("SN-1")
            with pytest.raises(Rejected):
                await store.registry.accept("SN-2", 1, "", "", 1)

    run(go())


def test_one_counter_is_accepted_once_though_many_come_at_once(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            all_ = await asyncio.gather(*(store.registry.accept("SN-1", 7, "aa", "", 1) for _ in range(20)))
            return [device.epoch for device in all_ if device]

    assert run(go()) == [1]


def test_memory_keeps_to_the_database_though_the_asker_goes_away(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            asking = asyncio.create_task(store.registry.accept("SN-1", 9, "aa", "", 1))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            assert await store.registry.accept("SN-1", 9, "aa", "", 1) is None
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
            nobody = store.registry.key("SN-2", 1)
            assert len(nobody) == 32
            assert nobody not in (key, bytes(32), PUBLISHED)
            assert store.registry.candidate("SN-2").sn == ""
            assert store.registry.candidate("SN-1").sn == "SN-1"
            assert store.registry.key("SN-3", 1) == nobody

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


def spoil(path, statement, *values):
    direct = sqlite3.connect(path / "tincall.db")
    direct.execute(statement, values)
    direct.commit()
    direct.close()


def test_a_row_cannot_borrow_another_rows_key(tmp_path):
    async def first():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            return await store.registry.enrol("SN-2", "m")

    key = run(first())
    spoil(tmp_path, "UPDATE devices SET wrapped_key = (SELECT wrapped_key FROM devices WHERE sn = 'SN-2')")

    async def second():
        async with Store(tmp_path) as store:
            assert store.registry.key("SN-2", 1) == key
            assert len({store.registry.key("SN-1", 1) for _ in range(3)} - {key}) == 3, "a new random one each time"

    with structlog.testing.capture_logs() as lines:
        run(second())
    assert [one["sn"] for one in lines if "cannot be opened" in one["event"]] == ["SN-1"]


def test_a_key_that_was_sealed_without_its_purpose_is_sealed_anew(tmp_path):
    key = b"k" * 32

    async def enrol():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m", key=key)

    async def sealed():
        async with Store(tmp_path) as store:
            assert store.registry.key("SN-1", 1) == key
            return store.registry.get("SN-1").wrapped_key

    run(enrol())
    old = b"n" * 12 + AESGCM(KEK).encrypt(b"n" * 12, key, b"SN-1|1")
    spoil(tmp_path, "UPDATE devices SET wrapped_key = ?", old)
    anew = run(sealed())
    assert anew != old
    assert run(sealed()) == anew, "once"
