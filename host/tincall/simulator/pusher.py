"""Delivers pushes to the relay: when, how often, in which form, with which flaw; and reads the answers.

One push is tried up to 4 times: again after an answer that is late, failed or not understood. Further copies may follow or
run beside it. Each try has a fresh nonce, timestamp and encryption, but for a replay. Answers are read strictly.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field

from tincall.clock import Clock
from tincall.simulator.envelope import BadAnswer, Envelope, verdict, write
from tincall.simulator.ledger import Ledger
from tincall.simulator.room import Room

RESENDS_MAX = 3
ANSWER_MAX_BYTES = 64 * 1024
# what a relay should need at most; the platform waits longer
SLOW_MS = 2000
EVENT = "iot_voip_notify"
ACTION = "join_voip_room"

Flaw = Literal["wrong_appid", "wrong_padding", "wrong_length", "wrong_signature", "wrong_key"]


class PushPlan(BaseModel):
    """How pushes are delivered.

    Attributes:
        order: a call's push goes out `after` the answer to the API call, `before` it, or `during` it.
        delay_ms: from then on.
        form: the console's data format.
        mode: the console's mode; the relay must refuse all but `security`.
        lost: nothing is sent at all.
        forged: pushes with these flaws go out first; the true one does too, unless `lost`.
        repeats: copies after the true one.
        concurrent: the copies run beside the true one.
        replay: the true one's very bytes are sent again after the call.
        answer: what the relay has to answer with.
        rings: `after_yes` of the relay; `at_call`: as soon as the API call succeeds; `before_push`: the push comes when the
            user has picked up.
        timeout_ms: how long an answer may take.
        resends: tries after the first one failed.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    order: Literal["after", "before", "during"] = "after"
    delay_ms: Annotated[int, Field(ge=0, le=600_000)] = 0
    form: Literal["json", "xml"] = "json"
    mode: Literal["security", "plain", "compatible"] = "security"
    lost: bool = False
    forged: Annotated[list[Flaw], Field(max_length=16)] = Field(default_factory=list)
    repeats: Annotated[int, Field(ge=0, le=5)] = 0
    concurrent: bool = False
    replay: bool = False
    answer: Literal["clear", "encrypted", "either"] = "clear"
    rings: Literal["after_yes", "at_call", "before_push"] = "after_yes"
    timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 5000
    resends: Annotated[int, Field(ge=0, le=RESENDS_MAX)] = RESENDS_MAX


@dataclass(frozen=True)
class Sent:
    """One try.

    Args:
        number: `errcode` of the answer; None: late, failed or not understood.
        body: the answer as it came.
        wire: what was sent: query, body and content type; for a replay.
    """

    number: int | None
    body: bytes
    wire: tuple[dict[str, str], bytes, str]


class Pusher:
    """Delivers pushes of one app.

    Args:
        clock: the calendar in pushes.
        ledger: where to write what happens.
        envelope: wraps.
        original_id: `gh_...` of the app.

    Attributes:
        url: the relay's push URL; empty: pushes get lost.
        verify: how the relay's certificate is checked.
    """

    def __init__(self, clock: Clock, ledger: Ledger, envelope: Envelope, original_id: str) -> None:
        self.url = ""
        self._clock = clock
        self._ledger = ledger
        self._envelope = envelope
        self._original_id = original_id
        self.verify: ssl.SSLContext | bool = True
        self._made: httpx.AsyncClient | None = None

    def trust(self, authority: str) -> None:
        """Trust a certificate authority of one's own, as a relay on this machine has it; before the first push.

        Args:
            authority: PEM file.
        """
        self.verify = ssl.create_default_context(cafile=authority)

    async def close(self) -> None:
        """End the connections to the relay."""
        if self._made is not None:
            await self._made.aclose()
            self._made = None

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._made is None:
            self._made = httpx.AsyncClient(trust_env=False, verify=self.verify)
        return self._made

    def notification(self, room: Room) -> dict[str, Any]:
        """Give the clear fields of a room's `iot_voip_notify`; with secrets."""
        return {
            **self.event(EVENT, room.order.openid),
            "Action": ACTION,
            "Payload": room.order.payload,
            "RoomId": room.keys.room_id,
            "SessionKey": room.keys.session_key,
            "ServerToken": room.keys.server_token,
            "ModelId": room.order.model_id,
            "Sn": room.order.sn,
        }

    def event(self, name: str, openid: str) -> dict[str, Any]:
        """Give the fields that every event has."""
        return {
            "ToUserName": self._original_id,
            "FromUserName": openid,
            "CreateTime": self._clock.unix_ms() // 1000,
            "MsgType": "event",
            "Event": name,
        }

    async def check_url(self, url: str) -> bool:
        """Check a push URL as the console does when it is entered: a signed `echostr` comes back unchanged."""
        echo = secrets.token_hex(10)
        timestamp, nonce = self._stamp()
        query = {**self._envelope.query(timestamp, nonce), "echostr": echo}
        try:
            answer = await self._client.get(url, params=query, timeout=5)
        except httpx.HTTPError as error:
            self._ledger.note("url_check", ok=False, why=type(error).__name__)
            return False
        is_good = answer.status_code == 200 and answer.content == echo.encode()
        self._ledger.note("url_check", ok=is_good, status=answer.status_code)
        return is_good

    async def send(self, fields: dict[str, Any], plan: PushPlan, flaw: str = "", number: int = 1) -> Sent:
        """Send one event once and read the answer.

        Args:
            fields: the clear event.
            plan: form and mode.
            flaw: what is wrong with it.
            number: which try it is.
        """
        return await self._post(self._wrap(fields, plan, flaw), plan, flaw, number)

    async def resend(self, sent: Sent, plan: PushPlan) -> Sent:
        """Send the very bytes of an earlier try again."""
        return await self._post(sent.wire, plan, "replayed", 1)

    async def deliver(self, fields: dict[str, Any], plan: PushPlan) -> Sent:
        """Send an event until it is answered in form, at most `1 + plan.resends` times; gives the last try."""
        for number in range(1, 2 + plan.resends):
            sent = await self.send(fields, plan, number=number)
            if sent.number is not None:
                break
        return sent

    def _wrap(self, fields: dict[str, Any], plan: PushPlan, flaw: str) -> tuple[dict[str, str], bytes, str]:
        timestamp, nonce = self._stamp()
        clear = write(fields, plan.form)
        kind = "application/json" if plan.form == "json" else "text/xml"
        query = {"openid": fields["FromUserName"]}
        if plan.mode == "plain":
            return {**self._envelope.query(timestamp, nonce), **query}, clear, kind
        sealed = self._envelope.seal(clear, flaw)
        outer = {**(fields if plan.mode == "compatible" else {"ToUserName": self._original_id}), "Encrypt": sealed}
        return {**self._envelope.query(timestamp, nonce, sealed, flaw), **query}, write(outer, plan.form), kind

    async def _post(self, wire: tuple[dict[str, str], bytes, str], plan: PushPlan, flaw: str, number: int) -> Sent:
        query, body, kind = wire
        began_s = time.monotonic()
        errcode, answer, why, status = None, b"", "", 0
        try:
            async with asyncio.timeout(plan.timeout_ms / 1000):
                status, answer = await self._exchange(query, body, kind)
            if status != 200:
                why = f"status {status}"
            else:
                errcode = verdict(answer, plan.answer, self._envelope, query["nonce"])
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            why = type(error).__name__
        except BadAnswer as error:
            why = str(error)
        took_ms = round((time.monotonic() - began_s) * 1000)
        self._ledger.note("push", flaw=flaw, number=number, status=status, errcode=errcode, why=why, took_ms=took_ms)
        if took_ms > SLOW_MS:
            self._ledger.remark("slow_answer", took_ms=took_ms)
        return Sent(errcode, answer, wire)

    async def _exchange(self, query: dict[str, str], body: bytes, kind: str) -> tuple[int, bytes]:
        async with self._client.stream(
            "POST", self.url, params=query, content=body, headers={"content-type": kind}, timeout=None
        ) as response:
            answer = b""
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > ANSWER_MAX_BYTES:
                    raise BadAnswer("the answer is too long")
        return response.status_code, answer

    def _stamp(self) -> tuple[str, str]:
        return str(self._clock.unix_ms() // 1000), str(secrets.randbelow(9_000_000_000) + 1_000_000_000)
