"""Boards that show a certificate (profile M), at the verifier: who gets in, who is refused, how one is replaced."""

import base64
import dataclasses
import datetime
import hashlib
import json

import pytest
from relay_store import Store, run
from test_verifier import BINDING, CERTIFICATE, UID, reason

from callcore import attest
from callcore.verify import certified_key
from tincall.clock import ManualClock
from tincall.errors import OperatorError
from tincall.relay import authority, issuer, rotation
from tincall.relay.claimer import Claimer
from tincall.relay.rates import Attempts
from tincall.relay.registry import Rejected
from tincall.relay.verifier import Verifier
from tincall.settings import DataFolder, LimitSettings

NOW = datetime.datetime.fromtimestamp(ManualClock.UNIX_START_MS / 1000, datetime.UTC)
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = DataFolder(tmp_path_factory.mktemp("data") / "data")
    authority.make(made, [], NOW)
    return made


class Scene:
    """A relay with SN-M, which has a certificate, and SN-H, which has a key."""

    def __init__(self, store):
        self.store = store
        self.registry = store.registry
        self.ca = ""
        self.verifier = Verifier(
            store.registry, CERTIFICATE, LimitSettings(), store.clock, bundle_for=lambda sn: self.ca
        )
        self.ctr = 0

    async def enrol(self):
        self.issued = await self.registry.enrol_certified("SN-M", "model-x")
        self.key = await self.registry.enrol("SN-H", "model-x")
        return self

    def device(self):
        return self.registry.get("SN-M")

    async def verify(self, issued=None, shown=None, kv=1, sn="SN-M", key=None, uid=UID, ctr=None, cb=BINDING):
        """Gives the answer, and the grant if there is one."""
        issued = issued or self.issued
        board = attest.Attester(key or issued.key, sn, "model-x", kv, uid, "1.0")
        challenge = await self.verifier.begin(_json(board.begin(b"\xd0" * 16)), "192.0.2.7")
        self.ctr += 1
        said = board.challenged(challenge.body, ctr or self.ctr, cb)
        shown = issued.fingerprint if shown is None else shown
        answer = await self.verifier.finish(_json(said), "192.0.2.7", shown)
        return answer, board.granted(answer.body) if answer.status == 200 else None


def _json(said):
    return json.dumps(said).encode()


def scene(tmp_path, folder, test):
    async def go():
        def issue(sn):
            return issuer.issue(folder, sn, datetime.datetime.fromtimestamp(store.clock.unix_ms() / 1000, datetime.UTC))

        async with Store(tmp_path, issue=issue) as store:
            return await test(await Scene(store).enrol())

    return run(go())


def test_a_board_is_let_in_with_its_certificate_and_its_token_goes_with_it(tmp_path, folder):
    async def go(s):
        answer, grant = await s.verify()
        assert answer.status == 200 and grant["epoch"] == 1 and "rotate" not in grant
        token, shown = grant["token"], s.issued.fingerprint
        assert s.verifier.token(token, shown).sn == "SN-M"
        assert s.verifier.token(token) is None, "a token that was stolen opens nothing without the certificate"
        assert s.verifier.token(token, hashlib.sha256(b"another").digest()) is None
        assert s.device().profile == "mtls" and s.device().cert_until_s == s.issued.until_s
        assert s.registry.get("SN-H").profile == "hmac"

    scene(tmp_path, folder, go)


def test_what_is_not_the_right_certificate_cannot_be_told_from_a_wrong_key(tmp_path, folder):
    async def go(s):
        other = await s.registry.enrol_certified("SN-M2", "model-x")
        stranger = issuer.issue(folder, "SN-M", NOW)  # of the same authority and name, and not on record
        asked = [
            await s.verify(shown=b""),
            await s.verify(shown=other.fingerprint),
            await s.verify(issued=other),
            await s.verify(issued=stranger),
            await s.verify(key=s.key),
            await s.verify(key=s.key, shown=b""),
            await s.verify(key=b"x" * 32),
            await s.verify(sn="SN-H"),
            await s.verify(sn="SN-nobody"),
        ]
        s.store.clock.advance(120_000)
        asked.append(await s.verify(sn="SN-H", key=s.key))  # a board of keys that shows a certificate all the same
        bodies = [answer.body for answer, _ in asked]
        assert {reason(answer) for answer, _ in asked} == {(401, "auth_failed")}
        assert all(body == bodies[0] for body in bodies)
        assert (s.device().state, s.device().counter) == ("new", 0)
        assert (await s.verify(sn="SN-H", key=s.key, shown=b""))[0].status == 200

    scene(tmp_path, folder, go)


def test_a_version_that_was_never_made_is_a_retired_one(tmp_path, folder):
    async def go(s):
        assert reason((await s.verify(kv=2))[0]) == (401, "kv_retired")

    scene(tmp_path, folder, go)


def test_all_that_is_refused_after_a_right_proof_is_refused_here_too(tmp_path, folder):
    async def go(s):
        await s.verify()
        assert reason((await s.verify(uid=b"\x09" * 6))[0]) == (403, "uid_mismatch")
        assert reason((await s.verify(ctr=1))[0]) == (409, "counter_rollback")
        assert reason((await s.verify(cb=b"x" * 32))[0]) == (403, "cb_mismatch")
        await s.verify()
        assert reason((await s.verify(uid=b"\x09" * 6))[0]) == (409, "sn_conflict")
        _, grant = await s.verify()
        assert grant is None
        for word, said in (("resume", 200), ("suspend", "suspended"), ("revoke", "revoked")):
            await s.registry.decide("SN-M", word)
            answer, _ = await s.verify()
            assert said == 200 == answer.status or reason(answer) == (403, said)

    scene(tmp_path, folder, go)


def taken(grant):
    """Make of a grant's `rotate` what its board holds then."""
    rotate = grant["rotate"]
    return rotate["kv"], issuer.Issued(rotate["k"], base64.b64decode(rotate["cert"]), 0)


def test_a_certificate_is_replaced_in_two_phases(tmp_path, folder):
    async def go(s):
        await s.registry.rotate("SN-M")
        kv, coming = taken((await s.verify())[1])
        assert (kv, taken((await s.verify())[1])[1]) == (2, coming), "a lost one comes again"
        assert s.device().fingerprint == s.issued.fingerprint
        mixed = [await s.verify(coming, s.issued.fingerprint, 2), await s.verify(s.issued, coming.fingerprint, 1)]
        assert [reason(answer)[1] for answer, _ in mixed] == ["auth_failed"] * 2
        assert (await s.verify(s.issued))[0].status == 200
        answer, grant = await s.verify(coming, kv=2)
        assert answer.status == 200 and "rotate" not in grant
        device = s.device()
        assert (device.kv, device.fingerprint, device.next_cert) == (2, coming.fingerprint, None)
        assert device.next_fingerprint is None and device.next_until_s == 0 and device.cert_until_s >= s.issued.until_s
        assert s.registry.key("SN-M", 2) == certified_key(coming.secret)
        assert reason((await s.verify(s.issued, kv=1))[0]) == (401, "auth_failed")

    scene(tmp_path, folder, go)


def test_authorities_go_before_a_certificate(tmp_path, folder):
    async def go(s):
        await s.registry.rotate("SN-M")
        s.ca = "-----BEGIN CERTIFICATE-----\n" + "A" * 1300
        grant = (await s.verify())[1]
        assert grant["ca"] == s.ca and "rotate" not in grant
        s.ca = ""
        assert "rotate" in (await s.verify())[1]

    scene(tmp_path, folder, go)


def test_a_certificate_is_replaced_in_time(tmp_path, folder):
    async def go(s):
        life_days = issuer.BOARD_LIFE.days - rotation.RENEW_S // 86_400
        s.store.clock.advance((life_days - 1) * DAY_MS)
        assert "rotate" not in (await s.verify())[1]
        s.store.clock.advance(DAY_MS)
        _, coming = taken((await s.verify())[1])
        await s.verify(coming, kv=2)
        assert s.device().cert_until_s > s.issued.until_s + 300 * 86_400

    scene(tmp_path, folder, go)


def test_a_certificate_that_ends_with_its_authority_is_not_replaced_by_one_that_does_so_too(tmp_path, folder):
    async def go(s):
        issue = s.registry._issue
        s.registry._issue = lambda sn: dataclasses.replace(issue(sn), until_s=s.issued.until_s)
        s.store.clock.advance((issuer.BOARD_LIFE.days - 200) * DAY_MS)
        for _ in range(3):
            assert "rotate" not in (await s.verify())[1]
        assert s.device().next_key is None
        await s.registry.rotate("SN-M")
        assert "rotate" in (await s.verify())[1], "an operator may ask for it"

    scene(tmp_path, folder, go)


def test_where_nobody_can_sign_boards_get_in_and_operators_are_told(tmp_path, folder):
    async def go(s):
        def fails(sn):
            raise OperatorError("no key", "", 2)

        s.registry._issue = fails
        s.store.clock.advance((issuer.BOARD_LIFE.days - 10) * DAY_MS)
        answer, grant = await s.verify()
        assert answer.status == 200 and "rotate" not in grant
        for asked in (s.registry.rotate("SN-M"), s.registry.enrol_certified("SN-X", "m")):
            with pytest.raises(OperatorError, match="no key"):
                await asked
        assert s.registry.get("SN-X") is None
        s.registry._issue = None
        with pytest.raises(OperatorError, match="no CA"):
            await s.registry.enrol_certified("SN-X", "m")

    scene(tmp_path, folder, go)


def test_what_is_stored_opens_nothing_by_itself(tmp_path, folder):
    async def go(s):
        await s.registry.rotate("SN-M")
        _, coming = taken((await s.verify())[1])
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("tincall.db*"))
        for secret in (s.issued.secret, s.issued.key, coming.secret, coming.key):
            assert secret not in stored
        assert s.issued.fingerprint in stored

    scene(tmp_path, folder, go)


def test_a_next_certificate_that_cannot_be_opened_is_dropped(tmp_path, folder):
    async def go(s):
        await s.registry.rotate("SN-M")
        await s.registry._update_all({"SN-M": {"next_cert": b"x" * 60}})
        await s.registry.load()
        assert s.device().next_key is None and s.device().next_fingerprint is None
        assert (await s.verify())[0].status == 200

    scene(tmp_path, folder, go)


def test_no_claim_is_opened_for_a_board_with_a_certificate(tmp_path, folder):
    async def go(s):
        claimer = Claimer(s.registry, lambda cb: True, Attempts(LimitSettings()), s.store.clock)
        with pytest.raises(Rejected, match="certificate"):
            await claimer.open("SN-M", None, "", 24)
        assert (await s.verify())[0].status == 200

    scene(tmp_path, folder, go)


def test_nothing_secret_is_shown(tmp_path, folder):
    async def go(s):
        await s.registry.rotate("SN-M")
        shown = repr(s.device()) + repr(s.device().public())
        assert "next_cert" not in repr(s.device()) and s.issued.secret.hex() not in shown
        assert s.device().public()["profile"] == "mtls" and "fingerprint" not in s.device().public()
        assert dataclasses.replace(s.device(), fingerprint=None).profile == "hmac"

    scene(tmp_path, folder, go)
