"""The operators' routes about claims in the field; the rest about devices is in `api` and `api_devices`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from tincall.relay.api import REFUSALS, SerialNumber
from tincall.relay.claimer import HOURS_MAX, Claimer
from tincall.relay.registry import Registry, Rejected


class ClaimWish(BaseModel):
    """A claim to open."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")] | None = None
    name: Annotated[str, Field(max_length=64)] = ""
    hours: Annotated[int, Field(ge=1, le=HOURS_MAX)] = 24


class ClaimBody(BaseModel):
    """How a device's newest claim stands."""

    sn: str
    model_id: str
    claim_id: str
    open: bool
    uid: str
    opened_s: int
    expires_s: int


class OpenedBody(ClaimBody):
    """A claim that was opened just now, with its code, this one time."""

    code: str


class ClaimRoutes:
    """The routes.

    Args:
        registry: devices.
        claimer: opens claims.
    """

    def __init__(self, registry: Registry, claimer: Claimer) -> None:
        self._registry = registry
        self._claimer = claimer

    async def open(self, sn: SerialNumber, wish: ClaimWish) -> OpenedBody:
        """Open a claim for a device that was never verified, and enrol it if nobody has; another claim of it ends.

        A device that was enrolled before gets another key; whoever has the old one, by another claim say, has nothing.
        """
        opened = await self._claimer.open(sn, wish.model_id, wish.name, wish.hours)
        return OpenedBody(**self._body(sn).model_dump(), code=opened.code)

    async def show(self, sn: SerialNumber) -> ClaimBody:
        """Show how a device's newest claim stands, and which chip it is bound to."""
        self._registry.known(sn)
        return self._body(sn)

    def _body(self, sn: str) -> ClaimBody:
        device, claim = self._registry.known(sn), self._registry.claims.get(sn)
        if claim is None:
            raise Rejected("unknown", f"{sn} has no claim.", f"`tincall claim --sn {sn} --file FILE` opens one.")
        return ClaimBody(
            sn=sn,
            model_id=device.model_id,
            claim_id=claim.claim_id,
            open=self._claimer.is_open(claim, device),
            uid=claim.uid,
            opened_s=claim.opened_s,
            expires_s=claim.expires_s,
        )


def router(registry: Registry, claimer: Claimer, operator: Callable[[Request], Awaitable[None]]) -> APIRouter:
    """Make the routes.

    Args:
        registry: devices.
        claimer: opens claims.
        operator: refuses who is no operator, see `api.operator_only`.
    """
    routes = ClaimRoutes(registry, claimer)
    made = APIRouter(prefix="/v1/devices/{sn}/claim", dependencies=[Depends(operator)], responses=REFUSALS)
    made.add_api_route("", routes.open, methods=["POST"], status_code=201)
    made.add_api_route("", routes.show, methods=["GET"])
    return made
