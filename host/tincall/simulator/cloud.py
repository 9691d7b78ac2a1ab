"""The platform's server APIs as a model: a request in, the answer out, strict about everything; no I/O.

Order of checks, as the platform's own errors show it: method (43001, 43002), empty body (44002), form of the body (47001),
access token (41001, 40014, 40001, 42001), quota (45009, 45011), then what the API itself finds. The fault plan stands
before all of them. Every answer but a token's carries `errcode` and `errmsg`, and a failed one its rid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from tincall.clock import Clock
from tincall.ids import Random
from tincall.leg import OUT
from tincall.simulator import bodies
from tincall.simulator.accounts import Accounts
from tincall.simulator.bodies import Body
from tincall.simulator.faults import Fault, FaultPlan
from tincall.simulator.groups import Groups
from tincall.simulator.ledger import Ledger
from tincall.simulator.numbers import ERRORS, Refused
from tincall.simulator.room import Order, Room
from tincall.simulator.rooms import Rooms
from tincall.simulator.tokens import EXPIRED, REPLACED, Quotas, Tokens

BODY_MAX_BYTES = 64 * 1024
RIDS_MAX = 1024
# what the relay's own rule allows, so that the call token fits wherever it has to go
PAYLOAD_SAFE_CHARS = 127
CALL = "/wxa/business/iot/voip/call"
SEND = "/cgi-bin/message/device/subscribe/send"
CALLBACK_ADDRESSES = ["127.0.0.1"]
DEVICES_A_CALL = 100

Query = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """One HTTP request to the platform.

    Args:
        method: `GET` or `POST`.
        path: without the query.
        query: its parameters.
        body: as it came.
    """

    method: str
    path: str
    query: Query = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Args:
        fields: the JSON document.
        fault: what happens to it on its way; None: nothing.
        room: a room that was made and whose push is due.
    """

    fields: dict[str, Any] = field(repr=False)
    fault: Fault | None = None
    room: Room | None = None


Handler = Callable[["Asked"], dict[str, Any]]


@dataclass
class Asked:
    """What a handler gets.

    Args:
        appid: whose access token it was; empty where none is wanted.
        query: the request's parameters.
        body: the checked body; None for GET.
    """

    appid: str
    query: Query
    body: Any
    room: Room | None = None


@dataclass(frozen=True)
class _Api:
    handler: Handler
    model: type[Body] | None = None
    wants_token: bool = True
    is_mobile: bool = False


class Cloud:
    """The platform's APIs.

    Args:
        clock: the time.
        random: for ids and secrets.
        rooms: the platform's rooms; this sets their `place_call`.
        ledger: where to write what happens.

    Attributes:
        accounts, tokens, quotas, groups, faults: the platform's state.
    """

    def __init__(self, clock: Clock, random: Random, rooms: Rooms, ledger: Ledger) -> None:
        self.accounts = Accounts(clock, random)
        self.tokens = Tokens(clock, random)
        self.quotas = Quotas(clock)
        self.groups = Groups()
        self.faults = FaultPlan()
        self._random = random
        self._rooms = rooms
        self._ledger = ledger
        self._rids: dict[str, dict[str, Any]] = {}
        rooms.place_call = self.call_device
        self._apis = {
            "/cgi-bin/stable_token": _Api(self._stable_token, bodies.StableToken, wants_token=False),
            "/cgi-bin/token": _Api(self._plain_token, wants_token=False),
            "/sns/jscode2session": _Api(self._session, wants_token=False),
            "/cgi-bin/getcallbackip": _Api(lambda asked: {"ip_list": CALLBACK_ADDRESSES}),
            "/cgi-bin/openapi/quota/get": _Api(self._quota, bodies.QuotaGet),
            "/cgi-bin/openapi/rid/get": _Api(self._rid, bodies.RidGet),
            "/cgi-bin/clear_quota": _Api(self._clear_quota, bodies.ClearQuota),
            "/wxa/getsnticket": _Api(self._ticket, bodies.Ticket),
            CALL: _Api(self._call, bodies.VoipCall),
            "/wxa/business/group/createid": _Api(self._group_create, bodies.GroupCreate),
            "/wxa/business/group/getinfo": _Api(self._group_info, bodies.GroupInfo),
            "/wxa/business/group/adddevice": _Api(self._group_add, bodies.GroupAdd),
            "/wxa/business/group/removedevice": _Api(self._group_remove, bodies.GroupRemove),
            SEND: _Api(self._message, bodies.DeviceMessage),
            "/wxa/business/runtime/adddevice": _Api(self._add_device, bodies.AddDevice, is_mobile=True),
        }

    def paths(self) -> list[tuple[str, str]]:
        """List method and path of every API."""
        return [("POST" if api.model else "GET", path) for path, api in self._apis.items()]

    def request(self, request: Request) -> Reply:
        """Answer a request to a path of `paths`."""
        fault = self.faults.take(request.path)
        asked = Asked("", request.query, None)
        try:
            if fault is not None and fault.number:
                self._harm_token(request.query, fault.number)
                raise Refused(fault.number, "as planned")
            if fault is None or fault.kind in ("number", "lost_answer"):
                fields = self._answer(self._apis[request.path], request, asked)
            else:
                fields = {}
            number = 0
        except Refused as refused:
            number = refused.number
            fields = {"errcode": number, "errmsg": f"{refused} rid: {self._new_rid(request, number)}"}
        self._ledger.note("api", path=request.path, number=number, fault=fault.kind if fault else "")
        return Reply(fields, fault, asked.room)

    def call_device(self, order: Order) -> Room:
        """Make the room of a phone's call (`callDevice`); no consent is needed for it.

        Raises:
            Refused: 20, 17, 2, 15.
        """
        user = self.accounts.users.get(order.openid)
        if user is None:
            raise Refused(20)
        if not self.accounts.apps[user.appid].has_credit:
            raise Refused(15)
        if not order.payload or len(order.payload) > 255:
            raise Refused(47001, "payload")
        self.accounts.device(user.appid, order.sn, order.model_id)
        return self._rooms.make(replace(order, appid=user.appid))

    def _answer(self, api: _Api, request: Request, asked: Asked) -> dict[str, Any]:
        wanted = "POST" if api.model else "GET"
        if request.method != wanted:
            raise Refused(43002 if api.model else 43001)
        if api.model is not None:
            asked.body = _body(api.model, request.body)
        if api.wants_token:
            asked.appid = self.tokens.check(request.query.get("access_token", ""))
            if set(request.query) - {"access_token"}:
                self._ledger.remark("strange_parameter", path=request.path)
            if self.accounts.apps[asked.appid].mobile != api.is_mobile:
                raise Refused(48001)
            self.quotas.count(asked.appid, request.path)
        answer = api.handler(asked)
        return {"errcode": 0, "errmsg": "ok", **answer} if api.wants_token else answer

    # tokens and login

    def _stable_token(self, asked: Asked) -> dict[str, Any]:
        body: bodies.StableToken = asked.body
        if not body.appid:
            raise Refused(41002)
        if not body.secret:
            raise Refused(41004)
        if body.grant_type != "client_credential":
            raise Refused(40002)
        self.accounts.check_secret(body.appid, body.secret)
        self.quotas.count(body.appid, "/cgi-bin/stable_token")
        if body.force_refresh:
            self._ledger.remark("forced_refresh")
        token, seconds = self.tokens.stable(body.appid, body.force_refresh)
        return {"access_token": token, "expires_in": seconds}

    def _plain_token(self, asked: Asked) -> dict[str, Any]:
        query = asked.query
        if not query.get("appid"):
            raise Refused(41002)
        if not query.get("secret"):
            raise Refused(41004)
        if query.get("grant_type") != "client_credential":
            raise Refused(40002)
        self.accounts.check_secret(query["appid"], query["secret"])
        self.quotas.count(query["appid"], "/cgi-bin/token")
        token, seconds = self.tokens.plain(query["appid"])
        return {"access_token": token, "expires_in": seconds}

    def _session(self, asked: Asked) -> dict[str, Any]:
        query = asked.query
        if query.get("grant_type") != "authorization_code":
            raise Refused(40002)
        if not query.get("js_code"):
            raise Refused(41008)
        return dict(
            self.accounts.session(query.get("appid", ""), query.get("secret", ""), query["js_code"]),
        )

    # quota

    def _quota(self, asked: Asked) -> dict[str, Any]:
        if asked.body.cgi_path not in self._apis:
            raise Refused(76021)
        return {"quota": self.quotas.state(asked.appid, asked.body.cgi_path)}

    def _rid(self, asked: Asked) -> dict[str, Any]:
        if asked.body.rid not in self._rids:
            raise Refused(76001)
        return {"request": self._rids[asked.body.rid]}

    def _clear_quota(self, asked: Asked) -> dict[str, Any]:
        if asked.body.appid != asked.appid:
            raise Refused(40013)
        self.quotas.clear(asked.appid)
        return {}

    # devices and calls

    def _ticket(self, asked: Asked) -> dict[str, Any]:
        return {"sn_ticket": self.accounts.ticket(asked.appid, asked.body.sn, asked.body.model_id)}

    def _call(self, asked: Asked) -> dict[str, Any]:
        body: bodies.VoipCall = asked.body
        app = self.accounts.apps[asked.appid]
        if not app.is_onboarded:
            raise Refused(48001)
        if body.version_type == 0 and not app.is_approved:
            raise Refused(12)
        if not app.has_credit:
            raise Refused(15)
        self.accounts.device(asked.appid, body.sn, body.model_id)
        self.accounts.check_consent(self.accounts.user(body.openid, asked.appid), body.sn)
        if len(body.payload) > PAYLOAD_SAFE_CHARS or not body.payload.isascii() or " " in body.payload:
            self._ledger.remark("risky_payload", chars=len(body.payload))
        name = body.listener_name or body.sn
        order = Order(OUT, asked.appid, body.openid, body.sn, body.model_id, body.payload, body.room_type, name)
        asked.room = self._rooms.make(order)
        return {}

    def _add_device(self, asked: Asked) -> dict[str, Any]:
        if len(asked.body.device_id_list) > DEVICES_A_CALL:
            raise Refused(47001, "device_id_list")
        return {}

    # groups

    def _group_create(self, asked: Asked) -> dict[str, Any]:
        models = self.accounts.apps[asked.appid].models
        return {"group_id": self.groups.create(asked.appid, models, asked.body.model_id, asked.body.group_name)}

    def _group_info(self, asked: Asked) -> dict[str, Any]:
        return self.groups.info(asked.appid, asked.body.group_id)

    def _group_add(self, asked: Asked) -> dict[str, Any]:
        body: bodies.GroupAdd = asked.body
        devices = [(one.model_id, one.sn) for one in body.device_list]
        return {"device_list": self.groups.add(asked.appid, body.group_id, devices, body.force_add)}

    def _group_remove(self, asked: Asked) -> dict[str, Any]:
        body: bodies.GroupRemove = asked.body
        devices = [(one.model_id, one.sn) for one in body.device_list]
        return {"device_list": self.groups.remove(asked.appid, body.group_id, devices)}

    # messages

    def _message(self, asked: Asked) -> dict[str, Any]:
        body: bodies.DeviceMessage = asked.body
        app = self.accounts.apps[asked.appid]
        if body.template_id not in app.templates:
            raise Refused(40037)
        if body.page and body.page.split("?")[0] not in app.pages:
            raise Refused(41030)
        empty = [name for name, one in body.data.items() if not isinstance(one.get("value"), str) or not one["value"]]
        if empty:
            raise Refused(47003, f"data.{empty[0]}.value")
        for openid in body.to_openid_list:
            user = self.accounts.users.get(openid)
            if user is None or user.appid != asked.appid:
                raise Refused(40003)
            if not user.accepts_messages:
                raise Refused(43101)
        self._ledger.note("message", openids=list(body.to_openid_list), sn=body.sn, template=body.template_id)
        return {}

    def _harm_token(self, query: Query, number: int) -> None:
        """Let the used token really be what a planned answer says of it."""
        if number in (40001, 40014):
            self.tokens.kill(query.get("access_token", ""), REPLACED)
        elif number == 42001:
            self.tokens.kill(query.get("access_token", ""), EXPIRED)

    def _new_rid(self, request: Request, number: int) -> str:
        raw = self._random(16).hex()
        rid = f"{raw[:8]}-{raw[8:16]}-{raw[16:24]}"
        self._rids[rid] = {
            "request_url": request.path,
            "response_body": json.dumps({"errcode": number, "errmsg": ERRORS.get(number, "")}),
        }
        while len(self._rids) > RIDS_MAX:
            del self._rids[next(iter(self._rids))]
        return rid


def _body(model: type[Body], data: bytes) -> Body:
    """Read a body.

    Raises:
        Refused: 44002 or 47001.
    """
    if not data:
        raise Refused(44002)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        # without the value, which may be a secret
        first = error.errors(include_input=False, include_url=False)[0]
        raise Refused(47001, f"{'.'.join(map(str, first['loc']))} {first['type']}".strip()) from None
