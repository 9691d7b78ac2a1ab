"""The mini program behind the browser phones: it talks to the relay as the sample in `host/miniprogram` does.

Rules: the relay is where pushes go, so there is no second address to keep. Each person logs in with a code of the platform
and keeps the session until the relay refuses it. Lists are asked for in the background and shown when they have come. Consent
is the platform's: what is shown comes from there, and what a person decides goes there first and is then told to the relay.
A call begins with a payload of the relay, and its end is reported, since the platform tells no server of a user who cancels.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from tincall.logs import get
from tincall.simulator.accounts import ANY
from tincall.simulator.numbers import Refused
from tincall.simulator.page_phone import Device, Person
from tincall.simulator.page_words import ALLOWED, DENIED, NO_ANSWER_YET
from tincall.simulator.room import TABLE, Room
from tincall.simulator.service import Service

APP_NAME = "Tincall"
PREFIX = "/v1/mini"
ASK_S = 10.0
# how old a list may be before it is asked for again
FRESH_S = 2.0
TASKS_MAX = 256
# the plug-in's number for a request to the mini program's own server that failed
REQUEST_FAILED = 1002
ALREADY = 10001
REFUSED_ONCE = 10021
LIVE = tuple({state for state, _ in TABLE})
# what the plug-in calls the ends of a call
EVENTS = {
    "refused": "abortVoip",
    "busy": "busy",
    "rejected": "rejectVoip",
    "timeout": "timeout",
    "peer_wait_timeout": "abortVoip",
    "aborted": "abortVoip",
}
NO_DOOR = "Opening the door is not available yet: this board's relay has no such action."

log = get("simulator.mini_program")


class MiniProgram:
    """The desk of the browser phones; made inside an event loop.

    Args:
        service: the platform.

    Attributes:
        app_name: what people call it.
        changed: called when a list is another one now.
        ask: called with openid and serial number when a board is new to somebody; brings the consent screen up.
    """

    def __init__(self, service: Service) -> None:
        self.app_name = APP_NAME
        self.changed: Callable[[], None] = lambda: None
        self.ask: Callable[[str, str], object] = lambda openid, sn: None
        self._service = service
        self._loop = asyncio.get_running_loop()
        self._made: httpx.AsyncClient | None = None
        self._sessions: dict[str, str] = {}
        self._boards: dict[str, dict[str, dict[str, Any]]] = {}
        self._asked_s: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what is under way, and the connections to the relay."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._made is not None:
            await self._made.aclose()

    # what the phones ask

    def people(self) -> Sequence[Person]:
        """See `Desk.people`."""
        appid = self._service.console.appid
        users = self._service.cloud.accounts.users.values()
        return [Person(user.openid, user.name or user.openid) for user in users if user.appid == appid]

    def devices(self, openid: str) -> Sequence[Device]:
        """See `Desk.devices`; gives what is known, and asks the relay when that is old."""
        now_s = self._loop.time()
        if now_s - self._asked_s.get(openid, -FRESH_S) >= FRESH_S:
            self._asked_s[openid] = now_s
            self._start(self._refresh(openid))
        boards = self._boards.get(openid, {})
        return [Device(sn, board["name"], "", self._consent(openid, sn)) for sn, board in boards.items()]

    def decide(self, openid: str, sn: str, allow: bool) -> None:
        """See `Desk.decide`."""
        self._start(self._decide(openid, sn, allow))

    async def place(self, openid: str, sn: str, room_type: str) -> Room:
        """See `Desk.place`."""
        permit = await self._request(openid, "POST", "/calls", {"sn": sn, "room_type": room_type})
        room = self._service.rooms.place(openid, sn, permit["model_id"], permit["payload"], room_type)
        self._start(self._report(openid, permit["call"], room))
        return room

    async def press(self, room: Room) -> tuple[bool, str]:
        """See `Desk.press`."""
        return False, NO_DOOR

    # in the background

    async def _refresh(self, openid: str) -> None:
        before = self._boards.get(openid)
        listed = (await self._request(openid, "GET", "/devices"))["devices"]
        boards = self._boards[openid] = {board["sn"]: board for board in listed}
        if boards != before:
            self.changed()
        for sn in boards:
            if (before is None or sn not in before) and self._consent(openid, sn) == NO_ANSWER_YET:
                self.ask(openid, sn)

    async def _decide(self, openid: str, sn: str, allow: bool) -> None:
        """Ask the platform as the first prompt does, or turn the switch of its settings page; then tell the relay."""
        accounts = self._service.cloud.accounts
        if self._consent(openid, sn) == NO_ANSWER_YET:
            ticket = await self._request(openid, "POST", "/ticket", {"sn": sn})
            try:
                accounts.request_consent(openid, sn, ticket["model_id"], ticket["sn_ticket"], allow)
            except Refused as refused:
                if refused.number not in (ALREADY, REFUSED_ONCE):
                    raise
        else:
            accounts.set_consent(openid, sn, allow)
        self.changed()
        await self._request(openid, "POST", "/consent", {"sn": sn, "state": "granted" if allow else "refused"})

    async def _report(self, openid: str, call_id: str, room: Room) -> None:
        await self._service.until(room, *LIVE)
        if room.why == "cancelled":
            await self._request(openid, "POST", f"/calls/{call_id}/cancelled", {"reason": "manual"})
            return
        told = {"event": EVENTS.get(room.why, "finishVoip"), "keep_time": room.facts()["talk_ms"] // 1000}
        await self._request(openid, "POST", f"/calls/{call_id}/ended", told)

    def _consent(self, openid: str, sn: str) -> str:
        user = self._service.cloud.accounts.users[openid]
        if sn in user.refused:
            return DENIED
        return ALLOWED if sn in user.consents or ANY in user.consents else NO_ANSWER_YET

    # the relay

    async def _request(self, openid: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the relay; logs in when there is no session, and once more when the relay knows it no longer.

        Raises:
            Refused: the relay refused or is not to be reached; says why.
        """
        for attempt in (1, 2):
            if openid not in self._sessions:
                code = self._service.cloud.accounts.login(openid)
                self._sessions[openid] = (await self._send("POST", "/login", {"code": code}, ""))[1]["session"]
            status, answer = await self._send(method, path, body, self._sessions[openid])
            if status != 401 or attempt == 2:
                break
            del self._sessions[openid]
        if status >= 400:
            raise Refused(REQUEST_FAILED, str(answer.get("detail", status)))
        return answer

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None, session: str
    ) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(self._service.pusher.url)
        if not parts.netloc:
            raise Refused(REQUEST_FAILED, "no push URL has been entered, so nobody knows where the relay is")
        headers = {"authorization": f"Bearer {session}"} if session else {}
        url = f"{parts.scheme}://{parts.netloc}{PREFIX}{path}"
        try:
            response = await self._client.request(method, url, json=body, headers=headers)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Refused(REQUEST_FAILED, f"the relay did not answer: {type(error).__name__}") from None
        if not isinstance(answer, dict) or (not session and response.status_code >= 400):
            raise Refused(REQUEST_FAILED, f"the relay answered {response.status_code}")
        return response.status_code, answer

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            self._made = httpx.AsyncClient(trust_env=False, verify=self._service.pusher.verify, timeout=ASK_S)
        return self._made

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._tasks) >= TASKS_MAX:
            work.close()
            log.warning("too much is under way")
            return
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, Refused):
            log.warning("the mini program could not do it", why=str(error))
        elif error is not None:
            log.error("the mini program failed", exc_info=error)
