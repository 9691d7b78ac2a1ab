"""Claims in the field: secrets by which a board without a key gets its own."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "claims",
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("claim_id", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(44), nullable=False),
        sa.Column("kv", sa.Integer, nullable=False),
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("opened_s", sa.Integer, nullable=False),
        sa.Column("expires_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("sn", name="pk_claims"),
    )
