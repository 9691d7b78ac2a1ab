"""The operators' route about the authorities that boards trust: who has not got the newest ones yet."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from tincall.relay.anchors import Anchors
from tincall.relay.api import REFUSALS


class Trust(BaseModel):
    """What boards are to trust, by its short name, and the boards that have not said that they do."""

    anchor: str
    lacking: list[str]


def router(anchors: Anchors, operator: Callable[[Request], Awaitable[None]]) -> APIRouter:
    """Make the route.

    Args:
        anchors: who trusts what.
        operator: refuses who is none.
    """

    async def trust() -> Trust:
        """Show what boards are to trust, and who lacks it."""
        return Trust(anchor=anchors.id, lacking=anchors.lacking())

    made = APIRouter(prefix="/v1", dependencies=[Depends(operator)], responses=REFUSALS)
    made.add_api_route("/ca", trust, methods=["GET"])
    return made
