"""The push callback on the web port: `GET /wechat/push` for the console's check, `POST /wechat/push` for events.

The signature comes first: until it is right, nothing is decrypted, stored or told, and the answer is a 4xx. The routes want
no operator token and work behind a reverse proxy, since nothing here depends on the address of who asks.
"""

from __future__ import annotations

import json
from typing import Any, Protocol

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tincall.clock import Clock
from tincall.logs import get
from tincall.relay.web_guard import MEDIA_TYPE, problem
from tincall.wechat import points
from tincall.wechat.notify import Answer
from tincall.wechat.pushes import BODY_MAX_BYTES, PushKeys, PushRefused, check_url, open_push, seal_answer

PATH = "/wechat/push"
# what the guard before all routes must let through
BODIES = {PATH: BODY_MAX_BYTES}
HEARD = "success"  # the platform's word for: no answer is needed, and none is to be repeated

log = get("wechat.web")


class Judge(Protocol):
    """Who decides about events; `notify.Notify`."""

    async def take(self, event: dict[str, Any]) -> Answer | None:
        """Judge an event; None: another one, to be answered `HEARD`."""
        ...

    def answered(self, answer: Answer) -> None:
        """Hear that the answer is out."""
        ...


class PushRoutes:
    """The callback of one mini program.

    Args:
        keys: what the console and this relay share.
        judge: who decides.
        clock: the time.
        is_sealed: answer encrypted, where the platform wants it.
    """

    def __init__(self, keys: PushKeys, judge: Judge, clock: Clock, is_sealed: bool = False) -> None:
        self._keys = keys
        self._judge = judge
        self._clock = clock
        self._is_sealed = is_sealed

    def router(self) -> APIRouter:
        """Give the routes; they stand in no description of the API, since only the platform uses them."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route(PATH, self.check, methods=["GET"])
        router.add_api_route(PATH, self.push, methods=["POST"])
        return router

    async def check(self, request: Request) -> Response:
        """Answer the console's check of the URL."""
        try:
            return PlainTextResponse(check_url(request.query_params, self._keys.token))
        except PushRefused as refused:
            return _refuse(refused)

    async def push(self, request: Request) -> Response:
        """Take an event."""
        body = await request.body()
        content_type = request.headers.get("content-type", "")
        try:
            now_s = self._clock.unix_ms() / 1000
            event = open_push(request.query_params, body, content_type, self._keys, now_s)
        except PushRefused as refused:
            return _refuse(refused)
        answer = await self._judge.take(event)
        if answer is None:
            return PlainTextResponse(HEARD)
        text = json.dumps({"errcode": answer.number, "errmsg": answer.text}, separators=(",", ":"))
        kind = "application/json"
        if self._is_sealed:
            as_xml = body.lstrip()[:1] == b"<"
            kind = "text/xml" if as_xml else kind
            nonce, now_s = request.query_params["nonce"], self._clock.unix_ms() // 1000
            text = seal_answer(text, self._keys, nonce, now_s, as_xml)
        points.reached(points.BEFORE_ANSWER)
        return Response(text, media_type=kind, background=BackgroundTask(self._answered, answer))

    async def _answered(self, answer: Answer) -> None:
        self._judge.answered(answer)


def _refuse(refused: PushRefused) -> Response:
    log.warning("a push is not the platform's", reason=refused.reason)
    told = problem(refused.status, refused.reason, refused.detail)
    return Response(json.dumps(told), refused.status, media_type=MEDIA_TYPE)
