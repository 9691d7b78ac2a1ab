"""A relay with boards that claim their keys, for tests."""

from __future__ import annotations

import hashlib
import json

from relay_store import Store, run

from callcore import attest, claim
from callcore.evidence import Begin
from tincall.relay import claim_code
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

CERTIFICATE = b"certificate as boards see it"
BINDING = hashlib.sha256(CERTIFICATE).digest()
ADDRESS = "192.0.2.7"
UID = b"\x01\x02\x03\x04\x05\x06"
OTHER = b"\x01\x02\x03\x04\x05\x07"
LIMITS = LimitSettings(attempts_per_minute=10_000, attempts_per_minute_address=10_000)


class ClaimScene:
    """A relay, and what boards say to it.

    Args:
        store: open.
        limits: of attempts.
    """

    def __init__(self, store, limits=LIMITS):
        self.store = store
        self.registry, self.clock = store.registry, store.clock
        self.verifier = Verifier(store.registry, CERTIFICATE, limits, store.clock)
        self.claimer = self.verifier.claimer
        self.ctr = 0

    async def open(self, sn="SN-1", model_id=None, hours=24):
        opened = await self.claimer.open(sn, model_id, "", hours)
        return opened.claim.claim_id, claim_code.read(opened.code)

    async def ask(self, ticket, sn="SN-1", uid=UID, model_id="tincall", cb=BINDING, address=ADDRESS):
        """Claim once; gives `th` and the answer."""
        begin = Begin(sn, model_id, 1, uid, b"\xd0" * 16, "1.0")
        th, said = claim.request(ticket[1], begin, ticket[0], cb)
        return th, await self.claimer.claim(json.dumps(said).encode(), address)

    async def key(self, ticket, **how):
        """Claim, and read the key as a board does; gives version and key."""
        th, answer = await self.ask(ticket, **how)
        assert answer.status == 200, answer.body
        return claim.granted(ticket[1], th, answer.body)

    async def reason(self, ticket, **how):
        _, answer = await self.ask(ticket, **how)
        assert answer.status == answer.body["status"]
        return answer.body["reason"]

    def board(self, keyed, sn="SN-1", uid=UID):
        kv, key = keyed
        return attest.Attester(key, sn, "tincall", kv, uid, "1.0")

    async def verify(self, keyed, sn="SN-1", uid=UID):
        """Verify with what was claimed; gives the reason of a refusal, or empty."""
        board = self.board(keyed, sn, uid)
        challenge = await self.verifier.begin(json.dumps(board.begin(b"\xd0" * 16)).encode(), ADDRESS)
        self.ctr += 1
        said = board.challenged(challenge.body, self.ctr, BINDING)
        answer = await self.verifier.finish(json.dumps(said).encode(), ADDRESS)
        return answer.body.get("reason", "")


def scene(tmp_path, test, **how):
    """Run a test in a scene of its own."""

    async def go():
        async with Store(tmp_path) as store:
            return await test(ClaimScene(store, **how))

    return run(go())


def restarts(tmp_path, *steps):
    """Run each step in a relay that was started for it; each gets what the one before gave."""
    given = None
    for step in steps:

        async def go(step=step, given=given):
            async with Store(tmp_path) as store:
                return await step(ClaimScene(store), given)

        given = run(go())
    return given
