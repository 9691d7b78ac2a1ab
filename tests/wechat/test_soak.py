"""Call after call on one relay, through everything that the platform can do to it, and nothing is left of any of them."""

import asyncio
import gc
import os
from itertools import cycle, islice
from pathlib import Path

import httpx
import pytest
from play import settled
from support.legs import until
from support.real_relay import IN_A_ROW, Board, RealRelay
from support.room_command import room_worker

from tincall.simulator import credentials, scenario, web
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service
from tincall.wechat.contacts import GRANTED

CALL_S = 40
# a relay answers either in clear or sealed, for as long as it runs
NAMES = [name for name in scenario.names() if scenario.load(name).push.answer != "encrypted"]


class Soak:
    """One relay, and a platform that is another one for each call, at the same address."""

    def __init__(self, folder):
        self.folder = folder
        self.console = credentials.make()
        self.port = 0

    async def run(self, names):
        """Play scenarios in a row; gives complaints by number and name."""
        service, server = await self._platform(scenario.load("answered"))
        self.port = server.port
        command = room_worker(server.url, self.console)
        device = scenario.load("answered").device
        relay = RealRelay(server.url, self.console, self.folder, command, device)
        complaints = {}
        try:
            url = await relay.start()
            relay.supervisor._target = 1
            await self._close(service, server)
            before = None
            for number, name in enumerate(names):
                complaints |= await self._one(relay, url, number, name)
                if number == 1:  # what is made once is there by now
                    before = await self.held(relay)
            after = await self.held(relay)
            # an HTTP connection or two may be kept for the next request; a leak would be one a call
            assert abs(after.pop("descriptors") - before.pop("descriptors")) <= 3
            assert after == before, (before, after)
        finally:
            await relay.stop()
        return complaints

    async def _one(self, relay, url, number, name):
        one = scenario.load(name)
        service, server = await self._platform(one)
        # the board's person is another one, and whoever withdrew has agreed again
        relay.board.leaves()
        relay.board = Board(relay, one.device)
        if one.device.does == "busy":
            relay.board.session.owner.leg(f"another-{number}", 60_000)
        await relay.adapter.contacts.set_consent(relay.contact.contact_id, GRANTED)
        known = {record["call_id"] for record in await relay.records.list(1000)}
        relay.base = len(known)
        await relay.warm_up()
        await until(lambda: relay.supervisor.warm, "a spare worker")
        try:
            headers = {"authorization": f"Bearer {self.console.control_token}"}
            async with httpx.AsyncClient(base_url=f"{server.url}/sim", headers=headers, trust_env=False) as control:
                assert (await control.post("/console", json={"url": url})).json() == {"done": True}
                async with asyncio.timeout(CALL_S):
                    await (relay.call() if one.direction == "out" else relay.phone_calls(control, one))
                    await settled(service)
                    await relay.adapter.rooms.stop()
                ledger = (await control.get("/ledger")).json()
            records = [record for record in await relay.records.list(1000) if record["call_id"] not in known]
            found = scenario.judge(one, ledger, records)
            found += [f"a room is believed open: {room.room_id}" for room in await relay.adapter.rooms.open()]
            return {f"{number} {name}": found} if found else {}
        finally:
            await self._close(service, server)

    async def _platform(self, one):
        service = Service(console=self.console)
        scenario.prepare(service, one)
        return service, await SimulatorServer.open(web.build(service), port=self.port)

    async def _close(self, service, server):
        await server.close()
        await service.stop()

    async def held(self, relay):
        """Count what a relay between two calls holds: files, processes, folders of room ends, tasks, calls."""
        for _ in range(500):
            if relay.supervisor.warm == relay.supervisor.processes == 1 and not relay.switchboard._calls:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)  # connections that are closing
        gc.collect()
        own = os.getpid()
        return {
            "descriptors": len(os.listdir("/proc/self/fd")),
            "workers": len(descendants(own)),
            "folders": len(list((self.folder / "tmp").glob("*/room-*"))),
            "calls": len(relay.switchboard._calls),
            "expected": len(relay.adapter.legs._expected),
            "answers": len(relay.adapter._notify._answers) + len(relay.adapter._notify._tasks),
            "rooms": len(await relay.adapter.rooms.open()),
        }


def descendants(pid):
    """List the processes that a process has started, and theirs."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            found += [child, *descendants(child)]
        except OSError:
            pass
    return found


def play(tmp_path, monkeypatch, names):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    before = descendants(os.getpid())
    assert asyncio.run(Soak(tmp_path).run(names)) == {}
    assert list(temporary.glob("*/room-*")) == []
    assert descendants(os.getpid()) == before


@pytest.mark.paced
def test_thirty_calls_in_a_row(tmp_path, monkeypatch):
    assert set(IN_A_ROW) <= set(NAMES) and len(IN_A_ROW) == 30
    play(tmp_path, monkeypatch, IN_A_ROW)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_calls_in_a_row(tmp_path, monkeypatch):
    play(tmp_path, monkeypatch, islice(cycle(NAMES), 200))
