"""Which authorities each board trusts, by what it said in its newest `hello`, and who is to be given others.

Rules of this file: a bundle goes to a board in its next grant, as long as it has not said that it has it. A board that is
linked is asked to verify itself anew, after its call if it is in one, once for each bundle and a few at a time: so a new
bundle reaches all boards that are there within minutes, and no call ends for it. If power fails anywhere, what is not on
record is asked and sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from sqlalchemy import Connection, delete, select

from callcore.evidence import MAX_ANCHOR_CHARS
from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay import standing
from tincall.relay.registry import FORGOTTEN, Registry
from tincall.relay.rollover import anchor_id
from tincall.relay.store.engine import Database
from tincall.relay.store.models import anchors

LOOK_S = 5.0
# each of them makes a TLS handshake right afterwards
AT_ONCE = 10

log = get("relay.anchors")


class Links(Protocol):
    """What this asks of the switchboard."""

    def online(self, sn: str) -> dict[str, Any] | None:
        """Say what is known of a board's link, `ca` among it; None: it has none."""
        ...

    def renew(self, sn: str) -> None:
        """Let a board that is linked verify itself anew, after its call if it is in one."""
        ...


class Anchors:
    """Who trusts what; `load` before use, `start` and `stop` once each.

    Args:
        database: open, with this version's schema.
        registry: devices.
        bundle: what boards are to trust, as PEM text.
        sleep: waits some seconds.
    """

    def __init__(
        self, database: Database, registry: Registry, bundle: str, sleep: Callable[[float], Any] = asyncio.sleep
    ) -> None:
        self._database = database
        self._registry = registry
        self._sleep = sleep
        self._said: dict[str, str] = {}
        self._asked: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._bundle = bundle
        self.id = anchor_id(bundle)
        registry.watchers.append(self._changed)

    async def load(self) -> None:
        """Read what boards have said so far."""
        self._said = await self._database.read(_read)

    def use(self, bundle: str) -> None:
        """Hear what boards are to trust from now on."""
        if bundle != self._bundle:
            self._bundle = bundle
            self.id = anchor_id(bundle)
            self._asked.clear()

    def wanted(self, sn: str) -> str:
        """Give the bundle for a board's grant; empty when the board has said that it has it, or a grant cannot carry it."""
        return "" if self._said.get(sn) == self.id or len(self._bundle) > MAX_ANCHOR_CHARS else self._bundle

    def lacking(self) -> list[str]:
        """Name the boards that have not said that they have the bundle; those that are revoked do not count."""
        boards = (device.sn for device in self._registry.list() if device.state != standing.REVOKED)
        return [sn for sn in boards if self._said.get(sn) != self.id]

    async def look(self, links: Links) -> None:
        """Note what boards have said, and ask some that lack the bundle to come for it."""
        online = {device.sn: links.online(device.sn) for device in self._registry.list()}
        said = {sn: link["ca"] for sn, link in online.items() if link is not None and link["ca"]}
        new = {sn: ca for sn, ca in said.items() if self._said.get(sn) != ca}
        if new:
            await self._database.run(_write, new)
            self._said |= new
        ask = [sn for sn, ca in said.items() if ca != self.id and sn not in self._asked and self.wanted(sn)]
        for sn in ask[:AT_ONCE]:
            self._asked.add(sn)
            log.info("a board is asked to come for new authorities", sn=sn)
            links.renew(sn)

    def start(self, links: Links) -> Callable[[], Awaitable[None]]:
        """Begin to look every few seconds; gives what ends that."""
        self._task = asyncio.get_running_loop().create_task(self._run(links))
        return self.stop

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _changed(self, sn: str, state: str) -> None:
        if state == FORGOTTEN:  # its row went with the device
            self._said.pop(sn, None)
            self._asked.discard(sn)

    async def _run(self, links: Links) -> None:
        while True:
            try:
                await self.look(links)
            except OperatorError as error:
                log.error("not written down", reason=error.message)
            await self._sleep(LOOK_S)


def _read(connection: Connection) -> dict[str, str]:
    return {row.sn: row.anchor for row in connection.execute(select(anchors))}


def _write(connection: Connection, said: dict[str, str]) -> None:
    for sn, anchor in said.items():
        connection.execute(delete(anchors).where(anchors.c.sn == sn))
        connection.execute(anchors.insert().values(sn=sn, anchor=anchor))
