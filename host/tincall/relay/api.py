"""The operators' API on the web port: devices, phones, calls. The command line uses it and nothing else.

Every route but the two health checks wants the operator token. Every refusal is RFC 9457 JSON with a `reason` for
machines and a `detail` for people. Requests are strict: an unknown field is refused, since it is a mistake of somebody.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

import tincall
from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.cdr import LIST_MAX, Records, UnknownCall
from tincall.relay.device_rows import MTLS
from tincall.relay.registry import Registry, Rejected
from tincall.relay.switchboard import CallRefused
from tincall.relay.tap import Tap
from tincall.relay.web_guard import MEDIA_TYPE, Guard, problem

STATUS_OF = {
    "bad_value": 400,
    "unknown": 404,
    "unknown_contact": 404,
    "exists": 409,
    "over": 409,
    "silent": 409,
    "not_connected": 409,
    "busy": 409,
    "not_for_operators": 409,
}
HINTS = {
    "not_for_operators": "The phones are people's own: they call from the mini program.",
    "not_connected": "The board has no link to the relay; see what it says, and `tincall devices`.",
    "unknown_contact": "The settings of the relay name the phones, under [[phones]].",
    "busy": "`tincall calls` shows the call that goes on.",
}

log = get("relay.api")


class Exchange(Protocol):
    """What the API asks of the switchboard."""

    def phone_calls(self, sn: str, phone_id: str) -> str:
        """Let a phone call a board; gives the call's id."""
        ...

    def hangup(self, call_id: str) -> bool:
        """End a call for the operator; False: it is not live."""
        ...

    def live(self) -> list[dict[str, Any]]:
        """Give the calls that are live."""
        ...

    def tap(self, call_id: str, party: str) -> Tap | None:
        """Listen to one party of a call; None: nobody talks in it."""
        ...

    def online(self, sn: str) -> dict[str, Any] | None:
        """Say what is known of a board's link; None: it has none."""
        ...


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


SerialNumber = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,128}$")]
CallId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Party = Annotated[Literal["device", "phone"], Query()]


class Enrolment(_Strict):
    """A device to enrol."""

    sn: SerialNumber
    model_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")] = "tincall"
    name: Annotated[str, Field(max_length=64)] = ""
    profile: Literal["hmac", "mtls"] = "hmac"


class PhoneCall(_Strict):
    """A call that a phone makes."""

    sn: SerialNumber
    phone: Annotated[str, Field(min_length=1, max_length=64)]


class ProblemBody(BaseModel):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    reason: str
    detail: str
    hint: str = ""


REFUSALS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemBody, "description": "Refused."},
    "503": {"model": ProblemBody, "description": "Not possible at the moment."},
}


class Api:
    """The routes.

    Args:
        registry: devices.
        records: call records.
        exchange: the switchboard.
        phones: `id` and `name` of every phone there is.
    """

    def __init__(
        self, registry: Registry, records: Records, exchange: Exchange, phones: Callable[[], list[dict[str, str]]]
    ) -> None:
        self._registry = registry
        self._records = records
        self._exchange = exchange
        self._phones = phones

    async def livez(self) -> dict[str, Any]:
        """Say that the loop turns."""
        return {"live": True, "version": tincall.__version__}

    async def readyz(self, response: Response) -> dict[str, Any]:
        """Say whether calls can be made: the database can be written."""
        try:
            await self._records.ready()
        except OperatorError as error:
            response.status_code = 503
            return {"ready": False, "reasons": [error.message]}
        return {"ready": True, "reasons": []}

    async def devices(self) -> dict[str, Any]:
        """List the devices, each with its link if it has one."""
        return {"devices": [self._device(device.sn) for device in self._registry.list()]}

    async def device(self, sn: SerialNumber) -> dict[str, Any]:
        """Show one device."""
        if self._registry.get(sn) is None:
            raise Rejected("unknown", f"No device {sn} is enrolled.")
        return self._device(sn)

    async def enrol(self, asked: Enrolment) -> dict[str, Any]:
        """Enrol a device; the answer holds its key, with profile `mtls` a certificate and its private key, this one time."""
        if asked.profile == MTLS:
            issued = await self._registry.enrol_certified(asked.sn, asked.model_id, asked.name)
            cert, secret = (base64.b64encode(one).decode("ascii") for one in (issued.certificate, issued.secret))
            return {**self._device(asked.sn), "key": secret, "cert": cert}
        key = await self._registry.enrol(asked.sn, asked.model_id, asked.name)
        return {**self._device(asked.sn), "key": base64.b64encode(key).decode("ascii")}

    async def forget(self, sn: SerialNumber) -> dict[str, Any]:
        """End a device's enrolment; its link is closed."""
        await self._registry.forget(sn)
        return {"forgotten": sn}

    async def phones(self) -> dict[str, Any]:
        """List the phones."""
        return {"phones": self._phones()}

    async def call(self, asked: PhoneCall) -> dict[str, Any]:
        """Let a phone call a board; answers as soon as the call is under way."""
        if self._registry.get(asked.sn) is None:
            raise Rejected("unknown", f"No device {asked.sn} is enrolled.", "`tincall devices` lists them.")
        return {"call": self._exchange.phone_calls(asked.sn, asked.phone)}

    async def calls(
        self, limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 50, sn: Annotated[SerialNumber | None, Query()] = None
    ) -> dict[str, Any]:
        """List the newest call records, and what is live."""
        return {"calls": await self._records.list(limit, sn or ""), "live": self._exchange.live()}

    async def record(self, call_id: CallId) -> dict[str, Any]:
        """Show one call record; of a live call with the packets so far, and the figures that its board told last."""
        record = await self._records.get(call_id)
        live = next((call for call in self._exchange.live() if call["call_id"] == call_id), None)
        if live is None or record["state"] == "ended":
            return record
        packets = {way: {name: live[way][name] for name in record[way]} for way in ("up", "down")}
        return {**record, **packets, "board_stats": live["board_stats"]}

    async def hangup(self, call_id: CallId) -> dict[str, Any]:
        """End a live call; one that is over stays as it is."""
        if not self._exchange.hangup(call_id):
            record = await self._records.get(call_id)
            raise Rejected("over", f"Call {call_id} is {record['state']}.", "`tincall calls` shows how it went.")
        return {"call": call_id}

    async def rtp(self, call_id: CallId, party: Party) -> StreamingResponse:
        """Give what one party says from now on until the call ends: RTP packets, framed by RFC 4571."""
        tap = self._exchange.tap(call_id, party)
        if tap is None:
            record = await self._records.get(call_id)
            raise Rejected("silent", f"Nobody talks in call {call_id}: it is {record['state']}.")
        return StreamingResponse(tap.frames(), media_type="application/octet-stream")

    def _device(self, sn: str) -> dict[str, Any]:
        device = self._registry.get(sn)
        shown = device.public() if device else {"sn": sn}
        return shown | {"link": self._exchange.online(sn)}


def operator_only(token: str) -> Callable[[Request], Awaitable[None]]:
    """Make the dependency of routes that are for operators.

    Args:
        token: what operators show; at least 32 characters.
    """

    async def operator(request: Request) -> None:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        is_bearer = scheme.lower() == "bearer"
        if not hmac.compare_digest(shown.strip().encode("utf-8", "replace"), token.encode()) or not is_bearer:
            raise HTTPException(401, "The operator token is missing or wrong.", {"WWW-Authenticate": "Bearer"})

    return operator


def build(api: Api, token: str, more: Sequence[APIRouter] = (), bodies: Mapping[str, int] | None = None) -> FastAPI:
    """Make the application.

    Args:
        api: the routes.
        token: what operators show; at least 32 characters.
        more: further routes, which see to it themselves who may use them.
        bodies: paths where bodies may have another length than `web_guard.BODY_MAX_BYTES`.
    """

    app = FastAPI(title="Tincall", version=tincall.__version__, docs_url=None, redoc_url=None)
    health = APIRouter()
    health.add_api_route("/livez", api.livez)
    health.add_api_route("/readyz", api.readyz, responses={503: {"description": "Not ready."}})
    guarded = APIRouter(prefix="/v1", dependencies=[Depends(operator_only(token))], responses=REFUSALS)
    for method, path, route, status in (
        ("GET", "/devices", api.devices, 200),
        ("POST", "/devices", api.enrol, 201),
        ("GET", "/devices/{sn}", api.device, 200),
        ("DELETE", "/devices/{sn}", api.forget, 200),
        ("GET", "/phones", api.phones, 200),
        ("POST", "/calls", api.call, 201),
        ("GET", "/calls", api.calls, 200),
        ("GET", "/calls/{call_id}", api.record, 200),
        ("POST", "/calls/{call_id}/hangup", api.hangup, 202),
        ("GET", "/calls/{call_id}/rtp", api.rtp, 200),
    ):
        guarded.add_api_route(path, route, methods=[method], status_code=status)
    app.include_router(health)
    app.include_router(guarded)
    for router in more:
        app.include_router(router)
    app.exception_handler(OperatorError)(_operator_error)
    app.exception_handler(CallRefused)(_call_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(Exception)(_bug)
    app.add_middleware(Guard, bodies=bodies or {})
    return app


def _refuse(status: int, reason: str, detail: str, hint: str = "", headers: Any = None) -> JSONResponse:
    return JSONResponse(problem(status, reason, detail, hint), status, headers, media_type=MEDIA_TYPE)


async def _operator_error(request: Request, error: OperatorError) -> JSONResponse:
    if isinstance(error, UnknownCall):
        return _refuse(404, "unknown", error.message, error.hint)
    if isinstance(error, Rejected):
        return _refuse(STATUS_OF[error.reason], error.reason, error.message, error.hint)
    log.error("request failed", path=request.url.path, reason=error.message)
    return _refuse(503, getattr(error, "reason", "unavailable"), error.message, error.hint)


async def _call_refused(request: Request, error: CallRefused) -> JSONResponse:
    return _refuse(STATUS_OF.get(error.reason, 503), error.reason, error.detail, HINTS.get(error.reason, ""))


async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    """Name the first field that is wrong; what was sent is not repeated."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    return _refuse(400, "bad_request", f"{where}: {first['msg']}.")


async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    reason = {401: "auth_failed", 404: "not_found", 405: "bad_request"}.get(error.status_code, "bad_request")
    return _refuse(error.status_code, reason, str(error.detail), headers=error.headers)


async def _bug(request: Request, error: Exception) -> JSONResponse:
    """Tell nothing of our own bug; the server logs it with its traceback."""
    return _refuse(500, "bug", "The relay failed at this; its log says more.")
