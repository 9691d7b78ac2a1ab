"""Who is known to the platform: mini programs, users, devices, consent, login codes and device tickets; no I/O.

Everything that lives for a time does so by the monotonic clock. What is handed out is bounded: the oldest goes first.
"""

from __future__ import annotations

import base64
import re
import string
from dataclasses import dataclass, field
from typing import Any

from tincall.clock import Clock
from tincall.ids import Random
from tincall.simulator.numbers import Refused

HANDED_OUT_MAX = 4096
TICKET_CHARS = 32
SN_MAX_BYTES = 128
SN = re.compile(r"[0-9A-Za-z_-]+")
# consent to every device, as a user of a scenario has it
ANY = "*"
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class App:
    """A mini program, or a mobile app that carries the Android framework.

    Args:
        appid: its id.
        secret: its AppSecret.
        original_id: `gh_...`, as pushes name it.
        models: model ids of its hardware.
        mobile: it is a mobile app, which may do nothing but register Android devices.
        is_onboarded: its hardware is registered; else 48001.
        is_approved: its release version may call; else 12.
        has_credit: it may call at all; else 15.
        templates: ids of device messages it may send.
        pages: pages of its released version.
    """

    appid: str
    secret: str = field(repr=False)
    original_id: str = "gh_0a1b2c3d4e5f"
    models: tuple[str, ...] = ("tincall",)
    mobile: bool = False
    is_onboarded: bool = True
    is_approved: bool = True
    has_credit: bool = True
    templates: tuple[str, ...] = ("missed-call",)
    pages: tuple[str, ...] = ("pages/index/index",)


@dataclass
class User:
    """A WeChat user as one mini program sees them.

    Args:
        openid: the user's id under the app.
        appid: the app.
        name: for people.
        consents: serial numbers whose calls the user accepts; `ANY`: every one.
        refused: serial numbers for which the prompt does not come back.
        accepts_messages: takes device messages; else 43101.
    """

    openid: str
    appid: str
    name: str = ""
    consents: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    accepts_messages: bool = True


@dataclass(frozen=True)
class _Ticket:
    appid: str
    sn: str
    model_id: str
    until_s: float


@dataclass(frozen=True)
class _LoginCode:
    openid: str
    until_s: float


class Accounts:
    """The platform's registers.

    Args:
        clock: the time.
        random: for tickets and codes.
        ticket_s: how long a device ticket is good.
        code_s: how long a login code is good.
    """

    def __init__(self, clock: Clock, random: Random, ticket_s: float = 300, code_s: float = 300) -> None:
        self.apps: dict[str, App] = {}
        self.users: dict[str, User] = {}
        self.ticket_s = ticket_s
        self.code_s = code_s
        self._clock = clock
        self._random = random
        self._model_of: dict[str, str] = {}
        self._tickets: dict[str, _Ticket] = {}
        self._codes: dict[str, _LoginCode] = {}

    def app(self, appid: str) -> App:
        """Give an app.

        Raises:
            Refused: 40013, there is none.
        """
        if appid not in self.apps:
            raise Refused(40013)
        return self.apps[appid]

    def check_secret(self, appid: str, secret: str) -> App:
        """Give the app whose secret this is.

        Raises:
            Refused: 40013 or 40125.
        """
        app = self.app(appid)
        if secret != app.secret:
            raise Refused(40125)
        return app

    def add_user(self, user: User) -> None:
        """Add a user, or replace the one of that openid."""
        _keep(self.users, user.openid, user)

    def user(self, openid: str, appid: str) -> User:
        """Give a user of an app.

        Raises:
            Refused: 20, nobody has this openid; 19, it belongs to another app.
        """
        user = self.users.get(openid)
        if user is None:
            raise Refused(20)
        if user.appid != appid:
            raise Refused(19)
        return user

    # login

    def login(self, openid: str) -> str:
        """Let a user's mini program log in (`wx.login`); gives a code that is good once.

        Raises:
            Refused: 20, there is no such user.
        """
        if openid not in self.users:
            raise Refused(20)
        code = self._letters(TICKET_CHARS)
        _keep(self._codes, code, _LoginCode(openid, self._clock.monotonic_s() + self.code_s))
        return code

    def session(self, appid: str, secret: str, code: str) -> dict[str, str]:
        """Turn a login code into who logged in (`code2Session`).

        Raises:
            Refused: 40013, 40125, or 40029 for a code that is unknown, used, too old or of another app.
        """
        app = self.check_secret(appid, secret)
        known = self._codes.pop(code, None)
        if known is None or self._clock.monotonic_s() > known.until_s:
            raise Refused(40029)
        if self.users[known.openid].appid != app.appid:
            raise Refused(40029)
        return {
            "openid": known.openid,
            "session_key": base64.b64encode(self._random(16)).decode(),
            "unionid": f"u-{known.openid}"[:64],
        }

    # devices

    def ticket(self, appid: str, sn: str, model_id: str) -> str:
        """Make a device ticket.

        Raises:
            Refused: 48001, 9800001, 9800002 or 9800003.
        """
        if not self.apps[appid].is_onboarded:
            raise Refused(48001)
        if len(sn.encode()) > SN_MAX_BYTES:
            raise Refused(9800001)
        if not SN.fullmatch(sn):
            raise Refused(9800002)
        if model_id not in self.apps[appid].models or self._model_of.get(sn, model_id) != model_id:
            raise Refused(9800003)
        _keep(self._model_of, sn, model_id)
        ticket = self._letters(TICKET_CHARS)
        _keep(self._tickets, ticket, _Ticket(appid, sn, model_id, self._clock.monotonic_s() + self.ticket_s))
        return ticket

    def device(self, appid: str, sn: str, model_id: str) -> None:
        """Check that a device may take part in a call; one that is new is of this model from now on.

        Raises:
            Refused: 2, no such serial number can exist; 17, the model is not this app's or not this device's.
        """
        if not SN.fullmatch(sn) or len(sn) > SN_MAX_BYTES:
            raise Refused(2)
        if model_id not in self.apps[appid].models or self._model_of.get(sn, model_id) != model_id:
            raise Refused(17)
        _keep(self._model_of, sn, model_id)

    # consent

    def request_consent(self, openid: str, sn: str, model_id: str, ticket: str, accepts: bool) -> None:
        """Ask a user to accept calls of a device (`wx.requestDeviceVoIP`), who does or does not.

        Raises:
            Refused: 20; 10008, the ticket is unknown, too old or another device's; 10001, accepted already; 10021, refused.
        """
        if openid not in self.users:
            raise Refused(20)
        user = self.users[openid]
        known = self._tickets.get(ticket)
        is_fresh = known is not None and self._clock.monotonic_s() <= known.until_s
        if known is None or not is_fresh or (known.appid, known.sn, known.model_id) != (user.appid, sn, model_id):
            raise Refused(10008, "sn_ticket wrong or expired")
        if sn in user.consents or ANY in user.consents:
            raise Refused(10001, "accepted already")
        if sn in user.refused or not accepts:
            user.refused.add(sn)
            raise Refused(10021, "refused")
        user.consents.add(sn)

    def set_consent(self, openid: str, sn: str, is_given: bool) -> None:
        """Switch consent in the mini program's settings page, where no ticket is needed.

        Raises:
            Refused: 20.
        """
        if openid not in self.users:
            raise Refused(20)
        user = self.users[openid]
        user.refused.discard(sn)
        if is_given:
            user.consents.add(sn)
        else:
            user.consents -= {sn, ANY}
            user.refused.add(sn)

    def check_consent(self, user: User, sn: str) -> None:
        """Check that a device may ring a user.

        Raises:
            Refused: 9.
        """
        if sn not in user.consents and ANY not in user.consents:
            raise Refused(9)

    def _letters(self, count: int) -> str:
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._random(count))


def _keep(store: dict[str, Any], key: str, value: Any) -> None:
    """Remember something, and forget the oldest beyond the bound."""
    store[key] = value
    while len(store) > HANDED_OUT_MAX:
        del store[next(iter(store))]
