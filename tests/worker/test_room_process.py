"""Room ends as processes: ready, in a room, ended in order, and what each kind of broken one leads to."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest
from support.legs import run, until

from callcore import causes
from callcore.errors import LocalError
from tincall.worker.protocol import WorkerError
from tincall.worker.room_process import GONE, RoomEndProcess, RoomLimits

PUPPET = str(Path(__file__).with_name("room_puppet.py"))
OPENING = {"appid": "wx0", "model_id": "", "sn": "", "flavor": 0}
ROOM = {"room_id": "r-1", "session_key": "SECRET/+", "server_token": "TOKEN==", "payload": "p", "room_type": "voice"}
QUICK = RoomLimits(ready_s=5, join_s=0.3, closed_s=0.3, grace_s=0.3)
FRAME = bytes(range(256)) * 2 + bytes(128)


class Holder:
    """A room end with what it said."""

    def __init__(self, end):
        self.end = end
        self.messages, self.frames, self.lost = [], [], []
        end.attach(self.messages.append, self.frames.append, self.lost.append)


def spawn(behaviour, tmp_path, limits=QUICK):
    return RoomEndProcess.spawn(
        [sys.executable, PUPPET, behaviour, str(tmp_path / "notes")], OPENING, limits, place(tmp_path)
    )


def place(tmp_path):
    return tmp_path / "rooms"


def play(behaviour, scene, tmp_path, limits=QUICK):
    """Run a scene with one room end; nothing is left of it in the end."""

    async def main():
        holder = Holder(await spawn(behaviour, tmp_path, limits))
        try:
            await scene(holder)
        finally:
            await holder.end.close()
        assert not proc(holder.end.pid).exists()
        assert list(place(tmp_path).iterdir()) == []

    run(main())


def proc(pid):
    return Path(f"/proc/{pid}")


def is_gone(pid):
    """Tell whether a process has ended, reaped or not."""
    try:
        return b") Z " in (proc(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return True


def notes(tmp_path):
    return (tmp_path / "notes").read_text().splitlines()


def test_a_call_goes_its_way_and_leaves_nothing(tmp_path):
    async def scene(holder):
        end = holder.end
        assert (end.kind, end.version) == ("puppet", "1")
        end.join(ROOM)
        await until(lambda: holder.frames)
        assert [message["number"] for message in holder.messages] == [0, 1, 2] and holder.frames == [FRAME]
        assert end.send(FRAME)
        end.hang_up(1)
        await until(lambda: len(holder.messages) == 4)
        assert await end.close() == 0 and holder.lost == []

    play("good", scene, tmp_path)
    assert "hangup 1" in notes(tmp_path)


def test_it_is_opened_in_a_folder_of_its_own(tmp_path):
    async def scene(holder):
        opening = json.loads(notes(tmp_path)[0])
        assert [str(folder) for folder in place(tmp_path).iterdir()] == [opening["data_dir"]]
        assert {name: opening[name] for name in OPENING} == OPENING

    play("declines", scene, tmp_path)


def test_nothing_secret_and_nothing_of_the_worker_is_inherited(tmp_path, monkeypatch):
    monkeypatch.setenv("TINCALL_WECHAT_SECRET", "x")
    held = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(held, True)

    async def scene(holder):
        holder.end.join(ROOM)
        await until(lambda: holder.frames)
        for name in ("cmdline", "environ"):
            assert b"SECRET" not in (proc(holder.end.pid) / name).read_bytes()
        assert "TINCALL_WECHAT_SECRET" not in notes(tmp_path)[1]
        # input, output, errors, the folder's lock
        assert len(list((proc(holder.end.pid) / "fd").iterdir())) == 4

    try:
        play("good", scene, tmp_path)
    finally:
        os.close(held)


def test_a_phones_call_is_declined_without_joining(tmp_path):
    async def scene(holder):
        holder.end.decline({**ROOM, "sn": "sn-1"}, 11)
        assert await holder.end.close() == 0
        told = json.loads(notes(tmp_path)[-1])
        assert told == {"t": "listener_hangup", "server_token": "TOKEN==", "payload": "p", "reason": 11, "sn": "sn-1"}

    play("declines", scene, tmp_path)


@pytest.mark.parametrize(("behaviour", "verb", "number"), [("join_fails", "join", 15), ("decline_fails", "decline", 3)])
def test_a_step_that_fails_is_told_and_the_end_is_still_in_order(tmp_path, behaviour, verb, number):
    async def scene(holder):
        if verb == "join":
            holder.end.join(ROOM)
        else:
            holder.end.decline(ROOM, 11)
        await until(lambda: holder.messages)
        assert (holder.messages[0]["t"], holder.messages[0]["number"]) == ("failed", number)
        assert await holder.end.close() == 0

    play(behaviour, scene, tmp_path)


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("exit_early", "the other end closed"),
        ("fails_to_open", "open failed with number 9: the clock is wrong"),
        ("garbage", "no record is of type 0x68"),
        ("never_ready", "it was not ready within 0.5 s"),
    ],
)
def test_one_that_does_not_get_ready_leaves_nothing(tmp_path, behaviour, sentence):
    limits = RoomLimits(ready_s=0.5 if behaviour == "never_ready" else 5, closed_s=0.3, grace_s=0.3)

    async def main():
        with pytest.raises(WorkerError, match=sentence) as heard:
            await spawn(behaviour, tmp_path, limits)
        assert heard.value.cause == causes.DESTINATION_OUT_OF_ORDER

    run(main())
    assert list(place(tmp_path).iterdir()) == []


def test_one_that_is_no_program_says_so(tmp_path):
    async def main():
        with pytest.raises(WorkerError, match="/no/such cannot be started"):
            await RoomEndProcess.spawn(["/no/such"], OPENING, QUICK, place(tmp_path))

    run(main())
    assert list(place(tmp_path).iterdir()) == []


def test_an_opening_that_may_not_be_said_is_a_bug_and_leaves_nothing(tmp_path):
    async def main():
        with pytest.raises(LocalError, match="flavor"):
            command = [sys.executable, PUPPET, "good"]
            await RoomEndProcess.spawn(command, {**OPENING, "flavor": 9}, QUICK, place(tmp_path))

    run(main())
    assert list(place(tmp_path).iterdir()) == []


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("never_joins", "no status within 0.3 s of the join"),
        ("dies_in_the_room", "the other end closed"),
        ("talks_out_of_turn", "it said 'status' while it was declining"),
    ],
)
def test_one_that_breaks_is_told_once_and_killed(tmp_path, behaviour, sentence):
    async def scene(holder):
        if behaviour == "talks_out_of_turn":
            holder.end.decline(ROOM, 11)
        else:
            holder.end.join(ROOM)
        await until(lambda: holder.lost)
        assert holder.lost == [sentence] and holder.end.state == GONE
        await holder.end.close()
        assert holder.lost == [sentence]

    play(behaviour, scene, tmp_path)


@pytest.mark.parametrize("behaviour", ["never_closes", "closes_but_stays"])
def test_one_that_does_not_end_is_killed_after_its_time(tmp_path, behaviour):
    async def scene(holder):
        if behaviour == "never_closes":
            holder.end.join(ROOM)
            await until(lambda: holder.messages)
        began_s = time.monotonic()
        assert await holder.end.close() == (0 if behaviour == "never_closes" else -9)
        assert 0.25 < time.monotonic() - began_s < 2

    play(behaviour, scene, tmp_path)


def test_verbs_out_of_turn_are_bugs(tmp_path):
    async def scene(holder):
        holder.end.hang_up(1)  # nothing to leave
        holder.end.join(ROOM)
        with pytest.raises(LocalError, match="join is not possible: the room end is joining"):
            holder.end.join(ROOM)
        with pytest.raises(LocalError, match="listener_hangup is not possible"):
            holder.end.decline(ROOM, 11)
        await until(lambda: holder.frames)

    play("good", scene, tmp_path)


def test_its_worker_killed_it_ends_by_itself_and_its_folder_goes_with_the_next(tmp_path):
    keeper = (
        "import asyncio, sys, pathlib\n"
        "from tincall.worker.room_process import RoomEndProcess, RoomLimits\n"
        "async def main():\n"
        f"    command = [sys.executable, {PUPPET!r}, 'good', {str(tmp_path / 'notes')!r}]\n"
        f"    end = await RoomEndProcess.spawn(command, {OPENING!r}, RoomLimits(), pathlib.Path({str(place(tmp_path))!r}))\n"
        "    end.attach(print, lambda frame: print(end.pid, flush=True), print)\n"
        f"    end.join({ROOM!r})\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )

    async def main():
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", keeper, stdout=asyncio.subprocess.PIPE)
        pid = 0
        while not pid:
            line = await process.stdout.readline()
            pid = int(line) if line.strip().isdigit() else 0
        process.kill()
        await process.wait()
        await until(lambda: "end of pipe" in (tmp_path / "notes").read_text())
        await until(lambda: is_gone(pid))
        assert len(list(place(tmp_path).iterdir())) == 1
        holder = Holder(await spawn("declines", tmp_path))
        assert len(list(place(tmp_path).iterdir())) == 1
        await holder.end.close()

    run(main())
    assert list(place(tmp_path).iterdir()) == []
