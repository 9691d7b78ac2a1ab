"""The relay is killed at random moments of live calls, round after round: no acknowledged record is lost, none is doubled.

A board's last word comes after the record is on disk: a call that a board knew to be over before the kill is on record as the
board has it. Any other that it knew to be answered is on record once, as ended by the relay or as the board has it.
"""

import contextlib
import random
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from chain import Relay, left_running

from callcore import causes
from tincall.measure.stage import Stage

ANSWERING = [{"id": "alice", "answer_after_ms": 100}]
BACK_S = 60.0
READY_S = 3.0
SWEPT = (causes.TEMPORARY_FAILURE, "relay")


@pytest.mark.paced
@pytest.mark.parametrize(
    ("lanes", "rounds"), [(1, 3), pytest.param(2, 250, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
def test_kills_at_random_moments_of_calls(tmp_path, lanes, rounds):
    """In the long run 500 rounds: two relays side by side, since a round is mostly waiting."""
    folders = [tmp_path / f"lane-{number}" for number in range(lanes)]
    for folder in folders:
        folder.mkdir()
    with ExitStack() as stack, ThreadPoolExecutor(lanes) as pool:
        stages = [stack.enter_context(Stage(folder)) for folder in folders]
        has_failed = threading.Event()
        lives = [
            pool.submit(live, stage, folder, rounds, has_failed) for stage, folder in zip(stages, folders, strict=True)
        ]
        ready_s = [second for life in lives for second in life.result()]
    assert left_running(tmp_path) == []
    assert len(ready_s) == lanes * rounds
    told = sorted(ready_s)
    print(f"{len(told)} kills; ready after {statistics.median(told):.2f} s at half, {told[-1]:.2f} s at most")
    assert statistics.median(told) <= READY_S, told


def live(stage, folder, rounds, has_failed):
    """Kill a relay so many times; gives how long each start took, or ends early when another life has failed."""
    try:
        relay = Relay(stage, folder, ANSWERING, TINCALL__DEVICE__PORT=str(kept_port()))
        return kill_after_kill(relay, random.Random(folder.name), rounds, has_failed)
    except BaseException:
        has_failed.set()
        raise


def kept_port():
    """Give a free port that the system gives to nobody while the relay is dead: one below those that it gives away."""
    least = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(least - 10_000, least), 100):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port is free")


def kill_after_kill(relay, dice, rounds, has_failed):
    ready_s, cut = [], set()  # cut: calls in which the relay died
    with relay.board("cpython") as board:
        for round_ in range(1, rounds + 1):
            if has_failed.is_set():
                break
            board.wait_number(round_, "online", BACK_S)
            board.press("call")
            time.sleep(dice.uniform(0, 2.5))  # the moment is what is tried: before the call, ringing, talking
            if dice.random() < 0.4:
                board.press("end")
                time.sleep(dice.uniform(0, 0.2))
            over = {call_id: end for call_id, end in last_words(board).items() if call_id not in cut}
            relay.kill()
            began = time.monotonic()
            relay.start()  # the device port is in its settings
            ready_s.append(time.monotonic() - began - queued_s(relay.actor.pid))
            check(relay, board, over)
            cut |= {event["call"] for event in board.events() if event["ev"] == "call"} - over.keys()
        assert relay.stop() == 0
    return ready_s


def queued_s(pid):
    """Give how long a process has waited for a processor, which is another's doing."""
    waited_ns = int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1])
    return waited_ns / 1e9


def last_words(board):
    """Give the calls that the board knows to be over: their ends, by call."""
    ends = [event for event in board.events() if event["ev"] == "call" and event["state"] == "ENDED"]
    return {event["call"]: (event["cause"], event["released_by"]) for event in ends}


def check(relay, board, over):
    """Hold the records against what the board has heard; a relay may have died before it heard of the board's call."""
    records = relay.records(board.sn)
    found = {record["call_id"]: (record["cause"], record["released_by"]) for record in records}
    assert len(found) == len(records), "none is doubled"
    assert {record["state"] for record in records} <= {"ended"}, records
    answered = {event["call"] for event in board.events() if event.get("state") == "ANSWERED"}
    assert answered <= found.keys() and over.keys() <= found.keys(), (
        answered - found.keys(),
        over.keys() - found.keys(),
    )
    for call_id, end in found.items():
        if call_id in over:
            assert end == over[call_id], call_id
        else:
            assert end in (SWEPT, last_words(board).get(call_id)), (call_id, end)
