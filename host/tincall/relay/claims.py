"""Claims in the field: one open hand-over of a key for each device at most, in the database for good and in memory for every
question.

A claim is a secret of 128 bits that the operator passes on and that is stored only sealed; with it one board, the first that
proves it, gets the key that the device has (`claimer` judges). It is good until its time is over, until the device was
verified once, or until the device has another key, which another claim makes.
"""

import os
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, delete, insert, select

from callcore.claim import SECRET_BYTES
from tincall import ids
from tincall.ids import Random
from tincall.relay.commits import Commits
from tincall.relay.key_box import KeyBox
from tincall.relay.store.engine import Database
from tincall.relay.store.models import claims


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim; see the table `claims` for what each value means."""

    sn: str
    claim_id: str
    sealed: bytes = field(repr=False)
    kv: int
    uid: str
    opened_s: int
    expires_s: int


class Claims:
    """The claims of this relay; `load` before use.

    Args:
        database: open, with this version's schema.
        box: seals the secrets.
        random: source of secrets.
    """

    def __init__(self, database: Database, box: KeyBox, random: Random = os.urandom) -> None:
        self._database = database
        self._box = box
        self._random = random
        self._claims: dict[str, Claim] = {}
        self._commits = Commits()
        # for serial numbers without a claim: the same work is done with this, and it proves nothing
        self._decoy = self._made("", 1, 0, 0, random(SECRET_BYTES))

    async def load(self) -> None:
        """Read all."""
        self._claims = await self._database.read(read)

    def get(self, sn: str) -> Claim | None:
        """Find a device's newest claim, open or not; None: it has none."""
        return self._claims.get(sn)

    def candidate(self, sn: str) -> Claim:
        """Find a claim to hold a proof against; where there is none, one that nothing can prove."""
        return self._claims.get(sn, self._decoy)

    def secret(self, sn: str) -> bytes:
        """Give the secret of `candidate`, at the same cost for each; a random one where it cannot be opened."""
        claim = self.candidate(sn)
        return self._box.open_claim(claim.sn, claim.claim_id, claim.sealed) or self._random(SECRET_BYTES)

    async def open(self, sn: str, kv: int, opened_s: int, expires_s: int) -> tuple[Claim, bytes]:
        """Open a claim in place of the one before.

        If power fails, a reader finds the claim before or this one; nobody has heard this one's secret.

        Args:
            sn: serial number.
            kv: version of the key that it hands over.
            opened_s: now, seconds since 1970.
            expires_s: when it ends, seconds since 1970.

        Returns:
            The claim, and its secret, for this one time.
        """
        secret = self._random(SECRET_BYTES)
        claim = self._made(sn, kv, opened_s, expires_s, secret)
        return await self._commits.whole(self._put(claim)), secret

    async def bind(self, claim: Claim, uid: str) -> Claim:
        """Bind a claim to the first chip that proves its secret; one that is bound stays as it is.

        If power fails, it is bound or not; nobody has got a key.

        Returns:
            The claim as it is now, which may be bound to another chip, or be another claim.
        """
        return await self._commits.whole(self._bind(claim, uid))

    def forget(self, sn: str) -> None:
        """Forget a claim whose row is gone."""
        self._claims.pop(sn, None)

    async def _put(self, claim: Claim) -> Claim:
        async with self._commits.writing:
            await self._database.run(write, claim)
            self._claims[claim.sn] = claim
            return claim

    async def _bind(self, claim: Claim, uid: str) -> Claim:
        async with self._commits.writing:
            now = self._claims.get(claim.sn, self._decoy)
            if now.claim_id == claim.claim_id and not now.uid:
                now = replace(now, uid=uid)
                await self._database.run(write, now)
                self._claims[claim.sn] = now
            return now

    def _made(self, sn: str, kv: int, opened_s: int, expires_s: int, secret: bytes) -> Claim:
        claim_id = ids.challenge_id(self._random)
        return Claim(sn, claim_id, self._box.seal_claim(sn, claim_id, secret), kv, "", opened_s, expires_s)


def read(connection: Connection) -> dict[str, Claim]:
    """Read all, by serial number."""
    return {row.sn: Claim(**row._mapping) for row in connection.execute(select(claims))}


def write(connection: Connection, claim: Claim) -> None:
    """Put one in the place of the one before."""
    erase(connection, claim.sn)
    connection.execute(insert(claims).values({column.name: getattr(claim, column.name) for column in claims.c}))


def erase(connection: Connection, sn: str) -> None:
    """Remove a device's claim."""
    connection.execute(delete(claims).where(claims.c.sn == sn))
