"""The platform's HTTP paths: methods, bodies, tokens, tickets, calls, groups, messages, planned faults."""

import contextlib

import httpx
import pytest
from sim import run

from tincall.simulator import web
from tincall.simulator.accounts import ANY, User
from tincall.simulator.faults import Fault
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service

CALL = "/wxa/business/iot/voip/call"


@contextlib.asynccontextmanager
async def platform(**options):
    """Run a simulator; gives it and a client of it."""
    service = Service(**options)
    service.cloud.accounts.add_user(User("o1", service.console.appid, consents={ANY}))
    service.cloud.accounts.add_user(User("o2", service.console.appid))
    service.cloud.accounts.add_user(User("o3", "wxother"))
    through = httpx.ASGITransport(web.build(service))
    try:
        async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=through) as client:
            yield service, client
    finally:
        await service.stop()


def played(scene, **options):
    async def main():
        async with platform(**options) as (service, client):
            return await scene(service, client)

    return run(main())


async def token(service, client, appid="", secret=""):
    body = {
        "grant_type": "client_credential",
        "appid": appid or service.console.appid,
        "secret": secret or service.console.secret,
    }
    return (await client.post("/cgi-bin/stable_token", json=body)).json()


async def asked(service, client, path, body):
    """POST with a good token."""
    good = (await token(service, client))["access_token"]
    return (await client.post(path, params={"access_token": good}, json=body)).json()


def call_of(service, **other):
    body = {"model_id": service.console.model_id, "sn": "sn-1", "openid": "o1", "room_type": "voice", "payload": "pay"}
    return {**body, **other}


def test_a_stable_token_stays_the_same_and_is_accepted():
    async def scene(service, client):
        first, second = await token(service, client), await token(service, client)
        assert first["access_token"] == second["access_token"] and 7100 < second["expires_in"] <= 7200
        assert set(first) == {"access_token", "expires_in"}
        answer = await client.get("/cgi-bin/getcallbackip", params={"access_token": first["access_token"]})
        assert answer.json() == {"errcode": 0, "errmsg": "ok", "ip_list": ["127.0.0.1"]}

    played(scene)


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ({"grant_type": "x", "appid": "A", "secret": "S"}, 40002),
        ({"grant_type": "client_credential", "appid": "", "secret": "S"}, 41002),
        ({"grant_type": "client_credential", "appid": "A", "secret": ""}, 41004),
        ({"grant_type": "client_credential", "appid": "wxnone", "secret": "S"}, 40013),
        ({"grant_type": "client_credential", "appid": "A", "secret": "wrong"}, 40125),
        ({"grant_type": "client_credential", "appid": "A", "secret": "S", "force_refresh": "yes"}, 47001),
        ({"grant_type": "client_credential", "appid": "A", "secret": "S", "more": 1}, 47001),
    ],
)
def test_a_wrong_question_for_a_token_is_numbered(body, number):
    async def scene(service, client):
        exchange = {"A": service.console.appid, "S": service.console.secret}
        answer = await client.post(
            "/cgi-bin/stable_token", json={key: exchange.get(value, value) for key, value in body.items()}
        )
        assert answer.status_code == 200
        assert answer.json()["errcode"] == number
        assert "rid: " in answer.json()["errmsg"]
        assert service.console.secret not in answer.text

    played(scene)


def test_the_plain_token_is_a_get_with_its_own_life():
    async def scene(service, client):
        query = {
            "grant_type": "client_credential",
            "appid": service.console.appid,
            "secret": service.console.secret,
        }
        plain = (await client.get("/cgi-bin/token", params=query)).json()["access_token"]
        stable = (await token(service, client))["access_token"]
        assert plain != stable
        for one in (plain, stable):
            assert (await client.get("/cgi-bin/getcallbackip", params={"access_token": one})).json()["errcode"] == 0
        assert (await client.post("/cgi-bin/token", json=query)).json()["errcode"] == 43001

    played(scene)


@pytest.mark.parametrize(
    ("path", "method", "content", "number"),
    [
        (CALL, "GET", None, 43002),
        (CALL, "POST", b"", 44002),
        (CALL, "POST", b"{", 47001),
        (CALL, "POST", b"[]", 47001),
        ("/wxa/getsnticket", "GET", None, 43002),
        ("/cgi-bin/getcallbackip", "POST", b"{}", 43001),
    ],
)
def test_method_and_body_are_checked(path, method, content, number):
    async def scene(service, client):
        answer = await client.request(method, path, content=content)
        assert (answer.status_code, answer.json()["errcode"]) == (200, number)

    played(scene)


@pytest.mark.parametrize(
    ("other", "number"),
    [
        ({}, 0),
        ({"openid": "o2"}, 9),
        ({"openid": "o3"}, 19),
        ({"openid": "nobody"}, 20),
        ({"model_id": "other"}, 17),
        ({"sn": "sn 1"}, 2),
        ({"room_type": "text"}, 47001),
        ({"payload": ""}, 47001),
        ({"payload": "x" * 256}, 47001),
        ({"version_type": 3}, 47001),
        ({"version_type": "0"}, 47001),
        ({"caller_camera_status": 2}, 47001),
        ({"call_id": "c"}, 47001),
        ({"sn": 1}, 47001),
        ({"query": "a=1", "listener_name": "Mum", "version_type": 2, "listener_camera_status": 1}, 0),
    ],
)
def test_a_call_is_checked_field_by_field(other, number):
    async def scene(service, client):
        answer = await asked(service, client, CALL, call_of(service, **other))
        assert answer["errcode"] == number
        assert len(service.rooms.live()) == (1 if number == 0 else 0)

    played(scene)


def test_tokens_are_judged():
    async def scene(service, client):
        async def use(text):
            answer = await client.post(CALL, params={"access_token": text}, json=call_of(service))
            return answer.json()["errcode"]

        good = (await token(service, client))["access_token"]
        assert (await client.post(CALL, json=call_of(service))).json()["errcode"] == 41001
        assert await use("nonsense") == 40014
        service.cloud.tokens.kill(good, "expired")
        assert await use(good) == 42001
        mobile = await token(service, client, service.console.host_appid, service.console.host_secret)
        assert await use(mobile["access_token"]) == 48001

    played(scene)


def test_a_ticket_is_made_for_a_serial_number_that_may_be():
    async def scene(service, client):
        model_id = service.console.model_id

        async def ticket(sn, model=model_id):
            return await asked(service, client, "/wxa/getsnticket", {"sn": sn, "model_id": model})

        good = await ticket("A-1_b")
        assert good["errcode"] == 0 and len(good["sn_ticket"]) == 32 and good["sn_ticket"].isalnum()
        assert (await ticket("x" * 129))["errcode"] == 9800001
        assert (await ticket("a.b"))["errcode"] == 9800002
        assert (await ticket(""))["errcode"] == 9800002
        assert (await ticket("A-2", "other"))["errcode"] == 9800003

    played(scene)


def test_a_login_code_is_good_once():
    async def scene(service, client):
        query = {
            "appid": service.console.appid,
            "secret": service.console.secret,
            "js_code": service.cloud.accounts.login("o1"),
            "grant_type": "authorization_code",
        }
        first = (await client.get("/sns/jscode2session", params=query)).json()
        assert first["openid"] == "o1" and first["session_key"] and "errcode" not in first
        assert (await client.get("/sns/jscode2session", params=query)).json()["errcode"] == 40029
        wrong = {**query, "secret": "x"}
        assert (await client.get("/sns/jscode2session", params=wrong)).json()["errcode"] == 40125

    played(scene)


def test_quota_is_told_used_up_and_cleared():
    async def scene(service, client):
        service.cloud.quotas.daily[CALL] = 2
        numbers = [(await asked(service, client, CALL, call_of(service)))["errcode"] for _ in range(3)]
        assert numbers == [0, 0, 45009]
        state = await asked(service, client, "/cgi-bin/openapi/quota/get", {"cgi_path": CALL})
        assert state["quota"] == {"daily_limit": 2, "used": 2, "remain": 0}
        unknown = await asked(service, client, "/cgi-bin/openapi/quota/get", {"cgi_path": "/nothing"})
        assert unknown["errcode"] == 76021
        assert (await asked(service, client, "/cgi-bin/clear_quota", {"appid": service.console.appid}))["errcode"] == 0
        assert (await asked(service, client, CALL, call_of(service)))["errcode"] == 0

    played(scene)


def test_a_rid_explains_a_failed_request():
    async def scene(service, client):
        failed = await asked(service, client, CALL, call_of(service, openid="o2"))
        rid = failed["errmsg"].split("rid: ")[1]
        found = await asked(service, client, "/cgi-bin/openapi/rid/get", {"rid": rid})
        assert found["request"]["request_url"] == CALL
        assert (await asked(service, client, "/cgi-bin/openapi/rid/get", {"rid": "x"}))["errcode"] == 76001

    played(scene)


def test_groups_over_http():
    async def scene(service, client):
        made = await asked(
            service,
            client,
            "/wxa/business/group/createid",
            {"model_id": service.console.model_id, "group_name": "home"},
        )
        device = {"model_id": service.console.model_id, "sn": "sn-1"}
        body = {"group_id": made["group_id"], "device_list": [device]}
        added = await asked(service, client, "/wxa/business/group/adddevice", body)
        assert added["device_list"] == [{**device, "errcode": 0}]
        info = await asked(service, client, "/wxa/business/group/getinfo", {"group_id": made["group_id"]})
        assert (info["group_name"], info["device_list"]) == ("home", [device])
        removed = await asked(service, client, "/wxa/business/group/removedevice", body)
        assert removed["device_list"] == [{**device, "errcode": 0}]

    played(scene)


@pytest.mark.parametrize(
    ("other", "number"),
    [
        ({}, 0),
        ({"template_id": "x"}, 40037),
        ({"page": "pages/none"}, 41030),
        ({"page": "pages/index/index?a=1"}, 0),
        ({"data": {"thing1": {"value": ""}}}, 47003),
        ({"to_openid_list": ["o3"]}, 40003),
        ({"to_openid_list": ["deaf"]}, 43101),
        ({"to_openid_list": []}, 47001),
        ({"miniprogram_state": "released"}, 47001),
    ],
)
def test_a_device_message(other, number):
    async def scene(service, client):
        service.cloud.accounts.add_user(User("deaf", service.console.appid, accepts_messages=False))
        body = {
            "template_id": "missed-call",
            "sn": "sn-1",
            "modelId": service.console.model_id,
            "to_openid_list": ["o1"],
            "data": {"thing1": {"value": "Front door"}},
        }
        answer = await asked(service, client, "/cgi-bin/message/device/subscribe/send", {**body, **other})
        assert answer["errcode"] == number

    played(scene)


def test_android_devices_want_the_mobile_apps_token():
    async def scene(service, client):
        body = {"product_id": 7, "device_id_list": ["d1"], "model_name": "m"}
        path = "/wxa/business/runtime/adddevice"
        assert (await asked(service, client, path, body))["errcode"] == 48001
        console = service.console
        mobile = (await token(service, client, console.host_appid, console.host_secret))["access_token"]
        assert (await client.post(path, params={"access_token": mobile}, json=body)).json()["errcode"] == 0
        wrong = {**body, "product_id": "7"}
        assert (await client.post(path, params={"access_token": mobile}, json=wrong)).json()["errcode"] == 47001

    played(scene)


def test_planned_faults_happen_and_end():
    async def scene(service, client):
        faults = service.cloud.faults
        faults.add(Fault(api=CALL, number=-1, times=2, after=1))
        numbers = [(await asked(service, client, CALL, call_of(service)))["errcode"] for _ in range(4)]
        assert numbers == [0, -1, -1, 0]
        faults.add(Fault(api=CALL, kind="http", http_status=503))
        faults.add(Fault(api=CALL, kind="garbage"))
        assert (await client.post(CALL, content=b"{}")).status_code == 503
        with pytest.raises(ValueError, match="Unterminated|Expecting"):
            (await client.post(CALL, content=b"{}")).json()
        assert faults.left() == []

    played(scene)


def test_a_planned_drop_closes_the_connection_without_an_answer():
    async def main():
        service = Service()
        server = await SimulatorServer.open(web.build(service))
        service.cloud.faults.add(Fault(api=CALL, kind="drop"))
        try:
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.post(CALL, content=b"{}")
                assert (await client.post(CALL, content=b"{}")).json()["errcode"] == 47001
        finally:
            await server.close()
            await service.stop()

    run(main())


def test_a_planned_token_error_kills_the_token_for_true():
    async def scene(service, client):
        service.cloud.faults.add(Fault(api=CALL, number=42001))
        old = (await token(service, client))["access_token"]
        for _ in range(2):
            answer = await client.post(CALL, params={"access_token": old}, json=call_of(service))
            assert answer.json()["errcode"] == 42001
        new = (await token(service, client))["access_token"]
        assert new != old
        answer = await client.post(CALL, params={"access_token": new}, json=call_of(service))
        assert answer.json()["errcode"] == 0

    played(scene)


def test_a_huge_body_is_refused():
    async def scene(service, client):
        assert (await client.post(CALL, content=b" " * 70_000)).status_code == 413

    played(scene)


def test_a_client_that_leaves_within_its_request_leaves_no_traceback():
    async def scene(service, client):
        scope = {"type": "http", "method": "POST", "path": CALL, "headers": [], "query_string": b""}
        sent = []

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await web.build(service)(scope, receive, send)
        return sent[0]["status"]

    assert played(scene) == 400
