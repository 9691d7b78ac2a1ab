"""Call records."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table of calls."""
    counters = ("up_in", "up_out", "up_dropped", "down_in", "down_out", "down_dropped")
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("phone", sa.String(64), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("started_ms", sa.Integer, nullable=False),
        sa.Column("ringing_ms", sa.Integer),
        sa.Column("answered_ms", sa.Integer),
        sa.Column("ended_ms", sa.Integer),
        sa.Column("touched_ms", sa.Integer, nullable=False),
        sa.Column("cause", sa.Integer),
        sa.Column("released_by", sa.String(8)),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("codec", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in counters),
        sa.Column("board_stats", sa.JSON),
        sa.Column("worker_report", sa.JSON),
        sa.PrimaryKeyConstraint("call_id", name="pk_calls"),
        sa.CheckConstraint("direction IN ('out', 'in')", name=op.f("ck_calls_direction")),
        sa.CheckConstraint("state IN ('dialling', 'ringing', 'answered', 'ended')", name=op.f("ck_calls_state")),
        sa.CheckConstraint("released_by IN ('device', 'phone', 'relay')", name=op.f("ck_calls_released_by")),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_ms IS NOT NULL AND cause IS NOT NULL"
            " AND released_by IS NOT NULL AND duration_ms IS NOT NULL)",
            name=op.f("ck_calls_ended_whole"),
        ),
    )
    op.create_index("ix_calls_started_ms", "calls", ["started_ms"])
    op.create_index("ix_calls_state", "calls", ["state"])
