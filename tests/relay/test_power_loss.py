"""Power that fails between any two of SQLite's own operations, on the relay's real schema and code paths.

A call is recorded and a push judged as the relay does it, in many transactions with checkpoints among them; then every disk
that a power cut could have left at each moment is looked at.
"""

import sqlite3

import pytest
import sqlalchemy as sa
from relay_store import KEK, run
from support.recording_vfs import recording, states

from tincall.clock import ManualClock
from tincall.relay import events
from tincall.relay.cdr import Frames, Records, open_record
from tincall.relay.registry import Registry
from tincall.relay.store import integrity
from tincall.relay.store.engine import Database
from tincall.relay.store.models import CALL_STATES
from tincall.wechat.inbox import JOIN, Entry, Inbox

APPID = "wx0123456789abcdef"
# so few that checkpoints come every few transactions; it is 1,000 in a relay
CHECKPOINT_PAGES = 12


async def work(path, recorder, transactions, synchronous):
    """Do what a relay does, and note what it was told is stored: (`call`, id, state), and (kind, id) of the rest."""
    database = Database.open(path)
    clock = ManualClock()
    registry, records, inbox = Registry(database, KEK, clock), Records(database, clock), Inbox(database, clock)

    def prepare(connection):
        connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")

    await database.read(prepare)
    if synchronous != "FULL":
        raw = database._engine.raw_connection()
        raw.execute(f"PRAGMA synchronous = {synchronous}")
        raw.close()
    await registry.load()
    done = 0
    for number in range(transactions):
        call_id = f"c{number}"
        steps = [
            (registry.enrol(f"SN-{number}", "m", key=bytes([number % 256] * 31 + [1])), ("device", f"SN-{number}")),
            (inbox.store(lambda connection, c=call_id: push(connection, c)), ("room", call_id)),
            (records.ringing(call_id), ("call", call_id, "ringing")),
            (records.answered(call_id, "PCMA"), ("call", call_id, "answered")),
            (records.ended(call_id, 16, "device", number, Frames(9, 8, 1)), ("call", call_id, "ended")),
            (records.phone_told(call_id, {"reason": "x" * 500}), None),
        ]
        if number % 3 == 1:
            steps.append((database.run(events._store, "SN-1", event(number + 1), 1), ("event", number + 1)))
        if number % 10 == 0:
            steps.append((registry.claims.open(f"SN-{number}", 1, 0, 1), ("claim", f"SN-{number}")))
        for step, told in steps:
            if done < transactions:
                await step
                done += 1
                if told:
                    recorder.acknowledged(told)
            else:
                step.close()
    await database.close()


def event(number):
    """Make what a board delivers."""
    return {"log": "L", "n": number, "lost": 0, "at": 1, "kind": "missed"}


def push(connection, call_id):
    """Judge a push as `wechat.notify` does: call record and inbox row in one transaction."""
    open_record(connection, call_id, "SN-1", "alice", "in", 1)
    return Entry(APPID, call_id, 0, "", call_id, "in", JOIN)


def look(folder, files, acknowledged):
    """Look at a disk as the next relay does; gives what is wrong with it: `corrupt`, `lost`, `half`, or nothing."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    connection = sqlite3.connect(folder / "tincall.db")
    try:
        if integrity.problems(connection, is_thorough=True):
            return "corrupt"
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return "lost" if acknowledged else ""
        if not {"devices", "calls", "wechat_inbox", "alembic_version"} <= tables:
            return "half"
        found = dict(connection.execute("SELECT call_id, state FROM calls"))
        rooms = {room for (room,) in connection.execute("SELECT room_id FROM wechat_inbox")}
        boards = {sn for (sn,) in connection.execute("SELECT sn FROM devices")}
        claims = {sn for (sn,) in connection.execute("SELECT sn FROM claims")}
        told = {number for (number,) in connection.execute("SELECT number FROM board_events")}
    except sqlite3.DatabaseError:
        return "corrupt"
    finally:
        connection.close()
        for one in folder.iterdir():
            one.unlink()
    if rooms != set(found):
        return "half"
    for kind, name, *more in acknowledged:
        if name not in {"device": boards, "claim": claims, "event": told}.get(kind, found):
            return "lost"
        if kind == "call" and CALL_STATES.index(found[name]) < CALL_STATES.index(more[0]):
            return "lost"
    return ""


def enumerated(tmp_path, transactions, variants, synchronous="FULL"):
    """Record the work and look at every disk; gives how many there were and how many had what wrong with them."""
    with recording() as recorder:
        run(work(tmp_path / "tincall.db", recorder, transactions, synchronous))
    assert {one.name for one in tmp_path.iterdir()} == {"tincall.db", "tincall.db.lock"}
    kinds = {what for what, *_ in recorder.done}
    assert {"write", "sync", "ack", "delete"} <= kinds
    assert any(what == "write" and name == "tincall.db" for what, name, *_ in recorder.done[200:]), "no checkpoint came"
    folder = tmp_path / "after"
    folder.mkdir()
    wrong = {"corrupt": 0, "lost": 0, "half": 0, "": 0}
    for _, files, acknowledged in states(recorder.done, variants):
        wrong[look(folder, files, acknowledged)] += 1
    good = wrong.pop("")
    return good + sum(wrong.values()), wrong


@pytest.mark.parametrize(
    ("transactions", "variants"),
    [(30, 2), pytest.param(200, 10, marks=[pytest.mark.long, pytest.mark.timeout(3600)])],
)
def test_no_power_cut_loses_or_halves_what_was_acknowledged(tmp_path, transactions, variants):
    looked_at, wrong = enumerated(tmp_path, transactions, variants)
    assert wrong == {"corrupt": 0, "lost": 0, "half": 0}
    assert looked_at > 10 * transactions * (1 + variants), "so many moments there are at least"


def test_the_enumeration_finds_a_setting_that_loses(tmp_path):
    _, wrong = enumerated(tmp_path, 18, 2, "NORMAL")
    assert wrong["lost"] > 0 and wrong["corrupt"] == 0


def test_the_enumeration_finds_a_setting_that_corrupts(tmp_path):
    _, wrong = enumerated(tmp_path, 18, 2, "OFF")
    assert wrong["corrupt"] + wrong["half"] > 0


def test_the_recorder_leaves_nothing_behind(tmp_path):
    with recording() as recorder:
        pass
    engine = sa.create_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x INTEGER)")
    engine.dispose()
    assert recorder.done == []
