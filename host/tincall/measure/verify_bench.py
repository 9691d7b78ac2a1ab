"""What verifying boards costs a relay: round trips, CPU of the relay's own process, and what a whole one takes from outside.

Boards verify over and over, each on a connection of its own from TLS to the grant, as after a power cut that took a street. The
relay's CPU is read from the kernel before and after, so what this side of it costs is not in it; the same connections without a
verification are taken away from it, which tells TLS and verification apart.
"""

import asyncio
import json
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callcore import attest

CPU_MOST_MS = 3.0
PER_CORE_LEAST = 300
ROUND_TRIPS = 2
UID = b"\x02\x00\x00\x00\x00\x01"
MODEL_ID = "tincall"
PATIENCE_S = 30.0

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Target:
    """The relay that is measured.

    Args:
        port: where boards connect, on 127.0.0.1.
        anchor: the CA's certificate.
        pid: the relay's process.
        keys: the boards' keys, by serial number.
    """

    port: int
    anchor: Path
    pid: int
    keys: dict[str, bytes] = field(repr=False)


@dataclass(slots=True)
class _Tally:
    """What the boards saw: milliseconds of each verification, and requests in all."""

    took_ms: list[float] = field(default_factory=list)
    requests: int = 0


def run(target: Target, each: int, step: Step) -> dict[str, Any]:
    """Measure.

    Args:
        target: the relay; its boards were never verified.
        each: verifications of each board.
        step: hears what is being done.

    Returns:
        The figures, with `targets`: each with `figure`, `bound` and whether it is reached.
    """
    return asyncio.run(_run(target, each, step))


async def _run(target: Target, each: int, step: Step) -> dict[str, Any]:
    step("warming up")
    await _all(target, 3, 1, is_verifying=True)
    step("connections alone")
    tls_s, _, _ = await _all(target, each, 0, is_verifying=False)
    step("verifications")
    cpu_s, wall_s, tally = await _all(target, each, 4, is_verifying=True)
    count = each * len(target.keys)
    cpu_ms, tls_ms = cpu_s / count * 1000, tls_s / count * 1000
    took_ms = sorted(tally.took_ms)
    figures: dict[str, Any] = {
        "verifications": count,
        "boards": len(target.keys),
        "round_trips": tally.requests / count,
        "cpu_ms": round(cpu_ms, 3),
        "cpu_tls_ms": round(tls_ms, 3),
        "cpu_verify_ms": round(cpu_ms - tls_ms, 3),
        "per_core_s": round(1000 / cpu_ms),
        "per_s": round(count / wall_s),
        "took_p50_ms": round(took_ms[count // 2], 1),
        "took_p99_ms": round(took_ms[count * 99 // 100], 1),
    }
    return {**figures, "targets": judged(figures)}


def judged(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold figures against what they have to be."""
    return [
        {"figure": "round_trips", "bound": ROUND_TRIPS, "ok": figures["round_trips"] == ROUND_TRIPS},
        {"figure": "cpu_ms", "bound": CPU_MOST_MS, "ok": figures["cpu_ms"] <= CPU_MOST_MS},
        {"figure": "per_core_s", "bound": PER_CORE_LEAST, "ok": figures["per_core_s"] >= PER_CORE_LEAST},
    ]


async def _all(target: Target, each: int, first: int, is_verifying: bool) -> tuple[float, float, _Tally]:
    """Let every board connect `each` times, all at once; gives the relay's CPU, the time, and what the boards saw."""
    tally = _Tally()
    trust = ssl.create_default_context(cafile=str(target.anchor))
    before_s, began_s = cpu_s(target.pid), time.monotonic()
    async with asyncio.timeout(PATIENCE_S + each * len(target.keys) * 0.1), asyncio.TaskGroup() as group:
        for sn in target.keys:
            group.create_task(_board(target, trust, sn, range(first, first + each), is_verifying, tally))
    return cpu_s(target.pid) - before_s, time.monotonic() - began_s, tally


async def _board(
    target: Target, trust: ssl.SSLContext, sn: str, counters: range, is_verifying: bool, tally: _Tally
) -> None:
    attester = attest.Attester(target.keys[sn], sn, MODEL_ID, 1, UID, "bench")
    for counter in counters:
        began_s = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", target.port, ssl=trust, server_hostname="127.0.0.1")
        try:
            if is_verifying:
                seen = attest.channel_binding(writer.get_extra_info("ssl_object").getpeercert(True))
                challenge = await _ask(reader, writer, "begin", attester.begin(os.urandom(16)), tally)
                proof = attester.challenged(challenge, counter, seen)
                attester.granted(await _ask(reader, writer, "finish", proof, tally))
                tally.took_ms.append((time.monotonic() - began_s) * 1000)
        finally:
            writer.transport.abort()


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, step: str, said: dict[str, object], tally: _Tally
) -> bytes:
    body = json.dumps(said).encode()
    head = f"POST /v1/verify/{step} HTTP/1.1\r\nHost: relay\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    tally.requests += 1
    told = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(told.split("content-length:")[1].split("\r\n")[0])
    return await reader.readexactly(length)


def cpu_s(pid: int) -> float:
    """Give the CPU time that a process has used, without its children, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
