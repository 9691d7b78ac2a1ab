"""The tables: enrolled devices and call records. What a column means stands here and nowhere else.

The migrations build these tables step by step; a test compares the two, so that they cannot drift apart.
"""

from sqlalchemy import JSON, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DEVICE_STATES = ("new", "active", "suspended", "conflict", "revoked")
# in the order in which a call goes through them; a record never goes back
CALL_STATES = ("dialling", "ringing", "answered", "ended")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


devices = Table(
    "devices",
    metadata,
    Column("sn", String(128), primary_key=True),
    Column("model_id", String(64), nullable=False),
    Column("name", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # new until the first good proof
    Column("kv", Integer, nullable=False),  # version of the key, 1 up
    Column("wrapped_key", LargeBinary(60), nullable=False),  # 12 bytes nonce, 32 sealed, 16 tag
    Column("uid", String(64), nullable=False),  # chip id in hex, pinned by the first good proof; empty before
    Column("counter", Integer, nullable=False),  # highest session counter accepted
    Column("epoch", Integer, nullable=False),  # one more with each verified session; fences the older ones
    Column("board", String(64), nullable=False),  # what the board said in its last hello
    Column("firmware", String(64), nullable=False),
    Column("last_seen_s", Integer, nullable=False),  # seconds since 1970; 0 is never
    Column("created_s", Integer, nullable=False),
    _one_of("state", DEVICE_STATES),
)

calls = Table(
    "calls",
    metadata,
    Column("call_id", String(64), primary_key=True),
    Column("sn", String(128), nullable=False),
    Column("phone", String(64), nullable=False),
    Column("direction", String(3), nullable=False),  # out: the board calls; in: the phone calls
    Column("state", String(16), nullable=False),
    Column("started_ms", Integer, nullable=False),  # this and the other times: ms since 1970
    Column("ringing_ms", Integer),
    Column("answered_ms", Integer),
    Column("ended_ms", Integer),
    Column("touched_ms", Integer, nullable=False),  # when the row was last written: the end, if the process dies
    Column("cause", Integer),  # Q.850
    Column("released_by", String(8)),
    Column("duration_ms", Integer),  # answer to end by a clock that never jumps; 0 when never answered
    Column("codec", String(16), nullable=False),  # empty until answered
    Column("up_in", Integer, nullable=False),  # frames: board to relay ...
    Column("up_out", Integer, nullable=False),  # ... relay to phone ...
    Column("up_dropped", Integer, nullable=False),  # ... and not forwarded
    Column("down_in", Integer, nullable=False),
    Column("down_out", Integer, nullable=False),
    Column("down_dropped", Integer, nullable=False),
    Column("board_stats", JSON),
    Column("worker_report", JSON),
    _one_of("direction", ("out", "in")),
    _one_of("state", CALL_STATES),
    _one_of("released_by", ("device", "phone", "relay")),
    # an ended row says how it ended, and no other row does
    CheckConstraint(
        "(state = 'ended') = (ended_ms IS NOT NULL AND cause IS NOT NULL"
        " AND released_by IS NOT NULL AND duration_ms IS NOT NULL)",
        name="ended_whole",
    ),
    Index("ix_calls_started_ms", "started_ms"),
    Index("ix_calls_state", "state"),
)
