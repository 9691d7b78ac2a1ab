"""Plays a scenario on a simulator and the model relay; gives what `judge` needs."""

import asyncio

import httpx
from model_relay import ModelRelay
from sim import until

from tincall.simulator import scenario, web
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service

SN = "board-1"


async def play(one, broken=()):
    """Play a scenario; gives complaints, and the ledger's document."""
    service = Service()
    scenario.prepare(service, one)
    server = await SimulatorServer.open(web.build(service))
    relay = ModelRelay(server.url, service.console, one.device, one.push.answer == "encrypted", broken)
    try:
        url = await relay.start()
        headers = {"authorization": f"Bearer {service.console.control_token}"}
        async with httpx.AsyncClient(base_url=f"{server.url}/sim", headers=headers, trust_env=False) as control:
            assert (await control.post("/console", json={"url": url})).json() == {"done": True}
            async with asyncio.timeout(25):
                if one.direction == "out":
                    await relay.call(one.phones[0].id)
                else:
                    await phone_calls(control, relay, one)
                await settled(service)
            ledger = (await control.get("/ledger")).json()
        secrets = (service.console.secret, service.console.aes_key, service.console.push_token)
        assert not any(secret in str(ledger) for secret in secrets)
        return scenario.judge(one, ledger, relay.records), ledger
    finally:
        await relay.stop()
        await server.close()
        await service.stop()


async def phone_calls(control, relay, one):
    """Let the first phone call the board, as the scenario says."""
    payload = "nobody-gave-this" if one.payload == "strange" else relay.offer()
    asked = {"openid": one.phones[0].id, "sn": SN, "model_id": relay.console.model_id, "payload": payload}
    asked["time_limit_ms"] = one.time_limit_ms
    for _ in range(2 if one.payload == "used" else 1):
        room_id = (await control.post("/call", json=asked)).json()["room_id"]
        if one.cancel_after_ms:
            await asyncio.sleep(one.cancel_after_ms / 1000)
            assert (await control.post("/cancel", json={"room_id": room_id})).json() == {"done": True}
            # nobody tells the relay; it gives up by its own ring time
        await _over(control, room_id)
    if one.expect.records:
        await until(lambda: relay.records, "the relay's record")


async def _over(control, room_id):
    while True:
        rooms = (await control.get("/ledger")).json()["rooms"]
        if next(room for room in rooms if room["room_id"] == room_id)["state"] == "over":
            return
        await asyncio.sleep(0.05)


async def settled(service):
    """Wait until every push has been delivered and every room is over."""
    await until(lambda: not service.rooms.live() and not service.pending, "the end of pushes and rooms")
