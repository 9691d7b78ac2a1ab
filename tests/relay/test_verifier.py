"""The relay's side of voip1, against the board's own machine: who gets in, who is refused, and what a refusal gives away."""

import asyncio
import base64
import hashlib
import json

import pytest
from relay_store import Store, run

from callcore import attest, verify
from callcore.errors import AttestError
from tincall.errors import OperatorError
from tincall.relay import verifier as subject
from tincall.relay.second_board import SecondBoard
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

CERTIFICATE = b"certificate as boards see it"
BINDING = hashlib.sha256(CERTIFICATE).digest()
ADDRESS = "192.0.2.7"
UID = b"\x01\x02\x03\x04\x05\x06"


class Scene:
    """A relay with one enrolled board SN-1, and the board's side of a verification."""

    def __init__(self, store, limits=None, certificate=CERTIFICATE):
        self.store = store
        self.registry = store.registry
        self.clock = store.clock
        self.verifier = Verifier(store.registry, certificate, limits or LimitSettings(), store.clock)
        self.ctr = 0

    async def enrol(self):
        self.key = await self.registry.enrol("SN-1", "model-x")
        return self

    def board(self, key=None, sn="SN-1", model_id="model-x", kv=1, uid=UID):
        return attest.Attester(key or self.key, sn, model_id, kv, uid, "1.0")

    async def begin(self, board, address=ADDRESS):
        return await self.verifier.begin(json.dumps(board.begin(b"\xd0" * 16)).encode(), address)

    async def finish(self, board, challenge, ctr=None, cb=BINDING, address=ADDRESS):
        self.ctr += 1
        said = board.challenged(challenge.body, self.ctr if ctr is None else ctr, cb)
        return await self.verifier.finish(json.dumps(said).encode(), address)

    async def verify(self, board=None, ctr=None, cb=BINDING, address=ADDRESS):
        board = board or self.board()
        return await self.finish(board, await self.begin(board, address), ctr, cb, address)

    async def token(self, **how):
        board = self.board()
        answer = await self.finish(board, await self.begin(board), **how)
        return board.granted(answer.body)["token"]


def scene(tmp_path, test, **how):
    async def go():
        async with Store(tmp_path) as store:
            return await test(await Scene(store, **how).enrol())

    return run(go())


def reason(answer):
    assert answer.body["status"] == answer.status
    assert {"type", "title", "status", "detail", "reason"} <= set(answer.body)
    json.dumps(answer.body)
    return answer.status, answer.body["reason"]


def test_a_board_with_its_key_gets_a_token_and_knows_the_relay(tmp_path):
    async def go(s):
        board = s.board()
        answer = await s.finish(board, await s.begin(board))
        grant = board.granted(answer.body)
        assert (answer.status, grant["ws"], grant["epoch"], grant["exp"]) == (200, "/v1/link", 1, 3600)
        assert grant["now"] == s.clock.unix_ms() // 1000
        assert len(base64.urlsafe_b64decode(grant["token"] + "=")) == 32
        held = s.verifier.token(grant["token"])
        assert (held.sn, held.epoch) == ("SN-1", 1)
        device = s.registry.get("SN-1")
        assert (device.state, device.counter, device.uid) == ("active", 1, UID.hex())

    scene(tmp_path, go)


def test_a_grant_carries_the_authorities_that_a_board_is_to_trust(tmp_path):
    async def go(s):
        wanted = {"SN-1": "-----BEGIN CERTIFICATE-----\nAAAA\n"}
        s.verifier = Verifier(
            s.registry, CERTIFICATE, LimitSettings(), s.clock, bundle_for=lambda sn: wanted.get(sn, "")
        )
        board = s.board()
        assert board.granted((await s.finish(board, await s.begin(board))).body)["ca"] == wanted["SN-1"]
        wanted.clear()
        board = s.board()
        assert "ca" not in board.granted((await s.finish(board, await s.begin(board))).body)

    scene(tmp_path, go)


def test_a_board_that_saw_the_certificate_before_the_change_gets_in_for_two_minutes(tmp_path):
    async def go(s):
        new = hashlib.sha256(b"renewed").digest()
        board = s.board()
        challenge = await s.begin(board)
        s.verifier.shows(b"renewed")
        assert (await s.finish(board, challenge)).status == 200
        assert (await s.verify(cb=new)).status == 200
        s.clock.advance(subject.REPLACED_S * 1000 - 1)
        assert (await s.verify()).status == 200
        s.clock.advance(1)
        assert reason(await s.verify()) == (403, "cb_mismatch")
        assert (await s.verify(cb=new)).status == 200

    scene(tmp_path, go)


def test_a_certificate_that_comes_back_is_good_for_good(tmp_path):
    async def go(s):
        s.verifier.shows(b"renewed")
        s.verifier.shows(CERTIFICATE)
        s.verifier.shows(CERTIFICATE)
        s.clock.advance(subject.REPLACED_S * 1000)
        assert (await s.verify()).status == 200
        assert reason(await s.verify(cb=hashlib.sha256(b"renewed").digest())) == (403, "cb_mismatch")

    scene(tmp_path, go)


def test_binding_can_be_switched_off(tmp_path):
    async def go(s):
        assert (await s.verify(cb=verify.NO_BINDING)).status == 200
        assert reason(await s.verify(cb=BINDING)) == (403, "cb_mismatch")

    scene(tmp_path, go, certificate=b"")


def test_a_relay_without_the_key_cannot_prove_itself(tmp_path):
    async def go(s):
        board = s.board()
        answer = await s.finish(board, await s.begin(board))
        answer.body["body"] = answer.body["body"].replace('"epoch": 1', '"epoch": 2')
        with pytest.raises(AttestError) as caught:
            board.granted(answer.body)
        assert caught.value.reason == "server_not_proved"

    scene(tmp_path, go)


def test_wrong_key_wrong_model_and_unknown_number_cannot_be_told_apart(tmp_path):
    async def go(s):
        wrong = [s.board(key=b"w" * 32), s.board(model_id="other"), s.board(sn="SN-9"), s.board(kv=2, key=b"v" * 32)]
        begun = [await s.begin(board) for board in wrong]
        assert {(a.status, tuple(sorted(a.body)), len(a.body["sid"]), len(a.body["nonce"])) for a in begun} == {
            (200, ("nonce", "sid", "ttl"), 16, 44)
        }
        ended = [await s.finish(board, answer, ctr=1) for board, answer in zip(wrong, begun, strict=True)]
        assert {json.dumps(answer.body) for answer in ended} == {json.dumps(ended[0].body)}
        assert reason(ended[0]) == (401, "auth_failed")
        device = s.registry.get("SN-1")
        assert (device.state, device.counter, device.epoch) == ("new", 0, 0)

    scene(tmp_path, go)


def test_the_published_test_key_opens_nothing(tmp_path):
    async def go(s):
        for sn in ("SN-1", "SN-9"):
            assert reason(await s.verify(s.board(key=bytes(range(32)), sn=sn))) == (401, "auth_failed")

    scene(tmp_path, go)


async def stand(s, state):
    """Bring SN-1 into a state."""
    word = {"suspended": "suspend", "revoked": "revoke"}.get(state)
    if word:
        await s.registry.decide("SN-1", word)
        return
    for uid in ("aa", None, "aa", None):
        if uid:
            await s.registry.accept(
                "SN-1", s.registry.get("SN-1").counter + 1, s.registry.get("SN-1").uid or uid, "", 1
            )
        else:
            await s.registry.doubt(SecondBoard("SN-1", "uid_mismatch", "ff", 1, ADDRESS, "", 0, 0, 0))
    assert s.registry.get("SN-1").state == state == "conflict"


@pytest.mark.parametrize("state", ["suspended", "revoked", "conflict"])
def test_a_state_is_told_after_a_right_proof_only(tmp_path, state):
    async def go(s):
        await stand(s, state)
        epoch = s.registry.get("SN-1").epoch
        assert reason(await s.verify(s.board(key=b"w" * 32))) == (401, "auth_failed")
        wanted = {"suspended": (403, "suspended"), "revoked": (403, "revoked"), "conflict": (409, "sn_conflict")}
        assert reason(await s.verify()) == wanted[state]
        assert s.registry.get("SN-1").epoch == epoch

    scene(tmp_path, go)


def test_another_certificate_another_chip_and_an_old_counter_are_named(tmp_path):
    async def go(s):
        assert (await s.verify(ctr=10)).status == 200
        assert reason(await s.verify(ctr=11, cb=b"\x01" * 32)) == (403, "cb_mismatch")
        assert reason(await s.verify(s.board(uid=b"\xff"), ctr=11)) == (403, "uid_mismatch")
        assert reason(await s.verify(ctr=10)) == (409, "counter_rollback")
        assert reason(await s.verify(ctr=9)) == (409, "counter_rollback")
        assert reason(await s.verify(s.board(kv=2), ctr=11)) == (401, "kv_retired")
        assert (await s.verify(ctr=11)).status == 200

    scene(tmp_path, go)


def test_of_several_reasons_the_first_of_the_page_is_said(tmp_path):
    async def go(s):
        assert (await s.verify(ctr=10)).status == 200
        wrong = {"uid": b"\xff", "kv": 2}
        assert reason(await s.verify(s.board(**wrong), ctr=1, cb=b"\x01" * 32)) == (403, "cb_mismatch")
        assert reason(await s.verify(s.board(**wrong), ctr=1)) == (401, "kv_retired")
        assert reason(await s.verify(s.board(uid=b"\xff"), ctr=1)) == (403, "uid_mismatch")
        await s.registry.decide("SN-1", "suspend")
        assert reason(await s.verify(s.board(**wrong), ctr=1)) == (403, "suspended")

    scene(tmp_path, go)


def test_a_copy_with_another_chip_is_refused_and_by_turns_it_is_a_conflict(tmp_path):
    """T-ID-02, T-ID-03: both know the key; the first of 20 turns are refused, then nobody comes in."""

    async def go(s):
        token = await s.token()
        told = []
        for turn in range(20):
            told.append(reason(await s.verify(s.board(uid=b"\xff")))[1])
            answer = await s.verify()
            told.append("granted" if answer.status == 200 else reason(answer)[1])
            if turn == 0:
                held = s.registry.second_board("SN-1")
                assert (held.uid, held.why, held.address, held.times) == ("ff", "uid_mismatch", ADDRESS, 1)
        assert told[:3] == ["uid_mismatch", "granted", "sn_conflict"]
        assert set(told[3:]) == {"sn_conflict"}
        assert s.verifier.token(token) is None and s.verifier._grants == {}
        await s.registry.decide("SN-1", "resume")
        assert (await s.verify()).status == 200

    scene(tmp_path, go, limits=LimitSettings(attempts_per_minute=100, attempts_per_minute_address=100))


def test_a_copy_that_lies_about_its_chip_is_seen_by_its_counter(tmp_path):
    """T-ID-02: a copy with the same chip id; each of the two counts on from the same number, and skips 64 at a reset."""

    async def go(s):
        own, copy = 100, 100
        told = []
        for _ in range(6):
            own, copy = own + 64, copy + 64
            for ctr in (own + 1, copy + 1):
                answer = await s.verify(ctr=ctr)
                told.append("granted" if answer.status == 200 else reason(answer)[1])
        assert told[:4] == ["granted", "counter_rollback", "granted", "sn_conflict"]
        assert set(told[4:]) == {"sn_conflict"}

    scene(tmp_path, go, limits=LimitSettings(attempts_per_minute=100))


def test_an_old_image_of_the_boards_own_memory_is_refused_until_it_counts_past(tmp_path):
    """T-ID-04: one board whose memory was put back; it is no second board."""

    async def go(s):
        assert (await s.verify(ctr=200)).status == 200
        for ctr in (65, 129, 193):
            assert reason(await s.verify(ctr=ctr)) == (409, "counter_rollback")
        assert (await s.verify(ctr=257)).status == 200
        assert s.registry.get("SN-1").state == "active"

    scene(tmp_path, go)


async def granted(s, kv, key):
    board = s.board(kv=kv, key=key)
    answer = await s.finish(board, await s.begin(board))
    return board.granted(answer.body) if answer.status == 200 else reason(answer)[1]


def test_the_next_key_is_given_until_it_is_proved(tmp_path):
    """T-ID-13, the relay's part: a lost grant is followed by one with the same key; both are good until the new one is used."""

    async def go(s):
        assert "rotate" not in await granted(s, 1, s.key)
        await s.registry.rotate("SN-1")
        first = (await granted(s, 1, s.key))["rotate"]
        again = (await granted(s, 1, s.key))["rotate"]
        assert first == again and first["kv"] == 2 and first["k"] != s.key
        assert await granted(s, 2, s.key) == "auth_failed", "the next version is the next key's"
        assert await granted(s, 1, first["k"]) == "auth_failed"
        assert await granted(s, 3, first["k"]) == "auth_failed"
        changed = await granted(s, 2, first["k"])
        assert "rotate" not in changed and changed["epoch"] == 4
        assert await granted(s, 1, s.key) == "auth_failed", "retired"
        assert await granted(s, 1, first["k"]) == "kv_retired"
        assert (await granted(s, 2, first["k"]))["epoch"] == 5

    scene(tmp_path, go)


@pytest.mark.parametrize("state", ["suspended", "revoked", "conflict"])
def test_a_state_is_told_to_either_key(tmp_path, state):
    async def go(s):
        await s.registry.rotate("SN-1")
        key = (await granted(s, 1, s.key))["rotate"]["k"]
        await stand(s, state)
        wanted = "sn_conflict" if state == "conflict" else state
        assert [await granted(s, 1, s.key), await granted(s, 2, key)] == [wanted, wanted]
        assert await granted(s, 2, s.key) == "auth_failed"
        assert s.registry.get("SN-1").kv == 1

    scene(tmp_path, go)


def test_an_intercepted_proof_of_the_next_key_retires_nothing(tmp_path):
    async def go(s):
        await s.registry.rotate("SN-1")
        key = (await granted(s, 1, s.key))["rotate"]["k"]
        assert reason(await s.verify(s.board(kv=2, key=key), cb=b"\x01" * 32)) == (403, "cb_mismatch")
        assert (await granted(s, 1, s.key))["rotate"]["k"] == key

    scene(tmp_path, go)


def test_a_wrong_proof_never_makes_a_second_board(tmp_path):
    async def go(s):
        for _ in range(3):
            assert (await s.verify()).status == 200
            assert reason(await s.verify(s.board(key=b"w" * 32, uid=b"\xff"))) == (401, "auth_failed")
            assert reason(await s.verify(s.board(key=b"w" * 32), ctr=1)) == (401, "auth_failed")
        assert s.registry.second_board("SN-1") is None

    scene(tmp_path, go)


def test_the_right_number_after_a_wrong_one_needs_no_time_and_no_trace(tmp_path):
    """T-ID-09, the relay's part: a number that was wrong leaves nothing behind that the right one would meet."""

    async def go(s):
        for _ in range(5):
            assert reason(await s.verify(s.board(sn="SN-8"))) == (401, "auth_failed")
        assert (await s.verify()).status == 200
        assert [device.sn for device in s.registry.list()] == ["SN-1"]

    scene(tmp_path, go)


@pytest.mark.parametrize("word", ["suspend", "revoke", "forget"])
def test_a_decision_while_a_proof_is_stored_wins(tmp_path, word):
    async def go(s):
        board = s.board()
        challenge = await s.begin(board)
        decision = s.registry.forget("SN-1") if word == "forget" else s.registry.decide("SN-1", word)
        first = asyncio.create_task(decision)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer = await s.finish(board, challenge)
        await first
        wanted = {"suspend": (403, "suspended"), "revoke": (403, "revoked"), "forget": (401, "auth_failed")}
        assert reason(answer) == wanted[word]
        assert s.verifier._grants == {}

    scene(tmp_path, go)


@pytest.mark.parametrize("answered", [1, 2])
def test_two_begins_race_and_each_challenge_is_its_own(tmp_path, answered):
    """T-ID-14: a proof is good for its own challenge only; of two right ones the newer session lives."""

    async def go(s):
        boards = [s.board(), s.board()]
        begun = await asyncio.gather(*(s.begin(board) for board in boards))
        crossed = await s.finish(boards[0], begun[1], address="192.0.2.99")
        assert crossed.status == 200, "begin and finish may come from different connections"
        if answered == 2:
            assert (await s.finish(boards[1], begun[0])).status == 200
        else:
            assert reason(await s.finish(boards[1], begun[1])) == (409, "nonce_used")
        assert s.registry.get("SN-1").epoch == answered
        assert len(s.verifier._grants) == 1

    scene(tmp_path, go)


def test_a_counter_stays_used_after_a_restart(tmp_path):
    async def before(s):
        assert (await s.verify(ctr=64)).status == 200
        return s.key

    key = scene(tmp_path, before)

    async def after():
        async with Store(tmp_path) as store:
            s = Scene(store)
            s.key = key
            assert reason(await s.verify(ctr=64)) == (409, "counter_rollback")
            assert (await s.verify(ctr=65)).status == 200
            assert store.registry.get("SN-1").epoch == 2

    run(after())


def test_every_message_can_be_said_once(tmp_path):
    async def go(s):
        board = s.board()
        challenge = await s.begin(board)
        said = json.dumps(board.challenged(challenge.body, 1, BINDING)).encode()
        assert (await s.verifier.finish(said, ADDRESS)).status == 200
        assert reason(await s.verifier.finish(said, ADDRESS)) == (409, "nonce_used")
        s.clock.advance(31_000)
        assert reason(await s.verifier.finish(said, ADDRESS)) == (401, "nonce_expired")
        assert s.registry.get("SN-1").epoch == 1

    scene(tmp_path, go)


def test_a_challenge_answered_twice_at_once_lets_one_in(tmp_path):
    async def go(s):
        board = s.board()
        said = json.dumps(board.challenged((await s.begin(board)).body, 1, BINDING)).encode()
        answers = await asyncio.gather(*(s.verifier.finish(said, ADDRESS) for _ in range(5)))
        assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]

    scene(tmp_path, go)


def test_a_wrong_proof_uses_the_challenge_up(tmp_path):
    async def go(s):
        challenge = await s.begin(s.board())
        forger = s.board(key=b"w" * 32)
        forger.begin(b"\xd0" * 16)
        assert reason(await s.finish(forger, challenge)) == (401, "auth_failed")
        honest = s.board()
        honest.begin(b"\xd0" * 16)
        assert reason(await s.finish(honest, challenge)) == (409, "nonce_used")

    scene(tmp_path, go)


@pytest.mark.parametrize(("wait_ms", "status"), [(29_999, 200), (30_000, 401)])
def test_a_challenge_is_good_for_thirty_seconds(tmp_path, wait_ms, status):
    async def go(s):
        board = s.board()
        challenge = await s.begin(board)
        assert challenge.body["ttl"] == 30
        s.clock.advance(wait_ms)
        assert (await s.finish(board, challenge)).status == status

    scene(tmp_path, go)


def test_the_table_of_challenges_is_bounded_and_gives_up_the_oldest(tmp_path):
    async def go(s):
        board = s.board()
        first = await s.begin(board)
        for number in range(16):
            await s.begin(s.board(sn=f"X{number}"))
        assert len(s.verifier._challenges) == 16
        assert reason(await s.finish(board, first)) == (401, "nonce_expired")

    scene(tmp_path, go, limits=LimitSettings(nonces=16))


def test_old_challenges_are_forgotten(tmp_path):
    async def go(s):
        for _ in range(8):
            await s.begin(s.board())
        s.clock.advance(30_000)
        await s.begin(s.board())
        assert len(s.verifier._challenges) == 1

    scene(tmp_path, go)


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 400, "bad_request"),
        (b"{}", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b'{"v":2}', 400, "version_unsupported"),
        (b'{"v":1,"sn":"a b"}', 400, "bad_request"),
        (b"[" * 1000, 400, "bad_request"),
        (b'{"v":NaN}', 400, "bad_request"),
        (b"\xff" * 10, 400, "bad_request"),
        (b" " * 17_000, 413, "too_large"),
    ],
)
def test_what_is_no_request_is_refused_alike_by_both(tmp_path, body, status, word):
    async def go(s):
        assert reason(await s.verifier.begin(body, ADDRESS)) == (status, word)
        assert reason(await s.verifier.finish(body, ADDRESS)) == (status, word)

    scene(tmp_path, go)


def test_failing_attempts_are_limited_by_number_at_an_address_and_by_address(tmp_path):
    async def go(s):
        forger = s.board(key=b"w" * 32)
        for _ in range(3):
            assert reason(await s.verify(forger)) == (401, "auth_failed")
        refused = await s.begin(forger)
        assert reason(refused) == (429, "rate_limited")
        assert refused.headers == {"Retry-After": "20"}
        assert refused.body["retry_after"] == 20
        assert (await s.begin(s.board(), address="192.0.2.8")).status == 200, "nobody locks a board out from elsewhere"
        assert (await s.begin(s.board(sn="SN-2"))).status == 200
        assert (await s.begin(s.board(sn="SN-3"))).status == 429, "five from this address"
        s.clock.advance(20_000)
        assert (await s.verify()).status == 200

    scene(tmp_path, go, limits=LimitSettings(attempts_per_minute=3, attempts_per_minute_address=5))


def test_good_verifications_are_not_attempts(tmp_path):
    async def go(s):
        for _ in range(20):
            assert (await s.verify()).status == 200

    scene(tmp_path, go, limits=LimitSettings(attempts_per_minute=2, attempts_per_minute_address=2))


def test_one_token_is_live_the_newest(tmp_path):
    async def go(s):
        old = await s.token()
        new = await s.token()
        assert s.verifier.token(old) is None
        assert s.verifier.token(new).epoch == 2
        assert len(s.verifier._grants) == 1

    scene(tmp_path, go)


@pytest.mark.parametrize("bearer", ["", "x", "a" * 10_000, "\udcff", "ä"])
def test_what_is_no_token_is_nobodys(tmp_path, bearer):
    async def go(s):
        await s.token()
        assert s.verifier.token(bearer) is None

    scene(tmp_path, go)


def test_a_token_ends_after_an_hour(tmp_path):
    async def go(s):
        token = await s.token()
        s.clock.advance(3_599_000)
        assert s.verifier.token(token)
        s.clock.advance(1_000)
        assert s.verifier.token(token) is None
        assert s.verifier._grants == {}

    scene(tmp_path, go)


@pytest.mark.parametrize("end", ["suspended", "revoked", "conflict", "forget"])
def test_a_token_ends_with_the_boards_welcome(tmp_path, end):
    async def go(s):
        token = await s.token()
        await (s.registry.forget("SN-1") if end == "forget" else stand(s, end))
        assert s.verifier.token(token) is None
        assert s.verifier._grants == {}

    scene(tmp_path, go)


def test_tokens_are_not_kept_as_they_are(tmp_path):
    async def go(s):
        token = await s.token()
        assert token not in repr(s.verifier._grants) + repr(s.verifier._live)
        assert hashlib.sha256(token.encode()).digest() in s.verifier._grants

    scene(tmp_path, go)


def test_a_database_that_fails_is_unavailable_and_gives_no_token(tmp_path, monkeypatch):
    async def go(s):
        async def full(*_):
            raise OperatorError("disk full")

        monkeypatch.setattr(s.registry, "accept", full)
        assert reason(await s.verify()) == (503, "unavailable")
        assert s.verifier._grants == {}

    scene(tmp_path, go)


def test_nothing_secret_is_logged(tmp_path, caplog, capsys):
    async def go(s):
        board = s.board()
        challenge = await s.begin(board)
        said = board.challenged(challenge.body, 1, BINDING)
        answer = await s.verifier.finish(json.dumps(said).encode(), ADDRESS)
        token = board.granted(answer.body)["token"]
        await s.verify(s.board(key=b"w" * 32))
        await s.verifier.finish(json.dumps(said).encode(), ADDRESS)
        return [token, said["proof"], challenge.body["nonce"], answer.body["sproof"], s.key.hex(), repr(s.key)]

    secrets = scene(tmp_path, go)
    written = caplog.text + "".join(capsys.readouterr())
    assert [one for one in secrets if one in written] == []


def test_the_answer_itself_hides_its_body():
    assert "canary" not in repr(subject.Answer(200, {"body": "canary"}))
