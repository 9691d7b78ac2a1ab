"""The certificates that boards have of their own: which one a board shows, until when, and the next one while it waits."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns; boards that there are have keys alone."""
    op.add_column("devices", sa.Column("fingerprint", sa.LargeBinary(32)))
    op.add_column("devices", sa.Column("cert_until_s", sa.Integer, nullable=False, server_default="0"))
    op.add_column("devices", sa.Column("next_fingerprint", sa.LargeBinary(32)))
    op.add_column("devices", sa.Column("next_until_s", sa.Integer, nullable=False, server_default="0"))
    op.add_column("devices", sa.Column("next_cert", sa.LargeBinary))
