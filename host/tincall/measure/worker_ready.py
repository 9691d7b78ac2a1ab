"""How long a call waits for its worker: from the invite to a worker that is in the phone's room.

`python -m tincall.measure.worker_ready` prints one JSON object, in ms: with a warm worker `given` (the relay has one in hand)
and `in_room` (its room end is in the room and has told the first status), and the same with a worker that starts cold. The
room end is the simulator's, the room is in this process. What it leaves out is the platform's own time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from callcore import causes
from tincall import logs
from tincall.leg import OUT, CallOffer, Media
from tincall.simulator import web_rooms
from tincall.simulator.room import Order, Room
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service
from tincall.wechat.room_plan import RoomPlan
from tincall.worker.supervisor import Supervisor

APPID = "wx00000000000000aa"
CALLS = 20
COLD_CALLS = 5
PATIENCE_S = 30.0
# a spare may be long in coming on a busy machine, and a call is only measured with one
POLL_S = 0.01


async def measure(calls: int, warm: int) -> dict[str, float]:
    """Measure some calls, one after the other.

    Args:
        calls: how many, 1 or more.
        warm: spare workers, 0 to start each cold.

    Returns:
        `given_ms_p50`, `given_ms_max`, `in_room_ms_p50`, `in_room_ms_max`.

    Raises:
        TimeoutError: a worker did not come.
    """
    service, app = Service(), FastAPI()
    web_rooms.mount(app, service.rooms)
    server = await SimulatorServer.open(app)
    plan = RoomPlan(command="simulator", appid=APPID, url=server.url)
    supervisor = Supervisor(plan.worker_command(), warm)
    given_ms, in_room_ms = [], []
    try:
        await supervisor.start()
        for number in range(calls):
            async with asyncio.timeout(PATIENCE_S):
                while supervisor.warm < warm:  # noqa: ASYNC110 - the pool tells nobody
                    await asyncio.sleep(POLL_S)
                given, in_room = await _call(supervisor, service, number)
            given_ms.append(given)
            in_room_ms.append(in_room)
    finally:
        await supervisor.stop()
        await server.close()
        await service.stop()
    return {
        "given_ms_p50": round(statistics.median(given_ms), 2),
        "given_ms_max": round(max(given_ms), 2),
        "in_room_ms_p50": round(statistics.median(in_room_ms), 2),
        "in_room_ms_max": round(max(in_room_ms), 2),
    }


async def _call(supervisor: Supervisor, service: Service, number: int) -> tuple[float, float]:
    """Live one call up to its room; gives both times in ms."""
    room = service.rooms.make(Order(OUT, APPID, f"o-{number}", "sn-1", "m-1", f"payload-{number}"))
    told: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def note(status: int) -> None:
        if not told.done():
            told.set_result(time.perf_counter())

    began = time.perf_counter()
    leg = await supervisor.take({"room": _fields(room)})
    given = time.perf_counter()
    leg.on_status = note
    leg.invite(CallOffer(f"c-{number}", OUT, "o", "", Media("PCMA", 20, 1, 2), 5000))
    in_room = await told
    leg.release(causes.NORMAL, "relay", 0)
    await leg.done
    return (given - began) * 1000, (in_room - began) * 1000


def _fields(room: Room) -> Mapping[str, Any]:
    keys, order = room.keys, room.order
    fields = {"room_id": keys.room_id, "session_key": keys.session_key, "server_token": keys.server_token}
    return {
        **fields,
        "payload": order.payload,
        "room_type": order.room_type,
        "sn": order.sn,
        "model_id": order.model_id,
    }


def run(calls: int = CALLS, cold_calls: int = COLD_CALLS) -> dict[str, Any]:
    """Measure warm and cold; gives what the program prints."""
    return {
        "calls": calls,
        "warm": asyncio.run(measure(calls, warm=1)),
        "cold_calls": cold_calls,
        "cold": asyncio.run(measure(cold_calls, warm=0)),
    }


if __name__ == "__main__":
    logs.configure("warning")
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--cold-calls", type=int, default=COLD_CALLS)
    json.dump(run(**vars(parser.parse_args())), sys.stdout)
    print()
