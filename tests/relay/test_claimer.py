"""A claim in the field at the relay: one board gets the key, however often it asks; nobody else learns anything."""

import asyncio
import hashlib
import json

import pytest
from claim_scene import ADDRESS, OTHER, UID, restarts, scene

from tincall.errors import OperatorError
from tincall.relay.registry import Rejected
from tincall.settings import LimitSettings


def test_a_board_with_the_secret_gets_its_key_and_comes_in(tmp_path):
    async def go(s):
        ticket = await s.open()
        assert s.registry.get("SN-1").state == "new"
        keyed = await s.key(ticket)
        assert keyed == (1, s.registry.key("SN-1", 1))
        assert await s.verify(keyed) == ""
        device = s.registry.get("SN-1")
        assert (device.state, device.uid) == ("active", UID.hex())

    scene(tmp_path, go)


def test_an_answer_that_was_lost_is_given_again_and_the_first_verification_ends_it(tmp_path):
    async def go(s):
        ticket = await s.open()
        keyed = await s.key(ticket)
        assert [await s.key(ticket) for _ in range(3)] == [keyed] * 3
        assert await s.verify(keyed) == ""
        assert await s.reason(ticket) == "claim_refused"
        assert await s.verify(keyed) == "", "the key itself is as good as ever"

    scene(tmp_path, go)


def test_the_first_chip_has_it_and_any_other_is_told_so(tmp_path):
    async def go(s):
        ticket = await s.open()
        keyed = await s.key(ticket, uid=OTHER)
        assert await s.reason(ticket) == "claim_bound"
        assert await s.key(ticket, uid=OTHER) == keyed

    scene(tmp_path, go)


def test_of_two_chips_at_once_one_gets_the_key(tmp_path):
    async def go(s):
        ticket = await s.open()
        answers = await asyncio.gather(*(s.ask(ticket, uid=uid) for uid in (UID, OTHER) * 5))
        statuses = [answer.status for _, answer in answers]
        assert statuses == [200, 409] * 5

    scene(tmp_path, go)


def test_another_claim_makes_another_key_and_whoever_claimed_before_has_nothing(tmp_path):
    async def go(s):
        first = await s.open()
        stolen = await s.key(first, uid=OTHER)
        second = await s.open()
        assert await s.reason(first, uid=OTHER) == "claim_refused"
        keyed = await s.key(second)
        assert keyed[0] == 2 and keyed[1] != stolen[1]
        assert await s.verify(stolen, uid=OTHER) == "auth_failed"
        assert await s.verify(keyed) == ""

    scene(tmp_path, go)


def test_a_device_that_was_enrolled_by_hand_can_be_claimed_until_it_was_verified(tmp_path):
    async def go(s):
        key = await s.registry.enrol("SN-1", "model-x")
        with pytest.raises(Rejected) as caught:
            await s.open(model_id="model-y")
        assert caught.value.reason == "bad_value"
        keyed = await s.key(await s.open(), model_id="model-x")
        assert keyed[1] != key
        await s.registry.accept("SN-1", 1, UID.hex(), "", 2)
        with pytest.raises(Rejected) as caught:
            await s.open()
        assert caught.value.reason == "exists" and "--forget SN-1" in caught.value.hint
        assert (keyed[0], keyed[1]) == (2, s.registry.key("SN-1", 2))

    scene(tmp_path, go)


def test_a_claim_is_good_for_its_hours(tmp_path):
    async def go(s):
        ticket = await s.open(hours=2)
        s.clock.advance(2 * 3600_000 - 1000)
        keyed = await s.key(ticket)
        s.clock.advance(1000)
        assert await s.reason(ticket) == "claim_refused"
        assert await s.verify(keyed) == "", "a key that was handed over in time stays good"

    scene(tmp_path, go)


def test_a_forgotten_device_takes_its_claim_along(tmp_path):
    async def go(s):
        ticket = await s.open()
        await s.registry.forget("SN-1")
        assert await s.reason(ticket) == "claim_refused"
        await s.registry.enrol("SN-1", "tincall")
        assert await s.reason(ticket) == "claim_refused"
        assert s.registry.claims.get("SN-1") is None
        await s.registry.claims.load()
        assert s.registry.claims.get("SN-1") is None

    scene(tmp_path, go)


def test_a_device_that_is_switched_off_hands_nothing_over_until_it_is_on_again(tmp_path):
    async def go(s):
        ticket = await s.open()
        await s.registry.decide("SN-1", "suspend")
        assert await s.reason(ticket) == "claim_refused"
        await s.registry.decide("SN-1", "resume")
        keyed = await s.key(ticket)
        await s.registry.decide("SN-1", "revoke")
        assert await s.reason(ticket) == "claim_refused"
        assert await s.verify(keyed) == "revoked"

    scene(tmp_path, go)


def test_who_cannot_prove_himself_hears_one_answer(tmp_path):
    async def go(s):
        ticket = await s.open()
        used = await s.open("SN-2")
        assert await s.verify(await s.key(used, sn="SN-2"), sn="SN-2") == ""
        old = await s.open("SN-3", hours=1)
        s.clock.advance(3600_000)
        wrong = (ticket[0], b"w" * 16)
        asked = [
            (wrong, {}),
            (ticket, {"model_id": "other"}),
            (("C" * 16, ticket[1]), {}),
            (ticket, {"sn": "SN-9"}),
            (used, {"sn": "SN-2"}),
            (old, {"sn": "SN-3"}),
        ]
        answers = [(await s.ask(given, **how))[1] for given, how in asked]
        assert {json.dumps(answer.body) for answer in answers} == {json.dumps(answers[0].body)}
        assert (answers[0].status, answers[0].body["reason"]) == (401, "claim_refused")
        assert await s.reason(wrong, cb=bytes(32)) == "claim_refused", "no exact reason before a right proof"
        assert await s.reason(ticket, cb=bytes(32)) == "cb_mismatch"
        assert s.registry.claims.get("SN-1").uid == "", "none of them has bound it"

    scene(tmp_path, go)


def test_failing_claims_count_as_attempts_and_good_ones_do_not(tmp_path):
    async def go(s):
        ticket = await s.open()
        for _ in range(5):
            await s.key(ticket)
        wrong = (ticket[0], b"w" * 16)
        assert [await s.reason(wrong) for _ in range(4)] == ["claim_refused"] * 3 + ["rate_limited"]
        begun = await s.verifier.begin(json.dumps(s.board((1, b"k" * 32)).begin(b"\xd0" * 16)).encode(), ADDRESS)
        assert begun.body["reason"] == "rate_limited", "verifications and claims share their limits"
        assert (await s.key(ticket, address="192.0.2.8"))[0] == 1, "elsewhere the board is not locked out"

    scene(tmp_path, go, limits=LimitSettings(attempts_per_minute=3, attempts_per_minute_address=60))


def test_what_is_no_claim_is_told_so_and_not_counted(tmp_path):
    async def go(s):
        for body, reason in ((b"", "bad_request"), (b'{"v":2}', "version_unsupported"), (b" " * 2000, "too_large")):
            answer = await s.claimer.claim(body, ADDRESS)
            assert answer.body["reason"] == reason

    scene(tmp_path, go)


def test_a_storage_that_fails_hands_nothing_over(tmp_path, monkeypatch):
    async def go(s):
        ticket = await s.open()

        async def full(*_):
            raise OperatorError("no room on the disk")

        monkeypatch.setattr(s.store.database, "run", full)
        assert await s.reason(ticket) == "unavailable"
        monkeypatch.undo()
        assert s.registry.claims.get("SN-1").uid == ""
        assert (await s.key(ticket, uid=OTHER))[0] == 1, "nobody had it yet"

    scene(tmp_path, go)


def test_another_claim_opened_while_this_one_is_bound_wins(tmp_path, monkeypatch):
    async def go(s):
        ticket = await s.open()
        bind = s.registry.claims.bind

        async def bound(claim, uid):
            found = await bind(claim, uid)
            await s.open()
            return found

        monkeypatch.setattr(s.registry.claims, "bind", bound)
        assert await s.reason(ticket) == "claim_refused"

    scene(tmp_path, go)


def test_a_relay_that_is_started_anew_between_any_two_steps_loses_nothing(tmp_path):
    async def opened(s, _):
        return await s.open()

    async def asked(s, ticket):
        return ticket, await s.key(ticket)

    async def other(s, given):
        ticket, keyed = given
        assert await s.reason(ticket, uid=OTHER) == "claim_bound"
        return ticket, keyed

    async def again(s, given):
        ticket, keyed = given
        assert await s.key(ticket) == keyed
        return ticket, keyed

    async def verified(s, given):
        ticket, keyed = given
        assert await s.verify(keyed) == ""
        return ticket

    async def over(s, ticket):
        assert await s.reason(ticket) == "claim_refused"
        assert s.registry.claims.get("SN-1") is None, "its row went with the first session"

    restarts(tmp_path, opened, asked, other, again, verified, over)


def test_neither_log_nor_database_nor_repr_holds_a_secret(tmp_path, capsys):
    secrets = []

    async def go(s):
        ticket = await s.open()
        opened = await s.claimer.open("SN-2", None, "", 1)
        kv, key = await s.key(ticket)
        await s.reason(ticket, uid=OTHER)
        await s.reason((ticket[0], b"w" * 16))
        shown = repr((opened, s.registry.claims.get("SN-1"), s.claimer, s.registry.claims))
        secrets.extend((ticket[1], key))
        assert opened.code not in shown
        assert not any(form in shown for secret in secrets for form in (repr(secret), secret.hex()))

    scene(tmp_path, go)
    said = capsys.readouterr()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in secrets:
        assert secret not in written
        assert secret.hex() not in said.out + said.err


def test_what_the_operator_cannot_have(tmp_path):
    async def go(s):
        with pytest.raises(Rejected, match="No device"):
            await s.registry.renew("SN-9")
        with pytest.raises(Rejected, match="serial number"):
            await s.open("no number!")

    scene(tmp_path, go)


def test_a_claim_on_its_way_while_the_certificate_is_renewed_is_good(tmp_path):
    async def go(s):
        ticket = await s.open()
        s.verifier.shows(b"the next certificate")
        keyed = await s.key(ticket)
        assert await s.key(ticket, cb=hashlib.sha256(b"the next certificate").digest()) == keyed
        s.clock.advance(24 * 3600_000 - 1)
        assert await s.reason(ticket) == "cb_mismatch"

    scene(tmp_path, go)
