"""Enrolled devices."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table of devices."""
    op.create_table(
        "devices",
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("kv", sa.Integer, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(60), nullable=False),
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("board", sa.String(64), nullable=False),
        sa.Column("firmware", sa.String(64), nullable=False),
        sa.Column("last_seen_s", sa.Integer, nullable=False),
        sa.Column("created_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("sn", name="pk_devices"),
        sa.CheckConstraint(
            "state IN ('new', 'active', 'suspended', 'conflict', 'revoked')", name=op.f("ck_devices_state")
        ),
    )
