"""A link's far side that loses packets: a program between a relay and a worker, for benchmarks alone.

  python -m tincall.measure.bad_media FOLDER PROFILE PROGRAM ARGUMENT...    and what a relay adds: --control-fd N --media-fd M

The relay starts it as its worker (`[worker] command`), it starts the real one, with the same arguments and sockets of its own,
and hands everything on; RTP packets by the simulator's path for frames (`simulator.impair.FramePath`, PROFILE in JSON). The
rule of both sockets holds through it: what came before a control message has been handed on before that message is. When the
call is over it writes into FOLDER, as `PID.json`, the fates of all packets: `up` towards the phone and `down` from it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tincall import clock
from tincall.simulator.impair import FramePath, FrameProfile
from tincall.worker.channel import Channel
from tincall.worker.child import Child
from tincall.worker.process import MEDIA_BUFFER_BYTES
from tincall.worker.protocol import MAX_CONTROL_BYTES, MAX_MEDIA_BYTES

_CONTROL, _MEDIA = "--control-fd", "--media-fd"
WAYS = ("up", "down")


class Way:
    """One way of the packets.

    Args:
        profile: how bad.
        send: hands a packet on; tells whether it was taken.

    Attributes:
        refused: packets that got through and were not taken.
    """

    def __init__(self, profile: FrameProfile, send: Callable[[bytes], bool]) -> None:
        self.refused = 0
        self._path = FramePath(profile, clock.now_ms())
        self._send = send
        self._timer: asyncio.TimerHandle | None = None

    def put(self, packet: bytes) -> None:
        """Take a packet."""
        self._path.put(packet, clock.now_ms())
        self.move()

    def move(self) -> None:
        """Hand on what is due, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_ms = clock.now_ms()
        for packet in self._path.due(now_ms):
            self.refused += not self._send(packet)
        wait_ms = self._path.next_wake_ms(now_ms)
        if wait_ms is not None:
            self._timer = asyncio.get_running_loop().call_later((wait_ms + 0.5) / 1000, self.move)

    def figures(self) -> dict[str, int]:
        """Give the fates of all packets: `taken` + `doubled` = `lost` + `given` + those on the way; `refused` of the given."""
        path = self._path
        counted = {name: getattr(path, name) for name in ("taken", "lost", "doubled", "overtaken", "given")}
        return {**counted, "refused": self.refused}


class Between:
    """Hands on everything between a relay and its worker.

    Args:
        relay: sockets towards the relay, control and media.
        worker: the same towards the worker.
        profiles: of the packets up and down.
    """

    def __init__(
        self,
        relay: tuple[socket.socket, socket.socket],
        worker: tuple[socket.socket, socket.socket],
        profiles: tuple[FrameProfile, FrameProfile],
    ) -> None:
        self._relay = Channel(relay[0], MAX_CONTROL_BYTES, self._word_down, self._relay_lost)
        self._relay_media = Channel(relay[1], MAX_MEDIA_BYTES, self._packet_up, _nothing)
        self._worker = Channel(worker[0], MAX_CONTROL_BYTES, self._word_up, _nothing)
        self._worker_media = Channel(worker[1], MAX_MEDIA_BYTES, self._packet_down, _nothing)
        self._up = Way(profiles[0], self._worker_media.send)
        self._down = Way(profiles[1], self._relay_media.send)
        self._all = (self._relay, self._relay_media, self._worker, self._worker_media)
        for channel in self._all:
            channel.open(asyncio.get_running_loop())

    def close(self) -> None:
        """Hand on the worker's last words, and end."""
        self._worker_media.drain()
        self._worker.drain()
        for channel in self._all:
            channel.close()

    def figures(self) -> dict[str, dict[str, int]]:
        """Give the fates of the packets of both ways."""
        return {"up": self._up.figures(), "down": self._down.figures()}

    def _packet_up(self, packet: bytes) -> None:
        self._up.put(packet)

    def _packet_down(self, packet: bytes) -> None:
        self._down.put(packet)

    def _word_down(self, message: bytes) -> None:
        self._relay_media.drain()
        self._worker.send(message)

    def _word_up(self, message: bytes) -> None:
        self._worker_media.drain()
        self._relay.send(message)

    def _relay_lost(self, sentence: str) -> None:
        self._worker.close()  # by which the worker learns of it
        self._worker_media.close()


def _nothing(sentence: str) -> None:
    """Wait for the end of the other socket, or of the process."""


def command(folder: Path, profiles: tuple[FrameProfile, FrameProfile], worker: list[str]) -> list[str]:
    """Give what a relay starts in place of a worker.

    Args:
        folder: for the figures.
        profiles: of the packets up, to the phone, and down, from it.
        worker: program and arguments of the real one.
    """
    told = {way: profile.model_dump() for way, profile in zip(WAYS, profiles, strict=True)}
    return [sys.executable, "-m", "tincall.measure.bad_media", str(folder), json.dumps(told), *worker]


def figures(folder: Path) -> dict[str, dict[str, int]] | None:
    """Read what the worker of the one call that was made left; None: there was none."""
    found: list[dict[str, Any]] = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    talked = [one for one in found if any(one[way]["taken"] for way in WAYS)]
    return talked[0] if talked else None


async def _serve(folder: Path, profiles: tuple[FrameProfile, FrameProfile], worker: list[str], fds: list[int]) -> int:
    """Live one call; gives the worker's exit status."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in (_CONTROL, _MEDIA)]
    for end in pairs[1]:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MEDIA_BUFFER_BYTES)
    numbers = [str(theirs.fileno()) for _, theirs in pairs]
    child = Child(
        [*worker, _CONTROL, numbers[0], _MEDIA, numbers[1]], [int(number) for number in numbers], dict(os.environ)
    )
    for _, theirs in pairs:
        theirs.close()
    relay_ends = socket.socket(fileno=fds[0]), socket.socket(fileno=fds[1])
    between = Between(relay_ends, (pairs[0][0], pairs[1][0]), profiles)
    try:
        return await child.wait()
    finally:
        (folder / f"{os.getpid()}.json").write_text(json.dumps(between.figures()))
        between.close()


def main(arguments: list[str]) -> int:
    """Run it; see the head of this file."""
    folder, told, *worker = arguments
    fds = []
    for name in (_CONTROL, _MEDIA):
        at = worker.index(name)
        fds.append(int(worker[at + 1]))
        del worker[at : at + 2]
    profiles = [FrameProfile.model_validate(json.loads(told)[way]) for way in WAYS]
    return asyncio.run(_serve(Path(folder), (profiles[0], profiles[1]), worker, fds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
