"""The operators' routes that switch devices off and on again and change their keys; the rest about devices is in `api`.

Every route may be asked twice: what is done already is answered as done, with `changed` false.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from tincall.relay import standing
from tincall.relay.api import REFUSALS, SerialNumber
from tincall.relay.registry import Registry
from tincall.relay.second_board import SecondBoard


class Links(Protocol):
    """What these routes ask of the switchboard."""

    def online(self, sn: str) -> dict[str, Any] | None:
        """Say what is known of a board's link; None: it has none."""
        ...

    def renew(self, sn: str) -> None:
        """Let a board that is linked verify itself anew, as soon as it is in no call."""
        ...


class Decision(BaseModel):
    """What became of a decision."""

    sn: str
    before: str
    state: str
    changed: bool


class Rotation(BaseModel):
    """A key that is being changed: the current version is `kv`, the next one was made at `next_key_s`."""

    sn: str
    kv: int
    next_key_s: int
    linked: bool
    changed: bool


class ClaimStanding(BaseModel):
    """A claim that waits for its first verification: which chip has the key, if one has it, and until when it is good."""

    uid: str
    expires_s: int


class StandingBody(BaseModel):
    """How a device stands."""

    sn: str
    state: str
    kv: int
    key_s: int
    next_key_s: int
    profile: str
    cert_until_s: int
    uid: str
    counter: int
    epoch: int
    linked: bool
    address: str
    second_board: SecondBoard | None
    claim: ClaimStanding | None


class Decisions:
    """The routes.

    Args:
        registry: devices.
        links: the switchboard.
    """

    def __init__(self, registry: Registry, links: Links) -> None:
        self._registry = registry
        self._links = links

    async def standing(self, sn: SerialNumber) -> StandingBody:
        """Show how a device stands, and who else came with its key."""
        device = self._registry.known(sn)
        second = self._registry.second_board(sn)
        link = self._links.online(sn)
        return StandingBody(
            sn=sn,
            state=device.state,
            kv=device.kv,
            key_s=device.key_s,
            next_key_s=device.next_key_s,
            profile=device.profile,
            cert_until_s=device.cert_until_s,
            uid=device.uid,
            counter=device.counter,
            epoch=device.epoch,
            linked=link is not None,
            address="" if link is None else link["address"],
            second_board=second,
            claim=self._claim(sn),
        )

    def _claim(self, sn: str) -> ClaimStanding | None:
        device, claim = self._registry.known(sn), self._registry.claims.get(sn)
        if claim is None or claim.kv != device.kv or device.epoch > 0:
            return None
        return ClaimStanding(uid=claim.uid, expires_s=claim.expires_s)

    async def suspend(self, sn: SerialNumber) -> Decision:
        """Switch a device off until it is resumed; a call ends (cause 52) and its link is closed (4403)."""
        return await self._decide(sn, standing.SUSPEND)

    async def resume(self, sn: SerialNumber) -> Decision:
        """Let a suspended device in again, or one whose conflict was looked into."""
        return await self._decide(sn, standing.RESUME)

    async def revoke(self, sn: SerialNumber) -> Decision:
        """Switch a device off for good; a call ends (cause 52) and its link is closed (4403)."""
        return await self._decide(sn, standing.REVOKE)

    async def rotate(self, sn: SerialNumber) -> Rotation:
        """Give a device a new key with its next verification, which a board that is linked and in no call begins at once."""
        device, changed = await self._registry.rotate(sn)
        linked = self._links.online(sn) is not None
        self._links.renew(sn)
        return Rotation(sn=sn, kv=device.kv, next_key_s=device.next_key_s, linked=linked, changed=changed)

    async def _decide(self, sn: str, word: str) -> Decision:
        before, state = await self._registry.decide(sn, word)
        return Decision(sn=sn, before=before, state=state, changed=state != before)


def router(registry: Registry, links: Links, operator: Callable[[Request], Awaitable[None]]) -> APIRouter:
    """Make the routes.

    Args:
        registry: devices.
        links: the switchboard.
        operator: refuses who is no operator, see `api.operator_only`.
    """
    routes = Decisions(registry, links)
    made = APIRouter(prefix="/v1/devices/{sn}", dependencies=[Depends(operator)], responses=REFUSALS)
    made.add_api_route("/standing", routes.standing, methods=["GET"])
    for word in (routes.suspend, routes.resume, routes.revoke, routes.rotate):
        made.add_api_route(f"/{word.__name__}", word, methods=["POST"])
    return made
