"""The browser phone's server: its page and files, a session for each person, and the WebSocket `/sim/phone`.

A page fetches `/phone/people`, takes a session of one person by `POST /phone/session`, and says its token in the first
message on the WebSocket: a token never stands in a URL. What the two say is in `page_words`; anything else ends the
connection with 1008, a token that is not known (any more) with 4003. One page per person: a newer one takes over, with the call
that goes on, and the older one is told `moved` and closed with 4001.

Whoever reaches the port may be anybody's phone: that is what a simulator is for. A page of another origin may not; see
`page_site`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import FastAPI, HTTPException, Request, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field

from tincall import ids
from tincall.clock import Clock, SystemClock
from tincall.logs import get
from tincall.simulator import page_site
from tincall.simulator.page_connection import Connection
from tincall.simulator.page_phone import Desk, PagePhone, bounded
from tincall.simulator.page_words import CLOSE_WRONG
from tincall.simulator.rooms import Rooms

# tabs of a tester; the oldest session goes first
SESSIONS_MAX = 256
SESSION_S = 12 * 3600
# a list that a person still reads
PEOPLE_MAX = 64
# how long a phone is on without its page: a reload, a gap in the network
AWAY_S = 10.0

log = get("simulator.phone_gate")


@dataclass(frozen=True)
class _Session:
    openid: str
    till_s: float


class Sessions:
    """Who may be whose phone: tokens, bounded in number and time.

    Args:
        clock: the time.
        random: for tokens.
    """

    def __init__(self, clock: Clock, random: ids.Random) -> None:
        self._clock = clock
        self._random = random
        self._held: dict[str, _Session] = {}

    def open(self, openid: str) -> str:
        """Give a new token for a person."""
        token = ids.token(self._random)
        self._held[token] = _Session(openid, self._clock.monotonic_s() + SESSION_S)
        while len(self._held) > SESSIONS_MAX:
            del self._held[next(iter(self._held))]
        return token

    def who(self, token: str) -> str | None:
        """Give the person of a token; None: it is not known, or too old."""
        session = self._held.get(token)
        if session is None or session.till_s < self._clock.monotonic_s():
            return None
        return session.openid


class SessionRequest(BaseModel):
    """Whose phone a page wants to be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    openid: str = Field(min_length=1, max_length=128)


class _Place:
    """A person's phone, the connection that is its page now, and the alarm that switches it off without one."""

    def __init__(self, phone: PagePhone) -> None:
        self.phone = phone
        self.connection: Connection | None = None
        self.alarm: asyncio.TimerHandle | None = None


class PhoneGate:
    """The browser phones of a simulator; made inside an event loop.

    Args:
        rooms: the platform's rooms.
        desk: the mini program behind the phones.
        hosts: names and addresses under which the page may be opened.
        clock: the time.
        random: for tokens.
        away_s: how long a phone is on without its page.
    """

    def __init__(
        self,
        rooms: Rooms,
        desk: Desk,
        hosts: Iterable[str] = page_site.LOOPBACK,
        clock: Clock | None = None,
        random: ids.Random = os.urandom,
        away_s: float = AWAY_S,
    ) -> None:
        self.rooms = rooms
        self.desk = desk
        self._clock = clock or SystemClock()
        self._sessions = Sessions(self._clock, random)
        self._site = page_site.Site(hosts)
        self._away_s = away_s
        self._places: dict[str, _Place] = {}

    def mount(self, app: FastAPI) -> None:
        """Add the page, its files, its sessions and its WebSocket to the simulator's web application."""
        files = self._site.files

        @app.get("/phone", include_in_schema=False)
        def without_slash() -> Response:
            return Response(status_code=308, headers={"location": "/phone/"})

        @app.get("/phone/", include_in_schema=False)
        def page(request: Request) -> Response:
            return self._file(request, files["index.html"])

        @app.get("/phone/people", include_in_schema=False)
        def people(request: Request) -> dict[str, object]:
            self._own_host(request)
            listed = [{"openid": one.openid, "name": bounded(one.name)} for one in self.desk.people()]
            return {"app": bounded(self.desk.app_name), "people": listed[:PEOPLE_MAX]}

        @app.post("/phone/session", include_in_schema=False)
        def session(request: Request, wish: SessionRequest, response: Response) -> dict[str, str]:
            if not page_site.is_own_origin(request.headers.get("origin"), self._own_host(request)):
                raise HTTPException(403, "only the phone's own page opens a session")
            if all(one.openid != wish.openid for one in self.desk.people()):
                raise HTTPException(404, "there is no such person")
            response.headers["cache-control"] = "no-store"
            return {"token": self._sessions.open(wish.openid)}

        @app.get("/phone/{name}", include_in_schema=False)
        def file(request: Request, name: str) -> Response:
            if name not in files:
                raise HTTPException(404, "the phone's page has no such file")
            return self._file(request, files[name])

        @app.websocket("/sim/phone")
        async def phone(socket: WebSocket) -> None:
            host = socket.headers.get("host", "")
            if not self._site.is_own_host(host) or not page_site.is_own_origin(socket.headers.get("origin"), host):
                await socket.close(CLOSE_WRONG)
                return
            await socket.accept()
            await Connection(socket, self).serve()

    def ask(self, openid: str, sn: str) -> bool:
        """Let the consent screen come up, as `wx.requestDeviceVoIP` does; False: no page is open, or no such device."""
        place = self._places.get(openid)
        device = next((one for one in self.desk.devices(openid) if one.sn == sn), None)
        if place is None or place.connection is None or device is None:
            return False
        place.phone.ask(device)
        return True

    def changed(self) -> None:
        """Show all pages their lists anew: devices or consents are others now."""
        for place in self._places.values():
            place.phone.tell_devices()

    def phone(self, openid: str) -> PagePhone | None:
        """Give a phone that is on."""
        place = self._places.get(openid)
        return place.phone if place is not None else None

    def close(self) -> None:
        """Switch every phone off; their connections end with the server."""
        for openid in list(self._places):
            self._switch_off(openid)

    # what a connection asks

    def enter(self, connection: Connection, token: str) -> PagePhone | None:
        """Let a page be the phone that its token says; None: no such token. An older page of that phone is closed."""
        openid = self._sessions.who(token)
        person = next((one for one in self.desk.people() if one.openid == openid), None)
        if openid is None or person is None:
            return None
        place = self._places.get(openid)
        if place is None:
            place = self._places[openid] = _Place(PagePhone(self.rooms, self.desk, person, self._clock))
        if place.connection is not None:
            place.connection.move()
        if place.alarm is not None:
            place.alarm.cancel()
        place.connection, place.alarm = connection, None
        place.phone.filled = connection.wake
        place.phone.open()
        log.info("phone opened", openid=openid)
        return place.phone

    def left(self, connection: Connection) -> None:
        """Notice that a page is gone; its phone is on for a while."""
        for openid, place in self._places.items():
            if place.connection is connection:
                place.connection = None
                place.phone.filled = lambda: None
                place.phone.shut()
                loop = asyncio.get_running_loop()
                place.alarm = loop.call_later(self._away_s, self._switch_off, openid)
                log.info("phone closed", openid=openid)
                return

    def _switch_off(self, openid: str) -> None:
        place = self._places.pop(openid)
        if place.alarm is not None:
            place.alarm.cancel()
        if place.connection is not None:
            place.connection.move()
        place.phone.leave()

    def _file(self, request: Request, file: tuple[bytes, str]) -> Response:
        self._own_host(request)
        return Response(file[0], media_type=file[1], headers=page_site.headers(request.headers["host"]))

    def _own_host(self, request: Request) -> str:
        host = request.headers.get("host", "")
        if not self._site.is_own_host(host):
            raise HTTPException(421, "the phone's page is not served under this name")
        return host
