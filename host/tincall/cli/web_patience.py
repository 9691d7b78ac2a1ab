"""How long a client of the web port may take: ends who says half a request and no more, and who holds too many connections.

uvicorn bounds how long a connection may be idle between two requests and nothing else, so half a head would hold a place for
ever, and 512 such would keep the platform's pushes out. Looked at each LOOK_S:

    waiting   no request is being answered: nothing said, idle, or half a head        HEAD_S, and PER_ADDRESS of them
    sending   a head is there, its body is not                                        BODY_S
    answered  the application is at work                                              its own time

A named reverse proxy speaks for many, so it is not held to PER_ADDRESS.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tincall.logs import get

LOOK_S = 0.5
HEAD_S = 10.0
BODY_S = 15.0
# phones behind one mobile network's address keep a connection for some seconds each
PER_ADDRESS = 64

WAITING, SENDING, ANSWERED = "waiting", "sending", "answered"
ALLOWED_S = {WAITING: HEAD_S, SENDING: BODY_S}

log = get("relay.web")


class Patience:
    """Watches connections of uvicorn.

    Args:
        connections: uvicorn's own set of them, as it is at each look.
        proxies: addresses that are not held to PER_ADDRESS.
    """

    def __init__(self, connections: Iterable[Any], proxies: Sequence[str] = ()) -> None:
        self._connections = connections
        self._proxies = frozenset(proxies)
        # what each does and since when, in the order in which they were seen first
        self._since: dict[Any, tuple[object, str, float]] = {}

    async def watch(self) -> None:
        """Look for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            self.look(loop.time())

    def look(self, now_s: float) -> None:
        """End who takes too long, or takes too much.

        Args:
            now_s: a clock that never jumps.
        """
        before, self._since = self._since, {}
        # those that were there before come first: of too many, the oldest go
        present = dict.fromkeys([*(one for one in before if one in self._connections), *self._connections])
        waiting: dict[str, list[Any]] = defaultdict(list)
        for one in present:
            phase = _phase(one)
            key = (one.cycle, phase)
            since_s = before[one][2] if one in before and before[one][:2] == key else now_s
            self._since[one] = (*key, since_s)
            if phase in ALLOWED_S and now_s - since_s >= ALLOWED_S[phase]:
                self._end(one, phase)
            elif phase == WAITING and _address(one) not in self._proxies:
                waiting[_address(one)].append(one)
        for held in waiting.values():
            for one in held[: max(0, len(held) - PER_ADDRESS)]:
                self._end(one, "too many")

    def _end(self, connection: Any, why: str) -> None:
        log.info("web connection ended", address=_address(connection), reason=why)
        self._since.pop(connection, None)
        with contextlib.suppress(AttributeError):  # uvicorn has not heard of its transport yet
            connection.transport.abort()


def _phase(connection: Any) -> str:
    cycle = connection.cycle
    if cycle is None or cycle.response_complete:
        return WAITING
    return SENDING if cycle.more_body else ANSWERED


def _address(connection: Any) -> str:
    return connection.client[0] if connection.client else ""
