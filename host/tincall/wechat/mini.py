"""The routes `/v1/mini/...`: what the mini program on a person's phone asks of the relay.

Rules of this file: who asks comes before what is asked. The address is counted, then the session is looked up, then the
person is counted, and only then is a body looked at, so that nobody without a session can make the relay work. Everything is
refused as RFC 9457 JSON with a `reason` for machines. Behind a reverse proxy, the settings must name it, or all phones are one
address.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from tincall.clock import Clock
from tincall.relay.api import REFUSALS
from tincall.relay.rates import Rates
from tincall.relay.web_guard import MEDIA_TYPE, problem
from tincall.settings import LimitSettings
from tincall.wechat import mini_words as words
from tincall.wechat.people import People, Refusal
from tincall.wechat.phone_calls import PhoneCalls

PREFIX = "/v1/mini"
LOGIN = PREFIX + "/login"
TOKEN = re.compile(r"[0-9A-Za-z_-]{43}")
STATUS_OF = {
    "auth_failed": 401,
    "bad_code": 400,
    "bad_invite": 404,
    "blocked": 403,
    "board_full": 409,
    "busy": 409,
    "not_connected": 409,
    "too_many": 429,
    "unavailable": 503,
    "unknown_board": 404,
    "unknown_call": 404,
}

CallId = Annotated[str, Path(pattern=words.CALL_ID_PATTERN, description="`call` of a permit of this person.")]
PathSn = Annotated[str, Path(pattern=words.SN_PATTERN)]
QuerySn = Annotated[str, Query(pattern=words.SN_PATTERN, description="Only this board's.")]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class MiniLimits:
    """How often somebody may ask, each a minute; the reason is beside each."""

    address: int = 300  # a mobile network puts many phones behind one address
    address_logins: int = 60  # each is a request to the platform, which has a limit of its own (45011)
    address_wrong_invites: int = 20
    person: int = 60  # opening the mini program takes four requests, a call two
    person_calls: int = 10
    person_wrong_invites: int = 5  # of 60 bits: nobody guesses one, and nobody who mistypes needs more

    @classmethod
    def of(cls, settings: LimitSettings) -> MiniLimits:
        """Take what settings say."""
        return cls(
            address=settings.mini_per_minute_address,
            address_logins=settings.mini_logins_per_minute_address,
            address_wrong_invites=settings.mini_wrong_invites_per_minute_address,
            person=settings.mini_per_minute,
            person_calls=settings.mini_calls_per_minute,
            person_wrong_invites=settings.mini_wrong_invites_per_minute,
        )


class Gate:
    """Counts who asks; bounded by the tables of `Rates`.

    Args:
        limits: see `MiniLimits`.
        clock: the time.
    """

    def __init__(self, limits: MiniLimits, clock: Clock) -> None:
        self._clock = clock
        self._addresses = Rates(limits.address)
        self._logins = Rates(limits.address_logins)
        self._wrong_addresses = Rates(limits.address_wrong_invites)
        self._people = Rates(limits.person)
        self._calls = Rates(limits.person_calls)
        self._wrong_people = Rates(limits.person_wrong_invites)

    def address(self, address: str, is_login: bool) -> None:
        """Count a request; raises Refusal, as all below."""
        self._take((self._addresses, address))
        if is_login:
            self._take((self._logins, address))

    def person(self, openid: str) -> None:
        """Count a request of somebody who is known."""
        self._take((self._people, openid))

    def call(self, openid: str) -> None:
        """Count a call."""
        self._take((self._calls, openid))

    async def invite(self, openid: str, address: str, work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Count an attempt at an invite, before its outcome is known; one that was good is forgiven."""
        counters = ((self._wrong_people, openid), (self._wrong_addresses, address))
        self._take(*counters)
        found = await work()
        for rates, key in counters:
            rates.give_back(key, self._clock.monotonic_s())
        return found

    def _take(self, *counters: tuple[Rates, str]) -> None:
        now_s = self._clock.monotonic_s()
        wait_s = max(rates.take(key, now_s) for rates, key in counters)
        if wait_s > 0:
            raise TooMany(wait_s)


class TooMany(Refusal):
    """Somebody asks too often.

    Args:
        wait_s: until the next attempt.
    """

    def __init__(self, wait_s: float) -> None:
        super().__init__("too_many", "That was asked too often.", "Wait a moment.")
        self.wait_s = max(1, math.ceil(wait_s))


class Mini:
    """The routes.

    Args:
        people: who has which boards.
        calls: calls of people.
        gate: who asks too often.
    """

    def __init__(self, people: People, calls: PhoneCalls, gate: Gate) -> None:
        self._people = people
        self._calls = calls
        self._gate = gate

    async def log_in(self, asked: words.Login) -> words.LoggedIn:
        """Log in with a code of wx.login."""
        session = await self._people.log_in(asked.code)
        return words.LoggedIn(session=session.token, expires_in_s=session.expires_in_s)

    async def log_out(self, request: Request) -> words.Done:
        """End this session."""
        await self._people.log_out(_who(request))
        return words.Done()

    async def devices(self, request: Request) -> words.BoardList:
        """List the person's boards."""
        return words.BoardList(devices=[words.Board(**one) for one in self._people.boards(_who(request))])

    async def bind(self, asked: words.Bind, request: Request) -> words.Board:
        """Come to a board by an invite of its owner."""
        openid = _who(request)
        work = lambda: self._people.bind(openid, asked.invite, asked.name)  # noqa: E731 - it is the argument
        return words.Board(**await self._gate.invite(openid, _address(request), work))

    async def unbind(self, sn: PathSn, request: Request) -> words.Done:
        """Leave a board: it cannot ring the person any more."""
        await self._people.unbind(_who(request), sn)
        return words.Done()

    async def ticket(self, asked: words.OneBoard, request: Request) -> words.Ticket:
        """Give what wx.requestDeviceVoIP wants to be told."""
        return words.Ticket(**await self._people.ticket(_who(request), asked.sn))

    async def consents(self, request: Request, sn: QuerySn = "") -> words.ConsentList:
        """Tell what is known of the person's consent to be called."""
        found = [one for one in self._people.consents(_who(request)) if not sn or one["sn"] == sn]
        return words.ConsentList(consents=[words.ConsentState(**one) for one in found])

    async def report_consent(self, asked: words.ConsentReport, request: Request) -> words.ConsentState:
        """Note what the phone found out about consent, and say what to do."""
        return words.ConsentState(**await self._people.report_consent(_who(request), asked.sn, asked.state))

    async def call(self, asked: words.Call, request: Request) -> words.Permit:
        """Let the person call one of their boards once, within a minute."""
        openid = _who(request)
        self._gate.call(openid)
        permit = await self._calls.permit(openid, asked.sn, asked.room_type)
        return words.Permit(
            call=permit.call_id,
            sn=permit.sn,
            model_id=permit.model_id,
            device_name=permit.device_name,
            room_type=asked.room_type,
            payload=permit.payload,
            expires_in_s=permit.expires_in_s,
        )

    async def cancelled(self, call_id: CallId, asked: words.Cancelled, request: Request) -> words.Outcome:
        """Hear that the person gave up, which the platform tells no server; the board stops ringing."""
        was = await self._calls.cancelled(_who(request), call_id, asked.reason)
        return words.Outcome.model_validate({"call": call_id, "was": was})

    async def ended(self, call_id: CallId, asked: words.Ended, request: Request) -> words.Outcome:
        """Hear that a call is over on the phone, and what the plug-in says of it."""
        was = await self._calls.ended(_who(request), call_id, asked.model_dump(exclude_none=True))
        return words.Outcome.model_validate({"call": call_id, "was": was})


def router(people: People, calls: PhoneCalls, clock: Clock, limits: MiniLimits | None = None) -> APIRouter:
    """Make the routes, for `relay.api.build`.

    Args:
        people: who has which boards.
        calls: calls of people.
        clock: the time.
        limits: how often somebody may ask.
    """
    gate = Gate(limits or MiniLimits(), clock)
    mini = Mini(people, calls, gate)
    routes = APIRouter(prefix=PREFIX, route_class=_guarded(gate, people), responses=REFUSALS, tags=["mini program"])
    routes.add_api_route("/login", mini.log_in, methods=["POST"])
    # only for the description: who asks is settled before
    shown = [Depends(HTTPBearer(scheme_name="miniSession", description="`session` of a login.", auto_error=False))]
    for method, path, route, status in (
        ("DELETE", "/login", mini.log_out, 200),
        ("GET", "/devices", mini.devices, 200),
        ("DELETE", "/devices/{sn}", mini.unbind, 200),
        ("POST", "/bind", mini.bind, 200),
        ("POST", "/ticket", mini.ticket, 200),
        ("GET", "/consent", mini.consents, 200),
        ("POST", "/consent", mini.report_consent, 200),
        ("POST", "/calls", mini.call, 201),
        ("POST", "/calls/{call_id}/cancelled", mini.cancelled, 200),
        ("POST", "/calls/{call_id}/ended", mini.ended, 200),
    ):
        routes.add_api_route(path, route, methods=[method], status_code=status, dependencies=shown)
    return routes


def _guarded(gate: Gate, people: People) -> type[APIRoute]:
    """Make the class of routes that know who asks before they read what, and whose refusals have one form."""

    async def enter(request: Request) -> None:
        is_login = request.url.path == LOGIN and request.method == "POST"
        gate.address(_address(request), is_login)
        if is_login:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        openid = None
        if scheme.lower() == "bearer" and TOKEN.fullmatch(token.strip()):
            openid = await people.who(token.strip())
        if openid is None:
            raise Refusal("auth_failed", "This session is none, or it is over.", "Call wx.login and log in again.")
        gate.person(openid)
        request.state.openid = openid

    class Guarded(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    await enter(request)
                    return await handle(request)
                except Refusal as refusal:
                    return _refused(refusal)

            return guarded

    return Guarded


def _refused(refusal: Refusal) -> JSONResponse:
    status = STATUS_OF[refusal.reason]
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if isinstance(refusal, TooMany):
        headers["Retry-After"] = str(refusal.wait_s)
    told = problem(status, refusal.reason, refusal.detail, refusal.hint)
    return JSONResponse(told, status, headers, media_type=MEDIA_TYPE)


def _who(request: Request) -> str:
    return str(request.state.openid)


def _address(request: Request) -> str:
    """Name the far end: by its IPv4 address, or by the 64 bits of an IPv6 network, all of which one customer has."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
    return str(address)
