"""The operators' routes about claims: the code is told once, how it stands as often as asked, to operators only."""

import httpx
from claim_scene import UID, ClaimScene
from relay_store import Store, run

from tincall.relay import claim_code
from tincall.relay.api import Api, build, operator_only
from tincall.relay.api_claims import router
from tincall.relay.api_devices import Decisions

TOKEN = "t" * 43
PATH = "/v1/devices/SN-1/claim"


class Scene(ClaimScene):
    def __init__(self, store):
        super().__init__(store)
        api = Api(store.registry, store.records, self, list)
        self.app = build(api, TOKEN, [router(store.registry, self.claimer, operator_only(TOKEN))])
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="https://relay")

    async def send(self, method, body=None, token=TOKEN):
        return await self.client.request(method, PATH, headers={"Authorization": f"Bearer {token}"}, json=body)


def scene(tmp_path, test):
    async def go():
        async with Store(tmp_path) as store:
            s = Scene(store)
            async with s.client:
                return await test(s)

    return run(go())


def refusal(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["reason"]


def test_a_claim_is_opened_shown_used_and_over(tmp_path):
    async def go(s):
        answer = await s.send("POST", {"name": "Door", "hours": 2})
        assert answer.status_code == 201, answer.text
        opened = answer.json()
        secret = claim_code.read(opened.pop("code"))
        assert opened["expires_s"] - opened["opened_s"] == 7200
        assert (opened["sn"], opened["model_id"], opened["open"], opened["uid"]) == ("SN-1", "tincall", True, "")
        assert (await s.send("GET")).json() == opened
        assert s.registry.get("SN-1").name == "Door"
        keyed = await s.key((opened["claim_id"], secret))
        assert (await s.send("GET")).json() == {**opened, "uid": UID.hex()}
        stands = Decisions(s.registry, s)._claim("SN-1")
        assert (stands.uid, stands.expires_s) == (UID.hex(), opened["expires_s"])
        assert await s.verify(keyed) == ""
        assert (await s.send("GET")).json()["open"] is False
        assert Decisions(s.registry, s)._claim("SN-1") is None
        assert refusal(await s.send("POST", {})) == (409, "exists")

    scene(tmp_path, go)


def test_nobody_opens_one_who_may_not_and_nothing_strange_is_taken(tmp_path):
    async def go(s):
        assert refusal(await s.send("POST", {}, token="x" * 43)) == (401, "auth_failed")
        assert refusal(await s.send("GET")) == (404, "unknown")
        for body in ({"hours": 0}, {"hours": 721}, {"hours": "2"}, {"model_id": ""}, {"secret": "00"}, []):
            assert refusal(await s.send("POST", body)) == (400, "bad_request"), body
        assert s.registry.list() == []
        await s.registry.enrol("SN-1", "m")
        assert refusal(await s.send("GET")) == (404, "unknown")
        assert refusal(await s.send("POST", {"model_id": "other"})) == (400, "bad_value")

    scene(tmp_path, go)


def test_the_published_description_has_them(tmp_path):
    async def go(s):
        told = s.app.openapi()["paths"]["/v1/devices/{sn}/claim"]
        assert set(told) == {"get", "post"}
        schemas = s.app.openapi()["components"]["schemas"]
        assert "code" in schemas["OpenedBody"]["properties"] and "code" not in schemas["ClaimBody"]["properties"]

    scene(tmp_path, go)
