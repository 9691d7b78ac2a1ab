"""The worker that meets its phone in a room, as a process, where it differs from others: rooms, reasons, statuses, losses.

What every worker does is in tests/contracts.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from contracts.worker_contract import Relay, WorkerKit
from support.legs import MEDIA, PATIENCE_S, packets, run, until
from support.platform import APPID, Platform

from callcore import causes
from tincall.wechat.room_plan import RoomPlan
from tincall.worker.process import Limits, WorkerProcess
from tincall.worker.protocol import WorkerError, media_fields

ROOM = {"room_id": "r-1", "session_key": "SECRET/+", "server_token": "TOKEN==", "payload": "p", "room_type": "voice"}
PUPPET = str(Path(__file__).parents[1] / "worker/room_puppet.py")
LIMITS = Limits(report_s=10, exit_s=5)


@pytest.fixture
def platform():
    running = Platform()
    yield running
    running.close()


def play(scene, plan, **more):
    """Run a scene with one worker; gives its exit status."""

    async def main():
        relay = Relay(await WorkerProcess.spawn(RoomPlan(**plan, **more).worker_command(), LIMITS))
        try:
            await scene(relay)
        finally:
            await relay.process.destroy(5)

    run(main())


def simulator(platform):
    return {"command": "simulator", "appid": APPID, "url": platform.url}


def puppet(behaviour, *more):
    return {"command": [sys.executable, PUPPET, behaviour, *map(str, more)], "appid": APPID, "closed_s": 0.5}


def kit(**phones):
    return WorkerKit([], phones)


def numbers(relay):
    return [message["number"] for message in relay.messages if message["t"] == "status"]


def release(relay, cause=causes.NORMAL, **more):
    assert relay.process.send({"t": "release", "cause": cause, **more})


def test_it_says_what_it_is_and_speaks_every_codec(platform):
    async def scene(relay):
        assert relay.process.kind == "wechat simulator"
        assert {"PCMA", "PCMU", "L16"} <= set(relay.process.codecs)

    play(scene, simulator(platform))


def test_a_room_may_come_after_the_start(platform):
    async def scene(relay):
        relay.start(kit(later={}), "later")
        await asyncio.sleep(0.1)
        assert relay.messages == []
        assert relay.process.send({"t": "room", "room": platform.room("answers")})
        await relay.until("answer")
        assert [message["t"] for message in relay.messages] in (
            ["status", "status", "ringing", "status", "answer"],
            ["status", "ringing", "status", "answer"],
        )
        assert numbers(relay)[-2:] == [1, 2]
        figures = await relay.end()
        assert numbers(relay)[-1] == 5 and "error" not in figures

    play(scene, simulator(platform))


def test_a_room_for_a_call_of_the_phone_is_joined_at_the_answer(platform):
    async def scene(relay):
        room = platform.room("answers", "caller")
        relay.start(kit(waits={"room": room}), "waits", role="caller")
        assert relay.process.send({"t": "ringing"})
        await asyncio.sleep(0.1)
        assert relay.messages == [] and platform.end_of(room) == ""
        assert relay.process.send({"t": "answer", "media": media_fields(MEDIA)})
        await until(lambda: numbers(relay) == [2])
        await until(lambda: len(relay.heard) > 3)
        await relay.end()
        assert platform.end_of(room) == "hung_up_by_device"

    play(scene, simulator(platform))


@pytest.mark.parametrize(
    ("cause", "more", "end"),
    [
        (causes.REJECTED, {}, "rejected"),
        (causes.NO_ANSWER, {}, "timeout"),
        (causes.BUSY, {}, "rejected"),
        (causes.BUSY, {"reason": 9}, "busy"),
        (causes.NORMAL, {"reason": 10}, "timeout"),
    ],
)
def test_a_call_of_the_phone_that_is_not_taken_is_declined_with_its_reason(platform, cause, more, end):
    async def scene(relay):
        room = platform.room("answers", "caller")
        relay.start(kit(waits={"room": room}), "waits", role="caller")
        release(relay, cause, **more)
        figures = (await relay.until("report"))["figures"]
        assert figures["sent"] == 0 and "error" not in figures
        assert platform.end_of(room) == end

    play(scene, simulator(platform))


def test_a_room_that_is_left_while_it_is_joined_is_hung_up(platform):
    async def scene(relay):
        room = platform.room("never_answers")
        relay.start(kit(rings={"room": room}), "rings")
        release(relay)
        assert "error" not in (await relay.until("report"))["figures"]
        assert platform.end_of(room) == "cancelled"

    play(scene, simulator(platform))


def test_a_call_without_a_room_is_left_at_once(platform):
    async def scene(relay):
        relay.start(kit(later={}), "later")
        release(relay, causes.ORIGINATOR_CANCEL)
        assert "error" not in (await relay.until("report"))["figures"]
        assert relay.words == ["report"]

    play(scene, simulator(platform))


def test_a_relay_that_goes_away_leaves_no_phone_ringing(platform):
    async def scene(relay):
        room = platform.room("never_answers")
        relay.start(kit(rings={"room": room}), "rings")
        await relay.until("ringing")
        relay.process.dismiss()
        await until(lambda: platform.end_of(room) == "cancelled")
        async with asyncio.timeout(PATIENCE_S):
            assert await asyncio.shield(relay.process.exited) == 0

    play(scene, simulator(platform))


def test_a_worker_that_is_killed_leaves_no_phone_ringing(platform):
    async def scene(relay):
        room = platform.room("never_answers")
        relay.start(kit(rings={"room": room}), "rings")
        await relay.until("ringing")
        os.kill(relay.process.pid, signal.SIGKILL)
        await until(lambda: platform.end_of(room) == "cancelled")

    play(scene, simulator(platform))


def test_a_join_that_is_refused_is_released_and_reported(platform):
    async def scene(relay):
        relay.start(kit(wrong={"room": platform.room("wrong")}), "wrong")
        # number 3 of the platform's library: an argument it does not accept
        assert (await relay.until("release"))["cause"] == causes.PROTOCOL_ERROR
        figures = await relay.end()
        assert figures["error"].startswith("join failed with number 3: ")
        assert numbers(relay) == []

    play(scene, simulator(platform))


@pytest.mark.parametrize("room", [{}, "r-1", {**ROOM, "session_key": 7}, {**ROOM, "room_type": "fax"}])
def test_a_room_that_is_none_is_released_and_not_shown(platform, room, capfd):
    async def scene(relay):
        relay.start(kit(wrong={"room": room}), "wrong")
        assert (await relay.until("release"))["cause"] == causes.PROTOCOL_ERROR
        figures = await relay.end()
        assert figures["error"].startswith("the room: 'join' ") and "SECRET" not in str(figures)

    play(scene, simulator(platform))
    assert "SECRET" not in capfd.readouterr().err


def test_a_codec_that_cannot_be_spoken_is_released(platform):
    async def scene(relay):
        room = platform.room("answers", "caller")
        relay.start(kit(waits={"room": room}), "waits", role="caller")
        await asyncio.sleep(0)
        choice = {**media_fields(MEDIA), "codec": "G722"}
        assert relay.process.send({"t": "answer", "media": choice})
        assert (await relay.until("release"))["cause"] == causes.INCOMPATIBLE
        assert "G722" in (await relay.end())["error"]

    # an environment without PyAV
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "without_av"))
        play(scene, simulator(platform))


@pytest.mark.parametrize("codec", ["PCMA", "PCMU", "L16", "G722"])
def test_what_the_board_says_comes_back_from_the_phone(platform, codec):
    import numpy as np

    from callcore import media
    from callcore.packetizer import Packetizer
    from tincall.worker import transcode

    if codec not in transcode.codecs(16000):
        pytest.skip("PyAV (extra `codecs`) is not installed")
    coder, rate_hz = transcode.coder(codec), media.codec(codec)[media.SAMPLE_RATE_HZ]
    tone = np.rint(9000 * np.sin(2 * np.pi * 600 * np.arange(rate_hz * 2) / rate_hz)).astype(np.int16)
    row = media.codec(codec)

    async def scene(relay):
        choice = {**media_fields(MEDIA), "codec": codec}
        start = {"t": "start", "call": "c-1", "role": "callee", "ring_ms": 5000, "media": choice}
        assert relay.process.send({**start, "phone": {"room": platform.room("answers")}})
        await relay.until("answer")
        header = Packetizer(row[media.PAYLOAD_TYPE], media.frame_ticks(codec, 20), MEDIA.remote_ssrc, 0, 0)
        size = rate_hz // 50
        for at in range(0, rate_hz, size):
            packet = bytearray(12) + coder.encode(tone[at : at + size])
            header.header(packet, 0, 0)
            assert relay.process.send_media(bytes(packet))
            await asyncio.sleep(0.02)
        figures = await relay.end()
        assert figures["received"] == 50 and figures["refused"] == 0 and figures["sent"] == len(relay.heard)
        assert figures["heard_t0_ns"] > 1_600_000_000_000_000_000

    heard = []

    async def listening(relay):
        await scene(relay)
        heard.extend(relay.heard)

    play(listening, simulator(platform))
    sound = np.concatenate([coder.decode(packet[12:]) for packet in heard]).astype(float)
    loud = sound[np.abs(sound) > 500]
    assert len(loud) > rate_hz // 3
    spectrum = np.abs(np.fft.rfft(sound))
    assert abs(np.argmax(spectrum) * rate_hz / len(sound) - 600) < 10


# --- room ends that break ---


def test_a_room_end_that_does_not_get_ready_makes_no_worker(capfd):
    async def main():
        with pytest.raises(WorkerError, match=r"exit status 1"):
            await WorkerProcess.spawn(RoomPlan(**puppet("fails_to_open")).worker_command(), Limits())

    run(main())
    assert "open failed with number 9: the clock is wrong" in capfd.readouterr().err


def test_a_plan_that_is_none_makes_no_worker():
    done = subprocess.run(
        [sys.executable, "-m", "tincall.wechat.worker", "--control-fd", "0", "--media-fd", "1", "--room-end", "{}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "command: Field required" in done.stderr


def test_a_room_end_that_dies_in_the_call_ends_it():
    async def scene(relay):
        relay.start(kit(any={"room": ROOM}), "any")
        assert (await relay.until("release"))["cause"] == causes.DESTINATION_OUT_OF_ORDER
        figures = await relay.end()
        assert figures["error"] == "the room end was lost: the other end closed"

    play(scene, puppet("dies_in_the_room"))


def test_a_room_end_that_never_joins_is_given_up():
    async def scene(relay):
        relay.start(kit(any={"room": ROOM}), "any")
        assert (await relay.until("release"))["cause"] == causes.DESTINATION_OUT_OF_ORDER
        assert "no status within 0.3 s" in (await relay.end())["error"]

    play(scene, puppet("never_joins"), join_s=0.3)


def test_a_room_end_that_does_not_close_is_killed_and_that_is_reported():
    async def scene(relay):
        relay.start(kit(any={"room": ROOM}), "any")
        await relay.until("answer")
        assert (await relay.end())["error"] == "the room end ended with status -9"

    play(scene, puppet("deaf_in_the_room"))


def test_a_spare_whose_room_end_dies_goes_too(tmp_path):
    async def scene(relay):
        pid = int((tmp_path / "notes").read_text().split("pid ")[1].split()[0])
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE_S):
            assert await asyncio.shield(relay.process.exited) == 1

    play(scene, puppet("good", tmp_path / "notes"))


def test_a_failed_hang_up_is_reported_so_that_somebody_else_hangs_up():
    async def scene(relay):
        relay.start(kit(any={"room": ROOM}), "any", role="caller")
        release(relay, causes.REJECTED)
        figures = (await relay.until("report"))["figures"]
        assert figures["error"] == "listener_hangup failed with number 3: no such call"

    play(scene, puppet("decline_fails"))


def test_packets_before_the_answer_are_counted(platform):
    async def scene(relay):
        relay.start(kit(later={}), "later")
        for packet in packets(3):
            assert relay.process.send_media(packet)
        assert (await relay.end())["received"] == 3

    play(scene, simulator(platform))


@pytest.mark.parametrize(
    "messages",
    [
        [{"t": "room", "room": ROOM}],
        [{"t": "start"}, {"t": "start"}],
        [{"t": "start"}, {"t": "answer", "media": media_fields(MEDIA)}],
        [{"t": "start"}, {"t": "room", "room": ROOM}, {"t": "room", "room": ROOM}],
    ],
)
def test_a_relay_that_speaks_out_of_turn_ends_the_worker(platform, messages, capfd):
    async def scene(relay):
        start = {"call": "c-1", "role": "callee", "ring_ms": 5000, "media": media_fields(MEDIA), "phone": {}}
        for message in messages:
            relay.process.send(message if message != {"t": "start"} else {**message, **start})
        async with asyncio.timeout(PATIENCE_S):
            assert await asyncio.shield(relay.process.exited) == 1

    play(scene, puppet("never_joins"))
    words = capfd.readouterr().err
    assert "out of turn" in words and "SECRET" not in words
