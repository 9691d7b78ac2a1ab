"""One enrolled device, and its row in the database: what is written, each a step of a transaction that the registry makes."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tincall.relay import claims, events, second_board
from tincall.relay.second_board import SecondBoard
from tincall.relay.store.models import anchors, devices

HMAC, MTLS = PROFILES = ("hmac", "mtls")
SHOWN = (
    "sn", "model_id", "name", "state", "profile", "kv", "key_s", "next_key_s", "cert_until_s", "uid", "epoch", "board",
    "firmware", "last_seen_s", "created_s",
)  # fmt: skip


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
    key_s: int = 0
    next_key: bytes | None = field(default=None, repr=False)
    next_key_s: int = 0
    fingerprint: bytes | None = None
    cert_until_s: int = 0
    next_fingerprint: bytes | None = None
    next_until_s: int = 0
    next_cert: bytes | None = field(default=None, repr=False)

    @property
    def profile(self) -> str:
        """Say how its board proves itself: by its key alone, or with a certificate of its own."""
        return HMAC if self.fingerprint is None else MTLS

    def public(self) -> dict[str, Any]:
        """Give what an operator may see, which is all but keys and fingerprints."""
        return {name: getattr(self, name) for name in SHOWN}


def read(connection: Connection) -> dict[str, Device]:
    """Read all, by serial number."""
    return {row.sn: Device(**row._mapping) for row in connection.execute(select(devices))}


def add(connection: Connection, device: Device) -> None:
    """Write a new device."""
    connection.execute(insert(devices).values({column.name: getattr(device, column.name) for column in devices.c}))


def change(connection: Connection, changes: dict[str, dict[str, Any]]) -> None:
    """Write some columns of some devices, by serial number; a device's first session ends its claim."""
    for sn, values in changes.items():
        if values.get("epoch") == 1:
            claims.erase(connection, sn)
        connection.execute(update(devices).where(devices.c.sn == sn).values(values))


def stand(connection: Connection, sn: str, state: str, is_cleared: bool) -> None:
    """Write a device's state; `is_cleared` forgets its second board."""
    change(connection, {sn: {"state": state}})
    if is_cleared:
        second_board.erase(connection, sn)


def doubt(connection: Connection, kept: SecondBoard, state: str) -> None:
    """Write a device's second board, and the state that follows from it."""
    second_board.write(connection, kept)
    change(connection, {kept.sn: {"state": state}})


def remove(connection: Connection, sn: str) -> None:
    """Remove a device and what hangs on it."""
    second_board.erase(connection, sn)
    events.erase(connection, sn)
    claims.erase(connection, sn)
    connection.execute(delete(anchors).where(anchors.c.sn == sn))
    connection.execute(delete(devices).where(devices.c.sn == sn))
