"""The live calls and the connected boards of this relay: who may call whom now, and the one place where both are looked up.

Rules of this file: it pairs a board's leg with a phone's leg and knows neither sockets nor processes; phone legs come from an
injected factory, records and contacts from injected objects. Everything runs on the event loop; only making a phone's leg is
waited for.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from callcore import causes, sentences
from callcore.authority import choose
from callcore.errors import CallError
from tincall import ids
from tincall.clock import Clock
from tincall.ids import Random
from tincall.leg import CN, IN, OUT, PHONE, Media
from tincall.logs import get
from tincall.relay import standing
from tincall.relay.cdr import Records
from tincall.relay.device_leg import RELAY, DeviceLeg
from tincall.relay.events import Events
from tincall.relay.ledger import Ledger
from tincall.relay.line import Line
from tincall.relay.live_call import ANSWERED, ENDED, LiveCall, PhoneLeg
from tincall.relay.session import CLOSE_REVOKED, CLOSE_SUPERSEDED, Session
from tincall.relay.tap import Tap
from tincall.relay.waker import Waker
from tincall.settings import CallSettings

SETUP_S = 10.0  # a worker that starts cold takes one or two seconds; nobody waits longer for a phone to ring
STOP_S = 5.0  # last words, records and reports at the relay's end

Contacts = Callable[[str], list[dict[str, str]]]
PhoneLegs = Callable[[str], Awaitable[PhoneLeg]]

log = get("relay.switchboard")


class CallRefused(CallError):
    """A call cannot even begin.

    Args:
        reason: one word: `stopping`, `not_connected`, `busy`, `unknown_phone`, `not_for_operators` or `too_many_calls`.
        cause: the hangup cause that says the same.
    """

    def __init__(self, reason: str, cause: int) -> None:
        super().__init__(sentences.sentence(cause), cause)
        self.reason = reason


@dataclass(slots=True)
class _Entry:
    """A live call and what keeps its time."""

    call: LiveCall
    started_ms: int
    waker: Waker


class Switchboard:
    """Keeps the live calls of this relay.

    Args:
        phone_leg: makes the idle leg of a phone, by contact id; raises CallError with a cause.
        records: the call records.
        contacts: whom a board may call, `id` and `name` each, by serial number.
        clock: the time.
        settings: how long things may take, and how many calls there may be.
        random: source of bytes for call ids and SSRCs.
        plays_phones: whether the phones are played here, so that an operator can let one call.
        events: keeps what boards deliver; None: they are not asked to.
    """

    def __init__(
        self,
        phone_leg: PhoneLegs,
        records: Records,
        contacts: Contacts,
        clock: Clock,
        settings: CallSettings | None = None,
        random: Random = os.urandom,
        plays_phones: bool = True,
        events: Events | None = None,
    ) -> None:
        self._phone_leg = phone_leg
        self._records = records
        self.contacts = contacts
        self.events = events
        self._clock = clock
        self._settings = settings or CallSettings()
        self._random = random
        self._plays_phones = plays_phones
        self._lines: dict[str, Line] = {}
        self._calls: dict[str, _Entry] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._all_forgotten = asyncio.Event()
        self.ring_ms = self._settings.ring_ms

    # -- boards ------------------------------------------------------------------------------------------------------

    def connect(self, sn: str, session: Session, address: str, now_ms: int) -> Line:
        """Take the new link of a verified board; an older link of the same board is closed (4409)."""
        older = self._lines.get(sn)
        line = self._lines[sn] = Line(sn, session, address, self, self._clock)
        if older is not None:
            log.warning("link superseded", sn=sn, address=address, older=older.address)
            older.session.close(CLOSE_SUPERSEDED, "a newer link of this board has come")
        return line

    def unplugged(self, line: Line) -> None:
        """Hear that a link is gone; see `line.Desk`."""
        if self._lines.get(line.sn) is line:
            del self._lines[line.sn]

    def device_changed(self, sn: str, state: str) -> None:
        """Hear of a board's new state in the registry; who is no longer welcome loses call (52) and link (4403) at once."""
        if state in standing.WELCOME:
            return
        for entry in list(self._calls.values()):
            if entry.call.sn == sn:
                entry.call.end(causes.BARRED, RELAY)
        if (line := self._lines.get(sn)) is not None:
            line.session.close(CLOSE_REVOKED, "this board is no longer welcome")

    def renew(self, sn: str) -> None:
        """Let a board that is linked verify itself anew: its link is closed (4401), after its call if it is in one."""
        if (line := self._lines.get(sn)) is not None:
            line.renew()

    def contacts_changed(self, sn: str) -> None:
        """Hear that a board may call others than before; a connected one is told."""
        if (line := self._lines.get(sn)) is not None:
            line.tell_contacts()

    def online(self, sn: str) -> dict[str, Any] | None:
        """Give what is known of a connected board; None: it is not connected."""
        line = self._lines.get(sn)
        if line is None or not line.is_ready:
            return None
        leg = line.current
        return {
            "sn": sn,
            "address": line.address,
            "since_ms": line.since_ms,
            **{key: line.said[key] for key in ("firmware", "board", "codecs")},
            "ca": line.said.get("ca", ""),
            "call": leg.call_id if leg is not None else None,
            "media": line.session.counters(),
        }

    # -- calls -------------------------------------------------------------------------------------------------------

    def dialled(self, line: Line, leg: DeviceLeg, phone_id: str) -> None:
        """Hear that a board calls; see `line.Desk`."""
        if leg.call_id in self._calls:
            leg.release(causes.PROTOCOL_ERROR, RELAY, 0)
            return
        obstacle = self._obstacle(line.sn, phone_id)
        call = self._begin(leg.call_id, OUT, line.sn, phone_id, leg)
        if obstacle is not None:
            call.end(obstacle.cause, RELAY)
        else:
            self._keep(self._bring_phone(call, leg.offer, leg.ring_ms))

    def phone_calls(self, sn: str, phone_id: str) -> str:
        """Let a phone call a board.

        Args:
            sn: serial number of the board.
            phone_id: contact id of the phone.

        Returns:
            The call's id; the call may still end for any reason, which its record tells.

        Raises:
            CallRefused: it cannot begin.
        """
        if not self._plays_phones:
            raise CallRefused("not_for_operators", causes.BARRED)
        line = self._free_line(sn)
        obstacle = self._obstacle(sn, phone_id)
        if obstacle is not None:
            raise obstacle
        call_id = ids.call_id(self._random)
        call = self._begin(call_id, IN, sn, phone_id, line.leg(call_id, self.ring_ms))
        self._keep(self._bring_phone(call, line.said, self.ring_ms))
        return call_id

    def refusal(self, sn: str) -> CallRefused | None:
        """Say why no phone can call a board now; None: one can."""
        try:
            self._free_line(sn)
        except CallRefused as refused:
            return refused
        return self._overload()

    def incoming(
        self, sn: str, phone_id: str, name: str, call_id: str, phone_leg: Callable[[], Awaitable[PhoneLeg]]
    ) -> None:
        """Let a phone reach a board that it is calling already; the call's record is begun.

        Args:
            sn: serial number of the board.
            phone_id: contact id of the phone.
            name: what the board shows.
            call_id: of the record.
            phone_leg: makes the phone's idle leg; raises CallError with a cause.

        Raises:
            CallRefused: it cannot begin; the record is the caller's to close.
        """
        line = self._free_line(sn)
        obstacle = self._overload()
        if obstacle is not None:
            raise obstacle
        call = self._begin(call_id, IN, sn, phone_id, line.leg(call_id, self.ring_ms), is_recorded=True)
        self._keep(self._bring_phone(call, line.said, self.ring_ms, phone_leg, name))

    def hangup(self, call_id: str) -> bool:
        """End a live call; False: there is none of that id."""
        entry = self._calls.get(call_id)
        if entry is None or entry.call.state is ENDED:
            return False
        entry.call.end(causes.NORMAL, RELAY)
        return True

    def tap(self, call_id: str, party: str) -> Tap | None:
        """Listen to one party of a call, see `LiveCall.tap`; None: nobody talks in a call of that id."""
        entry = self._calls.get(call_id)
        return None if entry is None else entry.call.tap(party)

    def phone_left(self, call_id: str) -> bool:
        """Hear that a phone is out of a call, from itself and not from its leg; False: there is no live call of that id."""
        entry = self._calls.get(call_id)
        if entry is None or entry.call.state is ENDED:
            return False
        entry.call.end(causes.NORMAL if entry.call.state is ANSWERED else causes.ORIGINATOR_CANCEL, PHONE)
        return True

    def live(self) -> list[dict[str, Any]]:
        """Give the calls that have not ended, in the order they began, each with the newest figures of its board."""
        return [
            {
                "call_id": call.call_id,
                "direction": call.direction,
                "sn": call.sn,
                "phone": call.phone_id,
                "state": call.state,
                "codec": call.codec,
                "started_ms": entry.started_ms,
                **call.counters(),
                "board_stats": call.device.stats or None,
            }
            for entry in self._calls.values()
            if (call := entry.call).state is not ENDED
        ]

    async def stop(self) -> None:
        """End all calls (cause 41, by the relay), and wait for their records and reports; no new one begins."""
        self._is_stopping = True
        for entry in list(self._calls.values()):
            entry.call.end(causes.TEMPORARY_FAILURE, RELAY)
        self._all_forgotten.clear()
        try:
            async with asyncio.timeout(STOP_S):
                while self._calls:
                    await self._all_forgotten.wait()
        except TimeoutError:
            log.error("calls did not end in time", calls=len(self._calls))
        for entry in self._calls.values():
            entry.waker.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _obstacle(self, sn: str, phone_id: str) -> CallRefused | None:
        """Find what forbids any call between these two now."""
        if not self._is_stopping and self._name(sn, phone_id) is None:
            return CallRefused("unknown_phone", causes.UNALLOCATED)
        return self._overload()

    def _overload(self) -> CallRefused | None:
        """Find what forbids any call now."""
        if self._is_stopping:
            return CallRefused("stopping", causes.TEMPORARY_FAILURE)
        if sum(entry.call.state is not ENDED for entry in self._calls.values()) >= self._settings.max_calls:
            return CallRefused("too_many_calls", causes.CONGESTION)
        return None

    def _free_line(self, sn: str) -> Line:
        """Give the line of a board that can be called.

        Raises:
            CallRefused: it is not connected, or in a call.
        """
        line = self._lines.get(sn)
        if line is None or not line.is_ready:
            raise CallRefused("not_connected", causes.NOT_REGISTERED)
        if line.current is not None or any(self._is_in_call(entry.call, sn) for entry in self._calls.values()):
            raise CallRefused("busy", causes.BUSY)
        return line

    def _name(self, sn: str, phone_id: str) -> str | None:
        for contact in self.contacts(sn):
            if contact["id"] == phone_id:
                return contact["name"]
        return None

    @staticmethod
    def _is_in_call(call: LiveCall, sn: str) -> bool:
        return call.sn == sn and call.state is not ENDED

    def _begin(
        self, call_id: str, direction: str, sn: str, phone_id: str, leg: DeviceLeg, is_recorded: bool = False
    ) -> LiveCall:
        call = LiveCall(
            call_id,
            direction,
            sn,
            phone_id,
            leg,
            Ledger(self._records, call_id),
            self._clock.now_ms,
            self._settings.allotted_ms,
            lambda: self._calls[call_id].waker.follow() if call_id in self._calls else None,
            self._forget,
            is_recorded,
        )
        waker = Waker(asyncio.get_running_loop(), self._clock, call.tick, call.next_wake_ms)
        self._calls[call_id] = _Entry(call, self._clock.unix_ms(), waker)
        waker.follow()
        return call

    async def _bring_phone(
        self,
        call: LiveCall,
        offer: dict[str, Any],
        ring_ms: int,
        phone_leg: Callable[[], Awaitable[PhoneLeg]] | None = None,
        name: str = "",
    ) -> None:
        """Make the phone's leg and let the callee ring.

        Args:
            call: which.
            offer: `codecs` and `ptimes` of the board, in its order of preference.
            ring_ms: how long the callee may ring.
            phone_leg: makes the leg; by the phone's contact id if not given.
            name: of the phone's owner; the contact's if not given.
        """
        try:
            async with asyncio.timeout(SETUP_S):
                phone = await (self._phone_leg(call.phone_id) if phone_leg is None else phone_leg())
        except TimeoutError:
            log.error("no leg for the phone in time", call=call.call_id, phone=call.phone_id)
            call.end(causes.TIMER_EXPIRED, RELAY)
        except CallError as error:
            log.error("no leg for the phone", call=call.call_id, phone=call.phone_id, reason=error.detail)
            call.end(error.cause or causes.DESTINATION_OUT_OF_ORDER, RELAY)
        else:
            self._introduce(call, phone, offer, ring_ms, name)

    def _introduce(self, call: LiveCall, phone: PhoneLeg, offer: dict[str, Any], ring_ms: int, name: str) -> None:
        """Choose what the two speak, and bring them together."""
        codec = choose(offer["codecs"], list(phone.codecs))
        if codec is None:
            call.end(causes.INCOMPATIBLE, RELAY)
            phone.release(causes.INCOMPATIBLE, RELAY, 0)
            return
        ours = ids.ssrc(self._random)
        saves = self._settings.save_bytes
        has_noise = saves and CN in offer["codecs"] and CN in phone.codecs
        ptime = max(offer["ptimes"]) if saves else offer["ptimes"][0]
        media = Media(codec, ptime, ours, ids.ssrc(self._random, (ours,)), has_noise)
        name = name or self._name(call.sn, call.phone_id) or call.phone_id
        call.join(phone, media, ring_ms, call.sn, name)

    def _forget(self, call: LiveCall) -> None:
        entry = self._calls.pop(call.call_id, None)
        if entry is not None:
            entry.waker.stop()
        if not self._calls:
            self._all_forgotten.set()

    def _keep(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
