"""The simulator's room end where it differs from others: addresses, a simulator that is away or goes away, refusals.

What every room end does is in tests/contracts.
"""

import asyncio
import sys

import pytest
from support.legs import run, until
from support.platform import APPID, Platform

from tincall.simulator import numbers
from tincall.simulator.room_end import SimulatedRoomEnd
from tincall.worker.protocol import WorkerError
from tincall.worker.room_process import RoomEndProcess, RoomLimits

COMMAND = [sys.executable, "-m", "tincall.simulator.room_end"]
ROOM = {"room_id": "r", "session_key": "k", "server_token": "t", "payload": "p", "room_type": "voice"}
LIMITS = RoomLimits(closed_s=3, grace_s=3)


def opening(url, appid=APPID):
    return {"appid": appid, "model_id": "", "sn": "", "flavor": 0, "url": url}


@pytest.fixture
def platform():
    running = Platform()
    yield running
    running.close()


def play(scene, tmp_path, url, appid=APPID):
    async def main():
        end = await RoomEndProcess.spawn(COMMAND, opening(url, appid), LIMITS, tmp_path)
        heard = []
        end.attach(heard.append, lambda pcm: heard.append("frame"), heard.append)
        try:
            await scene(end, heard)
            assert await end.close() == 0
        finally:
            await end.close()

    run(main())


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "127.0.0.1:8000", "http://"])
def test_without_an_address_it_cannot_be_opened(tmp_path, url):
    async def main():
        with pytest.raises(WorkerError, match="open failed with number 3: no address of a simulator"):
            await RoomEndProcess.spawn(COMMAND, opening(url), LIMITS, tmp_path)

    run(main())


def test_a_simulator_that_is_not_there_is_a_failed_join(tmp_path):
    async def scene(end, heard):
        end.join(ROOM)
        await until(lambda: heard)
        assert (heard[0]["step"], heard[0]["number"]) == ("join", 14)
        assert "cannot be reached" in heard[0]["text"]

    # port 9 of loopback: nobody listens
    play(scene, tmp_path, "http://127.0.0.1:9")


def test_a_simulator_that_is_not_there_is_a_failed_refusal(tmp_path):
    async def scene(end, heard):
        end.decline(ROOM, 11)
        await until(lambda: heard)
        assert (heard[0]["step"], heard[0]["number"]) == ("listener_hangup", 14)

    play(scene, tmp_path, "http://127.0.0.1:9")


def test_a_simulator_that_goes_away_aborts_the_call(tmp_path):
    platform = Platform()

    async def scene(end, heard):
        end.join(platform.room("answers"))
        await until(lambda: "frame" in heard)
        platform.close()
        await until(lambda: {"t": "status", "number": numbers.ABORTED} in heard)

    play(scene, tmp_path, platform.url)


def test_a_refusal_that_comes_too_late_is_told(tmp_path, platform):
    async def scene(end, heard):
        room = platform.room("answers", "caller")
        platform.service.rooms.find(room["room_id"]).was_joined = True
        end.decline(room, 11)
        await until(lambda: heard)
        assert (heard[0]["step"], heard[0]["number"]) == ("listener_hangup", numbers.FAILED_PRECONDITION)

    play(scene, tmp_path, platform.url)


@pytest.mark.parametrize(("opened_for", "room_for"), [(APPID, None), ("wx-other", APPID)])
def test_the_appid_of_the_room_wins_over_that_of_the_opening(tmp_path, platform, opened_for, room_for):
    async def scene(end, heard):
        room = platform.room("answers")
        del room["appid"]
        end.join(room if room_for is None else {**room, "appid": room_for})
        await until(lambda: "frame" in heard)

    play(scene, tmp_path, platform.url, opened_for)


def test_a_wrong_appid_lets_nobody_in(tmp_path, platform):
    async def scene(end, heard):
        end.join({**platform.room("answers"), "appid": "wxf830863afde621eb"})
        await until(lambda: heard)
        assert (heard[0]["t"], heard[0]["number"]) == ("failed", numbers.DATA_LOSS)

    play(scene, tmp_path, platform.url)


def test_silence_goes_up_when_the_worker_says_nothing(tmp_path, platform):
    async def scene(end, heard):
        room = platform.room("answers")
        end.join(room)
        await until(lambda: len(platform.heard_by(room)) > 10)
        assert not any(any(pcm) for pcm in platform.heard_by(room))

    play(scene, tmp_path, platform.url)


def test_what_goes_wrong_inside_ends_it_without_showing_anything(capsys):
    async def main():
        end = SimulatedRoomEnd.__new__(SimulatedRoomEnd)
        end.ended = asyncio.get_running_loop().create_future()
        end.stumble(None, {"message": "it fell", "exception": ValueError("SECRET")})
        assert await end.ended == 1

    run(main())
    assert capsys.readouterr().err == "simulated room end: it fell: ValueError\n"
