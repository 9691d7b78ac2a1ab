"""Pushes and what they bring about: which are accepted, once, and what boards, workers, rooms and records see of it."""

import asyncio

import pytest
from sqlalchemy import select
from support.legs import until
from support.push_scene import KEY, PCMA, PushScene

from callcore import causes
from tincall.errors import OperatorError
from tincall.relay.store.models import wechat_inbox, wechat_rooms
from tincall.wechat import notify, payload, points
from tincall.wechat.payload import CallToken


async def inbox(scene):
    return await scene.store.database.read(lambda connection: connection.execute(select(wechat_inbox)).all())


async def open_rooms(scene):
    rows = await scene.store.database.read(lambda connection: connection.execute(select(wechat_rooms)).all())
    return [row.room_id for row in rows]


async def until_no_room(scene):
    for _ in range(2000):
        if not await open_rooms(scene):
            return
        await asyncio.sleep(0.001)
    raise AssertionError("a room is left open")


async def dialled(scene, board):
    """Let a board call; gives the payload that the platform was handed."""
    board.dials(scene.mum.contact_id)
    await until(lambda: scene.questions, "the question")
    return scene.questions[-1].payload


# a call of the board


async def test_the_push_of_a_boards_call_takes_its_worker_into_the_room(store, sealing):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        event = scene.event(await dialled(scene, board))
        assert await scene.push(event) == 0
        worker = scene.workers.made[-1]
        await until(lambda: worker.says("room"), "the room")
        assert worker.room["server_token"] == "canary-server" and worker.room["room_id"] == event["RoomId"]
        assert await open_rooms(scene) == [event["RoomId"]]
        (row,) = await inbox(scene)
        assert (row.verdict, row.call_id, row.direction) == (0, "c1", "out")
        board.say({"t": "cancel", "call": "c1"})
        record = await scene.record("c1")
        assert (record["cause"], record["released_by"]) == (causes.ORIGINATOR_CANCEL, "device")
        await until_no_room(scene)
        assert len(scene.workers.made) == 1, "its own worker hung up"


async def test_repeats_of_an_accepted_push_change_nothing(store, sealing):
    async with PushScene(store, sealing) as scene:
        event = scene.event(await dialled(scene, scene.board()))
        numbers = await asyncio.gather(*(scene.push(event) for _ in range(4)))
        assert [*numbers, await scene.push(event)] == [0] * 5
        worker = scene.workers.made[-1]
        await until(lambda: worker.says("room"))
        assert [message["t"] for message in worker.messages].count("room") == 1
        assert len(await inbox(scene)) == 1


async def test_a_second_room_for_the_same_call_is_refused(store, sealing):
    async with PushScene(store, sealing) as scene:
        text = await dialled(scene, scene.board())
        assert await scene.push(scene.event(text)) == 0
        assert await scene.push(scene.event(text)) == notify.NUMBERS["no_such_call"]


async def test_a_late_push_of_a_cancelled_call_is_refused_for_ever(store, sealing):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        event = scene.event(await dialled(scene, board))
        board.say({"t": "cancel", "call": "c1"})
        await scene.record("c1")
        assert await scene.push(event) == await scene.push(event) == notify.NUMBERS["no_such_call"]
        assert await open_rooms(scene) == []


async def test_a_push_for_another_board_is_refused_and_the_call_goes_on(store, sealing):
    async with PushScene(store, sealing) as scene:
        text = await dialled(scene, scene.board())
        for changes in ({"sn": "SN-2"}, {"sn": "SN-9"}, {"ModelId": "m2"}):
            assert await scene.push(scene.event(text, **changes)) == notify.NUMBERS["wrong_device"]
        assert await scene.push(scene.event(text)) == 0


async def test_a_call_cancelled_while_its_push_is_stored_is_hung_up_by_another_worker(store, sealing, monkeypatch):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        event = scene.event(await dialled(scene, board))
        monkeypatch.setattr(
            points, "hook", _once(points.AFTER_COMMIT, lambda: board.say({"t": "cancel", "call": "c1"}))
        )
        assert await scene.push(event) == 0
        await until_no_room(scene)
        released = [worker.told("start")["role"] for worker in scene.workers.made if worker.room is not None]
        assert released == ["callee"] and len(scene.workers.made) == 2


async def test_a_push_that_cannot_be_stored_is_judged_anew(store, sealing, monkeypatch):
    async with PushScene(store, sealing) as scene:
        event = scene.event(await dialled(scene, scene.board()))

        def fail():
            raise OperatorError("the disk is full")

        monkeypatch.setattr(points, "hook", _once(points.BEFORE_COMMIT, fail))
        with pytest.raises(OperatorError):
            await scene.notify.take(event)
        assert await open_rooms(scene) == [] and await inbox(scene) == []
        assert await scene.push(event) == 0


# a call of the phone


async def test_the_push_of_a_phones_call_rings_the_board(store, sealing):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        text, call_id = await scene.ticket()
        event = scene.event(text)
        assert await scene.push(event) == 0
        await until(lambda: board.heard("invite"), "the invitation")
        assert board.last("invite")["from"] == {"id": scene.mum.contact_id, "name": "Mum"}
        worker = scene.workers.made[-1]
        await until(lambda: worker.says("start"))
        assert worker.room["room_id"] == event["RoomId"] and worker.told("start")["role"] == "caller"
        board.say({"t": "answer", "call": call_id, "media": PCMA})
        await until(lambda: worker.says("answer"))
        await worker.say({"t": "status", "number": 2})
        await worker.say({"t": "status", "number": 5})
        await worker.say({"t": "release", "cause": causes.NORMAL})
        record = await scene.record(call_id)
        assert (record["direction"], record["released_by"], record["phone"]) == ("in", "phone", scene.mum.contact_id)
        await until_no_room(scene)


@pytest.mark.parametrize(("cause", "reason"), [(causes.REJECTED, 11), (causes.BUSY, 11)])
async def test_a_board_that_refuses_has_the_room_declined(store, sealing, cause, reason):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        text, call_id = await scene.ticket()
        await scene.push(scene.event(text))
        await until(lambda: board.heard("invite"))
        board.say({"t": "reject", "call": call_id, "cause": cause})
        assert (await scene.record(call_id))["cause"] == cause
        assert scene.workers.made[-1].told("release")["reason"] == reason
        await until_no_room(scene)


async def test_a_stranger_rings_without_a_name(store, sealing):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        text, call_id = await scene.ticket(openid="openid-new")
        assert await scene.push(scene.event(text, openid="openid-new")) == 0
        await until(lambda: board.heard("invite"))
        assert board.last("invite")["from"] == {"id": "unknown", "name": "Unknown caller"}


async def test_each_id_calls_once(store, sealing):
    async with PushScene(store, sealing) as scene:
        scene.board()
        text, _ = await scene.ticket()
        assert await scene.push(scene.event(text)) == 0
        assert await scene.push(scene.event(text)) == notify.NUMBERS["ticket"]
        reasons = sorted(row.reason for row in await inbox(scene))
        assert reasons == ["", "used_call_id"]


async def test_two_rooms_for_one_id_at_the_same_moment(store, sealing):
    async with PushScene(store, sealing) as scene:
        scene.board()
        text, _ = await scene.ticket()
        numbers = await asyncio.gather(scene.push(scene.event(text)), scene.push(scene.event(text)))
        assert sorted(numbers) == [0, notify.NUMBERS["ticket"]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"openid": "openid-dad"}, "call_id_of_another"),
        ({"sn": "SN-2"}, "call_id_of_another"),
    ],
)
async def test_an_id_is_bound_to_person_and_board(store, sealing, changes, reason):
    async with PushScene(store, sealing) as scene:
        scene.board()
        scene.board("SN-2")
        text, call_id = await scene.ticket()
        assert await scene.push(scene.event(text, **changes)) == notify.NUMBERS["ticket"]
        assert [row.reason for row in await inbox(scene)] == [reason]
        assert await scene.push(scene.event(text)) == 0, "and it is not used up by that"


async def test_old_and_cancelled_ids_are_refused(store, sealing):
    async with PushScene(store, sealing) as scene:
        scene.board()
        (old, _), (cancelled, call_id) = await scene.ticket(), await scene.ticket()
        assert await scene.tickets.cancel(call_id, "openid-mum")
        assert await scene.push(scene.event(cancelled)) == notify.NUMBERS["ticket"]
        scene.clock.advance(121_000)
        assert await scene.push(scene.event(old)) == notify.NUMBERS["ticket"]
        assert await scene.store.records.list() == []


@pytest.mark.parametrize(
    ("state", "number", "cause"),
    [
        ("offline", notify.NUMBERS["not_connected"], causes.NOT_REGISTERED),
        ("busy", notify.NUMBERS["busy"], causes.BUSY),
        ("full", notify.NUMBERS["overload"], causes.CONGESTION),
        ("stopping", notify.NUMBERS["overload"], causes.TEMPORARY_FAILURE),
    ],
)
async def test_a_board_that_cannot_be_called_leaves_a_record(store, sealing, state, number, cause):
    async with PushScene(store, sealing, max_calls=1) as scene:
        if state != "offline":
            board = scene.board("SN-2" if state == "full" else "SN-1")
            if state == "full":
                scene.board()
                await scene.contacts.put("SN-2", "openid-mum", "Mum", "granted")
                board.dials(scene.contacts.find("SN-2", "openid-mum").contact_id)
            elif state == "busy":
                board.dials(scene.mum.contact_id)
            await until(lambda: state == "stopping" or scene.questions)
        if state == "stopping":
            await scene.switchboard.stop()
        text, call_id = await scene.ticket()
        event = scene.event(text)
        assert await scene.push(event) == await scene.push(event) == number
        record = await scene.record(call_id)
        assert (record["cause"], record["released_by"], record["duration_ms"]) == (cause, "relay", 0)
        assert await open_rooms(scene) == []


async def test_a_board_that_leaves_while_its_push_is_stored(store, sealing, monkeypatch):
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        text, call_id = await scene.ticket()
        monkeypatch.setattr(points, "hook", _once(points.AFTER_COMMIT, board.closes))
        assert await scene.push(scene.event(text)) == 0
        record = await scene.record(call_id)
        assert (record["cause"], record["released_by"]) == (causes.NOT_REGISTERED, "relay")
        await until_no_room(scene)


async def test_no_worker_for_a_phone_that_calls(store, sealing):
    async with PushScene(store, sealing) as scene:
        scene.board()
        text, call_id = await scene.ticket()
        scene.workers.fault = ("none", causes.CONGESTION)
        assert await scene.push(scene.event(text)) == 0
        assert (await scene.record(call_id))["cause"] == causes.CONGESTION
        scene.workers.fault = None
        await until_no_room(scene)


# what is not ours


@pytest.mark.parametrize(
    "text",
    [
        "djE6Y2FsbC03",
        "A" * 127,
        payload.make(bytes(32), CallToken("c1", "out")),
        payload.make(KEY, CallToken("c1", "out"))[:-1] + "A",
    ],
)
async def test_a_payload_that_is_not_ours_is_refused(store, sealing, text):
    async with PushScene(store, sealing) as scene:
        scene.board()
        event = scene.event(text)
        assert await scene.push(event) == await scene.push(event) == notify.NUMBERS["payload"]
        assert await scene.store.records.list() == [] and len(await inbox(scene)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"Payload": ""},
        {"Payload": 7},
        {"RoomId": None},
        {"RoomId": "x" * 257},
        {"SessionKey": ""},
        {"ServerToken": "a\nb"},
        {"Sn": {"a": 1}},
        {"ModelId": ["m1"]},
        {"FromUserName": 3},
    ],
)
async def test_a_field_that_makes_no_sense_is_refused_and_nothing_is_kept(store, sealing, changes):
    async with PushScene(store, sealing) as scene:
        scene.board()
        text, _ = await scene.ticket()
        assert await scene.push(scene.event(text) | changes) == notify.NUMBERS["bad_field"]
        assert await inbox(scene) == []


@pytest.mark.parametrize("changes", [{"Event": "subscribe"}, {"Action": "leave"}, {"Event": None}, {"Event": {"a": 1}}])
async def test_other_events_are_nobodys_business(store, sealing, changes):
    async with PushScene(store, sealing) as scene:
        text, _ = await scene.ticket()
        assert await scene.notify.take(scene.event(text) | changes) is None
        assert await inbox(scene) == []


# answering


async def test_what_follows_waits_for_the_answer_to_be_out_but_not_for_ever(store, sealing, monkeypatch):
    monkeypatch.setattr(notify, "ANSWER_S", 0.1)
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        text, _ = await scene.ticket()
        event = scene.event(text)
        assert await scene.push(event, is_heard=False) == 0
        await asyncio.sleep(0.02)
        assert board.heard("invite") == []
        await until(lambda: board.heard("invite"), "the invitation all the same")


async def test_the_points_are_passed_in_order(store, sealing, monkeypatch):
    passed = []
    monkeypatch.setattr(points, "hook", passed.append)
    async with PushScene(store, sealing) as scene:
        board = scene.board()
        text, _ = await scene.ticket()
        answer = await scene.notify.take(scene.event(text))
        points.reached(points.BEFORE_ANSWER)  # which is the web port's
        scene.notify.answered(answer)
        await until(lambda: board.heard("invite"))
    assert tuple(passed[:5]) == points.POINTS


async def test_an_answer_takes_milliseconds(store, sealing):
    async with PushScene(store, sealing) as scene:
        loop = asyncio.get_running_loop()
        took_s = []
        for _ in range(50):
            text, _ = await scene.ticket()
            began_s = loop.time()
            await scene.push(scene.event(text))
            took_s.append(loop.time() - began_s)
        assert max(took_s) < 1.0, took_s


def _once(point, act):
    """Make a hook that acts when the point is passed first."""
    left = [act]

    def hook(name):
        if name == point and left:
            left.pop()()

    return hook
