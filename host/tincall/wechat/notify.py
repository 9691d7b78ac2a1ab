"""Decides about this product's one event, `iot_voip_notify` with `join_voip_room`: is it ours, for which call, go on or not.

Rules of this file:

- The event names neither direction nor kind of room; both come from our payload, which must bear our MAC. A call of the board
  must be waiting for its push; a call of the phone must bring an unused one-time id that was given for that board, and the
  board must be there and free.
- The verdict, the call record, the open room and the used id are one transaction; what follows from it, ringing the board or
  entering the room, begins when the answer is out, or a moment later if nobody says so. A verdict that is not 0 makes the
  platform drop the call: it is the cheapest way to end one that nobody wants any more.
- Whoever asks again gets the same answer; see `inbox`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.leg import IN, OUT
from tincall.logs import get
from tincall.relay.cdr import Records, close_record, open_record
from tincall.relay.live_call import PhoneLeg
from tincall.relay.switchboard import CallRefused
from tincall.wechat import call_tickets, payload, points
from tincall.wechat.call_tickets import CallTickets
from tincall.wechat.contacts import Contacts
from tincall.wechat.inbox import JOIN, RING, Entry, Inbox
from tincall.wechat.phone_legs import PhoneLegs
from tincall.wechat.rooms import Room, Rooms, insert_row

EVENT = "iot_voip_notify"
ACTION = "join_voip_room"
# the platform looks only at zero or not; the rest is for people who read its log beside ours
GO_ON = 0
NUMBERS = {
    "bad_field": 1,
    "payload": 2,
    "no_such_call": 3,
    "wrong_device": 4,
    "ticket": 5,
    "not_connected": 6,
    "busy": 7,
    "overload": 8,
}
ANSWER_S = 0.5  # an answer that is not out after this will not be; the platform asks again and hears the same
STOP_S = 5.0
UNKNOWN_CALLER = ("unknown", "Unknown caller")
# name: characters that make sense; the tokens have some hundred
FIELDS = {"RoomId": 256, "SessionKey": 512, "ServerToken": 512, "Payload": payload.TEXT_MAX_CHARS, "Sn": 128}

log = get("wechat.notify")


class Exchange(Protocol):
    """What is asked of the switchboard."""

    def refusal(self, sn: str) -> CallRefused | None:
        """Say why no phone can call a board now."""
        ...

    def incoming(
        self, sn: str, phone_id: str, name: str, call_id: str, phone_leg: Callable[[], Awaitable[PhoneLeg]]
    ) -> None:
        """Let a phone reach a board that it is calling already."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform is answered; `number` 0 is: go on."""

    number: int
    text: str
    room_id: str = ""


@dataclass(frozen=True, slots=True)
class _Push:
    """The event, its fields checked."""

    room_id: str
    session_key: str = field(repr=False)
    server_token: str = field(repr=False)
    payload: str = field(repr=False)
    sn: str
    model_id: str
    openid: str = field(repr=False)


class Notify:
    """The judge of pushes.

    Args:
        appid: of the mini program.
        key: of payloads.
        inbox: pushes judged so far.
        rooms: open rooms.
        legs: phones' legs.
        tickets: one-time call ids.
        contacts: whom boards may call.
        exchange: the switchboard.
        records: call records.
        model_of: gives the model id of an enrolled board, None for another.
        clock: the time.
    """

    def __init__(
        self,
        appid: str,
        key: bytes,
        inbox: Inbox,
        rooms: Rooms,
        legs: PhoneLegs,
        tickets: CallTickets,
        contacts: Contacts,
        exchange: Exchange,
        records: Records,
        model_of: Callable[[str], str | None],
        clock: Clock,
    ) -> None:
        self._appid = appid
        self._key = key
        self._inbox = inbox
        self._rooms = rooms
        self._legs = legs
        self._tickets = tickets
        self._contacts = contacts
        self._exchange = exchange
        self._records = records
        self._model_of = model_of
        self._clock = clock
        self._answers: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, event: Mapping[str, Any]) -> Answer | None:
        """Judge an event that is known to be the platform's.

        Args:
            event: what was in the envelope.

        Returns:
            The answer; None: it is another event, which nobody here acts upon.

        Raises:
            OperatorError: the database failed; nothing has happened, and the platform will ask again.
        """
        if event.get("Event") != EVENT or event.get("Action") != ACTION:
            log.info("an event that is none of ours", name=str(event.get("Event")), action=str(event.get("Action")))
            return None
        try:
            push = _read(event)
        except ValueError as error:
            log.warning("a push is refused", reason="bad_field", what=str(error))
            return Answer(NUMBERS["bad_field"], "bad_field")
        entry = await self._inbox.judge(self._appid, push.room_id, lambda: self._judge(push))
        return Answer(entry.verdict, entry.reason or "ok", push.room_id)

    def answered(self, answer: Answer) -> None:
        """Hear that an answer is out."""
        if answer.room_id in self._answers:
            self._answers[answer.room_id].set()

    async def stop(self) -> None:
        """Do what is still to be done about pushes that were answered."""
        for event in self._answers.values():
            event.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_S)

    # -- judging -----------------------------------------------------------------------------------------------------

    async def _judge(self, push: _Push) -> Entry:
        try:
            token = payload.read(self._key, push.payload)
        except payload.BadPayload as error:
            return await self._refuse(push, "payload", error.reason)
        model_id = self._model_of(push.sn)
        if model_id is None or (push.model_id and push.model_id != model_id):
            return await self._refuse(push, "wrong_device", "not_enrolled", token)
        return await (self._judge_out(push, token) if token.direction == OUT else self._judge_in(push, token))

    async def _judge_out(self, push: _Push, token: payload.CallToken) -> Entry:
        leg = self._legs.expected(token.call_id)
        if leg is None:
            return await self._refuse(push, "no_such_call", "over_or_unknown", token)
        if leg.sn != push.sn:
            return await self._refuse(push, "wrong_device", "another_board", token)
        if not leg.claim():
            return await self._refuse(push, "no_such_call", "has_a_room", token)
        room = self._room(push, token, is_joined=True)
        row = self._rooms.row(room)

        def accept(connection: Connection) -> Entry:
            insert_row(connection, row)
            return Entry(self._appid, push.room_id, GO_ON, "", token.call_id, OUT, JOIN)

        try:
            entry = await self._inbox.store(accept)
        except BaseException:
            leg.give_back()
            raise

        async def join() -> None:
            points.reached(points.BEFORE_WORKER)
            leg.enter(room)

        return self._go_on(entry, push, join)

    async def _judge_in(self, push: _Push, token: payload.CallToken) -> Entry:
        ticket = await self._tickets.find(token.call_id)
        fault = call_tickets.fault(ticket, push.sn, push.openid, self._clock.unix_ms() // 1000)
        if ticket is None or fault:
            return await self._refuse(push, "ticket", fault, token)
        contact = self._contacts.find(push.sn, ticket.openid)
        phone_id, name = UNKNOWN_CALLER if contact is None else (contact.contact_id, contact.name)
        refusal = self._exchange.refusal(push.sn)
        room = self._room(push, token)
        row = self._rooms.row(room)

        def accept(connection: Connection) -> Entry:
            now_ms = self._clock.unix_ms()
            if not call_tickets.use(connection, token.call_id) or not open_record(
                connection, token.call_id, push.sn, phone_id, IN, now_ms
            ):
                return self._entry(push, "ticket", call_tickets.USED_TICKET, token)
            if refusal is not None:
                close_record(connection, token.call_id, refusal.cause, "relay", now_ms)
                return self._entry(push, _word(refusal), refusal.reason, token)
            insert_row(connection, row)
            return Entry(self._appid, push.room_id, GO_ON, "", token.call_id, IN, RING)

        entry = await self._inbox.store(accept)
        if entry.verdict != GO_ON:
            return self._refused(entry, push)

        async def ring() -> None:
            try:
                self._exchange.incoming(push.sn, phone_id, name, token.call_id, lambda: self._legs.incoming(room))
            except CallRefused as error:  # it was there and free a moment ago
                log.info("the board cannot be rung any more", call=token.call_id, reason=error.reason)
                self._rooms.abandon(room)
                await self._records.ended(token.call_id, error.cause, "relay", 0)

        return self._go_on(entry, push, ring)

    # -- verdicts ----------------------------------------------------------------------------------------------------

    async def _refuse(self, push: _Push, word: str, detail: str, token: payload.CallToken | None = None) -> Entry:
        return self._refused(await self._inbox.store(lambda _: self._entry(push, word, detail, token)), push)

    def _entry(self, push: _Push, word: str, detail: str, token: payload.CallToken | None) -> Entry:
        call_id, direction = ("", "") if token is None else (token.call_id, token.direction)
        return Entry(self._appid, push.room_id, NUMBERS[word], detail, call_id, direction)

    def _refused(self, entry: Entry, push: _Push) -> Entry:
        points.reached(points.AFTER_COMMIT)
        log.warning("a push is refused", room_id=push.room_id, sn=push.sn, call=entry.call_id, reason=entry.reason)
        return entry

    def _go_on(self, entry: Entry, push: _Push, effect: Callable[[], Awaitable[None]]) -> Entry:
        points.reached(points.AFTER_COMMIT)
        log.info("a push is accepted", room_id=push.room_id, sn=push.sn, call=entry.call_id, direction=entry.direction)
        answered = self._answers[push.room_id] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._follow(entry, answered, effect))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return entry

    async def _follow(self, entry: Entry, answered: asyncio.Event, effect: Callable[[], Awaitable[None]]) -> None:
        """Do what the verdict brings about, once the answer is out."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await answered.wait()
        except TimeoutError:
            log.warning("an answer is not out in time", room_id=entry.room_id, call=entry.call_id)
        del self._answers[entry.room_id]
        points.reached(points.AFTER_ANSWER)
        try:
            await effect()
            await self._inbox.done(entry)
        except OperatorError as error:
            log.error("not written down", call=entry.call_id, reason=error.message)

    def _room(self, push: _Push, token: payload.CallToken, is_joined: bool = False) -> Room:
        return Room(
            self._appid,
            push.room_id,
            token.call_id,
            push.sn,
            push.model_id,
            token.direction,
            token.room_type,
            push.server_token,
            push.session_key,
            push.payload,
            self._clock.unix_ms(),
            is_joined,
        )


def _word(refusal: CallRefused) -> str:
    return refusal.reason if refusal.reason in NUMBERS else "overload"


def _read(event: Mapping[str, Any]) -> _Push:
    """Check the fields of the event.

    Raises:
        ValueError: one is missing, not text, or too long; names it without its value.
    """
    for name, most in FIELDS.items():
        value = event.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
            raise ValueError(name)
    for name in ("ModelId", "FromUserName"):
        value = event.get(name, "")
        if not isinstance(value, str) or len(value) > 128:
            raise ValueError(name)
    return _Push(
        event["RoomId"],
        event["SessionKey"],
        event["ServerToken"],
        event["Payload"],
        event["Sn"],
        event.get("ModelId", ""),
        event.get("FromUserName", ""),
    )
