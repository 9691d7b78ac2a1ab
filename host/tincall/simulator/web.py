"""The simulator's web application: the platform's HTTP paths, answered by the model, and whatever is mounted beside them.

Answers have status 200 also when they are refusals, as the platform's do; only planned faults have others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from tincall.simulator import cloud, web_control, web_rooms
from tincall.simulator.room import Room
from tincall.simulator.service import Service

JSON = "application/json; encoding=utf-8"
GARBAGE = b'{"errcode":0,"errm'


class _Dropped(Response):
    """No answer: the connection is closed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise a body and send none, which makes the server close the connection."""
        headers = [(b"content-length", b"1"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if self.background is not None:
            await self.background()


def build(service: Service) -> FastAPI:
    """Make the web application of a simulator: the platform, room ends, controls. Phones' pages are mounted by others."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for _, path in service.cloud.paths():
        app.add_api_route(path, _route(service), methods=["GET", "POST"], include_in_schema=False)
    web_rooms.mount(app, service.rooms)
    web_control.mount(app, service)
    return app


def _route(service: Service) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody hears it
        if body is None:
            return Response(status_code=413)
        asked = cloud.Request(request.method, request.url.path, dict(request.query_params), body)
        reply = service.cloud.request(asked)
        fault = reply.fault
        due = reply.room if reply.room is not None and await service.before_answer(reply.room) else None
        if fault is not None and fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault is not None and fault.kind == "http":
            return Response(b"<html><body>Bad Gateway</body></html>", fault.http_status, media_type="text/html")
        # what is in the background runs when the answer is on the wire
        after = BackgroundTask(_announce, service, due) if due is not None else None
        if fault is not None and fault.kind in ("drop", "lost_answer"):
            return _Dropped(background=after)
        if fault is not None and fault.kind == "garbage":
            return Response(GARBAGE, media_type=JSON)
        return Response(json.dumps(reply.fields), media_type=JSON, background=after)

    return answer


async def _announce(service: Service, room: Room) -> None:
    service.announce(room)


async def _body(request: Request) -> bytes | None:
    """Read a body; None: it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > cloud.BODY_MAX_BYTES:
            return None
    return body
