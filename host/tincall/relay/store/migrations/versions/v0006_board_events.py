"""What boards kept while their link was down."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "board_events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("log", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at_s", sa.Integer, nullable=False),
        sa.Column("received_ms", sa.Integer, nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("cause", sa.Integer),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("text", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_board_events"),
    )
    op.create_index("ix_board_events_sn_log", "board_events", ["sn", "log", "number"], unique=True)
