"""A bad line between a board and its relay: a program that passes a TCP connection's bytes on, late.

    python -m tincall.measure.bad_line PORT PROFILE      PROFILE: a LineProfile in JSON; PORT: the relay's, on this machine

It prints `{"port": N}`, to which the board connects. Of each line on its standard input it answers one: `begin` makes the line
bad from then on, `count` only counts; both answer with the bytes of each way so far. The end of its input ends it. Nothing is
lost, since the carrier is a stream: what a network loses or holds up comes later, and all that is behind it as well. Delay and
jitter are the simulator's own (`simulator.impair.StreamPath`); stalls that come again and repeats of lost segments are added.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from callcore.compat import ticks_add, ticks_diff
from tincall import clock
from tincall.errors import OperatorError
from tincall.measure.packet_path import repeated_ms
from tincall.simulator.impair import StreamPath, StreamProfile

_LOOPBACK = "127.0.0.1"
_STEP_MS = 20  # between two segments of a call
_ANSWER_S = 10.0


@dataclass(frozen=True)
class LineProfile:
    """How bad a line is, in both ways alike.

    Args:
        delay_ms: that every byte takes.
        jitter_ms: that a piece takes at most beside it, evenly spread; order is kept.
        stall_every_ms: the air is taken about this often, for both ways at once; 0: never.
        stall_ms: shortest and longest of the stalls; what waits comes at once afterwards.
        loss: share of segments that are lost and repeated.
        round_trip_ms: what a sender needs to learn of a loss, beside three more segments.
        seed: the same seed, the same line.
    """

    delay_ms: int = 0
    jitter_ms: int = 0
    stall_every_ms: int = 0
    stall_ms: tuple[int, int] = (0, 0)
    loss: float = 0.0
    round_trip_ms: int = 0
    seed: int = 1


class LinePath:
    """One way of a line; no I/O, as `StreamPath`, in which what this adds is delay before it.

    Args:
        profile: how bad.
        way: 0 or 1: each way has chances of its own, but stalls are the same in both.
        now_ms: the time.
    """

    def __init__(self, profile: LineProfile, way: int, now_ms: int) -> None:
        self._profile = profile
        self._start_ms = now_ms
        self._chance = random.Random(f"{profile.seed} {way}")
        seed = 2 * profile.seed + way
        self._stream = StreamPath(
            StreamProfile(delay_ms=profile.delay_ms, jitter_ms=profile.jitter_ms, seed=seed), now_ms
        )
        self.due = self._stream.due
        self.next_wake_ms = self._stream.next_wake_ms

    @property
    def has_room(self) -> bool:
        """Tell whether it takes more."""
        return self._stream.has_room

    def put(self, data: bytes, now_ms: int) -> None:
        """Take what came at once, for one segment."""
        wait_ms = self._stalled_ms(ticks_diff(now_ms, self._start_ms))
        if self._profile.loss:
            wait_ms += repeated_ms(self._chance, self._profile.loss, _STEP_MS, self._profile.round_trip_ms)
        self._stream.put(data, ticks_add(now_ms, wait_ms))

    def _stalled_ms(self, elapsed_ms: int) -> int:
        """Give how long the air is still taken; a stall lies anywhere in its turn."""
        profile = self._profile
        if not profile.stall_every_ms:
            return 0
        turn, into_ms = divmod(elapsed_ms, profile.stall_every_ms)
        chance = random.Random(f"{profile.seed} stall {turn}")
        begin_ms = chance.randrange(profile.stall_every_ms - profile.stall_ms[1])
        end_ms = begin_ms + chance.randint(*profile.stall_ms)
        return end_ms - into_ms if begin_ms <= into_ms < end_ms else 0


class _Way(asyncio.Protocol):
    """One way of one connection: from the socket it reads to the one that it is given.

    Attributes:
        carried: bytes that went out at the far end.
        path: how bad; None: good.
    """

    def __init__(self) -> None:
        self.carried = 0
        self.path: LinePath | None = None
        self.to: asyncio.Transport | None = None
        self.transport: asyncio.Transport | None = None
        self.opened: Callable[[_Way], None] = lambda way: None
        self._timer: asyncio.TimerHandle | None = None
        self._is_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.opened(self)

    def data_received(self, data: bytes) -> None:
        if self.path is None:
            self._out(data)
            return
        self.path.put(data, clock.now_ms())
        if not self.path.has_room and self.transport is not None:
            self.transport.pause_reading()
        self._move()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_ended = True
        self._move()

    def _move(self) -> None:
        """Pass on what is due, and come back for the rest."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait_ms = None
        if self.path is not None:
            now_ms = clock.now_ms()
            self._out(self.path.due(now_ms))
            wait_ms = self.path.next_wake_ms(now_ms)
            if self.path.has_room and self.transport is not None and not self._is_ended:
                self.transport.resume_reading()
        if wait_ms is not None:
            # a bit more, since a timer may fire a moment early
            self._timer = asyncio.get_running_loop().call_later((wait_ms + 0.5) / 1000, self._move)
        elif self._is_ended and self.to is not None:
            self.to.close()

    def _out(self, data: bytes) -> None:
        if data and self.to is not None and not self.to.is_closing():
            self.carried += len(data)
            self.to.write(data)


class _Line:
    """All connections of the line.

    Args:
        port: of the relay.
        profile: how bad it is when it is bad.
    """

    def __init__(self, port: int, profile: LineProfile) -> None:
        self._port = port
        self._profile = profile
        self._pairs: list[tuple[_Way, _Way]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self) -> _Way:
        """Make the board's end of a new connection."""
        up = _Way()
        up.opened = self._opened
        return up

    def _opened(self, up: _Way) -> None:
        assert up.transport is not None
        up.transport.pause_reading()
        task = asyncio.get_running_loop().create_task(self._connect(up))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self, up: _Way) -> None:
        assert up.transport is not None
        try:
            far, down = await asyncio.get_running_loop().create_connection(_Way, _LOOPBACK, self._port)
        except OSError:
            up.transport.close()  # the board is told as if the relay refused it
            return
        up.to, down.to = far, up.transport
        self._pairs.append((up, down))
        up.transport.resume_reading()

    def hear(self, word: str) -> dict[str, int]:
        """Do what a line of the input says; gives the bytes of each way."""
        if word == "begin":
            now_ms = clock.now_ms()
            for pair in self._pairs:
                for number, way in enumerate(pair):
                    way.path = LinePath(self._profile, number, now_ms)
        up, down = (sum(pair[number].carried for pair in self._pairs) for number in (0, 1))
        return {"up": up, "down": down}


async def _serve(port: int, profile: LineProfile) -> None:
    loop = asyncio.get_running_loop()
    line = _Line(port, profile)
    server = await loop.create_server(line.accept, _LOOPBACK, 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while word := await reader.readline():
        print(json.dumps(line.hear(word.decode().strip())), flush=True)
    server.close()


class BadLine:
    """The program, running; use it in a `with` block.

    Args:
        port: of the relay.
        profile: how bad the line is once it is.

    Attributes:
        port: to which the board connects.

    Raises:
        OperatorError: it does not start.
    """

    def __init__(self, port: int, profile: LineProfile) -> None:
        command = [sys.executable, "-m", "tincall.measure.bad_line", str(port), json.dumps(asdict(profile))]
        # a group of its own: Ctrl-C is for the one that started it, whose end it learns from its input
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.port = int(self._answer()["port"])

    def __enter__(self) -> BadLine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def begin(self) -> dict[str, int]:
        """Make it bad; gives the bytes so far: `up` and `down`."""
        return self._ask("begin")

    def count(self) -> dict[str, int]:
        """Give the bytes so far, TLS records and all: `up` from the board, `down` to it."""
        return self._ask("count")

    def close(self) -> None:
        """End it; harmless to repeat."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # a word that it did not hear any more
        try:
            self._process.wait(_ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, word: str) -> dict[str, int]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(word + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, as its answer will show
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OperatorError(f"the bad line ended with status {self._process.wait()}", "Report this.")
        return dict(json.loads(line))


if __name__ == "__main__":
    given = json.loads(sys.argv[2])
    asyncio.run(_serve(int(sys.argv[1]), LineProfile(**{**given, "stall_ms": tuple(given["stall_ms"])})))
