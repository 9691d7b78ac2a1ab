"""The simulator's own controls, `/sim/...`: what a person does at a phone, in the console or in a test.

Every path wants the control token as bearer token, so that no page of a browser on this machine plays with it.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from tincall.simulator.accounts import User
from tincall.simulator.faults import Fault
from tincall.simulator.numbers import Refused
from tincall.simulator.service import Service

Openid = Annotated[str, Field(min_length=1, max_length=128)]
Text = Annotated[str, Field(max_length=255)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class DeviceCall(_Strict):
    """What the mini program's `callDevice` takes."""

    openid: Openid
    sn: Text
    model_id: Text
    payload: Text
    room_type: Literal["voice", "video"] = "voice"
    time_limit_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 0


class Cancel(_Strict):
    """A room that its caller leaves."""

    room_id: Text


class NewUser(_Strict):
    """A user who appears, with or without consent to every device."""

    openid: Openid
    name: Text = ""
    consents: Annotated[list[Text], Field(max_length=64)] = Field(default_factory=list)


class Login(_Strict):
    """Who calls `wx.login`."""

    openid: Openid


class ConsentRequest(_Strict):
    """What `wx.requestDeviceVoIP` takes, and what the user answers."""

    openid: Openid
    sn: Text
    model_id: Text
    sn_ticket: Annotated[Text, Field(repr=False)]
    accepts: bool = True


class ConsentSwitch(_Strict):
    """A switch on the settings page."""

    openid: Openid
    sn: Text
    accepts: bool


class Console(_Strict):
    """What is entered in the console's message push page."""

    url: Annotated[str, Field(pattern=r"^https?://", max_length=512)]
    form: Literal["json", "xml"] | None = None


class Event(_Strict):
    """An event that is none of calls."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_]{1,64}$")]
    openid: Openid


class Verb(_Strict):
    """What a phone does by hand."""

    openid: Openid
    verb: Literal["answer", "reject", "hang_up", "mute", "unmute"]


class Controls:
    """The routes.

    Args:
        service: what they control.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.router = APIRouter(prefix="/sim", dependencies=[Depends(self._admit)], include_in_schema=False)
        post = self.router.post
        post("/call")(self.call)
        post("/cancel")(self.cancel)
        post("/users")(self.add_user)
        post("/login")(self.login)
        post("/consent")(self.consent)
        post("/consent/switch")(self.switch_consent)
        post("/console")(self.console)
        post("/event")(self.event)
        post("/faults")(self.add_fault)
        post("/phone")(self.phone)
        self.router.get("/ledger")(self.ledger)

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {self._service.console.control_token}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise HTTPException(401, "the control token is wanted; platform.toml has it")

    async def call(self, asked: DeviceCall) -> dict[str, Any]:
        """Let a user call a device, as the mini program's `callDevice` does."""
        try:
            room = self._service.call_device(
                asked.openid, asked.sn, asked.model_id, asked.payload, asked.room_type, asked.time_limit_ms
            )
        except Refused as refused:
            return _refusal(refused)
        return {"errcode": 0, "errmsg": "ok", "room_id": room.keys.room_id}

    async def cancel(self, asked: Cancel) -> dict[str, Any]:
        """Let the calling user hang up. The relay is told nothing, as on the real platform."""
        return {"done": self._service.rooms.cancel(asked.room_id)}

    async def add_user(self, asked: NewUser) -> dict[str, Any]:
        """Add a user, or replace one."""
        appid = self._service.console.appid
        user = User(asked.openid, appid, asked.name, set(asked.consents))
        self._service.cloud.accounts.add_user(user)
        return {"done": True}

    async def login(self, asked: Login) -> dict[str, Any]:
        """Give the code of `wx.login`."""
        try:
            return {"js_code": self._service.cloud.accounts.login(asked.openid)}
        except Refused as refused:
            return _refusal(refused)

    async def consent(self, asked: ConsentRequest) -> dict[str, Any]:
        """Do what `wx.requestDeviceVoIP` does."""
        try:
            self._service.cloud.accounts.request_consent(
                asked.openid, asked.sn, asked.model_id, asked.sn_ticket, asked.accepts
            )
        except Refused as refused:
            return _refusal(refused)
        return {"errcode": 0, "errmsg": "ok"}

    async def switch_consent(self, asked: ConsentSwitch) -> dict[str, Any]:
        """Switch consent on the settings page; nobody tells the relay."""
        try:
            self._service.cloud.accounts.set_consent(asked.openid, asked.sn, asked.accepts)
        except Refused as refused:
            return _refusal(refused)
        return {"errcode": 0, "errmsg": "ok"}

    async def console(self, asked: Console) -> dict[str, Any]:
        """Enter the push URL, which is checked first and only kept when the check is passed."""
        if not await self._service.pusher.check_url(asked.url):
            return {"done": False}
        self._service.pusher.url = asked.url
        if asked.form is not None:
            self._service.plan = self._service.plan.model_copy(update={"form": asked.form})
        return {"done": True}

    async def event(self, asked: Event) -> dict[str, Any]:
        """Push an event that the relay does not know."""
        sent = await self._service.push_event(asked.name, asked.openid)
        return {"answer": sent.body.decode("utf-8", "replace")[:256]}

    async def add_fault(self, asked: Fault) -> dict[str, Any]:
        """Plan what the next answers of an API are."""
        if asked.api not in [path for _, path in self._service.cloud.paths()]:
            raise HTTPException(404, "there is no such API")
        try:
            self._service.cloud.faults.add(asked)
        except ValueError as error:
            raise HTTPException(409, str(error)) from None
        return {"done": True}

    async def phone(self, asked: Verb) -> dict[str, Any]:
        """Let a phone do something."""
        line = self._service.rooms.line(asked.openid)
        if line is None:
            raise HTTPException(404, "this phone is not on")
        if asked.verb in ("mute", "unmute"):
            line.mute(asked.verb == "mute")
            return {"done": True}
        verbs = {"answer": line.answer, "reject": line.reject, "hang_up": line.hang_up}
        return {"done": verbs[asked.verb]()}

    async def ledger(self) -> dict[str, Any]:
        """Give all that happened; no secrets."""
        book = self._service.ledger
        rooms = self._service.rooms
        return {
            "facts": list(book.facts),
            "remarks": list(book.remarks),
            "rooms": rooms.facts(),
            "live": len(rooms.live()),
            "pending": self._service.pending,
            "phones": rooms.phones(),
        }


def _refusal(refused: Refused) -> dict[str, Any]:
    return {"errcode": refused.number, "errmsg": str(refused)}


def mount(app: FastAPI, service: Service) -> None:
    """Add the controls to the simulator's web application."""
    app.include_router(Controls(service).router)
