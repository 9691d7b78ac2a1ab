"""A thousand clients that take their time, beside one that does not: nobody waits for anybody else (T-AS-03)."""

import asyncio
import contextlib
import json
import statistics
import time

from support.device_port import port
from support.plain_client import PlainClient

MORE_MS = 200  # what a good client may wait longer because of them
ROUNDS = 7
MUTE, HALF_HELLO, DRIPPING = 600, 300, 100
HELLO_OF_TLS = bytes.fromhex("16030100c8010000c40303")


async def served_ms(here):
    """Connect, verify and get a link as a good board does; gives the middle of some rounds."""
    took = []
    for number in range(ROUNDS):
        began_s = time.monotonic()
        client = await here.client()
        for path in ("/v1/verify/begin", "/v1/verify/finish"):
            assert (await client.request("POST", path, {"n": number})).status == 200
        await client.link(f"good-board-{number}")
        took.append((time.monotonic() - began_s) * 1000)
        await client.close()
    return statistics.median(took)


async def drip(client):
    """Say a request a byte at a time and never finish it."""
    with contextlib.suppress(OSError):
        for byte in b"POST /v1/verify/begin HTTP/1.1\r\nHost: " + b"a" * 5000:
            client.writer.write(bytes((byte,)))
            await asyncio.sleep(0.5)


async def test_a_thousand_slow_clients_do_not_delay_a_good_one(loop_factory, authority, certificate):
    patience = {"handshake_ms": 60_000, "request_ms": 60_000, "idle_ms": 60_000}
    async with port(authority, certificate, connections=2048, connections_per_address=2048, **patience) as here:
        alone_ms = await served_ms(here)
        raw = [await here.raw() for _ in range(MUTE + HALF_HELLO)]
        for _, writer in raw[:HALF_HELLO]:
            writer.write(HELLO_OF_TLS)
        slow = [await PlainClient.connect(here.gate.port, here.anchor) for _ in range(DRIPPING)]
        dripping = [asyncio.create_task(drip(client)) for client in slow]
        await here.until(lambda: here.gate.connections == MUTE + HALF_HELLO + DRIPPING)
        crowded_ms = await served_ms(here)
        for task in dripping:
            task.cancel()
        await asyncio.wait(dripping)
        for client in slow:
            await client.close()
        for _, writer in raw:
            writer.transport.abort()
        await asyncio.sleep(0)
        await here.empty()
        assert crowded_ms - alone_ms <= MORE_MS, (alone_ms, crowded_ms)


async def test_slow_clients_are_all_shown_the_door(loop_factory, authority, certificate):
    """T-AS-20: what they held is free again, without a restart and without a word from anybody."""
    patience = {"handshake_ms": 300, "request_ms": 300, "idle_ms": 300}
    async with port(authority, certificate, connections=60, connections_per_address=60, **patience) as here:
        raw = [await here.raw() for _ in range(40)]
        slow = [await PlainClient.connect(here.gate.port, here.anchor) for _ in range(20)]
        dripping = [asyncio.create_task(drip(client)) for client in slow]
        await here.until(lambda: here.gate.connections == 60)
        reader, refused = await here.raw()
        with contextlib.suppress(OSError):
            assert await reader.read() == b"", "the cap holds while they are there"
        refused.transport.abort()
        await here.empty()
        for task in dripping:
            task.cancel()
        await asyncio.wait(dripping)
        for client in slow:
            await client.close()
        answer = await (await here.client()).request("POST", "/v1/verify/begin", {"n": 1})
        assert json.loads(answer.body) == {"asked": "begin"}
        for _, writer in raw:
            writer.transport.abort()
        await asyncio.sleep(0)
