#!/usr/bin/env python3
"""Write a database of each schema that the relay ever had, with rows in every table, as SQL text: tests/vectors/schemas/*.sql.

    tools/schemas.py            write those that are missing; a file that is there and would change is shown, not written
    tools/schemas.py --check    write nothing, exit 1 if anything is missing or would change

Each is made by the migrations themselves, up to that step, and says what an older version left on a disk. A released step is
never changed, so its file never changes either: `tests/relay/test_migrations.py` upgrades each of them and misses nothing.
Rows of a new table are added to `ROWS` here.
"""

import argparse
import difflib
import json
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = ROOT / "tests" / "vectors" / "schemas"
sys.path[:0] = [str(ROOT / "host"), str(ROOT / "firmware")]

from tincall.relay.store.engine import _engine, known_schemas, migrate  # noqa: E402

COUNTERS = {"up_in": 250, "up_out": 249, "up_dropped": 1, "down_in": 10, "down_out": 10, "down_dropped": 0}
NOTHING = dict.fromkeys(COUNTERS, 0)
T_MS = 1_790_000_000_000
T_S = T_MS // 1000

# a row of each kind that there is; a column that a schema does not have yet is left out
ROWS: dict[str, list[dict[str, Any]]] = {
    "devices": [
        {
            "sn": f"SN-{state}", "model_id": "mDL_door", "name": f"Door 'é' {state}", "state": state, "kv": kv,
            "wrapped_key": bytes(range(kv, kv + 60)), "uid": "" if state == "new" else "a1b2c3d4e5f6", "counter": 7 * kv,
            "epoch": kv, "board": "" if state == "new" else "ESP32_INMP441_MAX98357A", "firmware": "0.1.0",
            "last_seen_s": T_S + kv, "created_s": T_S, "key_s": T_S + 2 * kv,
            **({"next_key": bytes(range(60)), "next_key_s": T_S + 9} if state == "active" else {"next_key_s": 0}),
            "fingerprint": bytes(range(32)) if state == "active" else None,
            "cert_until_s": T_S + 9 if state == "active" else 0,
            "next_fingerprint": bytes(range(1, 33)) if state == "active" else None,
            "next_until_s": T_S + 99 if state == "active" else 0,
            "next_cert": bytes(range(200)) if state == "active" else None,
        }
        for kv, state in enumerate(("new", "active", "suspended", "conflict", "revoked"), 1)
    ],
    "calls": [
        {
            "call_id": "call-ended", "sn": "SN-active", "phone": "alice", "direction": "out", "state": "ended",
            "started_ms": T_MS, "ringing_ms": T_MS + 100, "answered_ms": T_MS + 1000, "ended_ms": T_MS + 6000,
            "touched_ms": T_MS + 6001, "cause": 16, "released_by": "phone", "duration_ms": 5000, "codec": "PCMA",
            **COUNTERS, "board_stats": json.dumps({"up": {"sent": 250}}), "worker_report": json.dumps({"received": 249}),
            "phone_report": json.dumps({"reason": "manual"}),
        },
        {
            "call_id": "call-refused", "sn": "SN-active", "phone": "bob", "direction": "in", "state": "ended",
            "started_ms": T_MS + 1, "ended_ms": T_MS + 2, "touched_ms": T_MS + 2, "cause": 17, "released_by": "device",
            "duration_ms": 0, "codec": "", **NOTHING,
        },
        {
            "call_id": "call-left-open", "sn": "SN-active", "phone": "alice", "direction": "in", "state": "answered",
            "started_ms": T_MS + 3, "answered_ms": T_MS + 4, "touched_ms": T_MS + 4004, "codec": "G722", **NOTHING,
        },
    ],
    "wechat_tokens": [{"appid": "wx0123456789abcdef", "kind": "access", "sealed": b"\x00\x01'\xff", "expires_s": T_S}],
    "wechat_inbox": [
        {
            "appid": "wx0123456789abcdef", "room_id": f"room-{state}", "received_ms": T_MS, "verdict": 0, "reason": "",
            "call_id": f"call-{state}", "direction": "in", "state": state,
        }
        for state in ("ring", "join", "done")
    ],
    "wechat_rooms": [
        {
            "appid": "wx0123456789abcdef", "room_id": "room-ring", "call_id": "call-left-open", "sn": "SN-active",
            "model_id": "mDL_door", "direction": "in", "room_type": "voice", "is_joined": 1, "sealed": b"\x80sealed",
            "opened_ms": T_MS,
        }
    ],
    "wechat_people": [{"openid": "oX", "session_hash": bytes(range(32)), "created_s": T_S, "seen_s": T_S + 9}],
    "wechat_contacts": [
        {
            "sn": "SN-active", "contact_id": f"c-{consent}", "openid": f"o-{consent}", "name": "妈妈", "consent": consent,
            "updated_s": T_S,
        }
        for consent in ("unknown", "granted", "refused", "withdrawn")
    ],
    "wechat_call_tickets": [
        {"id_hash": bytes([number] * 32), "openid": "oX", "sn": "SN-active", "state": state, "expires_s": T_S}
        for number, state in enumerate(("new", "used", "cancelled"))
    ],
    "wechat_invites": [
        {"code_hash": bytes(range(32, 64)), "sn": "SN-active", "name": "Grandma", "openid": "", "expires_s": T_S}
    ],
    "board_events": [
        {
            "id": 1, "sn": "SN-active", "log": "0a1b2c3d4e5f", "number": 7, "kind": "missed", "at_s": T_S, "received_ms": T_MS,
            "lost": 2, "call_id": "call-left-open", "cause": 690, "duration_ms": 0, "text": "",
        },
        {
            "id": 2, "sn": "SN-active", "log": "0a1b2c3d4e5f", "number": 8, "kind": "crash", "at_s": 0, "received_ms": T_MS,
            "lost": 2, "call_id": "", "text": "Traceback|MemoryError: 'é'",
        },
    ],
    "claims": [
        {
            "sn": "SN-new", "claim_id": "fedcba9876543210", "sealed": bytes(range(44)), "kv": 1, "uid": "",
            "opened_s": T_S, "expires_s": T_S + 86400,
        }
    ],
    "second_boards": [
        {
            "sn": "SN-conflict", "why": "uid_mismatch", "uid": "ffeeddccbbaa", "counter": 3, "address": "192.0.2.7",
            "firmware": "0.1.0", "epoch": 4, "times": 2, "seen_s": T_S,
        }
    ],
    "anchors": [{"sn": "SN-active", "anchor": "0123456789abcdef"}],
}  # fmt: skip


def built(revision: str) -> str:
    """Make a database of a schema by the migrations, fill it, and give it as SQL.

    Raises:
        ValueError: a table has no rows in `ROWS`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schema.db"
        engine = _engine(path)
        with engine.begin() as connection:
            migrate(connection, revision)
        engine.dispose()
        direct = sqlite3.connect(path)
        try:
            _fill(direct, revision)
            return "\n".join(direct.iterdump()) + "\n"
        finally:
            direct.close()


def _fill(direct: sqlite3.Connection, revision: str) -> None:
    names = [name for (name,) in direct.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for table in names:
        if table == "alembic_version":
            continue
        if table not in ROWS:
            raise ValueError(f"schema {revision} has a table `{table}`; give ROWS a row of each kind for it")
        columns = [column[1] for column in direct.execute(f"PRAGMA table_info({table})")]
        for row in ROWS[table]:
            given = [name for name in columns if name in row]
            marks = ", ".join("?" * len(given))
            direct.execute(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks})", [row[name] for name in given])
    direct.commit()


def main(arguments: list[str]) -> int:
    """Write or check; give the exit status."""
    parser = argparse.ArgumentParser(description="Write a database of each schema as SQL, to tests/vectors/schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if one is missing or would change")
    options = parser.parse_args(arguments)
    SCHEMAS.mkdir(exist_ok=True)
    wrong = 0
    for revision in known_schemas():
        text, path = built(revision), SCHEMAS / f"{revision}.sql"
        if not path.exists():
            print(f"{path.relative_to(ROOT)} is {'missing' if options.check else 'new'}")
            wrong += options.check
            if not options.check:
                path.write_text(text)
            continue
        before = path.read_text().splitlines()
        change = list(
            difflib.unified_diff(before, text.splitlines(), "as it was released", "as it is made", lineterm="", n=1)
        )
        if change:
            print("\n".join([f"{path.relative_to(ROOT)} would change: a released step is never changed", *change]))
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
