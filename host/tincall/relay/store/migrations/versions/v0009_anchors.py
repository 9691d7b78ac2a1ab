"""What each board said last that it trusts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "anchors",
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("anchor", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("sn", name="pk_anchors"),
    )
