"""The cloud as a function of requests; what goes over HTTP is in test_web."""

import json

import pytest
import sim
from sim import counted

from tincall.leg import IN
from tincall.simulator import cloud as cloud_file
from tincall.simulator import credentials
from tincall.simulator.accounts import ANY, App, User
from tincall.simulator.cloud import CALL, Cloud, Request
from tincall.simulator.numbers import Refused


class Scene:
    """A cloud on a clock that stands still, with an app and a user."""

    def __init__(self, **app):
        self.rooms, self.clock = sim.rooms()
        self.ledger = self.rooms._ledger
        self.cloud = Cloud(self.clock, counted(), self.rooms, self.ledger)
        self.cloud.accounts.apps["wx1"] = App("wx1", "s1", models=("m1",), **app)
        self.cloud.accounts.add_user(User("o1", "wx1", consents={ANY}))

    def post(self, path, body, **query):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.cloud.request(Request("POST", path, query, data))

    def call(self, **other):
        body = {"model_id": "m1", "sn": "sn", "openid": "o1", "room_type": "voice", "payload": "p", **other}
        return self.post(CALL, body, access_token=self.cloud.tokens.stable("wx1", False)[0])


def test_a_call_makes_a_room_for_whoever_pushes():
    scene = Scene()
    reply = scene.call(listener_name="Mum")
    assert reply.fields == {"errcode": 0, "errmsg": "ok"}
    assert reply.room.order.name == "Mum" and reply.room.state == "made"
    assert scene.ledger.of("api", path=CALL, number=0)
    assert scene.call(openid="o9").room is None


@pytest.mark.parametrize(
    ("app", "other", "number"),
    [
        ({"is_onboarded": False}, {}, 48001),
        ({"is_approved": False}, {}, 12),
        ({"is_approved": False}, {"version_type": 2}, 0),
        ({"has_credit": False}, {}, 15),
    ],
)
def test_the_consoles_state_decides(app, other, number):
    assert Scene(**app).call(**other).fields["errcode"] == number


@pytest.mark.parametrize("payload", ["x" * 128, "a b", "家"])
def test_a_payload_that_may_not_arrive_whole_is_remarked(payload):
    scene = Scene()
    assert scene.call(payload=payload).fields["errcode"] == 0
    assert [remark["rule"] for remark in scene.ledger.remarks] == ["risky_payload"]


def test_strange_parameters_and_forced_tokens_are_remarked():
    scene = Scene()
    token = scene.cloud.tokens.stable("wx1", False)[0]
    scene.cloud.request(Request("GET", "/cgi-bin/getcallbackip", {"access_token": token, "x": "1"}, b""))
    scene.post(
        "/cgi-bin/stable_token",
        {"grant_type": "client_credential", "appid": "wx1", "secret": "s1", "force_refresh": True},
    )
    assert [remark["rule"] for remark in scene.ledger.remarks] == ["strange_parameter", "forced_refresh"]


def test_a_phones_call_needs_no_consent_but_much_else():
    scene = Scene()
    scene.cloud.accounts.add_user(User("o2", "wx1"))
    assert scene.rooms.place("o2", "sn", "m1", "pay", "voice").order.appid == "wx1"

    def refusal(number, *arguments):
        with pytest.raises(Refused) as caught:
            scene.rooms.place(*arguments)
        assert caught.value.number == number

    refusal(20, "o9", "sn", "m1", "pay", "voice")
    refusal(17, "o1", "sn", "m9", "pay", "voice")
    refusal(2, "o1", "s n", "m1", "pay", "voice")
    refusal(47001, "o1", "sn", "m1", "", "voice")
    refusal(47001, "o1", "sn", "m1", "x" * 256, "voice")
    scene.cloud.accounts.apps["wx1"] = App("wx1", "s1", models=("m1",), has_credit=False)
    refusal(15, "o1", "sn", "m1", "pay", "voice")
    assert [room.order.direction for room in scene.rooms.live()] == [IN]


def test_a_wrong_body_is_named_without_its_value():
    scene = Scene()
    reply = scene.post("/cgi-bin/stable_token", {"secret": 12345})
    assert "secret" in reply.fields["errmsg"] and "12345" not in reply.fields["errmsg"]


def test_rids_are_bounded(monkeypatch):
    monkeypatch.setattr(cloud_file, "RIDS_MAX", 2)
    scene = Scene()
    rids = [scene.call(openid="o9").fields["errmsg"].split("rid: ")[1] for _ in range(3)]
    token = scene.cloud.tokens.stable("wx1", False)[0]
    found = [
        scene.post("/cgi-bin/openapi/rid/get", {"rid": rid}, access_token=token).fields["errcode"] for rid in rids[:2]
    ]
    # the first look-up fails, and takes the place of the second rid
    assert found == [76001, 76001]


def test_too_many_android_devices_at_once():
    scene = Scene()
    scene.cloud.accounts.apps["wxm"] = App("wxm", "s", mobile=True)
    token = scene.cloud.tokens.stable("wxm", False)[0]
    body = {"product_id": 1, "device_id_list": ["d"] * 101, "model_name": "m"}
    assert scene.post("/wxa/business/runtime/adddevice", body, access_token=token).fields["errcode"] == 47001


def test_every_secret_of_a_console_is_kept_out_of_its_repr():
    console = credentials.make(counted())
    for name in ("secret", "push_token", "aes_key", "host_secret", "control_token"):
        assert getattr(console, name) not in repr(console)
