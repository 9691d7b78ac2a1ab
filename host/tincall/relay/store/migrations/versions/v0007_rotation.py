"""The next key of a device while it changes, and since when it has the one it has."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns; keys that there are count from the enrolment on."""
    op.add_column("devices", sa.Column("key_s", sa.Integer, nullable=False, server_default="0"))
    op.add_column("devices", sa.Column("next_key", sa.LargeBinary(60)))
    op.add_column("devices", sa.Column("next_key_s", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE devices SET key_s = created_s")
