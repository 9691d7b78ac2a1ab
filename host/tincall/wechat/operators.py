"""The operators' routes about people: invites to a board, and who its contacts are; for the commands `invite` and `contacts`.

An operator sees contacts by their opaque ids: the platform's openid is nobody's business but the relay's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from tincall.logs import get
from tincall.relay.api import REFUSALS
from tincall.relay.registry import Rejected
from tincall.wechat.contacts import NAME_MAX_CHARS, Contact, Contacts
from tincall.wechat.invites import LIFE_MAX_S, LIFE_S, Invites
from tincall.wechat.mini_words import SN_PATTERN
from tincall.wechat.people import Boards, People

PathSn = Annotated[str, Path(pattern=SN_PATTERN)]
ContactId = Annotated[str, Path(pattern=r"^[0-9a-z]{1,64}$")]
Guard = Callable[[Request], Awaitable[None]]

log = get("wechat.operators")


class InviteRequest(BaseModel):
    """An invite to make."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"name": "Mum", "life_s": LIFE_S}]}
    )
    name: Annotated[str, Field(max_length=NAME_MAX_CHARS, description="What the board will show for the person.")] = ""
    life_s: Annotated[int, Field(ge=60, le=LIFE_MAX_S, description="How long it is good, in seconds.")] = LIFE_S


class Operators:
    """The routes.

    Args:
        people: who has which boards.
        invites: codes to boards.
        contacts: whom boards may call.
        boards: the enrolled boards.
    """

    def __init__(self, people: People, invites: Invites, contacts: Contacts, boards: Boards) -> None:
        self._people = people
        self._invites = invites
        self._contacts = contacts
        self._boards = boards

    async def invite(self, sn: PathSn, asked: InviteRequest) -> dict[str, Any]:
        """Make an invite; the answer holds its code, this one time."""
        self._enrolled(sn)
        if asked.name and not asked.name.isprintable():
            raise Rejected("bad_value", f"A name has at most {NAME_MAX_CHARS} printable characters.")
        made = await self._invites.make(sn, asked.name.strip(), asked.life_s)
        log.info("an invite is made", sn=sn, expires_s=made.expires_s)
        return {"invite": made.code, "sn": sn, "name": made.name, "expires_s": made.expires_s}

    async def contacts(self, sn: PathSn) -> dict[str, Any]:
        """List a board's contacts, shown on the board or not."""
        self._enrolled(sn)
        return {"contacts": [_public(contact) for contact in self._contacts.of(sn)]}

    async def remove(self, sn: PathSn, contact_id: ContactId) -> dict[str, Any]:
        """Remove a contact; the person can neither call the board nor be called by it."""
        self._enrolled(sn)
        contact = self._contacts.get(contact_id)
        if contact is None or contact.sn != sn:
            hint = f"`tincall contacts {sn}` lists them."
            raise Rejected("unknown", f"Board {sn} has no contact {contact_id}.", hint)
        await self._people.remove(contact)
        log.info("a contact is removed", sn=sn, contact=contact_id)
        return {"removed": contact_id}

    def _enrolled(self, sn: str) -> None:
        if self._boards.get(sn) is None:
            raise Rejected("unknown", f"No device {sn} is enrolled.", "`tincall devices` lists them.")


def router(operators: Operators, guard: Guard) -> APIRouter:
    """Make the routes, for `relay.api.build`.

    Args:
        operators: see `Operators`.
        guard: lets operators in and nobody else; `relay.api.operator_only`.
    """
    routes = APIRouter(prefix="/v1/devices/{sn}", dependencies=[Depends(guard)], responses=REFUSALS)
    routes.add_api_route("/invites", operators.invite, methods=["POST"], status_code=201)
    routes.add_api_route("/contacts", operators.contacts, methods=["GET"])
    routes.add_api_route("/contacts/{contact_id}", operators.remove, methods=["DELETE"])
    return routes


def _public(contact: Contact) -> dict[str, Any]:
    shown = {"id": contact.contact_id, "name": contact.name, "consent": contact.consent}
    return shown | {"shown": contact.is_shown, "updated_s": contact.updated_s}
