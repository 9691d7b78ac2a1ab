"""The relay's side of the verification "voip1": who may have a link.

Rules of this file, from the threat model of docs/protocol.md:

- `begin` does not look at the registry at all, and `finish` does the same work for a serial number that nobody enrolled
  as for a wrong proof. Before a right proof every refusal is `auth_failed`; exact reasons come only after one.
- A right proof that cannot come from the device's own board is refused here, before anything is asked of the platform in its
  name, and kept for the operator; where two boards come by turns, neither is let in (`second_board`).
- A board of profile M proves its key by the certificate that it shows in TLS: the one on record for its serial number, and no
  other. The proof in the message, under a key that comes from the certificate's, ties counter, chip and challenge to it.
- A challenge is good for one finish and for 30 seconds. It is used up before its proof is looked at.
- The session counter and the epoch are stored in one transaction, before the token is given out; so is what a proof under
  the next key of a device does to its keys (`rotation`).
- A token is 256 random bits, kept here as its SHA-256 and given out once. One is live per serial number: the newest.
- No key, nonce, proof or token gets into a log line or an error.
"""

import hashlib
import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from callcore import attest, refusals, verify
from callcore.errors import AttestError
from callcore.evidence import NONCE_BYTES, PROOF_BYTES, SEED_BYTES, Begin
from callcore.verify import Finish
from tincall import ids
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.ids import Random
from tincall.logs import get
from tincall.relay import rotation, standing
from tincall.relay.answer import Answer as Answer
from tincall.relay.answer import rate_limited, refuse
from tincall.relay.claimer import Claimer
from tincall.relay.rates import Attempts
from tincall.relay.registry import Device, Registry, Rejected
from tincall.relay.second_board import SecondBoard
from tincall.settings import LimitSettings

CHALLENGE_S = 30
TOKEN_S = 3600
# a certificate that was replaced is still the right one for a board that saw it: longer than a handshake, begin and finish take
REPLACED_S = 120
LINK_PATH = "/v1/link"

log = get("relay.verifier")


@dataclass(frozen=True, slots=True)
class Grant:
    """Who holds a token: one verified session of one board.

    Args:
        sn: serial number.
        epoch: number of the session; a higher one has superseded it.
        expires_s: when it ends, on the monotonic clock.
        fingerprint: of the certificate that its board has shown, which goes with the token (RFC 8705 section 3); empty: none.
    """

    sn: str
    epoch: int
    expires_s: float
    fingerprint: bytes = b""


@dataclass(slots=True)
class _Challenge:
    begin: Begin
    nonce: bytes
    expires_s: float
    is_used: bool = False


class Verifier:
    """Issues challenges, judges proofs, gives and checks tokens.

    Args:
        registry: loaded.
        certificate_der: the server certificate that boards see, for the channel binding; empty switches binding off.
        limits: attempts and challenges.
        clock: the time.
        random: source of bytes.
        bundle_for: gives the authorities that a board is to be given, as PEM text, by serial number; empty: it has them.

    Attributes:
        claimer: judges claims in the field, which count as attempts, too.
    """

    def __init__(
        self,
        registry: Registry,
        certificate_der: bytes,
        limits: LimitSettings,
        clock: Clock,
        random: Random = os.urandom,
        bundle_for: Callable[[str], str] = lambda sn: "",
    ) -> None:
        self._bundle_for = bundle_for
        self._registry = registry
        self._binding = _binding(certificate_der)
        self._replaced: dict[bytes, float] = {}  # until when, on the monotonic clock
        self._clock = clock
        self._random = random
        self._challenges_max = limits.nonces
        self._challenges: OrderedDict[str, _Challenge] = OrderedDict()
        self._attempts = Attempts(limits)
        self.claimer = Claimer(registry, self._is_ours, self._attempts, clock)
        self._grants: dict[bytes, Grant] = {}
        self._live: dict[str, bytes] = {}
        registry.watchers.append(self._changed)

    def shows(self, certificate_der: bytes) -> None:
        """Hear that boards see another certificate from now on; the one before is good for those that are on their way."""
        binding = _binding(certificate_der)
        if binding != self._binding:
            self._replaced[self._binding] = self._clock.monotonic_s() + REPLACED_S
            self._replaced.pop(binding, None)
            self._binding = binding

    async def begin(self, body: bytes, address: str) -> Answer:
        """Answer `POST /v1/verify/begin`.

        Args:
            body: as received.
            address: the far end's network address, without its port.
        """
        try:
            begin = verify.parse_begin(body)
        except AttestError as error:
            return refuse(error)
        now_s = self._clock.monotonic_s()
        wait_s = self._attempts.take(begin.sn, address, now_s)
        if wait_s > 0:
            return rate_limited(wait_s)
        sid = ids.challenge_id(self._random)
        nonce = self._random(NONCE_BYTES)
        self._remember(sid, _Challenge(begin, nonce, now_s + CHALLENGE_S), now_s)
        return Answer(200, verify.challenge(sid, nonce, CHALLENGE_S))

    async def finish(self, body: bytes, address: str, shown: bytes = b"") -> Answer:
        """Answer `POST /v1/verify/finish`; see `begin` for the arguments.

        `shown` is the fingerprint of the certificate that the far end showed on this connection, good by TLS; empty: none.
        """
        sn = ""
        try:
            finish = verify.parse_finish(body)
            challenge = self._use(finish.sid)
            sn = challenge.begin.sn
            answer = await self._judge(challenge, finish, address, shown)
        except AttestError as error:
            log.info("verification refused", sn=sn, address=address, reason=error.reason, certified=bool(shown))
            return refuse(error)
        except OperatorError as error:
            log.error("verification failed", sn=sn, reason=error.message)
            return refuse(refusals.refusal("unavailable"))
        self._attempts.give_back(sn, address, self._clock.monotonic_s())
        return answer

    def token(self, bearer: str, shown: bytes = b"") -> Grant | None:
        """Find who holds a token; None: unknown, too old, superseded, of another certificate, or the board is not welcome."""
        digest = _digest(bearer)
        grant = self._grants.get(digest)
        if grant is None or not _is_the_same(grant.fingerprint, shown):
            return None
        device = self._registry.get(grant.sn)
        is_current = device is not None and device.state == standing.ACTIVE and device.epoch == grant.epoch
        if not is_current or grant.expires_s <= self._clock.monotonic_s():
            self._drop(grant.sn)
            return None
        return grant

    async def _judge(self, challenge: _Challenge, finish: Finish, address: str, shown: bytes) -> Answer:
        """Judge a proof, store the session, and write the grant.

        Raises:
            AttestError: refused, with its reason.
            OperatorError: the session could not be stored.
        """
        begin = challenge.begin
        # a stand-in where nobody enrolled it: up to the proof there is one way through here, for everybody
        device = self._registry.candidate(begin.sn)
        # the model counts as enrolled, not as said: another one simply cannot prove itself
        said = Begin(begin.sn, device.model_id, begin.kv, begin.uid, begin.dn, begin.fw)
        keys = attest.Keys(self._registry.key(begin.sn, begin.kv))
        th = attest.transcript(said, challenge.nonce, finish.sid, finish.ctr, finish.cb)
        is_certified = _is_the_same(rotation.shows(device, begin.kv), shown)
        if not verify.check_proof(keys.auth, th, finish.proof) & is_certified:
            raise refusals.refusal("auth_failed")
        accepted = await self._accept(begin, finish, address)
        return Answer(200, verify.grant(keys.auth, th, self._grant(accepted, keys.wrap, th, shown)))

    async def _accept(self, begin: Begin, finish: Finish, address: str) -> Device:
        """Store the session of a board whose proof is right, or refuse it.

        Raises:
            AttestError: the exact reason.
            OperatorError: it could not be stored.
        """
        uid = begin.uid.hex()
        try:
            self._admit(begin, finish)
            device = await self._registry.accept(begin.sn, finish.ctr, uid, begin.fw, begin.kv)
            if device is not None:
                return device
            self._admit(begin, finish)  # once more, since the operator may have decided meanwhile
            bound_to = self._registry.known(begin.sn).uid
            why = "counter_rollback" if bound_to in ("", uid) else "uid_mismatch"
            found = SecondBoard(begin.sn, why, uid, finish.ctr, address, begin.fw, epoch=0, times=0, seen_s=0)
            raise refusals.refusal("sn_conflict" if await self._registry.doubt(found) else why)
        except Rejected:  # forgotten while it proved itself
            raise refusals.refusal("auth_failed") from None

    def _admit(self, begin: Begin, finish: Finish) -> None:
        """Refuse a board whose proof is right and who may not come in all the same.

        Raises:
            AttestError: the exact reason.
            Rejected: the device was forgotten.
        """
        device = self._registry.known(begin.sn)
        if not self._is_ours(finish.cb):
            raise refusals.refusal("cb_mismatch")
        if device.state not in standing.WELCOME:
            raise refusals.refusal("sn_conflict" if device.state == standing.CONFLICT else device.state)
        if begin.kv not in rotation.versions(device):
            raise refusals.refusal("kv_retired")

    def _is_ours(self, seen: bytes) -> bool:
        """Tell whether this is a certificate that we show, or have shown until just now."""
        now_s = self._clock.monotonic_s()
        self._replaced = {one: until_s for one, until_s in self._replaced.items() if until_s > now_s}
        return any([hmac.compare_digest(seen, one) for one in (self._binding, *self._replaced)])

    def _grant(self, device: Device, wrap_key: bytes, th: bytes, shown: bytes) -> str:
        """Give out a token, and the device's next key while a rotation is pending."""
        token = ids.token(self._random)
        self._drop(device.sn)
        digest = _digest(token)
        self._grants[digest] = Grant(device.sn, device.epoch, self._clock.monotonic_s() + TOKEN_S, shown)
        self._live[device.sn] = digest
        now_s = self._clock.unix_ms() // 1000
        log.info("device verified", sn=device.sn, epoch=device.epoch)
        seed, ca = self._random(SEED_BYTES), self._bundle_for(device.sn)
        offer = self._registry.offer(device)
        rotate: tuple[int, bytes] | tuple[int, bytes, bytes] | None = None
        if offer is not None:
            rotate = (device.kv + 1, attest.masked_key(wrap_key, th, offer[0]))
            if offer[1]:
                # a certificate and authorities are too much for one grant; without the authorities a board is lost sooner
                rotate = None if ca else (*rotate, offer[1])
        return verify.grant_body(token, TOKEN_S, now_s, device.epoch, LINK_PATH, seed, rotate, ca)

    def _remember(self, sid: str, challenge: _Challenge, now_s: float) -> None:
        """Keep a challenge; the table is in order of age, so the old ones stand in front.

        When it is full the oldest goes although it is still good, and its board hears `nonce_expired` and begins again.
        """
        while self._challenges:
            oldest = next(iter(self._challenges.values()))
            if oldest.expires_s > now_s and len(self._challenges) < self._challenges_max:
                break
            self._challenges.popitem(last=False)
        self._challenges[sid] = challenge

    def _use(self, sid: str) -> _Challenge:
        """Use a challenge up.

        Raises:
            AttestError: `nonce_expired` or `nonce_used`.
        """
        challenge = self._challenges.get(sid)
        if challenge is None or challenge.expires_s <= self._clock.monotonic_s():
            raise refusals.refusal("nonce_expired")
        if challenge.is_used:
            raise refusals.refusal("nonce_used")
        challenge.is_used = True
        return challenge

    def _changed(self, sn: str, state: str) -> None:
        if state not in standing.WELCOME:
            self._drop(sn)

    def _drop(self, sn: str) -> None:
        digest = self._live.pop(sn, None)
        if digest is not None:
            del self._grants[digest]


def _binding(certificate_der: bytes) -> bytes:
    return attest.channel_binding(certificate_der) if certificate_der else verify.NO_BINDING


def _is_the_same(wanted: bytes, shown: bytes) -> bool:
    """Tell whether a board shows the certificate that is wanted of it, which may be none; the same work for every device."""
    return hmac.compare_digest(wanted.ljust(PROOF_BYTES, b"\0"), shown.ljust(PROOF_BYTES, b"\0"))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
