"""The mini program's API over HTTP: who gets in, how often, with what, and that every refusal has one form."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relay_store import Store, run
from starlette.requests import Request
from support.mini_scene import APPID, MANY, MODEL, MiniScene

from tincall.settings import LimitSettings
from tincall.simulator.accounts import User
from tincall.wechat.logins import SESSION_S
from tincall.wechat.mini import MiniLimits, _address

CALL = "/calls/" + "a" * 20
GUARDED = [
    ("DELETE", "/login", None), ("GET", "/devices", None), ("DELETE", "/devices/SN-1", None),
    ("POST", "/bind", {"invite": "7KQM-03XV-9TZB"}), ("POST", "/ticket", {"sn": "SN-1"}), ("GET", "/consent", None),
    ("POST", "/consent", {"sn": "SN-1", "state": "granted"}), ("POST", "/calls", {"sn": "SN-1"}),
    ("POST", CALL + "/cancelled", {}), ("POST", CALL + "/ended", {"event": "endVoip"}),
]  # fmt: skip


def refusal(answer, status, reason):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert {"type", "title", "status", "reason", "detail"} <= set(body)
    assert (body["status"], body["reason"]) == (status, reason)
    return answer


def limited(**limits):
    return dataclasses.replace(MANY, **limits)


async def test_a_login_is_answered_with_a_session_and_nothing_else(store):
    async with MiniScene(store) as s:
        answer = await s.ask("POST", "/login", json={"code": s.cloud.accounts.login("openid-mum")})
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        assert set(answer.json()) == {"session", "expires_in_s"} and answer.json()["expires_in_s"] == 43_200
        assert len(answer.json()["session"]) == 43 and "openid" not in answer.text
        refusal(await s.ask("POST", "/login", json={"code": "made-up"}), 400, "bad_code")


@pytest.mark.parametrize(("method", "path", "body"), GUARDED)
async def test_nobody_gets_in_without_a_session(store, method, path, body):
    async with MiniScene(store) as s:
        mine = await s.bound()
        for shown in ({}, {"Authorization": f"Basic {mine}"}, {"Authorization": "Bearer " + "x" * 43},
                      {"Authorization": f"Bearer {mine} {mine}"}, {"Authorization": mine}, {"Authorization": "Bearer"},
                      {"Authorization": "Bearer " + "o" * 43}, {"Authorization": "Bearer " + "x" * 8000}):  # fmt: skip
            answer = await s.client.request(method, "/v1/mini" + path, headers=shown, json=body)
            assert refusal(answer, 401, "auth_failed").headers["www-authenticate"] == "Bearer"
        # not even that a body is wrong is told to a stranger
        refusal(await s.ask(method, path, "x" * 43, content=b"{"), 401, "auth_failed")


async def test_a_session_ends_by_age_by_a_newer_one_and_by_itself(store):
    async with MiniScene(store) as s:
        first = await s.log_in()
        second = await s.log_in()
        refusal(await s.ask("GET", "/devices", first), 401, "auth_failed")
        assert (await s.ask("GET", "/devices", second)).status_code == 200
        assert (await s.ask("DELETE", "/login", second)).json() == {"done": True}
        refusal(await s.ask("GET", "/devices", second), 401, "auth_failed")
        third = await s.log_in()
        s.clock.advance(SESSION_S * 1000)
        refusal(await s.ask("GET", "/devices", third), 401, "auth_failed")


async def test_a_session_of_the_mini_program_opens_no_operators_door(store):
    async with MiniScene(store) as s:
        session = await s.log_in()
        for path in ("/v1/devices", "/v1/calls", "/v1/phones"):
            answer = await s.client.get(path, headers={"Authorization": f"Bearer {session}"})
            refusal(answer, 401, "auth_failed")


async def test_boards_come_and_go(store):
    async with MiniScene(store) as s:
        session = await s.log_in()
        assert (await s.ask("GET", "/devices", session)).json() == {"devices": []}
        bound = await s.ask("POST", "/bind", session, json={"invite": await s.invite(), "name": "Mum"})
        assert bound.status_code == 200 and bound.json()["called"] == "Mum"
        assert (await s.ask("GET", "/devices", session)).json() == {"devices": [bound.json()]}
        assert (await s.ask("DELETE", "/devices/SN-1", session)).json() == {"done": True}
        refusal(await s.ask("DELETE", "/devices/SN-1", session), 404, "unknown_board")


async def test_ticket_and_consent(store):
    async with MiniScene(store) as s:
        session = await s.bound()
        ticket = (await s.ask("POST", "/ticket", session, json={"sn": "SN-1"})).json()
        assert len(ticket["sn_ticket"]) == 32 and ticket["model_id"] == MODEL
        told = (await s.ask("POST", "/consent", session, json={"sn": "SN-1", "state": "refused"})).json()
        assert (told["state"], told["advice"]) == ("refused", "settings")
        assert (await s.ask("GET", "/consent", session)).json() == {"consents": [told]}
        assert (await s.ask("GET", "/consent?sn=SN-1", session)).json() == {"consents": [told]}
        assert (await s.ask("GET", "/consent?sn=SN-2", session)).json() == {"consents": []}
        s.fails(-1, "/wxa/getsnticket")
        s.clock.advance(250_000)
        assert (await s.ask("POST", "/ticket", session, json={"sn": "SN-1"})).status_code == 200, "busy for a moment"


async def test_calls_and_what_became_of_them(store):
    async with MiniScene(store) as s:
        session, other = await s.bound(), await s.bound("openid-dad", name="Dad")
        refusal(await s.ask("POST", "/calls", session, json={"sn": "SN-1"}), 409, "not_connected")
        s.board()
        permit = await s.permit(session)
        assert set(permit) == {"call", "sn", "model_id", "device_name", "room_type", "payload", "expires_in_s"}
        assert await s.push(s.call_device(permit)) == 0
        refusal(await s.ask("POST", "/calls", other, json={"sn": "SN-1"}), 409, "busy")
        path = f"/calls/{permit['call']}"
        refusal(await s.ask("POST", path + "/cancelled", other, json={}), 404, "unknown_call")
        gone = await s.ask("POST", path + "/cancelled", session, json={"reason": "manual"})
        assert gone.json() == {"call": permit["call"], "was": "live"}
        last = await s.ask("POST", path + "/ended", session, json={"event": "finishVoip", "keep_time": 0})
        assert last.json() == {"call": permit["call"], "was": "over"}


@pytest.mark.parametrize("sn", ["SN-2", "SN-9"])
async def test_a_board_of_others_is_as_one_that_is_not_there(store, sn):
    async with MiniScene(store) as s:
        session = await s.bound()
        await s.bound("openid-dad", "SN-2", "Dad")
        answers = [
            await s.ask("POST", "/ticket", session, json={"sn": sn}),
            await s.ask("POST", "/calls", session, json={"sn": sn}),
            await s.ask("POST", "/consent", session, json={"sn": sn, "state": "granted"}),
            await s.ask("DELETE", f"/devices/{sn}", session),
        ]
        assert len({refusal(answer, 404, "unknown_board").text for answer in answers}) == 1


# how often


async def test_invites_cannot_be_tried_out(store):
    limits = MiniLimits()
    async with MiniScene(store, limited(person_wrong_invites=limits.person_wrong_invites)) as s:
        session = await s.log_in()
        good = await s.invite()
        for _ in range(limits.person_wrong_invites):
            refusal(await s.ask("POST", "/bind", session, json={"invite": "0000-0000-0000"}), 404, "bad_invite")
        held = refusal(await s.ask("POST", "/bind", session, json={"invite": good}), 429, "too_many")
        wait_s = int(held.headers["retry-after"])
        assert 0 < wait_s <= 60
        s.clock.advance(wait_s * 1000)
        assert (await s.ask("POST", "/bind", session, json={"invite": good})).status_code == 200


async def test_new_people_do_not_help_to_try_more_invites_out(store):
    async with MiniScene(store, limited(address_wrong_invites=3)) as s:
        for i in range(3):
            s.cloud.accounts.users[f"openid-{i}"] = User(f"openid-{i}", APPID)
            session = await s.log_in(f"openid-{i}")
            refusal(await s.ask("POST", "/bind", session, json={"invite": "0" * 12}), 404, "bad_invite")
        refusal(await s.ask("POST", "/bind", await s.log_in(), json={"invite": "0" * 12}), 429, "too_many")


async def test_good_invites_are_not_counted(store):
    async with MiniScene(store, limited(person_wrong_invites=1, address_wrong_invites=1)) as s:
        session = await s.log_in()
        for sn in ("SN-1", "SN-2", "SN-1"):
            assert (await s.ask("POST", "/bind", session, json={"invite": await s.invite(sn)})).status_code == 200


async def test_logins_requests_and_calls_are_counted(store):
    async with MiniScene(store, limited(address_logins=2, person=4, person_calls=1)) as s:
        session = await s.bound()
        s.board()
        await s.permit(session)
        refusal(await s.ask("POST", "/calls", session, json={"sn": "SN-1"}), 429, "too_many")
        assert (await s.ask("GET", "/devices", session)).status_code == 200
        refusal(await s.ask("GET", "/devices", session), 429, "too_many")
        refusal(await s.ask("POST", "/login", json={"code": "x"}), 400, "bad_code")
        refusal(await s.ask("POST", "/login", json={"code": "x"}), 429, "too_many")


def test_the_limits_are_settings():
    assert MiniLimits.of(LimitSettings()) == MiniLimits()
    assert MiniLimits.of(LimitSettings(mini_calls_per_minute=1000)).person_calls == 1000
    names = [name for name in LimitSettings.model_fields if name.startswith("mini_")]
    many = MiniLimits.of(LimitSettings(**{name: 1000 + i for i, name in enumerate(names)}))
    assert len(set(dataclasses.astuple(many))) == len(names) == len(dataclasses.fields(MiniLimits))


async def test_strangers_are_counted_by_address(store):
    async with MiniScene(store, limited(address=5)) as s:
        for _ in range(5):
            refusal(await s.ask("GET", "/devices", "x" * 43), 401, "auth_failed")
        refusal(await s.ask("GET", "/devices", "x" * 43), 429, "too_many")
        refusal(await s.ask("POST", "/login", content=b"not json"), 429, "too_many")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("testclient", "testclient", True),
    ],
)
def test_who_counts_as_one_address(one, other, is_same):
    first, second = [_address(Request({"type": "http", "client": (host, 1), "headers": []})) for host in (one, other)]
    assert (first == second) == is_same
    assert _address(Request({"type": "http", "client": None, "headers": []})) == ""


# hostile bodies


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"sn":"SN-1","sn":"SN-2","more":1}', b'{"sn":"\\ud800"}',
        b'{"sn":"SN-1\\u0000"}', '{"sn":"SN\u20111"}'.encode(), b'{"sn":["SN-1"]}', b'{"sn":' + b"[" * 5000, b'{"sn":1e999}',
    ],
)  # fmt: skip
async def test_a_body_that_is_none_is_refused(store, content):
    async with MiniScene(store) as s:
        session = await s.bound()
        for path in ("/ticket", "/calls"):
            headers = {"Authorization": f"Bearer {session}", "Content-Type": "application/json"}
            answer = await s.client.post("/v1/mini" + path, content=content, headers=headers)
            refusal(answer, 400, "bad_request")


async def test_a_body_of_a_megabyte_is_refused_unread(store):
    async with MiniScene(store) as s:
        session = await s.bound()
        for path in ("/login", "/bind", "/calls"):
            refusal(await s.ask("POST", path, session, content=b" " * 1_000_000), 413, "too_large")


async def test_names_that_play_tricks_are_cleaned_on_their_way_to_the_board(store):
    async with MiniScene(store) as s:
        board = s.board()
        session = await s.log_in()
        name = "\u202eMum\u0000\n\u200b<b>😀" + "x" * 40
        assert (
            await s.ask("POST", "/bind", session, json={"invite": await s.invite(), "name": name})
        ).status_code == 200
        (shown,) = board.last("contacts")["contacts"]
        assert shown["name"].isprintable() and shown["name"].startswith("Mum<b>😀")
        refusal(
            await s.client.post(
                "/v1/mini/bind",
                content=b'{"invite":"x","name":"\\udfff"}',
                headers={"Authorization": f"Bearer {session}", "Content-Type": "application/json"},
            ),
            400,
            "bad_request",
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(
    fields=st.dictionaries(
        st.sampled_from(["sn", "invite", "name", "state", "room_type", "reason", "event", "keep_time", "errcode", "x"]),
        st.sampled_from(["SN-1", "SN-9", "granted", "voice", "manual", "endVoip", 9, -1, None, True]) | JSON,
        max_size=4,
    ),
    query=st.text(max_size=20),
)
def test_whatever_is_said_is_done_or_refused_and_never_a_bug(tmp_path_factory, fields, query):
    async def go():
        async with Store(tmp_path_factory.mktemp("store")) as store, MiniScene(store) as s:
            session = await s.bound()
            for method, path, _ in GUARDED[1:]:
                answer = await s.ask(method, path, session, json=fields if method == "POST" else None)
                assert answer.status_code in (200, 201, 400, 404, 409), answer.text
            answer = await s.ask("GET", "/consent", session, params={"sn": query})
            assert answer.status_code in (200, 400), answer.text

    run(go())


# the description


async def test_the_description_names_every_route_with_examples_and_its_lock(store):
    async with MiniScene(store) as s:
        told = (await s.client.get("/openapi.json")).json()
        paths = [(method, path.replace("SN-1", "{sn}").replace("a" * 20, "{call_id}")) for method, path, _ in GUARDED]
        wanted = {(method.lower(), "/v1/mini" + path) for method, path in paths}
        found = {
            (method, path): route
            for path, routes in told["paths"].items() if path.startswith("/v1/mini")
            for method, route in routes.items()
        }  # fmt: skip
        assert set(found) == wanted | {("post", "/v1/mini/login")}
        for key, route in found.items():
            assert bool(route.get("security")) == (key != ("post", "/v1/mini/login"))
            body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            if body:
                assert told["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]["examples"]
        assert told["components"]["securitySchemes"]["miniSession"]["scheme"] == "bearer"
