"""A running relay's certificates: new ones are shown to whoever connects from now on, and their end is told in time.

Rules of this file: files are looked at every few seconds, and what cannot be used is logged and not taken. Connections that
are there keep the certificate that they began with. A server certificate of our own CA is renewed by the relay itself, as
long as the CA's key lies in the data folder; the CA is replaced by the operator alone.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509

from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay import changeover, rollover, tls
from tincall.relay.rollover import Shown
from tincall.settings import DataFolder

LOOK_S = 5.0
DAY_S = 86_400.0
RENEW_DAYS = 30  # before its end a server certificate is renewed, or somebody is told to do so
ROLL_DAYS = 365  # before its end a CA is to be replaced: boards that are switched off must get the next one, too

log = get("relay.certificates")


class Certificates:
    """Watches the certificates of one relay; `start` and `stop` are called once each.

    Args:
        folder: the data folder.
        clock: the time.
        newest_tls: for the device port, "1.2" or "1.3".
        sleep: waits some seconds.

    Attributes:
        shown: what is shown now.
        context: TLS of the device port, made of it.
        watchers: called with `shown` and `context` when there is something new.

    Raises:
        OperatorError: status 2; there is nothing to show, or it cannot be used.
    """

    def __init__(
        self,
        folder: DataFolder,
        clock: Clock,
        newest_tls: str = "1.3",
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._newest_tls = newest_tls
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        self.watchers: list[Callable[[Shown, ssl.SSLContext], None]] = []
        self._mark = self._look_at_files()
        self.shown = rollover.read(folder)
        self.context = tls.server_context(folder.server, folder.server_key, newest_tls, self.shown.clients)

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def look(self) -> bool:
        """Take what is new in the files; gives whether there was something that could be taken."""
        mark = self._look_at_files()
        # a change that is under way is taken when it is whole
        if mark == self._mark or (self._folder.root / changeover.NEW).exists():
            return False
        self._mark = mark
        try:
            shown = rollover.read(self._folder)
            files = self._folder.server, self._folder.server_key
            context = tls.server_context(*files, self._newest_tls, shown.clients)
        except OperatorError as error:
            log.error("the new certificates cannot be used", reason=error.message)
            return False
        self.shown, self.context = shown, context
        log.info("certificates taken", server_until=_date(shown.server), ca_until=_date(shown.ca))
        for watcher in self.watchers:
            watcher(shown, context)
        return True

    def renew_if_due(self) -> None:
        """Renew the server certificate when its end is near, if our CA has signed it and its key is here."""
        near = _left(self.shown.server, self.now()).days < RENEW_DAYS
        if not near or not self.shown.is_own or not self._folder.ca_key.exists():
            return
        try:
            rollover.renew(self._folder, (), self.now())
        except OperatorError as error:
            log.error("the server certificate cannot be renewed", reason=error.message)
        else:
            self.look()

    def daily(self) -> None:
        """Renew what is due, and log what somebody has to see to."""
        self.renew_if_due()
        for sentence in warnings(self.shown, self.now()):
            log.warning("a certificate ends", reason=sentence)

    def now(self) -> datetime.datetime:
        """Give the calendar time."""
        return datetime.datetime.fromtimestamp(self._clock.unix_ms() / 1000, datetime.UTC)

    async def _run(self) -> None:
        told_s = self._clock.monotonic_s() - DAY_S
        while True:
            if self._clock.monotonic_s() - told_s >= DAY_S:
                told_s = self._clock.monotonic_s()
                self.daily()
            await self._sleep(LOOK_S)
            self.look()

    def _look_at_files(self) -> list[tuple[int, int, int]]:
        return [_stamp(place) for place in _places(self._folder)]


def warnings(shown: Shown, now: datetime.datetime) -> list[str]:
    """Say which certificates end soon and what to do, a sentence each; empty when all is well."""
    told = []
    left = _left(shown.server, now).days
    if left < RENEW_DAYS:
        then = "`tincall ca renew` makes another" if shown.is_own else "renew it where it came from"
        told.append(f"The server certificate {_ends(shown.server, left)}: then no board connects; {then}.")
    left = _left(shown.ca, now).days
    if left < ROLL_DAYS:
        then = (
            "`tincall ca switch` lets the next one take its place" if shown.next_ca else "begin with `tincall ca roll`"
        )
        told.append(f"The CA that boards trust {_ends(shown.ca, left)}: then no board connects; {then}.")
    return told


def _ends(certificate: x509.Certificate, days: int) -> str:
    if days < 0:
        return f"ended on {_date(certificate)}"
    return f"ends on {_date(certificate)}, in {days} days"


def _date(certificate: x509.Certificate) -> str:
    return f"{certificate.not_valid_after_utc:%Y-%m-%d}"


def _left(certificate: x509.Certificate, now: datetime.datetime) -> datetime.timedelta:
    return certificate.not_valid_after_utc - now


def _places(folder: DataFolder) -> tuple[Path, ...]:
    return folder.server, folder.server_key, folder.ca, folder.next_ca, folder.past_ca


def _stamp(place: Path) -> tuple[int, int, int]:
    """Give what changes when a file is replaced; zeros when there is none."""
    try:
        found = place.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size
