"""The running simulator: order of push and answer, who rings when, verdicts, bad paths, nothing left at its stop."""

import asyncio
import gc

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sim import FRAME, EndWitness, PhoneWitness, run, until

from tincall.simulator import web
from tincall.simulator.accounts import ANY, User
from tincall.simulator.cloud import CALL
from tincall.simulator.impair import FrameProfile
from tincall.simulator.pusher import PushPlan
from tincall.simulator.room import Times
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service


class Scene:
    """A service behind HTTP, a relay that answers pushes with numbers, and a phone."""

    def __init__(self, service, client, numbers):
        self.service = service
        self.client = client
        self.numbers = numbers
        self.came = []
        self.phone = PhoneWitness()
        self.line = service.rooms.attach("o1", self.phone)
        self.log = []

    async def push(self, request: Request):
        self.came.append(await request.body())
        self.log.append("push")
        number = self.numbers.pop(0) if self.numbers else 0
        if number is None:
            return Response(status_code=500)
        return {"errcode": number, "errmsg": "x"}

    async def call(self):
        console = self.service.console
        token, _ = self.service.cloud.tokens.stable(console.appid, False)
        body = {"model_id": console.model_id, "sn": "sn", "openid": "o1", "room_type": "voice", "payload": "pay"}
        answer = await self.client.post(CALL, params={"access_token": token}, json=body)
        self.log.append("answer")
        assert answer.json()["errcode"] == 0
        return self.service.rooms.live()[0] if self.service.rooms.live() else None

    def join(self, room):
        end = EndWitness()
        keys = room.keys
        self.service.rooms.join(room.order.appid, keys.room_id, keys.session_key, keys.server_token, "pay", end)
        return end


def played(scene, *numbers, plan=None, times=None):
    async def main():
        service = Service(plan=plan, times=times)
        service.cloud.accounts.add_user(User("o1", service.console.appid, consents={ANY}))
        through = httpx.ASGITransport(web.build(service))
        relay = FastAPI()
        server = await SimulatorServer.open(relay)
        service.pusher.url = f"{server.url}/push"
        try:
            async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=through) as client:
                it = Scene(service, client, list(numbers))
                relay.add_api_route("/push", it.push, methods=["POST"])
                await scene(it)
        finally:
            await service.stop()
            await server.close()
        assert service.pending == 0
        # what is left now would run on
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    run(main())
    gc.collect()


@pytest.mark.parametrize(("order", "log"), [("after", ["answer", "push"]), ("before", ["push", "answer"])])
def test_the_push_comes_before_or_after_the_answer(order, log):
    async def scene(it):
        await it.call()
        await until(lambda: it.phone.told == ["rings"], "ringing")
        assert it.log == log

    played(scene, plan=PushPlan(order=order))


def test_an_api_call_is_answered_even_if_its_push_is_not():
    async def scene(it):
        await asyncio.wait_for(it.call(), 3)
        assert it.log == ["push", "push", "push", "push", "answer"]

    played(scene, None, None, None, None, plan=PushPlan(order="before"))


def test_nothing_rings_before_yes_and_no_cancels():
    async def scene(it):
        room = await it.call()
        end = it.join(room)
        await until(lambda: room.state == "over", "the refusal")
        assert (room.why, end.statuses, it.phone.told) == ("refused", [0, 4], [])

    played(scene, 1)


def test_a_failed_answer_is_tried_again_and_then_given_up():
    async def scene(it):
        room = await it.call()
        await until(lambda: room.state == "over", "the end")
        assert (room.why, len(it.came), it.phone.told) == ("refused", 4, [])

    played(scene, None, None, None, None)


def test_a_repeat_that_says_no_cancels_what_rings():
    async def scene(it):
        room = await it.call()
        await until(lambda: room.state == "over", "the refusal")
        assert it.phone.told == ["rings", "refused"]
        await until(lambda: not it.service.pending, "the last copy")
        assert [remark["rule"] for remark in it.service.ledger.remarks] == ["answers_differ"]

    played(scene, 0, 10, plan=PushPlan(repeats=1))


def test_copies_may_run_beside_each_other():
    async def scene(it):
        room = await it.call()
        await until(lambda: len(it.came) == 4, "all copies")
        await until(lambda: room.state == "ringing", "ringing")
        assert not it.service.ledger.remarks

    played(scene, plan=PushPlan(repeats=3, concurrent=True))


def test_the_other_orders_of_ringing():
    async def at_call(it):
        room = await it.call()
        await until(lambda: it.phone.told == ["rings"], "ringing")
        assert it.came == []
        await until(lambda: room.state == "over", "the refusal")

    played(at_call, 1, plan=PushPlan(rings="at_call", delay_ms=200))

    async def before_push(it):
        await it.call()
        await until(lambda: it.phone.told == ["rings"], "ringing")
        await asyncio.sleep(0.1)
        assert it.came == []
        it.line.answer()
        await until(lambda: it.came, "the push")

    played(before_push, plan=PushPlan(rings="before_push"))


def test_forgeries_come_first_and_taking_one_is_remarked():
    async def scene(it):
        room = await it.call()
        await until(lambda: not it.service.pending, "the pushes")
        assert len(it.came) == 2 and room.state == "made"
        assert [remark["flaw"] for remark in it.service.ledger.remarks] == ["wrong_key"]

    played(scene, None, 0, plan=PushPlan(forged=["wrong_appid", "wrong_key"], lost=True))


def test_a_replay_comes_after_the_end():
    async def scene(it):
        room = await it.call()
        await until(lambda: it.phone.told == ["rings"], "ringing")
        assert len(it.came) == 1
        it.line.reject()
        await until(lambda: len(it.came) == 2, "the replay")
        assert it.came[0] == it.came[1] and room.why == "rejected"

    played(scene, plan=PushPlan(replay=True))


def test_a_phones_call_is_pushed_too():
    async def scene(it):
        room = it.line.call("sn", it.service.console.model_id, "pay")
        await until(lambda: room.state == "ringing", "the relay's yes")
        assert len(it.came) == 1 and room.order.appid == it.service.console.appid

    played(scene)


def test_time_acts_by_itself():
    async def scene(it):
        room = await it.call()
        await until(lambda: room.state == "over", "the time-out")
        assert it.phone.told == ["rings", "timeout"]
        assert it.service.ledger.of("room_over", why="timeout")

    played(scene, times=Times(ring_ms=150))


def test_paths_are_bad_in_the_direction_they_were_told():
    async def scene(it):
        it.service.down = FrameProfile(delay_ms=80)
        room = await it.call()
        end = it.join(room)
        await until(lambda: it.phone.told == ["rings"], "ringing")
        it.line.answer()
        it.line.send(FRAME)
        it.service.rooms.hear(room, FRAME)
        assert (it.phone.heard, end.heard) == ([FRAME], [])
        await until(lambda: end.heard == [FRAME], "the delayed frame")
        it.line.send(FRAME)
        it.line.hang_up()
        await asyncio.sleep(0.15)
        assert end.heard == [FRAME]

    played(scene)


def test_an_unknown_event_is_to_be_answered_with_nothing_or_success():
    async def scene(it):
        await it.service.push_event("user_enter_tempsession", "o1")
        assert [remark["rule"] for remark in it.service.ledger.remarks] == ["unknown_event_not_taken"]

    played(scene)


def test_stopping_in_the_middle_leaves_nothing():
    async def scene(it):
        await it.call()
        await until(lambda: it.phone.told == ["rings"], "ringing")
        assert it.service.pending == 1

    played(scene, plan=PushPlan(repeats=1, replay=True))
