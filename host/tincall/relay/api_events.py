"""The operators' routes to what boards kept while their link was down; see `events`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from tincall.relay.api import REFUSALS, SerialNumber
from tincall.relay.events import KEPT_MAX, LIST_MAX, Events

Limit = Annotated[int, Query(ge=1, le=LIST_MAX)]


class EventBody(BaseModel):
    """One entry of a board's log; see the table `board_events` for what each value means."""

    sn: str
    log: str
    number: int
    kind: str
    at_s: int
    received_ms: int
    lost: int
    call_id: str
    cause: int | None
    duration_ms: int | None
    text: str


class EventsBody(BaseModel):
    """The newest entries, and what this relay has counted since it began."""

    events: list[EventBody]
    stored: int
    repeated: int


class EventRoutes:
    """The routes.

    Args:
        events: of the boards.
    """

    def __init__(self, events: Events) -> None:
        self._events = events

    async def all(self, limit: Limit = KEPT_MAX) -> EventsBody:
        """List the newest events of all boards."""
        return await self._body("", limit)

    async def of(self, sn: SerialNumber, limit: Limit = KEPT_MAX) -> EventsBody:
        """List the newest events of a board; none for one that nobody enrolled."""
        return await self._body(sn, limit)

    async def _body(self, sn: str, limit: int) -> EventsBody:
        found = await self._events.list(sn, limit)
        counted = {"stored": self._events.stored, "repeated": self._events.repeated}
        return EventsBody(events=[EventBody(**one) for one in found], **counted)


def router(events: Events, operator: Callable[[Request], Awaitable[None]]) -> APIRouter:
    """Make the routes.

    Args:
        events: of the boards.
        operator: refuses who is no operator, see `api.operator_only`.
    """
    routes = EventRoutes(events)
    made = APIRouter(prefix="/v1", dependencies=[Depends(operator)], responses=REFUSALS)
    made.add_api_route("/events", routes.all, methods=["GET"])
    made.add_api_route("/devices/{sn}/events", routes.of, methods=["GET"])
    return made
