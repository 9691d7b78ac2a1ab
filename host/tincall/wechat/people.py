"""People with the mini program: logging in, coming to a board by an invite, and whether the board may ring them.

Rules of this file: the platform vouches for who somebody is, and neither its openid nor its session key ever leaves the
relay; an invite of the operator says which boards somebody has. A board that somebody does not have is refused in the
same words as one that does not exist. Consent is the platform's to enforce: what is kept here is what the phone reported
last, so that boards show the right people and people are shown the right way to mend it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from callcore.errors import CallError
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.registry import FORGOTTEN, Device
from tincall.wechat.call_tickets import CallTickets
from tincall.wechat.contacts import GRANTED, REFUSED, UNKNOWN, WITHDRAWN, Contact, Contacts
from tincall.wechat.invites import Invites
from tincall.wechat.logins import Logins
from tincall.wechat.vocabulary import PlatformError

# what a phone may report beside "granted" and "refused": the platform has no consent of this person
MISSING = "missing"
REPORTS = (GRANTED, REFUSED, MISSING)

# what mends a consent: nothing is to be mended; ask by wx.requestDeviceVoIP; the mini program's settings page, since the
# platform does not show its question again to somebody who refused
ADVICE = {UNKNOWN: "prompt", GRANTED: "none", REFUSED: "settings", WITHDRAWN: "prompt"}

PEOPLE_MAX = 32  # of one board, since a board keeps no more contacts
DEVICE_NAME_MAX_UNITS = 13  # wx.requestDeviceVoIP; JavaScript counts a character in units of 16 bits

# numbers of code2Session that are not our fault
USED_CODE = 40029
BLOCKED = 40226

log = get("wechat.people")


class Refusal(Exception):
    """Somebody's phone asked for what cannot be had.

    Args:
        reason: one word for machines.
        detail: one sentence for people; never anything of another person or of the platform's secrets.
        hint: what to do.
    """

    def __init__(self, reason: str, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.hint = hint


class Identity(Protocol):
    """Who somebody is, as the platform vouches for it."""

    @property
    def openid(self) -> str:
        """The person under this mini program."""
        ...


class Platform(Protocol):
    """What is asked of the platform about people; `wechat.api.WeChatApi`."""

    async def code2session(self, js_code: str) -> Identity:
        """Learn who logged in from a code of wx.login; raises PlatformError."""
        ...


class DeviceTickets(Protocol):
    """`wechat.tickets.SnTickets`."""

    async def get(self, sn: str, model_id: str) -> str:
        """Give a ticket of a device; raises PlatformError."""
        ...


class Boards(Protocol):
    """`relay.registry.Registry`."""

    def get(self, sn: str) -> Device | None:
        """Find a board; None: none of that number is enrolled."""
        ...


class Exchange(Protocol):
    """What is asked of the switchboard."""

    def online(self, sn: str) -> dict[str, Any] | None:
        """Say what is known of a board's link; None: it has none."""
        ...


@dataclass(frozen=True, slots=True)
class Session:
    """A login: the bearer token, told this one time, and for how long it is good."""

    token: str
    expires_in_s: int

    def __repr__(self) -> str:
        return f"<session, {self.expires_in_s} s>"


@dataclass(frozen=True, slots=True)
class Parts:
    """What people are made of; see the classes."""

    platform: Platform
    device_tickets: DeviceTickets
    logins: Logins
    contacts: Contacts
    invites: Invites
    call_tickets: CallTickets
    boards: Boards
    exchange: Exchange
    clock: Clock


class People:
    """Who may do what.

    Args:
        parts: collaborators.
        model_id: device model that the platform has for all boards; empty: each board's own.
    """

    def __init__(self, parts: Parts, model_id: str = "") -> None:
        self._parts = parts
        self._model_id = model_id
        self._tasks: set[asyncio.Task[None]] = set()

    # -- who it is ---------------------------------------------------------------------------------------------------

    async def log_in(self, code: str) -> Session:
        """Begin a session for whom the platform vouches; an older one of the same person ends.

        Raises:
            Refusal: `bad_code`, `blocked` or `unavailable`.
        """
        try:
            identity = await self._parts.platform.code2session(code)
        except PlatformError as error:
            raise _not_logged_in(error) from None
        token = await self._parts.logins.log_in(identity.openid)
        log.info("somebody logged in through the mini program")
        return Session(token, self._parts.logins.session_s)

    async def who(self, token: str) -> str | None:
        """Tell whose session a bearer token is; gives the openid, or None."""
        return await self._parts.logins.who(token)

    async def log_out(self, openid: str) -> None:
        """End a person's session."""
        await self._parts.logins.log_out(openid)

    # -- which boards ------------------------------------------------------------------------------------------------

    def boards(self, openid: str) -> list[dict[str, Any]]:
        """Give the boards that a person has, as the mini program shows them."""
        mine = [(contact, self._parts.boards.get(contact.sn)) for contact in self._parts.contacts.of_person(openid)]
        return [self._shown(contact, device) for contact, device in mine if device is not None]

    def own(self, openid: str, sn: str) -> tuple[Contact, Device]:
        """Give a person's entry with a board, and the board.

        Raises:
            Refusal: `unknown_board`: the person does not have it, or it does not exist.
        """
        contact = self._parts.contacts.find(sn, openid)
        device = self._parts.boards.get(sn)
        if contact is None or device is None:
            raise Refusal("unknown_board", "You have no board of that number.", "Ask its owner for an invite.")
        return contact, device

    async def bind(self, openid: str, code: str, name: str) -> dict[str, Any]:
        """Make a person a board's contact by an invite; doing it twice is doing it once.

        If power fails between the two steps, the invite is this person's, who uses it once more.

        Args:
            openid: of the person.
            code: of the invite.
            name: what the person wants to be called; the invite's name goes first.

        Raises:
            Refusal: `bad_invite` or `board_full`.
        """
        invite = await self._parts.invites.use(code, openid)
        device = None if invite is None else self._parts.boards.get(invite.sn)
        if invite is None or device is None:
            why = "That code is not good: it is none, it was used, or it is too old."
            raise Refusal("bad_invite", why, "Look at the code once more, or ask for a new one.")
        before = self._parts.contacts.find(invite.sn, openid)
        if before is None and len(self._parts.contacts.of(invite.sn)) >= PEOPLE_MAX:
            raise Refusal("board_full", f"That board has {PEOPLE_MAX} people already.", "Ask its owner to remove one.")
        named = invite.name or name or (before.name if before is not None else "")
        consent = before.consent if before is not None else UNKNOWN
        contact = await self._parts.contacts.put(invite.sn, openid, named, consent)
        log.info("a person came to a board", sn=invite.sn, contact=contact.contact_id)
        return self._shown(contact, device)

    async def unbind(self, openid: str, sn: str) -> None:
        """Let a person leave a board: it cannot ring them any more, nor they it.

        If power fails, they have the board still, or not; what they could come back or call by goes first.

        Raises:
            Refusal: `unknown_board`.
        """
        contact, _ = self.own(openid, sn)
        await self.remove(contact)
        log.info("a person left a board", sn=sn, contact=contact.contact_id)

    async def remove(self, contact: Contact) -> None:
        """Remove a contact from its board; see `unbind`."""
        await self._parts.call_tickets.revoke(contact.sn, contact.openid)
        await self._parts.invites.forget(contact.sn, contact.openid)
        await self._parts.contacts.forget(contact.sn, contact.openid)

    # -- consent -----------------------------------------------------------------------------------------------------

    async def ticket(self, openid: str, sn: str) -> dict[str, Any]:
        """Give what wx.requestDeviceVoIP wants to be told.

        Raises:
            Refusal: `unknown_board` or `unavailable`.
        """
        _, device = self.own(openid, sn)
        model_id = self.model_of(device)
        try:
            ticket = await self._parts.device_tickets.get(sn, model_id)
        except PlatformError as error:
            raise _unavailable(error, sn) from None
        return {"sn": sn, "sn_ticket": ticket, "model_id": model_id, "device_name": device_name(device)}

    def consents(self, openid: str) -> list[dict[str, Any]]:
        """Give what is known of a person's consent to each of their boards."""
        return [_consent(contact) for contact in self._parts.contacts.of_person(openid)]

    async def report_consent(self, openid: str, sn: str, state: str) -> dict[str, Any]:
        """Note what a phone found out about consent, and say what to do.

        Args:
            openid: of the person.
            sn: of one of their boards.
            state: one of `REPORTS`.

        Raises:
            Refusal: `unknown_board`.
        """
        contact, _ = self.own(openid, sn)
        kept = state if state != MISSING else {GRANTED: WITHDRAWN}.get(contact.consent, contact.consent)
        await self._parts.contacts.set_consent(contact.contact_id, kept)
        return _consent(self._parts.contacts.get(contact.contact_id) or contact)

    # -- boards come and go ------------------------------------------------------------------------------------------

    def board_changed(self, sn: str, state: str) -> None:
        """Hear of a board's new state in the registry; with one that is forgotten go its contacts and invites."""
        if state == FORGOTTEN:
            task = asyncio.get_running_loop().create_task(self._forget(sn))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Wait for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- inside ------------------------------------------------------------------------------------------------------

    def model_of(self, device: Device) -> str:
        """Give the model id by which the platform knows a board."""
        return self._model_id or device.model_id

    async def _forget(self, sn: str) -> None:
        try:
            await self._parts.call_tickets.revoke(sn)
            await self._parts.invites.forget(sn)
            await self._parts.contacts.forget(sn)
        except OperatorError as error:
            # nobody can use them, since the board is gone; they would come back with a board of the same number
            log.error("the contacts of a forgotten board are not removed", sn=sn, reason=error.message)

    def _shown(self, contact: Contact, device: Device) -> dict[str, Any]:
        link = self._parts.exchange.online(device.sn)
        return {
            "sn": device.sn,
            "model_id": self.model_of(device),
            "name": device.name or device.sn,
            "device_name": device_name(device),
            "called": contact.name,
            "online": link is not None,
            "busy": bool(link and link.get("call")),
            "consent": contact.consent,
            "advice": ADVICE[contact.consent],
        }


def device_name(device: Device) -> str:
    """Give a board's own name as the platform takes it; its dialogue shows it before the name of the model.

    Consent and call must use the same name, so that one function makes both.
    """
    units = (device.name or device.sn).encode("utf-16-le")[: 2 * DEVICE_NAME_MAX_UNITS]
    return units.decode("utf-16-le", "ignore").strip()


def _consent(contact: Contact) -> dict[str, Any]:
    return {
        "sn": contact.sn,
        "state": contact.consent,
        "advice": ADVICE[contact.consent],
        "updated_s": contact.updated_s,
    }


def _not_logged_in(error: PlatformError) -> Refusal:
    if error.number == USED_CODE:
        return Refusal("bad_code", "That login code is wrong, or was used already.", "Call wx.login again.")
    if error.number == BLOCKED:
        return Refusal("blocked", "WeChat refuses the login of this user.")
    return _unavailable(error)


def _unavailable(error: CallError, sn: str = "") -> Refusal:
    """Tell a stranger that it is not their fault, and the operator why."""
    advice = getattr(error, "advice", "")
    log.error("the platform does not help a person of the mini program", sn=sn, reason=error.detail, advice=advice)
    return Refusal("unavailable", "That is not possible at the moment.", "Try again later.")
