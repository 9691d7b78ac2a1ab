"""Right proofs that cannot come from the board that a serial number is bound to: what is kept of them, and when they are two.

One such proof alone is refused and changes nothing: an old image that somebody restored, or a copy that is tried once, must
not take the rightful board's service away. It is kept, with the session that was newest then. When another one comes within
WINDOW_S and the rightful board was verified in between, two boards use the serial number by turns (`doubled` in `standing`).
The newest one is kept for the operator to look at until the device is resumed or forgotten.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, select

from tincall.relay.store.models import second_boards

# a copy that is told "never again" tries once each time it is switched on, so a day and not some minutes
WINDOW_S = 86_400


@dataclass(frozen=True, slots=True)
class SecondBoard:
    """The newest such proof for one serial number; see the table `second_boards`.

    Args:
        sn: serial number.
        why: `uid_mismatch` or `counter_rollback`.
        uid: the chip's id in hex, as proved.
        counter: the session counter in the proof.
        address: network address it came from.
        firmware: what it says it runs.
        epoch: the rightful board's newest session at that time.
        times: how many such proofs there were.
        seen_s: when, seconds since 1970.
    """

    sn: str
    why: str
    uid: str
    counter: int
    address: str
    firmware: str
    epoch: int
    times: int
    seen_s: int


def is_by_turns(before: SecondBoard | None, now: SecondBoard) -> bool:
    """Tell whether two such proofs have a session of the rightful board between them, within the window."""
    return before is not None and now.epoch > before.epoch and now.seen_s - before.seen_s <= WINDOW_S


def read(connection: Connection) -> dict[str, SecondBoard]:
    """Read all, by serial number."""
    return {row.sn: SecondBoard(**row._mapping) for row in connection.execute(select(second_boards))}


def write(connection: Connection, found: SecondBoard) -> None:
    """Put one in the place of the one before."""
    erase(connection, found.sn)
    connection.execute(second_boards.insert().values(asdict(found)))


def erase(connection: Connection, sn: str) -> None:
    """Forget what is kept for a serial number."""
    connection.execute(delete(second_boards).where(second_boards.c.sn == sn))
