"""The relay's side of a claim in the field: who gets a key, and how an operator opens a claim.

Rules of this file:

- A serial number that nobody enrolled, one without a claim, a wrong secret, a claim that is too old and one that was used all
  cost the same work and get the same answer, `claim_refused`; exact reasons come only after a right proof.
- A claim is bound to the first chip before that chip hears the key. The same chip may ask again and hears the same key, any
  other hears `claim_bound`. The first verification with the key ends the claim, in its own transaction.
- An operator who opens another claim makes another key, so that whoever claimed before has nothing.
- No key, secret or proof gets into a log line or an error.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from callcore import claim as claiming
from callcore import handover, refusals
from callcore.errors import AttestError
from callcore.evidence import Begin
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay import claim_code, standing
from tincall.relay.answer import Answer, rate_limited, refuse
from tincall.relay.claims import Claim
from tincall.relay.rates import Attempts
from tincall.relay.registry import Device, Registry, Rejected

HOURS_MAX = 720  # a month; a board that lies longer in a shop gets a claim when it is sold

log = get("relay.claimer")


@dataclass(frozen=True, slots=True)
class Opened:
    """A claim that was opened just now.

    Args:
        device: the device.
        claim: the claim.
        code: its secret as a person types it; told this one time.
    """

    device: Device
    claim: Claim
    code: str = field(repr=False)


class Claimer:
    """Opens claims and judges them.

    Args:
        registry: loaded.
        is_seen: tells whether a channel binding is that of a certificate that boards see.
        attempts: shared with the verifications.
        clock: the time.
    """

    def __init__(self, registry: Registry, is_seen: Callable[[bytes], bool], attempts: Attempts, clock: Clock) -> None:
        self._registry = registry
        self._is_seen = is_seen
        self._attempts = attempts
        self._clock = clock
        self._opening = asyncio.Lock()

    async def claim(self, body: bytes, address: str) -> Answer:
        """Answer `POST /v1/claim`.

        Args:
            body: as received.
            address: the far end's network address, without its port.
        """
        try:
            asked = handover.parse(body)
        except AttestError as error:
            return refuse(error)
        now_s = self._clock.monotonic_s()
        sn = asked.begin.sn
        wait_s = self._attempts.take(sn, address, now_s)
        if wait_s > 0:
            return rate_limited(wait_s)
        try:
            answer = await self._judge(asked, address)
        except AttestError as error:
            log.info("claim refused", sn=sn, address=address, reason=error.reason)
            return refuse(error)
        except OperatorError as error:
            log.error("claim failed", sn=sn, reason=error.message)
            return refuse(refusals.refusal("unavailable"))
        self._attempts.give_back(sn, address, self._clock.monotonic_s())
        return answer

    async def open(self, sn: str, model_id: str | None, name: str, hours: int) -> Opened:
        """Open a claim for a device that was never verified; one that nobody enrolled is enrolled with it.

        If power fails, the device is there or not, with the claim before, no claim, or this one; asking again is right in each
        case.

        Args:
            sn: serial number.
            model_id: the vendor's model; None: as enrolled, or `tincall`.
            name: for people, when the device is enrolled here; the serial number if empty.
            hours: how long it is good, 1 to HOURS_MAX.

        Raises:
            Rejected: the device was verified once, is enrolled with another model, or a value is wrong.
            OperatorError: it could not be stored.
        """
        async with self._opening:
            if self._registry.get(sn) is None:
                await self._registry.enrol(sn, model_id or "tincall", name)
            else:
                await self._renew(sn, model_id)
            device = self._registry.known(sn)
            now_s = self._clock.unix_ms() // 1000
            claim, secret = await self._registry.claims.open(sn, device.kv, now_s, now_s + hours * 3600)
        log.info("claim opened", sn=sn, hours=hours)
        return Opened(device, claim, claim_code.write(secret))

    def is_open(self, claim: Claim, device: Device) -> bool:
        """Tell whether a claim is good for its device now; the same steps whatever the answer is."""
        is_young = claim.expires_s > self._clock.unix_ms() // 1000
        return is_young & (claim.kv == device.kv) & (device.state == standing.NEW)

    async def _renew(self, sn: str, model_id: str | None) -> None:
        device = self._registry.known(sn)
        if model_id not in (None, device.model_id):
            raise Rejected("bad_value", f"{sn} is enrolled as model {device.model_id}.", "Name that model, or none.")
        await self._registry.renew(sn)

    async def _judge(self, asked: handover.Asked, address: str) -> Answer:
        """Judge a claim, bind it, and write what it hands over.

        Raises:
            AttestError: refused, with its reason.
            OperatorError: it could not be stored.
        """
        registry, said, sn = self._registry, asked.begin, asked.begin.sn
        # stand-ins where there is nothing: up to the proof there is one way through here, for everybody
        claim, device = registry.claims.candidate(sn), registry.candidate(sn)
        secret = registry.claims.secret(sn)
        # model and number count as stored, not as said: with others nobody can prove anything
        begin = Begin(sn, device.model_id, claim.kv, said.uid, said.dn, said.fw)
        th = claiming.transcript(begin, claim.claim_id, asked.cb)
        if not handover.check_proof(secret, th, asked.proof) & self.is_open(claim, device):
            raise refusals.refusal("claim_refused")
        if not self._is_seen(asked.cb):
            raise refusals.refusal("cb_mismatch")
        uid = said.uid.hex()
        bound = await registry.claims.bind(claim, uid)
        # once more, since the operator may have decided meanwhile
        if bound.claim_id != claim.claim_id or not self.is_open(bound, registry.candidate(sn)):
            raise refusals.refusal("claim_refused")
        if bound.uid != uid:
            log.warning("a second board with a claim", sn=sn, address=address, uid=uid, bound_to=bound.uid)
            raise refusals.refusal("claim_bound")
        log.info("device claimed", sn=sn, address=address, uid=uid, firmware=said.fw)
        return Answer(200, handover.answer(secret, th, claim.kv, registry.key(sn, claim.kv)))
