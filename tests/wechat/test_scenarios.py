"""Every scenario of the simulated platform against the relay's real parts, workers included, and nothing left behind."""

import asyncio
import os
from pathlib import Path

import httpx
import pytest
from play import settled
from support.real_relay import IN_A_ROW, RealRelay
from support.room_command import room_worker

from tincall.simulator import scenario, web
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service
from tincall.wechat.contacts import WITHDRAWN

# each has a relay, a platform and workers of its own, and most of its time is waiting
TOGETHER = 6
PATIENCE_S = 40
# what test_soak plays in a row, on one relay for all, has a relay of its own in the long run only
HERE = [name for name in scenario.names() if name not in IN_A_ROW]
BATCHES = [HERE[first : first + TOGETHER] for first in range(0, len(HERE), TOGETHER)]
LATER = [IN_A_ROW[first : first + TOGETHER] for first in range(0, len(IN_A_ROW), TOGETHER)]


async def play(one, folder):
    """Play a scenario; gives complaints."""
    service = Service()
    scenario.prepare(service, one)
    server = await SimulatorServer.open(web.build(service))
    is_sealed = one.push.answer == "encrypted"
    relay = RealRelay(
        server.url, service.console, folder, room_worker(server.url, service.console), one.device, is_sealed
    )
    try:
        url = await relay.start(one.phones[0].id)
        headers = {"authorization": f"Bearer {service.console.control_token}"}
        async with httpx.AsyncClient(base_url=f"{server.url}/sim", headers=headers, trust_env=False) as control:
            asked = {"url": url}
            assert (await control.post("/console", json=asked)).json() == {"done": True}
            async with asyncio.timeout(PATIENCE_S):
                await (relay.call() if one.direction == "out" else relay.phone_calls(control, one))
                await settled(service)
                await relay.adapter.rooms.stop()
            ledger = (await control.get("/ledger")).json()
        complaints = scenario.judge(one, ledger, await relay.records.list())
        left = await relay.adapter.rooms.open()
        complaints += [f"the relay believes a room to be open: {room.room_id}" for room in left]
        if one.expect.cause == [52] and relay.adapter.contacts.get(relay.contact.contact_id).consent != WITHDRAWN:
            complaints.append("nobody noted that consent is missing")
        return complaints
    finally:
        await relay.stop()
        await server.close()
        await service.stop()


def processes_of(folder):
    """List the processes that work in a folder or were told of it."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.fsencode(str(folder)) in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            pass
    return found


# a relay that is late for want of a processor breaks the platform's rules; six calls at once are enough
@pytest.mark.paced
@pytest.mark.xdist_group("scenarios")
@pytest.mark.parametrize(
    "batch", [*BATCHES, *(pytest.param(one, marks=pytest.mark.long) for one in LATER)], ids=lambda batch: batch[0]
)
def test_the_relay_passes(batch, tmp_path, monkeypatch):
    # a room that another had ended is hung up by a second worker, which a busy machine takes its time to start
    monkeypatch.setattr("tincall.wechat.rooms.STOP_S", PATIENCE_S)

    async def main():
        folders = [tmp_path / name for name in batch]
        for folder in folders:
            folder.mkdir()
        return await asyncio.gather(*(play(scenario.load(name), tmp_path / name) for name in batch))

    complaints = dict(zip(batch, asyncio.run(main()), strict=True))
    assert complaints == {name: [] for name in batch}
    assert processes_of(tmp_path) == []
