"""Before a right proof, of a key or of a claim, the relay does the same work for everybody: instructions and cryptography.

Instructions are those of the interpreter in this repository's own code; a microsecond more or less says nothing on a busy
machine, and one comparison more that depends on who asks shows here at once.
"""

import asyncio
import json
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from relay_store import Store, run

import callcore
import tincall
from callcore import attest, claim
from tincall.relay import claim_code
from tincall.relay.second_board import SecondBoard
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

OURS = tuple(str(Path(one.__file__).parent) for one in (callcore, tincall))
CRYPTO = ("openssl_sha256", "digest", "update", "decrypt", "encrypt", "compare_digest", "copy")
ADDRESS = "192.0.2.7"
BINDING = b"\x00" * 32
LIMITS = LimitSettings(attempts_per_minute=10_000, attempts_per_minute_address=10_000)


@contextmanager
def counted():
    """Count what is done inside: instructions by function, and calls to cryptography by name."""
    done: Counter[str] = Counter()

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            done[f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_name}"] += 1
        return trace

    def profile(frame, event, called):
        if event == "c_call" and called.__name__ in CRYPTO:
            done[f"call of {called.__name__}"] += 1

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        yield done
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])


class Scene:
    """A relay with boards in every state; each number has as many characters as each other."""

    def __init__(self, store):
        self.store = store
        self.verifier = Verifier(store.registry, b"", LIMITS, store.clock)

    async def enrol(self):
        registry = self.store.registry
        for sn in ("NEW-0", "ACT-0", "SUS-0", "REV-0", "CON-0"):
            await registry.enrol(sn, "model-x")
        for sn in ("ACT-0", "CON-0"):
            await registry.accept(sn, 1, "aa", "", 1)
        await registry.decide("SUS-0", "suspend")
        await registry.decide("REV-0", "revoke")
        for counter in (2, 3):
            await registry.doubt(SecondBoard("CON-0", "uid_mismatch", "ff", 1, ADDRESS, "", 0, 0, 0))
            await registry.accept("CON-0", counter, "aa", "", 1)
        assert registry.get("CON-0").state == "conflict"
        return self

    async def attempt(self, sn, model_id, kv):
        """Begin and finish with a wrong key; gives what was done in both, and what was said."""
        board = attest.Attester(b"w" * 32, sn, model_id, kv, b"\1\2\3\4\5\6", "1.0")
        asked = json.dumps(board.begin(b"\xd0" * 16)).encode()
        with counted() as begun:
            challenge = await self.verifier.begin(asked, ADDRESS)
        said = json.dumps(board.challenged(challenge.body, 9, BINDING)).encode()
        with counted() as ended:
            answer = await self.verifier.finish(said, ADDRESS)
        return begun, ended, (answer.status, json.dumps(answer.body), tuple(answer.headers.items()))

    async def claim(self, sn, model_id="model-x", claim_id="C" * 16, secret=b"w" * 16):
        """Claim in vain; gives what was done, and what was said."""
        begin = attest.Begin(sn, model_id, 1, b"\1\2\3\4\5\6", b"\xd0" * 16, "1.0")
        _, said = claim.request(secret, begin, claim_id, BINDING)
        asked = json.dumps(said).encode()
        with counted() as done:
            answer = await self.verifier.claimer.claim(asked, ADDRESS)
        return done, (answer.status, json.dumps(answer.body), tuple(answer.headers.items()))


def scene(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            return await test(await Scene(store).enrol())

    return run(go())


ASKED = [
    ("NEW-0", "model-x", 1),
    ("ACT-0", "model-x", 1),
    ("ACT-0", "model-y", 1),
    ("ACT-0", "model-x", 2),
    ("SUS-0", "model-x", 1),
    ("REV-0", "model-x", 1),
    ("CON-0", "model-x", 1),
]


@pytest.mark.parametrize(("sn", "model_id", "kv"), ASKED)
def test_who_cannot_prove_himself_costs_what_a_stranger_costs(tmp_path, sn, model_id, kv):
    """T-ID-12: as many instructions and calls to cryptography for a wrong proof as for a number that nobody enrolled."""

    async def go(s):
        await s.attempt("WARM-", "model-x", 1)
        begun, ended, told = await s.attempt("NIL-0", "model-x", 1)
        his_begin, his_end, his_told = await s.attempt(sn, model_id, kv)
        assert his_told == told and told[0] == 401
        assert his_begin == begun
        assert his_end == ended
        assert ended["call of decrypt"] == 1
        assert ended["verifier.py _judge"] > 20 and ended["call of openssl_sha256"] > 4, "what it counts is there"

    scene(tmp_path, go)


def test_who_cannot_prove_a_claim_costs_what_a_stranger_costs(tmp_path):
    """T-ID-12: wrong secret, another model, too old, used up, for a device that is switched off, and no claim at all."""

    async def go(s):
        claimer, registry = s.verifier.claimer, s.store.registry
        tickets = {}
        for sn, hours in (("OLD-0", 1), ("USE-0", 9), ("OFF-0", 9), ("OPN-0", 9)):
            opened = await claimer.open(sn, "model-x", "", hours)
            tickets[sn] = (opened.claim.claim_id, claim_code.read(opened.code))
        await registry.accept("USE-0", 1, "aa", "", 1)
        await registry.decide("OFF-0", "suspend")
        s.store.clock.advance(3600_000)
        await s.claim("WARM-")
        done, told = await s.claim("NIL-0")
        assert told[0] == 401 and done["call of decrypt"] == 1 and done["claimer.py _judge"] > 20
        asked = [(sn, "model-x", "C" * 16, b"w" * 16) for sn in (*tickets, "NEW-0", "ACT-0", "REV-0", "CON-0")]
        asked += [(sn, "model-x", *tickets[sn]) for sn in ("OLD-0", "USE-0", "OFF-0")]
        asked += [("OPN-0", "model-y", *tickets["OPN-0"])]
        for one in asked:
            his, his_told = await s.claim(*one)
            assert (his_told, his) == (told, done), one[0]
        right, given = await s.claim("OPN-0", "model-x", *tickets["OPN-0"])
        assert given[0] == 200 and right != done, "the count sees a difference"

    scene(tmp_path, go)


def test_the_count_sees_a_difference(tmp_path):
    async def go(s):
        _, wrong, _ = await s.attempt("ACT-0", "model-x", 1)
        board = attest.Attester(s.store.registry.key("ACT-0", 1), "ACT-0", "model-x", 1, b"\xaa", "1.0")
        challenge = await s.verifier.begin(json.dumps(board.begin(b"\xd0" * 16)).encode(), ADDRESS)
        said = json.dumps(board.challenged(challenge.body, 9, BINDING)).encode()
        with counted() as right:
            assert (await s.verifier.finish(said, ADDRESS)).status == 200
        assert right != wrong
        assert right["call of openssl_sha256"] > wrong["call of openssl_sha256"]

    scene(tmp_path, go)


def test_no_wrong_proof_touches_the_database(tmp_path, monkeypatch):
    async def go(s):
        def never(*_):
            raise AssertionError("the disk would tell by its time")

        monkeypatch.setattr(s.store.database, "run", never)
        monkeypatch.setattr(s.store.database, "read", never)
        told = await asyncio.gather(*(s.attempt(*asked) for asked in ASKED))
        assert {one[2][0] for one in told} == {401}
        told = await asyncio.gather(*(s.claim(sn) for sn in ("NIL-0", "NEW-0", "ACT-0")))
        assert {one[1][0] for one in told} == {401}
        monkeypatch.undo()

    scene(tmp_path, go)
