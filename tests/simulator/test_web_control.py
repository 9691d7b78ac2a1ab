"""The controls: who may use them, and that each does what a person would."""

import contextlib
import json

import fastapi
import httpx
import pytest
from fastapi import FastAPI, Response
from sim import PhoneWitness, run, until

from tincall.simulator import web
from tincall.simulator.accounts import ANY, User
from tincall.simulator.cloud import CALL, Request
from tincall.simulator.envelope import Envelope
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service


@contextlib.asynccontextmanager
async def controlled():
    service = Service()
    headers = {"authorization": f"Bearer {service.console.control_token}"}
    through = httpx.ASGITransport(web.build(service))
    try:
        async with httpx.AsyncClient(base_url="http://127.0.0.1/sim", transport=through, headers=headers) as client:
            yield service, client
    finally:
        await service.stop()


def played(scene):
    async def main():
        async with controlled() as (service, client):
            await scene(service, client)

    run(main())


PATHS = [
    "/call",
    "/cancel",
    "/users",
    "/login",
    "/consent",
    "/consent/switch",
    "/console",
    "/event",
    "/faults",
    "/phone",
]


def test_nobody_without_the_token_controls_anything():
    async def scene(service, client):
        for token in ("", "Bearer x", f"Basic {service.console.control_token}"):
            for path in PATHS:
                assert (await client.post(path, json={}, headers={"authorization": token})).status_code == 401
            assert (await client.get("/ledger", headers={"authorization": token})).status_code == 401

    played(scene)


def test_a_user_appears_consents_calls_and_cancels():
    async def scene(service, client):
        device = {"sn": "sn-1", "model_id": service.console.model_id}
        assert (await client.post("/users", json={"openid": "o1", "name": "Ann"})).json() == {"done": True}
        assert len((await client.post("/login", json={"openid": "o1"})).json()["js_code"]) == 32
        assert (await client.post("/login", json={"openid": "o2"})).json()["errcode"] == 20
        ticket = service.cloud.accounts.ticket(service.console.appid, "sn-1", service.console.model_id)
        asked = {"openid": "o1", **device, "sn_ticket": ticket}
        assert (await client.post("/consent", json={**asked, "sn_ticket": "x"})).json()["errcode"] == 10008
        assert (await client.post("/consent", json=asked)).json()["errcode"] == 0
        assert service.cloud.accounts.users["o1"].consents == {"sn-1"}
        switched = {"openid": "o1", "sn": "sn-1", "accepts": False}
        assert (await client.post("/consent/switch", json=switched)).json()["errcode"] == 0
        assert service.cloud.accounts.users["o1"].consents == set()
        assert (await client.post("/consent/switch", json={**switched, "openid": "o2"})).json()["errcode"] == 20
        call = {"openid": "o1", **device, "payload": "pay"}
        made = (await client.post("/call", json=call)).json()
        assert made["errcode"] == 0
        assert (await client.post("/call", json=call)).json()["errcode"] == 5
        cancel = {"room_id": made["room_id"]}
        assert (await client.post("/cancel", json=cancel)).json() == {"done": True}
        assert (await client.post("/cancel", json=cancel)).json() == {"done": False}

    played(scene)


def test_the_console_keeps_only_a_url_that_passes_its_check():
    async def scene(service, client):
        console = service.console
        envelope = Envelope(console.push_token, console.aes_key, console.appid, lambda count: bytes(count))
        relay = FastAPI()

        @relay.get("/push")
        async def check(request: fastapi.Request) -> Response:
            query = request.query_params
            good = envelope.sign(query["timestamp"], query["nonce"]) == query["signature"]
            return Response(query["echostr"] if good else "")

        @relay.get("/deaf")
        async def deaf() -> Response:
            return Response("")

        @relay.post("/push")
        async def push() -> Response:
            return Response("success")

        server = await SimulatorServer.open(relay)
        try:
            assert (await client.post("/console", json={"url": f"{server.url}/deaf"})).json() == {"done": False}
            assert service.pusher.url == ""
            entered = {"url": f"{server.url}/push", "form": "xml"}
            assert (await client.post("/console", json=entered)).json() == {"done": True}
            assert (service.pusher.url, service.plan.form) == (f"{server.url}/push", "xml")
            answer = await client.post("/event", json={"name": "wxa_media_check", "openid": "o1"})
            assert answer.json() == {"answer": "success"}
        finally:
            await server.close()

    played(scene)


def test_a_fault_is_planned_for_an_api_that_there_is():
    async def scene(service, client):
        assert (await client.post("/faults", json={"api": CALL, "number": -1})).json() == {"done": True}
        assert service.cloud.faults.left()[0].number == -1
        assert (await client.post("/faults", json={"api": "/nothing"})).status_code == 404
        assert (await client.post("/faults", json={"api": CALL, "times": 0})).status_code == 422
        for _ in range(300):
            answer = await client.post("/faults", json={"api": CALL, "number": -1})
        assert answer.status_code == 409

    played(scene)


@pytest.mark.parametrize(("verb", "told"), [("reject", ["rings", "rejected"]), ("answer", ["rings"])])
def test_a_phone_does_what_it_is_told(verb, told):
    async def scene(service, client):
        assert (await client.post("/phone", json={"openid": "o1", "verb": verb})).status_code == 404
        phone = PhoneWitness()
        line = service.rooms.attach("o1", phone)
        assert (await client.post("/phone", json={"openid": "o1", "verb": verb})).json() == {"done": False}
        service.cloud.accounts.add_user(web_user(service))
        token, _ = service.cloud.tokens.stable(service.console.appid, False)
        body = {"model_id": service.console.model_id, "sn": "sn", "openid": "o1", "room_type": "voice", "payload": "p"}
        room = service.cloud.request(request_of(token, body)).room
        service.rooms.ring(room)
        assert (await client.post("/phone", json={"openid": "o1", "verb": "mute"})).json() == {"done": True}
        assert line.is_muted
        assert (await client.post("/phone", json={"openid": "o1", "verb": "unmute"})).json() == {"done": True}
        assert (await client.post("/phone", json={"openid": "o1", "verb": verb})).json() == {"done": True}
        await until(lambda: phone.told == told, "it")

    played(scene)


def test_the_ledger_tells_all_but_secrets():
    async def scene(service, client):
        service.cloud.accounts.add_user(web_user(service))
        room = service.call_device("o1", "sn", service.console.model_id, "pay")
        book = (await client.get("/ledger")).json()
        assert set(book) == {"facts", "remarks", "rooms", "live", "pending", "phones"}
        assert book["rooms"][0]["room_id"] == room.keys.room_id and book["live"] == 1
        for secret in (room.keys.session_key, room.keys.server_token, service.console.control_token):
            assert secret not in str(book)

    played(scene)


def web_user(service):
    return User("o1", service.console.appid, consents={ANY})


def request_of(token, body):
    return Request("POST", CALL, {"access_token": token}, json.dumps(body).encode())
