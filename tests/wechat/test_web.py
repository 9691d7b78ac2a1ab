"""The push callback over HTTP: the console's check, events in both formats, answers in clear and sealed, refusals."""

import json

import httpx
import pytest
from support import envelopes
from support.envelopes import (
    APPID,
    EVENT,
    EVENT_TEXT,
    KEYS,
    NONCE,
    TIMESTAMP,
    TOKEN,
    as_json,
    as_xml,
    event_xml,
    query,
    sealed,
)

from tincall.clock import ManualClock
from tincall.relay.api import Api, build
from tincall.wechat import points
from tincall.wechat.notify import Answer
from tincall.wechat.pushes import BODY_MAX_BYTES, unseal
from tincall.wechat.web import BODIES, PATH, PushRoutes

SEALED = sealed(EVENT_TEXT.encode())


class Clock(ManualClock):
    """Stands at the time of the envelopes."""

    def unix_ms(self):
        return TIMESTAMP * 1000


class Judge:
    """Remembers events, and answers as told."""

    def __init__(self, answer=None):
        self.events = []
        self.heard = []
        self.answer = answer

    async def take(self, event):
        self.events.append(event)
        return self.answer

    def answered(self, answer):
        self.heard.append(answer)


class Callback:
    """The web port with the callback, without a socket."""

    def __init__(self, judge, **options):
        api = Api(None, None, None, lambda: [])
        router = PushRoutes(KEYS, judge, Clock(), **options).router()
        self._app = build(api, "operator-token-operator-token-0001", [router], BODIES)

    async def ask(self, method, params, content=b"", **headers):
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="https://relay.example") as client:
            return await client.request(method, PATH, params=params, content=content, headers=headers)


async def test_the_console_finds_the_url(store):
    signature = envelopes.signed(TOKEN, "1714036504", "1514711492")
    asked = {"signature": signature, "timestamp": "1714036504", "nonce": "1514711492", "echostr": "echo-123"}
    answer = await Callback(Judge()).ask("GET", asked)
    assert (answer.status_code, answer.text) == (200, "echo-123")
    assert answer.headers["content-type"].startswith("text/plain")
    wrong = await Callback(Judge()).ask("GET", asked | {"signature": "0" * 40})
    assert wrong.status_code == 403 and "echo" not in wrong.text


@pytest.mark.parametrize(("body", "kind"), [(as_json(SEALED), "application/json"), (as_xml(SEALED), "text/xml")])
async def test_an_event_is_judged_and_answered_in_clear(body, kind):
    judge = Judge(Answer(0, "ok", "room-1"))
    answer = await Callback(judge).ask("POST", query(SEALED), body, content_type=kind)
    assert (answer.status_code, answer.json()) == (200, {"errcode": 0, "errmsg": "ok"})
    assert answer.headers["content-type"] == "application/json"
    assert judge.events == [EVENT] and judge.heard == [judge.answer]


async def test_a_refusal_is_an_answer_too():
    judge = Judge(Answer(7, "busy", "room-1"))
    answer = await Callback(judge).ask("POST", query(SEALED), as_json(SEALED))
    assert (answer.status_code, answer.json()) == (200, {"errcode": 7, "errmsg": "busy"})
    assert judge.heard == [judge.answer]


async def test_another_event_is_heard_and_forgotten():
    answer = await Callback(Judge(None)).ask("POST", query(SEALED), as_json(SEALED))
    assert (answer.status_code, answer.text) == (200, "success")


async def test_an_event_inside_xml_inside_xml():
    inner = sealed(event_xml(EVENT))
    judge = Judge(Answer(0, "ok", "room-1"))
    assert (await Callback(judge).ask("POST", query(inner), as_xml(inner))).json()["errcode"] == 0
    assert judge.events[0]["RoomId"] == EVENT["RoomId"]


@pytest.mark.parametrize("body", [as_json(SEALED), as_xml(SEALED)])
async def test_answers_can_be_sealed(body):
    judge = Judge(Answer(0, "ok", "room-1"))
    answer = await Callback(judge, is_sealed=True).ask("POST", query(SEALED), body)
    assert "errcode" not in answer.text
    if body.startswith(b"<"):
        assert answer.headers["content-type"].startswith("text/xml")
        encrypted = answer.text.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    else:
        told = answer.json()
        encrypted = told["Encrypt"]
        assert told["Nonce"] == NONCE and told["TimeStamp"] == TIMESTAMP
        assert told["MsgSignature"] == envelopes.signed(TOKEN, str(TIMESTAMP), NONCE, encrypted)
    assert json.loads(unseal(encrypted, KEYS)) == {"errcode": 0, "errmsg": "ok"}


@pytest.mark.parametrize(
    ("asked", "body", "status", "reason"),
    [
        ({}, as_json(SEALED), 403, "plain_mode"),
        (query(SEALED, token="another"), as_json(SEALED), 403, "bad_signature"),
        (query(SEALED, timestamp=TIMESTAMP - 601), as_json(SEALED), 403, "stale"),
        (query(SEALED), b"", 400, "bad_body"),
        (query(SEALED), b"\xff" * 100, 400, "bad_body"),
        (query(SEALED), EVENT_TEXT.encode(), 403, "plain_mode"),
    ],
)
async def test_what_is_not_the_platforms_has_no_effect(asked, body, status, reason):
    judge = Judge(Answer(0, "ok", "room-1"))
    answer = await Callback(judge).ask("POST", asked, body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert judge.events == [] and judge.heard == []


async def test_a_push_for_another_appid_is_refused():
    other = sealed(EVENT_TEXT.encode(), appid=APPID[:-1] + "0")
    judge = Judge(Answer(0, "ok", "room-1"))
    answer = await Callback(judge).ask("POST", query(other), as_json(other))
    assert (answer.status_code, answer.json()["reason"]) == (403, "wrong_appid") and judge.events == []


async def test_a_body_as_long_as_a_push_may_be_and_one_byte_more():
    padding = BODY_MAX_BYTES - len(as_json(SEALED))
    judge = Judge(None)
    callback = Callback(judge)
    assert (await callback.ask("POST", query(SEALED), as_json(SEALED) + b" " * padding)).status_code == 200
    refused = await callback.ask("POST", query(SEALED), as_json(SEALED) + b" " * (padding + 1))
    assert refused.status_code == 413 and len(judge.events) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_none(method):
    assert (await Callback(Judge()).ask(method, query(SEALED), as_json(SEALED))).status_code == 405


async def test_the_answer_is_out_before_that_is_told(monkeypatch):
    passed = []
    monkeypatch.setattr(points, "hook", passed.append)
    judge = Judge(Answer(0, "ok", "room-1"))
    judge.answered = lambda answer: passed.append("answered")
    await Callback(judge).ask("POST", query(SEALED), as_json(SEALED))
    assert passed == [points.BEFORE_ANSWER, "answered"]


async def test_the_description_of_the_api_does_not_name_it():
    api = Api(None, None, None, lambda: [])
    app = build(api, "operator-token-operator-token-0001", [PushRoutes(KEYS, Judge(), Clock()).router()], BODIES)
    assert PATH not in app.openapi()["paths"]
