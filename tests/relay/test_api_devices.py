"""The routes that switch devices off and on: done once, answered alike every time, for operators only, kept over a restart."""

import httpx
import pytest
from relay_store import Store, run

from tincall.relay.api import Api, build, operator_only
from tincall.relay.api_devices import router
from tincall.relay.second_board import SecondBoard

TOKEN = "t" * 43
WORDS = ("suspend", "resume", "revoke")


class Links:
    def __init__(self):
        self.links = {}
        self.renewed = []

    def online(self, sn):
        return self.links.get(sn)

    def renew(self, sn):
        self.renewed.append(sn)


class Scene:
    def __init__(self, store):
        self.store = store
        self.links = Links()
        api = Api(store.registry, store.records, self.links, list)
        self.app = build(api, TOKEN, [router(store.registry, self.links, operator_only(TOKEN))])
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="https://relay")

    async def ask(self, method, path, headers=None, **more):
        shown = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
        return await self.client.request(method, path, headers=shown, **more)

    async def decide(self, word, sn="SN-1"):
        answer = await self.ask("POST", f"/v1/devices/{sn}/{word}")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        return found["before"], found["state"], found["changed"]


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
    assert (answer.json()["status"], answer.json()["reason"]) == (status, reason)
    return answer.json()


def test_a_device_is_switched_off_and_on_and_off_for_good(tmp_path):
    async def go(s):
        told = []
        s.store.registry.watchers.append(lambda sn, state: told.append(state))
        await s.store.registry.enrol("SN-1", "m")
        await s.store.registry.accept("SN-1", 1, "aa", "", 1)
        assert await s.decide("suspend") == ("active", "suspended", True)
        assert await s.decide("suspend") == ("suspended", "suspended", False)
        assert await s.decide("resume") == ("suspended", "active", True)
        assert await s.decide("resume") == ("active", "active", False)
        assert await s.decide("revoke") == ("active", "revoked", True)
        assert await s.decide("revoke") == ("revoked", "revoked", False)
        for word in ("suspend", "resume"):
            assert "--forget SN-1" in refusal(await s.ask("POST", f"/v1/devices/SN-1/{word}"), 409, "over")["hint"]
        assert told == ["suspended", "active", "revoked"]

    scene(tmp_path, go)


@pytest.mark.parametrize(("word", "state"), [("suspend", "suspended"), ("revoke", "revoked")])
def test_a_decision_outlives_the_relay(tmp_path, word, state):
    async def before(s):
        await s.store.registry.enrol("SN-1", "m")
        await s.decide(word)

    async def after(s):
        assert (await s.ask("GET", "/v1/devices/SN-1")).json()["state"] == state
        assert await s.decide(word) == (state, state, False)

    scene(tmp_path, before)
    scene(tmp_path, after)


def test_how_a_device_stands_names_the_second_board(tmp_path):
    async def go(s):
        await s.store.registry.enrol("SN-1", "m")
        await s.store.registry.accept("SN-1", 5, "aa", "", 1)
        shown = (await s.ask("GET", "/v1/devices/SN-1/standing")).json()
        assert (shown["state"], shown["uid"], shown["counter"], shown["linked"]) == ("active", "aa", 5, False)
        assert shown["second_board"] is None
        await s.store.registry.doubt(SecondBoard("SN-1", "uid_mismatch", "ff", 7, "192.0.2.9", "1.0", 0, 0, 0))
        s.links.links["SN-1"] = {"address": "192.0.2.1"}
        shown = (await s.ask("GET", "/v1/devices/SN-1/standing")).json()
        assert (shown["linked"], shown["address"]) == (True, "192.0.2.1")
        assert (shown["second_board"]["uid"], shown["second_board"]["address"]) == ("ff", "192.0.2.9")
        assert set(shown["second_board"]) == {
            "sn", "why", "uid", "counter", "address", "firmware", "epoch", "times", "seen_s"
        }  # fmt: skip

    scene(tmp_path, go)


def test_a_key_is_changed_once_however_often_it_is_asked(tmp_path):
    async def go(s):
        await s.store.registry.enrol("SN-1", "m")
        enrolled_s = s.store.clock.unix_ms() // 1000
        s.store.clock.advance(60_000)
        first = (await s.ask("POST", "/v1/devices/SN-1/rotate")).json()
        assert first == {"sn": "SN-1", "kv": 1, "next_key_s": enrolled_s + 60, "linked": False, "changed": True}
        s.links.links["SN-1"] = {"address": "192.0.2.1"}
        s.store.clock.advance(60_000)
        assert (await s.ask("POST", "/v1/devices/SN-1/rotate")).json() == {**first, "linked": True, "changed": False}
        assert s.links.renewed == ["SN-1", "SN-1"]
        shown = (await s.ask("GET", "/v1/devices/SN-1/standing")).json()
        assert (shown["kv"], shown["key_s"], shown["next_key_s"]) == (1, enrolled_s, enrolled_s + 60)
        await s.decide("revoke")
        assert "--forget SN-1" in refusal(await s.ask("POST", "/v1/devices/SN-1/rotate"), 409, "over")["hint"]

    scene(tmp_path, go)


def test_nobody_comes_in_without_the_token_and_nobody_is_found_who_is_not_there(tmp_path):
    async def go(s):
        await s.store.registry.enrol("SN-1", "m")
        for method, word in [("GET", "standing"), *(("POST", word) for word in (*WORDS, "rotate"))]:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                refusal(await s.ask(method, f"/v1/devices/SN-1/{word}", headers=headers), 401, "auth_failed")
            refusal(await s.ask(method, f"/v1/devices/SN-9/{word}"), 404, "unknown")
            refusal(await s.ask(method, f"/v1/devices/a%20b/{word}"), 400, "bad_request")
        assert s.store.registry.get("SN-1").state == "new"
        refusal(await s.ask("GET", "/v1/devices/SN-1/suspend"), 405, "bad_request")

    scene(tmp_path, go)


def test_the_published_description_has_them(tmp_path):
    async def go(s):
        paths = (await s.ask("GET", "/openapi.json", headers={})).json()["paths"]
        for word in (*WORDS, "rotate"):
            assert "200" in paths[f"/v1/devices/{{sn}}/{word}"]["post"]["responses"]
            assert "4XX" in paths[f"/v1/devices/{{sn}}/{word}"]["post"]["responses"]
        assert "get" in paths["/v1/devices/{sn}/standing"]

    scene(tmp_path, go)
