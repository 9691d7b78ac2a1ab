"""The operators' API: what it does, whom it lets in, and that every refusal has one form."""

import asyncio
import base64
import json

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relay_store import Store, run

from callcore import causes
from tincall.errors import OperatorError
from tincall.relay.api import Api, build
from tincall.relay.switchboard import CallRefused

TOKEN = "t" * 43
PHONES = [{"id": "alice", "name": "Alice"}]
ROUTES = [
    ("GET", "/v1/devices"), ("POST", "/v1/devices"), ("GET", "/v1/devices/x"), ("DELETE", "/v1/devices/x"),
    ("GET", "/v1/phones"), ("POST", "/v1/calls"), ("GET", "/v1/calls"), ("GET", "/v1/calls/x"),
    ("POST", "/v1/calls/x/hangup"), ("GET", "/v1/calls/x/rtp?party=phone"),
]  # fmt: skip
PACKETS = {"in": 250, "out": 249, "dropped": 1, "after_end": 0}
LIVE = {"call_id": "live", "up": PACKETS, "down": PACKETS, "board_stats": {"sent": 251}}


class FakeExchange:
    def __init__(self):
        self.asked = []
        self.refusal = None
        self.links = {}
        self.taps = {}

    def phone_calls(self, sn, phone_id):
        self.asked.append((sn, phone_id))
        if self.refusal:
            raise self.refusal
        return "c1"

    def hangup(self, call_id):
        self.asked.append(call_id)
        return call_id == "live"

    def live(self):
        return [LIVE]

    def tap(self, call_id, party):
        self.asked.append((call_id, party))
        return self.taps.get(call_id)

    def online(self, sn):
        return self.links.get(sn)


class Scene:
    def __init__(self, store):
        self.store = store
        self.exchange = FakeExchange()
        api = Api(store.registry, store.records, self.exchange, lambda: PHONES)
        self.app = build(api, TOKEN)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="https://relay")

    async def ask(self, method, path, headers=None, **body):
        shown = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
        return await self.client.request(method, path, headers=shown, **body)


def scene(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            s = Scene(store)
            async with s.client:
                return await test(s)

    return run(go())


def refusal(answer, status, reason):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {"type", "title", "status", "reason", "detail"} <= set(body)
    assert (body["status"], body["reason"]) == (status, reason)
    return body


def test_a_device_is_enrolled_shown_and_forgotten(tmp_path):
    async def go(s):
        made = await s.ask("POST", "/v1/devices", json={"sn": "SN-1", "model_id": "m", "name": "Door"})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        key = base64.b64decode(made.json()["key"])
        assert key == s.store.registry.key("SN-1", 1)
        s.exchange.links["SN-1"] = {"address": "192.0.2.1"}
        listed = (await s.ask("GET", "/v1/devices")).json()["devices"]
        assert [(d["sn"], d["name"], d["state"], d["link"]) for d in listed] == [
            ("SN-1", "Door", "new", {"address": "192.0.2.1"})
        ]
        shown = await s.ask("GET", "/v1/devices/SN-1")
        assert shown.json() == listed[0]
        assert "key" not in shown.json() and made.json()["key"] not in shown.text
        assert (await s.ask("DELETE", "/v1/devices/SN-1")).status_code == 200
        refusal(await s.ask("GET", "/v1/devices/SN-1"), 404, "unknown")
        refusal(await s.ask("DELETE", "/v1/devices/SN-1"), 404, "unknown")

    scene(tmp_path, go)


def test_a_number_is_enrolled_once(tmp_path):
    async def go(s):
        assert (await s.ask("POST", "/v1/devices", json={"sn": "SN-1"})).status_code == 201
        again = await s.ask("POST", "/v1/devices", json={"sn": "SN-1"})
        assert "SN-1" in refusal(again, 409, "exists")["detail"]

    scene(tmp_path, go)


def test_a_phone_calls_a_board(tmp_path):
    async def go(s):
        await s.store.registry.enrol("SN-1", "m")
        made = await s.ask("POST", "/v1/calls", json={"sn": "SN-1", "phone": "alice"})
        assert (made.status_code, made.json()) == (201, {"call": "c1"})
        assert s.exchange.asked == [("SN-1", "alice")]
        assert (await s.ask("GET", "/v1/phones")).json() == {"phones": PHONES}
        refusal(await s.ask("POST", "/v1/calls", json={"sn": "SN-2", "phone": "alice"}), 404, "unknown")

    scene(tmp_path, go)


@pytest.mark.parametrize(
    ("reason", "cause", "status"),
    [
        ("not_connected", causes.NOT_REGISTERED, 409),
        ("busy", causes.BUSY, 409),
        ("unknown_contact", causes.UNALLOCATED, 404),
        ("too_many_calls", causes.CONGESTION, 503),
        ("stopping", causes.TEMPORARY_FAILURE, 503),
    ],
)
def test_a_call_that_cannot_begin_is_refused_with_its_reason(tmp_path, reason, cause, status):
    async def go(s):
        await s.store.registry.enrol("SN-1", "m")
        s.exchange.refusal = CallRefused(reason, cause)
        refusal(await s.ask("POST", "/v1/calls", json={"sn": "SN-1", "phone": "x"}), status, reason)

    scene(tmp_path, go)


def test_call_records_are_listed_and_shown(tmp_path):
    async def go(s):
        for number in range(3):
            await s.store.records.opened(f"c{number}", "SN-1", "alice", "out")
            s.store.clock.advance(1)
        listed = (await s.ask("GET", "/v1/calls", params={"limit": 2})).json()
        assert [record["call_id"] for record in listed["calls"]] == ["c2", "c1"]
        assert listed["live"] == [LIVE]
        assert (await s.ask("GET", "/v1/calls/c1")).json() == await s.store.records.get("c1")
        assert (await s.ask("GET", "/v1/calls", params={"sn": "SN-2"})).json()["calls"] == []
        refusal(await s.ask("GET", "/v1/calls/c9"), 404, "unknown")

    scene(tmp_path, go)


def test_a_live_call_is_shown_with_what_is_known_at_the_moment(tmp_path):
    async def go(s):
        await s.store.records.opened("live", "SN-1", "alice", "out")
        await s.store.records.answered("live", "G722")
        record = await s.store.records.get("live")
        so_far = {"in": 250, "out": 249, "dropped": 1}
        shown = (await s.ask("GET", "/v1/calls/live")).json()
        assert shown == record | {"up": so_far, "down": so_far, "board_stats": {"sent": 251}}
        await s.store.records.ended("live", 16, "phone", 5000)
        assert (await s.ask("GET", "/v1/calls/live")).json() == await s.store.records.get("live")

    scene(tmp_path, go)


def test_a_live_call_is_hung_up_and_a_finished_one_is_told(tmp_path):
    async def go(s):
        assert (await s.ask("POST", "/v1/calls/live/hangup")).status_code == 202
        await s.store.records.opened("old", "SN-1", "alice", "out")
        await s.store.records.ended("old", 16, "phone", 0)
        assert "ended" in refusal(await s.ask("POST", "/v1/calls/old/hangup"), 409, "over")["detail"]
        refusal(await s.ask("POST", "/v1/calls/never/hangup"), 404, "unknown")

    scene(tmp_path, go)


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff\xfe"]
)
def test_nobody_comes_in_without_the_token(tmp_path, shown):
    async def go(s):
        headers = {"Authorization": shown.encode("latin-1")} if shown else {}
        for method, path in ROUTES:
            answer = await s.ask(method, path, headers=headers)
            refusal(answer, 401, "auth_failed")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in answer.text
        assert s.exchange.asked == []

    scene(tmp_path, go)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/devices", b""),
        ("/v1/devices", b"{"),
        ("/v1/devices", b"[]"),
        ("/v1/devices", b"null"),
        ("/v1/devices", b'{"sn":"a b"}'),
        ("/v1/devices", b'{"sn":"SN-1\\n"}'),
        ("/v1/devices", b'{"sn":1}'),
        ("/v1/devices", b'{"sn":"SN-1","key":"AAAA"}'),
        ("/v1/devices", b'{"sn":"SN-1","name":"a\\u001b[31m"}'),
        ("/v1/devices", b"[" * 16_000),
        ("/v1/devices", b'{"sn":"\\ud800"}'),
        ("/v1/calls", b'{"sn":"SN-1"}'),
        ("/v1/calls", b'{"sn":"SN-1","phone":"alice","extra":1}'),
        ("/v1/calls", b'{"sn":"SN-1","phone":7}'),
    ],
)
def test_what_is_no_request_is_refused(tmp_path, path, body):
    async def go(s):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        answer = await s.ask("POST", path, headers=headers, content=body)
        refusal(answer, 400, answer.json()["reason"])
        assert answer.json()["reason"] in ("bad_request", "bad_value")
        assert s.exchange.asked == []
        assert s.store.registry.list() == []

    scene(tmp_path, go)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "sn=a/b"])
def test_bad_queries_are_refused(tmp_path, query):
    async def go(s):
        refusal(await s.ask("GET", f"/v1/calls?{query}"), 400, "bad_request")

    scene(tmp_path, go)


def test_long_bodies_are_refused_however_they_come(tmp_path):
    async def go(s):
        refusal(await s.ask("POST", "/v1/devices", content=b"x" * 16_385), 413, "too_large")

        async def drip():
            for _ in range(100):
                yield b"x" * 1000

        refusal(await s.ask("POST", "/v1/devices", content=drip()), 413, "too_large")

    scene(tmp_path, go)


def test_other_paths_and_methods_are_refused_in_the_same_form(tmp_path):
    async def go(s):
        refusal(await s.ask("GET", "/"), 404, "not_found")
        refusal(await s.ask("GET", "/docs"), 404, "not_found")
        refusal(await s.ask("PUT", "/v1/devices"), 405, "bad_request")

    scene(tmp_path, go)


def test_health_needs_no_token_and_readiness_tells_the_truth(tmp_path, monkeypatch):
    async def go(s):
        assert (await s.ask("GET", "/livez", headers={})).json()["live"] is True
        assert (await s.ask("GET", "/readyz", headers={})).json() == {"ready": True, "reasons": []}

        async def full():
            raise OperatorError("The database failed: disk full.")

        monkeypatch.setattr(s.store.records, "ready", full)
        answer = await s.ask("GET", "/readyz", headers={})
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert "disk full" in answer.json()["reasons"][0]

    scene(tmp_path, go)


def test_a_bug_tells_nothing_of_itself(tmp_path):
    async def go(s):
        await s.store.registry.enrol("SN-1", "m")
        s.exchange.refusal = ZeroDivisionError("canary")
        answer = await s.ask("POST", "/v1/calls", json={"sn": "SN-1", "phone": "alice"})
        assert answer.status_code == 500
        assert answer.json()["reason"] == "bug"
        assert "canary" not in answer.text

    scene(tmp_path, go)


def test_a_database_that_fails_is_unavailable(tmp_path, monkeypatch):
    async def go(s):
        async def fail(*_):
            raise OperatorError("The database failed: disk full.", "Make room.")

        monkeypatch.setattr(s.store.records, "list", fail)
        assert refusal(await s.ask("GET", "/v1/calls"), 503, "unavailable")["hint"] == "Make room."

    scene(tmp_path, go)


def test_the_published_description_names_every_route(tmp_path):
    async def go(s):
        described = (await s.ask("GET", "/openapi.json", headers={})).json()["paths"]
        found = {(method.upper(), path) for path, methods in described.items() for method in methods}
        named = {
            (m, p.partition("?")[0].replace("/devices/x", "/devices/{sn}").replace("/calls/x", "/calls/{call_id}"))
            for m, p in ROUTES
        }
        assert found == named | {("GET", "/livez"), ("GET", "/readyz")}
        assert all("422" not in one["responses"] for methods in described.values() for one in methods.values())

    scene(tmp_path, go)


def test_whatever_is_posted_is_done_or_refused_and_never_a_bug(tmp_path):
    words = st.text(max_size=8) | st.integers() | st.none() | st.booleans() | st.floats()
    bodies = st.recursive(
        words, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=6
    )
    fields = st.dictionaries(st.sampled_from(["sn", "model_id", "name", "phone"]), words | st.just("SN-1"))

    async def go(s):
        @settings(max_examples=150, deadline=None, derandomize=True)
        @given(path=st.sampled_from(["/v1/devices", "/v1/calls"]), body=bodies | fields)
        def post(path, body):
            sent = json.dumps(body).encode()
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            asking = s.ask("POST", path, headers=headers, content=sent)
            answer = asyncio.run_coroutine_threadsafe(asking, loop).result(30)
            assert answer.status_code in (201, 400, 404, 409), answer.text

        loop = asyncio.get_running_loop()
        await asyncio.to_thread(post)

    scene(tmp_path, go)


class FakeTap:
    async def frames(self):
        yield b"\0\x03one"
        yield b"\0\x03two"


def test_rtp_is_given_until_the_call_ends(tmp_path):
    async def go(s):
        s.exchange.taps["c1"] = FakeTap()
        answer = await s.ask("GET", "/v1/calls/c1/rtp?party=device")
        assert (answer.status_code, answer.content) == (200, b"\0\x03one\0\x03two")
        assert answer.headers["cache-control"] == "no-store"
        assert s.exchange.asked == [("c1", "device")]

    scene(tmp_path, go)


def test_rtp_of_nobody_is_refused(tmp_path):
    async def go(s):
        refusal(await s.ask("GET", "/v1/calls/c1/rtp?party=device"), 404, "unknown")
        await s.store.records.opened("c1", "board-1", "alice", "out")
        refusal(await s.ask("GET", "/v1/calls/c1/rtp?party=phone"), 409, "silent")
        refusal(await s.ask("GET", "/v1/calls/c1/rtp?party=cat"), 400, "bad_request")

    scene(tmp_path, go)
