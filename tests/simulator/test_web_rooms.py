"""The WebSocket of room ends: joining, statuses, frames, hanging up, and what is refused."""

import contextlib
import json

import pytest
import websockets
from fastapi import FastAPI
from sim import APPID, FRAME, PhoneWitness, join_of, room_client, run, until

from tincall.leg import IN, OUT
from tincall.simulator import numbers, web_rooms
from tincall.simulator.room import Order, Times
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service


@contextlib.asynccontextmanager
async def served(times=None):
    """Run rooms behind the WebSocket; gives service and port."""
    service = Service(times=times)
    app = FastAPI()
    web_rooms.mount(app, service.rooms)
    server = await SimulatorServer.open(app)
    try:
        yield service, server.port
    finally:
        await server.close()
        await service.stop()


def make(service, direction=OUT):
    return service.rooms.make(Order(direction, APPID, "o1", "sn-1", "m1", "pay", "voice"))


def test_a_call_is_joined_talked_in_and_hung_up():
    async def main():
        async with served() as (service, port):
            phone = PhoneWitness()
            line = service.rooms.attach("o1", phone)
            room = make(service)
            async with room_client(port, **join_of(room)) as end:
                assert await end.next() == {"t": "status", "number": numbers.IDLE}
                service.rooms.ring(room)
                assert (await end.next())["number"] == numbers.CALLING
                assert line.answer()
                assert (await end.next())["number"] == numbers.TALKING
                await end.socket.send(FRAME)
                await until(lambda: phone.heard == [FRAME], "the device's frame")
                assert line.send(FRAME[::-1])
                assert await end.frame() == FRAME[::-1]
                await end.say(t="hangup", reason=1)
                assert (await end.next())["number"] == numbers.HANGUP_BY_CALLER
                with pytest.raises(websockets.ConnectionClosedOK):
                    await end.next()
            assert phone.told == ["rings", "talks", "hung_up_by_device"]

    run(main())


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"session_key": "x"}, numbers.INVALID_ARGUMENT),
        ({"server_token": "x"}, numbers.INVALID_ARGUMENT),
        ({"payload": "x"}, numbers.INVALID_ARGUMENT),
        ({"payload": ""}, numbers.INVALID_ARGUMENT),
        ({"room_type": "video"}, numbers.INVALID_ARGUMENT),
        ({"room_id": "x"}, numbers.NOT_FOUND),
        ({"appid": "wxf830863afde621eb"}, numbers.DATA_LOSS),
        ({"t": "come_in"}, numbers.INVALID_ARGUMENT),
        ({"extra": 1}, numbers.INVALID_ARGUMENT),
        ({"payload": 7}, numbers.INVALID_ARGUMENT),
    ],
)
def test_a_wrong_join_is_refused_and_enters_nothing(wrong, number):
    async def main():
        async with served() as (service, port):
            room = make(service)
            async with room_client(port, **join_of(room, **wrong)) as end:
                answer = await end.next()
                assert (answer["t"], answer["number"]) == ("error", number)
                assert room.keys.session_key not in json.dumps(answer)
                with pytest.raises(websockets.ConnectionClosedError):
                    await end.next()
            assert not room.was_joined

    run(main())


@pytest.mark.parametrize("first", ["no json", "[]", b"\0" * 640, '"' + "x" * 5000 + '"'])
def test_something_else_than_a_message_is_refused(first):
    async def main():
        async with (
            served() as (service, port),
            websockets.connect(f"ws://127.0.0.1:{port}/sim/room", proxy=None) as socket,
        ):
            await socket.send(first)
            assert json.loads(await socket.recv())["t"] == "error"

    run(main())


def test_a_frame_of_another_length_ends_the_connection():
    async def main():
        async with served() as (service, port):
            room = make(service)
            async with room_client(port, **join_of(room)) as end:
                await end.next()
                await end.socket.send(FRAME[:-1])
                assert (await end.next())["number"] == numbers.INVALID_ARGUMENT
            await until(lambda: room.end is None, "the leaving")

    run(main())


def test_a_phones_call_is_declined_without_joining():
    async def main():
        async with served() as (service, port):
            phone = PhoneWitness()
            line = service.rooms.attach("o1", phone)
            service.rooms.place_call = lambda order: service.rooms.make(
                Order(IN, APPID, order.openid, order.sn, order.model_id, order.payload)
            )
            room = line.call("sn-1", "m1", "pay")
            service.rooms.ring(room)
            message = {"t": "listener_hangup", "server_token": room.keys.server_token, "payload": "pay", "reason": 11}
            async with room_client(port, **message) as end:
                assert (await end.next())["t"] == "done"
            assert phone.told == ["rejected"]
            async with room_client(port, **message) as end:
                assert (await end.next())["number"] == numbers.FAILED_PRECONDITION

    run(main())


def test_who_joins_late_is_told_how_it_ended():
    async def main():
        async with served() as (service, port):
            line = service.rooms.attach("o1", PhoneWitness())
            room = make(service)
            service.rooms.ring(room)
            assert line.reject()
            async with room_client(port, **join_of(room)) as end:
                assert (await end.next())["number"] == numbers.REJECTED

    run(main())


def test_a_room_end_that_vanishes_is_noticed_by_its_silence():
    async def main():
        async with served(Times(silence_ms=100)) as (service, port):
            phone = PhoneWitness()
            line = service.rooms.attach("o1", phone)
            room = make(service)
            service.rooms.ring(room)
            line.answer()
            async with room_client(port, **join_of(room)) as end:
                assert (await end.next())["number"] == numbers.TALKING
            await until(lambda: phone.told[-1] == "aborted", "the end")
            assert service.rooms.live() == []
            assert [remark["rule"] for remark in service.ledger.remarks] == ["silent_side"]

    run(main())


def test_the_newest_room_end_wins():
    async def main():
        async with served() as (service, port):
            room = make(service)
            async with room_client(port, **join_of(room)) as older:
                await older.next()
                async with room_client(port, **join_of(room)) as newer:
                    assert (await newer.next())["number"] == numbers.IDLE
                    assert (await older.next())["number"] == numbers.ABORTED
                    service.rooms.ring(room)
                    assert (await newer.next())["number"] == numbers.CALLING
            assert [remark["rule"] for remark in service.ledger.remarks] == ["joined_twice"]

    run(main())
