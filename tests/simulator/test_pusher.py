"""Deliveries: what goes over the wire, when it is tried again, what counts as an answer."""

import asyncio
import json
import xml.etree.ElementTree as ElementTree

import pytest
import sim
from fastapi import FastAPI, Request, Response
from sim import run

from tincall.clock import ManualClock
from tincall.leg import OUT
from tincall.simulator.envelope import Envelope
from tincall.simulator.ledger import Ledger
from tincall.simulator.pusher import ANSWER_MAX_BYTES, Pusher, PushPlan
from tincall.simulator.room import Order
from tincall.simulator.server import SimulatorServer

APPID = "wx1"
OK = b'{"errcode":0,"errmsg":"ok"}'


class Relay:
    """A relay that answers what it is told to and keeps what came."""

    def __init__(self, *answers):
        self.came = []
        self._answers = list(answers)
        self.app = FastAPI()
        self.app.add_api_route("/push", self._take, methods=["POST", "GET"])

    async def _take(self, request: Request):
        self.came.append((dict(request.query_params), await request.body(), request.headers.get("content-type")))
        answer = self._answers.pop(0) if self._answers else OK
        if isinstance(answer, Response):
            return answer
        return await answer(request) if callable(answer) else Response(answer)


async def late(request):
    await asyncio.sleep(1.5)
    return Response(OK)


async def echo(request):
    return Response(request.query_params["echostr"])


def pushed(scene, *answers):
    """Run a scene with a pusher and a relay."""

    async def main():
        relay = Relay(*answers)
        server = await SimulatorServer.open(relay.app)
        ledger = Ledger(ManualClock())
        envelope = Envelope("tok", "A" * 43, APPID, sim.counted())
        pusher = Pusher(ManualClock(), ledger, envelope, "gh_1")
        pusher.url = f"{server.url}/push"
        try:
            return await scene(pusher, relay, ledger, envelope)
        finally:
            await pusher.close()
            await server.close()

    return run(main())


def event(pusher):
    rooms, _ = sim.rooms()
    room = rooms.make(Order(OUT, APPID, "o1", "sn", "m", "pay"))
    return pusher.notification(room), room


def test_a_push_has_the_platforms_fields_and_is_signed():
    async def scene(pusher, relay, ledger, envelope):
        fields, room = event(pusher)
        assert (await pusher.send(fields, PushPlan())).number == 0
        query, body, kind = relay.came[0]
        outer = json.loads(body)
        assert (set(outer), kind) == ({"ToUserName", "Encrypt"}, "application/json")
        assert set(query) == {"signature", "timestamp", "nonce", "openid", "encrypt_type", "msg_signature"}
        assert (query["encrypt_type"], query["openid"]) == ("aes", "o1")
        assert query["msg_signature"] == envelope.sign(query["timestamp"], query["nonce"], outer["Encrypt"])
        assert query["signature"] == envelope.sign(query["timestamp"], query["nonce"])
        clear = json.loads(envelope.open(outer["Encrypt"]))
        assert clear == {
            "ToUserName": "gh_1",
            "FromUserName": "o1",
            "CreateTime": ManualClock.UNIX_START_MS // 1000,
            "MsgType": "event",
            "Event": "iot_voip_notify",
            "Action": "join_voip_room",
            "Payload": "pay",
            "RoomId": room.keys.room_id,
            "SessionKey": room.keys.session_key,
            "ServerToken": room.keys.server_token,
            "ModelId": "m",
            "Sn": "sn",
        }
        assert room.keys.session_key not in str(list(ledger.facts))

    pushed(scene)


def test_a_push_in_xml_is_xml_inside_and_outside():
    async def scene(pusher, relay, ledger, envelope):
        fields, room = event(pusher)
        await pusher.send(fields, PushPlan(form="xml"))
        _, body, kind = relay.came[0]
        assert kind == "text/xml"
        outer = ElementTree.fromstring(body.decode())
        inner = ElementTree.fromstring(envelope.open(outer.findtext("Encrypt")).decode())
        assert inner.findtext("RoomId") == room.keys.room_id
        assert int(inner.findtext("CreateTime")) == fields["CreateTime"]

    pushed(scene)


def test_the_other_modes_do_not_hide_the_event():
    async def scene(pusher, relay, ledger, envelope):
        fields, room = event(pusher)
        await pusher.send(fields, PushPlan(mode="plain"))
        await pusher.send(fields, PushPlan(mode="compatible"))
        plain, both = (json.loads(body) for _, body, _ in relay.came)
        assert plain == fields and "encrypt_type" not in relay.came[0][0]
        assert both["RoomId"] == room.keys.room_id and both["Encrypt"]

    pushed(scene)


def test_each_try_is_fresh_and_four_are_the_most():
    async def scene(pusher, relay, ledger, envelope):
        fields, _ = event(pusher)
        sent = await pusher.deliver(fields, PushPlan())
        assert sent.number is None and len(relay.came) == 4
        assert len({body for _, body, _ in relay.came}) == 4
        assert len({query["nonce"] for query, _, _ in relay.came}) == 4
        assert [fact["number"] for fact in ledger.of("push")] == [1, 2, 3, 4]

    pushed(scene, *[Response(status_code=500)] * 4)


def test_a_late_a_failed_and_a_vague_answer_are_tried_again():
    async def scene(pusher, relay, ledger, envelope):
        fields, _ = event(pusher)
        sent = await pusher.deliver(fields, PushPlan(timeout_ms=1000))
        assert sent.number == 7 and len(relay.came) == 4
        whys = [fact["why"] for fact in ledger.of("push")]
        assert whys[0] == "TimeoutError" and whys[1] == "status 404" and "neither JSON" in whys[2] and whys[3] == ""

    pushed(scene, late, Response(OK, 404), b"success", b'{"errcode":7,"errmsg":"no"}')


def test_a_relay_that_is_not_there_is_no_error_of_ours():
    async def scene(pusher, relay, ledger, envelope):
        fields, _ = event(pusher)
        pusher.url = "http://127.0.0.1:1/push"
        assert (await pusher.deliver(fields, PushPlan(resends=1))).number is None
        assert [fact["why"] for fact in ledger.of("push")] == ["ConnectError", "ConnectError"]

    pushed(scene)


def test_an_endless_answer_is_cut_off():
    async def scene(pusher, relay, ledger, envelope):
        fields, _ = event(pusher)
        assert (await pusher.send(fields, PushPlan())).number is None
        assert ledger.of("push")[0]["why"] == "the answer is too long"

    pushed(scene, b" " * (ANSWER_MAX_BYTES + 1))


def test_a_replay_is_the_same_bytes():
    async def scene(pusher, relay, ledger, envelope):
        fields, _ = event(pusher)
        sent = await pusher.send(fields, PushPlan())
        await pusher.resend(sent, PushPlan())
        assert relay.came[0] == relay.came[1]
        assert [fact["flaw"] for fact in ledger.of("push")] == ["", "replayed"]

    pushed(scene)


@pytest.mark.parametrize(("answer", "good"), [(echo, True), (b"", False), (Response(status_code=403), False)])
def test_the_url_is_checked_like_in_the_console(answer, good):
    async def scene(pusher, relay, ledger, envelope):
        assert await pusher.check_url(pusher.url) is good
        query = relay.came[0][0]
        assert query["signature"] == envelope.sign(query["timestamp"], query["nonce"])
        assert set(query) == {"signature", "timestamp", "nonce", "echostr"}

    pushed(scene, answer)


def test_a_url_where_nobody_is_fails_the_check():
    async def scene(pusher, relay, ledger, envelope):
        assert not await pusher.check_url("http://127.0.0.1:1/push")

    pushed(scene)
