"""What stands before the API's routes: a bound on bodies, and one form for every refusal (RFC 9457).

Bodies are read whole before a route sees the request, since all of them are small; what is longer is refused unread.
"""

import http
import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX_BYTES = 16 * 1024  # an operator's longest body has some 300 bytes
MEDIA_TYPE = "application/problem+json"


def problem(status: int, reason: str, detail: str, hint: str = "") -> dict[str, Any]:
    """Make the body of a refusal.

    Args:
        status: HTTP status, 400 to 599.
        reason: one word for machines.
        detail: one sentence for people.
        hint: what to do, if there is something.
    """
    told = {"type": "about:blank", "title": http.HTTPStatus(status).phrase, "status": status}
    told |= {"reason": reason, "detail": detail}
    return told | {"hint": hint} if hint else told


class Guard:
    """ASGI middleware: reads bodies within the bound, and forbids caching of every answer.

    Args:
        app: what comes after.
        bodies: paths where bodies may have another length than `BODY_MAX_BYTES`.
    """

    def __init__(self, app: ASGIApp, bodies: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._bodies = dict(bodies or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"cache-control", b"no-store")]
            await send(message)

        most = self._bodies.get(scope["path"], BODY_MAX_BYTES)
        body = await _whole_body(receive, most)
        if body is None:
            await _refuse_large(send_private, most)
            return
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_whole() -> Message:
            return given.pop() if given else await receive()

        await self._app(scope, receive_whole, send_private)


async def _whole_body(receive: Receive, most: int) -> bytes | None:
    """Read a body; None when it is longer than the bound, or the client left."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return body


async def _refuse_large(send: Send, most: int) -> None:
    told = problem(413, "too_large", f"A body has at most {most} bytes.")
    data = json.dumps(told).encode()
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(data)).encode())]
    headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": data})
