"""The phones of all boards, met through the platform: makes their legs, and knows which of them waits for a push.

A leg is expected from the moment in which the platform is asked until it ends. Whether a person has agreed to be called shows
in the platform's answers, and is noted from them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from callcore import causes
from callcore.errors import CallError, LocalError
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.leg import OUT, CallOffer
from tincall.logs import get
from tincall.wechat import payload, points
from tincall.wechat.contacts import GRANTED, WITHDRAWN, Contacts
from tincall.wechat.payload import VOICE
from tincall.wechat.phone_leg import Patience, WeChatLeg
from tincall.wechat.rooms import Room, Rooms, Workers
from tincall.wechat.vocabulary import PlatformError
from tincall.worker.leg import WorkerLeg

NO_CONSENT = 9  # of the call interface: the user has not authorised this device, or not any more

log = get("wechat.phone_legs")


@dataclass(frozen=True, slots=True)
class Question:
    """What the platform is asked: to ring a person for a board."""

    sn: str
    model_id: str
    openid: str = field(repr=False)
    name: str
    payload: str = field(repr=False)
    room_type: str = VOICE


# rings the person of a question, or raises PlatformError
Ask = Callable[[Question], Awaitable[object]]


class PhoneLegs:
    """Makes the legs of phones; the hooks of each.

    Args:
        workers: gives a worker for a phone that is met in a room; raises CallError.
        ask: see `Ask`.
        contacts: whom boards may call.
        rooms: the open rooms.
        model_of: gives the model id of an enrolled board, None for another.
        key: of payloads.
        clock: the time.
        patience: see `phone_leg.Patience`.
        busy_known: whether the platform's reason for "busy" may be said.
        room_type: kind of room of calls that boards start.
    """

    def __init__(
        self,
        workers: Workers,
        ask: Ask,
        contacts: Contacts,
        rooms: Rooms,
        model_of: Callable[[str], str | None],
        key: bytes,
        clock: Clock,
        patience: Patience | None = None,
        busy_known: bool = False,
        room_type: str = VOICE,
    ) -> None:
        self._workers = workers
        self._ask = ask
        self._contacts = contacts
        self._rooms = rooms
        self._model_of = model_of
        self._key = key
        self._clock = clock
        self._patience = patience or Patience()
        self._busy_known = busy_known
        self._room_type = room_type
        self._expected: dict[str, WeChatLeg] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # a room's row is removed, or a room hung up, by whoever keeps them
        self.joined = rooms.joined
        self.over = rooms.over
        self.abandon = rooms.abandon

    async def out(self, contact_id: str) -> WeChatLeg:
        """Make the leg of a person that a board calls.

        Raises:
            CallError: there is no such contact, or no worker.
        """
        if self._contacts.get(contact_id) is None:
            raise CallError("there is no such contact", causes.UNALLOCATED)
        return self._leg(await self._workers({}), contact_id, None)

    async def incoming(self, room: Room) -> WeChatLeg:
        """Make the leg of a phone that waits in a room; without a leg the room is hung up.

        Raises:
            CallError: there is no worker.
        """
        points.reached(points.BEFORE_WORKER)
        try:
            worker = await self._workers({"room": room.fields()})
        except BaseException:
            self._rooms.abandon(room)
            raise
        return self._leg(worker, "", room)

    def expected(self, call_id: str) -> WeChatLeg | None:
        """Find the leg of a call that waits for a push, or has had one; None: there is no such call now."""
        return self._expected.get(call_id)

    async def stop(self) -> None:
        """Wait for what is being noted."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- hooks of a leg ----------------------------------------------------------------------------------------------

    async def ask(self, leg: WeChatLeg, call: CallOffer) -> None:
        """Ask the platform to ring; see `phone_leg.Hooks`."""
        contact = self._contacts.get(leg.contact_id)
        if contact is None or contact.sn != leg.sn:
            raise _refusal(f"{leg.contact_id} is no contact of {leg.sn}", causes.UNALLOCATED)
        try:
            token = payload.make(self._key, payload.CallToken(call.call_id, OUT, self._room_type))
        except LocalError:
            raise _refusal("the board's name for the call fits into no payload", causes.PROTOCOL_ERROR) from None
        model_id = self._model_of(leg.sn) or ""
        await self._ask(Question(leg.sn, model_id, contact.openid, contact.name, token, self._room_type))
        if contact.consent != GRANTED:
            self._keep(self._note(contact.contact_id, GRANTED))

    def expect(self, leg: WeChatLeg) -> None:
        """Await a push; see `phone_leg.Hooks`."""
        self._expected[leg.call_id] = leg

    def expect_no_more(self, leg: WeChatLeg) -> None:
        """Await none; see `phone_leg.Hooks`."""
        if self._expected.get(leg.call_id) is leg:
            del self._expected[leg.call_id]

    def refused(self, leg: WeChatLeg, error: PlatformError) -> None:
        """Note what the platform says of a person; see `phone_leg.Hooks`."""
        if error.number == NO_CONSENT:
            self._keep(self._note(leg.contact_id, WITHDRAWN))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _leg(self, worker: WorkerLeg, contact_id: str, room: Room | None) -> WeChatLeg:
        return WeChatLeg(worker, self, self._clock, self._patience, contact_id, room, self._busy_known)

    async def _note(self, contact_id: str, consent: str) -> None:
        try:
            await self._contacts.set_consent(contact_id, consent)
        except OperatorError as error:
            log.error("a consent is not noted", contact=contact_id, consent=consent, reason=error.message)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refusal(detail: str, cause: int) -> PlatformError:
    return PlatformError(detail, api="call", cause=cause)
