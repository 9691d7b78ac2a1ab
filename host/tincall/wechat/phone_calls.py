"""Calls that people make from the mini program: a one-time payload before, and what their phones tell afterwards.

Rules of this file: the payload of `callDevice` is chosen by a phone, so it only counts because it is signed here and names a
ticket of one person, one board, one minute and one use. The platform says nothing to a server when somebody gives up while
the board rings, or how long a talk was billed, so the phone says it itself. A phone can only end its own calls: who does not
own a call id hears the same as who made it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tincall.errors import OperatorError
from tincall.leg import IN
from tincall.logs import get
from tincall.relay.cdr import UnknownCall
from tincall.relay.switchboard import CallRefused
from tincall.wechat import payload
from tincall.wechat.call_tickets import CANCELLED, CallTickets, Ticket
from tincall.wechat.people import MISSING, People, Refusal, device_name

LIFE_S = 60  # of a ticket: from the tap on "call" to the platform's push
# the call's numbers that mean that the platform has no consent of this person
NO_CONSENT = 9

# a push that is being judged while its phone gives up is a call some milliseconds later: how often and how long the
# relay looks again, 1.5 s in all
LOOKS_S = (0.1, 0.2, 0.4, 0.8)

UNUSED = "unused"  # the ticket was not used, and is worth nothing now
LIVE = "live"  # the call was live, and is ended
OVER = "over"  # the call was over already, or the platform's push never came to one

SENTENCES = {
    "not_connected": ("The board is not connected.", "Look whether it is switched on and in the network."),
    "busy": ("The board is in a call.", "Try again later."),
}

log = get("wechat.phone_calls")


class Exchange(Protocol):
    """What is asked of the switchboard."""

    def refusal(self, sn: str) -> CallRefused | None:
        """Say why no phone can call a board now; None: one can."""
        ...

    def phone_left(self, call_id: str) -> bool:
        """End a live call whose phone is gone; False: there is none of that id."""
        ...


class Records(Protocol):
    """`relay.cdr.Records`."""

    async def get(self, call_id: str) -> dict[str, Any]:
        """Give one record; raises UnknownCall."""
        ...

    async def phone_told(self, call_id: str, report: dict[str, Any]) -> None:
        """Add what the phone told to a call's record; raises UnknownCall."""
        ...


@dataclass(frozen=True, slots=True)
class Permit:
    """What `callDevice` wants to be told for one call."""

    call_id: str
    sn: str
    model_id: str
    device_name: str
    room_type: str
    expires_in_s: int
    payload: str = field(repr=False)


class PhoneCalls:
    """The calls of people.

    Args:
        people: who has which boards.
        tickets: one-time call ids, made with `LIFE_S`.
        exchange: see `Exchange`.
        records: see `Records`.
        key: of payloads, from `payload.derive_key`.
        sleep: waits some seconds; another one in tests.
    """

    def __init__(
        self,
        people: People,
        tickets: CallTickets,
        exchange: Exchange,
        records: Records,
        key: bytes,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._people = people
        self._tickets = tickets
        self._exchange = exchange
        self._records = records
        self._key = key
        self._sleep = sleep

    async def permit(self, openid: str, sn: str, room_type: str) -> Permit:
        """Let a person call one of their boards once, soon.

        The platform asks no consent for such a call. If power fails, the ticket is good or unknown.

        Raises:
            Refusal: `unknown_board`, `not_connected`, `busy` or `unavailable`.
        """
        _, device = self._people.own(openid, sn)
        obstacle = self._exchange.refusal(sn)
        if obstacle is not None:
            sentence, hint = SENTENCES.get(obstacle.reason, ("No call is possible at the moment.", "Try again later."))
            raise Refusal(obstacle.reason if obstacle.reason in SENTENCES else "unavailable", sentence, hint)
        ticket = await self._tickets.issue(openid, sn)
        text = payload.make(self._key, payload.CallToken(ticket.call_id, IN, room_type))
        log.info("a person may call a board", call=ticket.call_id, sn=sn)
        model_id = self._people.model_of(device)
        return Permit(ticket.call_id, sn, model_id, device_name(device), room_type, LIFE_S, text)

    async def cancelled(self, openid: str, call_id: str, reason: str) -> str:
        """Hear that a person gave up before the board answered; the board stops ringing.

        Doing it twice does no harm. If power fails, the ticket is good or cancelled, and a live call ends with its relay.

        Args:
            openid: of the person.
            call_id: of a `Permit` of theirs.
            reason: one of the plug-in's words, for the record.

        Returns:
            `UNUSED`, `LIVE` or `OVER`.

        Raises:
            Refusal: `unknown_call`: it is not this person's, or long over.
        """
        was = await self._stop(await self._own(openid, call_id), LOOKS_S)
        log.info("a phone gave up", call=call_id, was=was, reason=reason)
        await self._tell(call_id, {"cancelled": reason})
        return was

    async def ended(self, openid: str, call_id: str, told: Mapping[str, Any]) -> str:
        """Hear how a call went on the phone: it is over there, so it is over here.

        Args:
            openid: of the person.
            call_id: of a `Permit` of theirs.
            told: `event` of the plug-in; `keep_time`, what it says of the length of the talk, in its own unit; `errcode`.

        Returns:
            `UNUSED`, `LIVE` or `OVER`.

        Raises:
            Refusal: `unknown_call`.
        """
        ticket = await self._own(openid, call_id)
        was = await self._stop(ticket, ())
        log.info("a phone is done with a call", call=call_id, was=was, told=dict(told))
        if told.get("errcode") == NO_CONSENT:
            await self._no_consent(openid, ticket.sn)
        await self._tell(call_id, dict(told))
        return was

    async def _own(self, openid: str, call_id: str) -> Ticket:
        ticket = await self._tickets.find(call_id)
        if ticket is None or ticket.openid != openid:
            raise Refusal("unknown_call", "You made no such call.")
        return ticket

    async def _stop(self, ticket: Ticket, looks_s: tuple[float, ...]) -> str:
        if await self._tickets.cancel(ticket.call_id, ticket.openid):
            return UNUSED
        if ticket.state == CANCELLED:
            return OVER
        for wait_s in (*looks_s, None):
            if self._exchange.phone_left(ticket.call_id):
                return LIVE
            if wait_s is None or await self._is_ended(ticket.call_id):
                break
            await self._sleep(wait_s)
        return OVER

    async def _is_ended(self, call_id: str) -> bool:
        try:
            return bool((await self._records.get(call_id))["state"] == "ended")
        except OperatorError:
            return False  # none yet, or nobody knows

    async def _no_consent(self, openid: str, sn: str) -> None:
        try:
            await self._people.report_consent(openid, sn, MISSING)
        except Refusal:
            pass  # the person has left the board since

    async def _tell(self, call_id: str, report: dict[str, Any]) -> None:
        try:
            await self._records.phone_told(call_id, report)
        except UnknownCall:
            log.debug("a phone tells of a call that never began", call=call_id)
        except OperatorError as error:
            log.error("what a phone told is not recorded", call=call_id, reason=error.message)
