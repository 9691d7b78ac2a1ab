"""Enrolled devices and their keys: in the database for good, in memory for every question of a hot path.

A key is 32 random bytes, told once at enrolment and stored only sealed (AES-256-GCM under the key-encryption key, bound
to serial number and key version, so that a row cannot borrow another row's key). Whoever must act at once on a change of
state (links to close, tokens to forget) puts a function into `watchers`.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, delete, insert, select, update

from callcore.attest import is_published_test_key, is_serial_number
from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.ids import Random
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import DEVICE_STATES, devices

KEY_BYTES = 32
NONCE_BYTES = 12
MODEL_ID_MAX_CHARS = 64
NAME_MAX_CHARS = 64
FORGOTTEN = "forgotten"

R = TypeVar("R")

log = get("relay.registry")


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled device; see the table `devices` for what each value means."""

    sn: str
    model_id: str
    name: str
    state: str
    kv: int
    wrapped_key: bytes = field(repr=False)
    uid: str
    counter: int
    epoch: int
    board: str
    firmware: str
    last_seen_s: int
    created_s: int

    def public(self) -> dict[str, Any]:
        """Give what an operator may see, which is all but the key."""
        names = (
            "sn",
            "model_id",
            "name",
            "state",
            "kv",
            "uid",
            "epoch",
            "board",
            "firmware",
            "last_seen_s",
            "created_s",
        )
        return {name: getattr(self, name) for name in names}


class Rejected(OperatorError):
    """A device cannot be enrolled or changed as asked.

    Args:
        reason: `bad_value`, `exists` or `unknown`.
        message: one sentence.
        hint: what to do.
    """

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


class Registry:
    """The enrolled devices of this relay; `load` before use.

    Args:
        database: open, with this version's schema.
        kek: key-encryption key, 32 bytes.
        clock: the time.
        random: source of key bytes.
    """

    def __init__(self, database: Database, kek: bytes, clock: Clock, random: Random = os.urandom) -> None:
        self._database = database
        self._seal = AESGCM(kek)
        self._clock = clock
        self._random = random
        self._devices: dict[str, Device] = {}
        # writers come one after the other, so that memory always agrees with what was committed last
        self._writing = asyncio.Lock()
        self._commits: set[asyncio.Task[Any]] = set()
        # for serial numbers that nobody enrolled: the same work is done with this, and it proves nothing
        self._decoy = self._wrap("", 1, random(KEY_BYTES))
        self.watchers: list[Callable[[str, str], None]] = []

    async def load(self) -> None:
        """Read all devices, and open one of their keys to see that the key-encryption key is theirs.

        Raises:
            OperatorError: the key-encryption key is another one's.
        """
        rows = await self._database.read(lambda connection: connection.execute(select(devices)).all())
        self._devices = {row.sn: _device(row) for row in rows}
        for device in self._devices.values():
            self._unwrap(device.sn, device.kv, device.wrapped_key)
            break

    def get(self, sn: str) -> Device | None:
        """Find a device; None: nobody enrolled it."""
        return self._devices.get(sn)

    def list(self) -> list[Device]:
        """Give all devices, in the order of their serial numbers."""
        return sorted(self._devices.values(), key=lambda device: device.sn)

    def key(self, sn: str) -> bytes:
        """Give the device's key; for an unknown serial number a random one, at the same cost.

        Returns:
            32 bytes; the caller keeps them no longer than it needs them.
        """
        device = self._devices.get(sn)
        if device is None:
            return self._unwrap("", 1, self._decoy)
        return self._unwrap(sn, device.kv, device.wrapped_key)

    async def enrol(self, sn: str, model_id: str, name: str = "", key: bytes | None = None) -> bytes:
        """Enrol a device.

        If power fails, the device is enrolled whole or not at all.

        Args:
            sn: serial number, 1 to 128 of the characters `0-9 A-Z a-z _ -`.
            model_id: 1 to 64 of the same characters.
            name: for people, at most 64 characters; the serial number if empty.
            key: 32 bytes that the device already has; made here if not given.

        Returns:
            The key, for this one time.

        Raises:
            Rejected: a value is wrong, the key is the published test key, or the serial number is enrolled.
        """
        _check(sn, model_id, name)
        secret = self._random(KEY_BYTES) if key is None else key
        if len(secret) != KEY_BYTES or is_published_test_key(secret):
            why = "A key has 32 bytes and is not the test key of the documentation, which everybody knows."
            raise Rejected("bad_value", why)
        device = Device(
            sn=sn, model_id=model_id, name=name or sn, state="new", kv=1, wrapped_key=self._wrap(sn, 1, secret), uid="",
            counter=0, epoch=0, board="", firmware="", last_seen_s=0, created_s=self._clock.unix_ms() // 1000,
        )  # fmt: skip
        async with self._writing:
            if sn in self._devices:
                raise Rejected(
                    "exists", f"{sn} is already enrolled.", f"`tincall devices --forget {sn}` ends it first."
                )
            await self._database.run(_insert, device)
            self._devices[sn] = device
        log.info("device enrolled", sn=sn, model=model_id)
        return secret

    async def set_state(self, sn: str, state: str) -> None:
        """Change a device's state and tell the watchers; if power fails, a reader finds the old state or the new one.

        Raises:
            Rejected: no such device or no such state.
        """
        if state not in DEVICE_STATES:
            raise Rejected("bad_value", f"A device is {', '.join(DEVICE_STATES)}; not `{state}`.")
        await self._whole(self._change(sn, lambda _: {"state": state}))
        self._tell(sn, state)

    async def forget(self, sn: str) -> None:
        """End an enrolment: row and key are gone, and the watchers hear `forgotten`; call records stay.

        If power fails, the device is there as it was or not at all.

        Raises:
            Rejected: no such device.
        """
        await self._whole(self._remove(sn))
        self._tell(sn, FORGOTTEN)

    async def accept(self, sn: str, counter: int, uid: str, firmware: str) -> Device | None:
        """Store a verified session: the counter, one epoch more, and at the first time the chip's id, in one transaction.

        If power fails, all of it is stored or nothing; a proof whose counter was stored can never be accepted again.

        Args:
            sn: serial number whose proof was right.
            counter: the session counter in the proof.
            uid: the chip's id in hex, as proved.
            firmware: what the board says it runs.

        Returns:
            The device as it is now; None: the counter was not above the stored one, nothing is changed.

        Raises:
            Rejected: the device was forgotten meanwhile.
        """

        def session(device: Device) -> dict[str, Any]:
            if counter <= device.counter:
                return {}
            return {
                "counter": counter,
                "epoch": device.epoch + 1,
                "uid": device.uid or uid,
                "state": "active" if device.state == "new" else device.state,
                "firmware": firmware[:64],
                "last_seen_s": self._clock.unix_ms() // 1000,
            }

        return await self._whole(self._change(sn, session))

    async def seen(self, boards: dict[str, str]) -> None:
        """Note that devices were there just now, in one transaction; those that are not enrolled any more are passed over.

        Args:
            boards: which kind of board each said it is, by serial number.
        """
        if boards:
            await self._whole(self._note(boards))

    async def _whole(self, work: Coroutine[Any, Any, R]) -> R:
        """Do work to its end even if the one who waits is cancelled, so that memory keeps to what was committed."""
        task = asyncio.create_task(work)
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        return await asyncio.shield(task)

    async def _add(self, device: Device) -> None:
        async with self._writing:
            if device.sn in self._devices:
                raise Rejected("exists", f"{device.sn} is already enrolled.", "Forget it first, or choose another.")
            await self._database.run(_insert, device)
            self._devices[device.sn] = device

    async def _remove(self, sn: str) -> None:
        async with self._writing:
            self._known(sn)
            await self._database.run(_delete, sn)
            del self._devices[sn]

    async def _note(self, boards: dict[str, str]) -> None:
        now_s = self._clock.unix_ms() // 1000
        async with self._writing:
            known: dict[str, dict[str, Any]] = {
                sn: {"board": board[:64], "last_seen_s": now_s} for sn, board in boards.items() if sn in self._devices
            }
            await self._database.run(_update_all, known)
            for sn, changes in known.items():
                self._devices[sn] = replace(self._devices[sn], **changes)

    async def _change(self, sn: str, decide: Callable[[Device], dict[str, Any]]) -> Device | None:
        """Store what `decide` says of the device as it is now; None: it says that nothing changes."""
        async with self._writing:
            device = self._known(sn)
            changes = decide(device)
            if not changes:
                return None
            await self._database.run(_update, sn, changes)
            self._devices[sn] = replace(device, **changes)
            return self._devices[sn]

    def _known(self, sn: str) -> Device:
        device = self._devices.get(sn)
        if device is None:
            raise Rejected("unknown", f"No device {sn} is enrolled.", "`tincall devices` lists them.")
        return device

    def _tell(self, sn: str, state: str) -> None:
        log.info("device state", sn=sn, state=state)
        for watcher in self.watchers:
            watcher(sn, state)

    def _wrap(self, sn: str, kv: int, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._seal.encrypt(nonce, key, _bound_to(sn, kv))

    def _unwrap(self, sn: str, kv: int, wrapped: bytes) -> bytes:
        try:
            return self._seal.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to(sn, kv))
        except InvalidTag:
            raise OperatorError(
                f"The key of {sn} cannot be opened: kek.bin is not the one it was sealed with, or the row was changed.",
                "Restore kek.bin and tincall.db from the same backup.",
                2,
            ) from None


def _bound_to(sn: str, kv: int) -> bytes:
    return f"{sn}|{kv}".encode()


def _check(sn: str, model_id: str, name: str) -> None:
    """Hold the words of an enrolment against their rules.

    Raises:
        Rejected: one of them breaks its rule.
    """
    if not is_serial_number(sn):
        raise Rejected("bad_value", "A serial number has 1 to 128 of the characters 0-9 A-Z a-z _ and -.")
    if not is_serial_number(model_id) or len(model_id) > MODEL_ID_MAX_CHARS:
        raise Rejected("bad_value", "A model id has 1 to 64 of the characters 0-9 A-Z a-z _ and -.")
    if len(name) > NAME_MAX_CHARS or (name and not name.isprintable()):
        raise Rejected("bad_value", f"A name has at most {NAME_MAX_CHARS} printable characters.")


def _device(row: Row[Any]) -> Device:
    return Device(**row._mapping)


def _insert(connection: Connection, device: Device) -> None:
    connection.execute(insert(devices).values({column.name: getattr(device, column.name) for column in devices.c}))


def _update(connection: Connection, sn: str, changes: dict[str, Any]) -> None:
    connection.execute(update(devices).where(devices.c.sn == sn).values(changes))


def _update_all(connection: Connection, changes: dict[str, dict[str, Any]]) -> None:
    for sn, values in changes.items():
        _update(connection, sn, values)


def _delete(connection: Connection, sn: str) -> None:
    connection.execute(delete(devices).where(devices.c.sn == sn))
