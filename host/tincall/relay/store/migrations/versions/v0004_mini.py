"""What the mini program's side keeps: invites to boards, and what a phone told about a call."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table of invites, and room in the call records."""
    op.create_table(
        "wechat_invites",
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("openid", sa.String(128), nullable=False),
        sa.Column("expires_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_wechat_invites"),
    )
    op.create_index("ix_wechat_invites_sn", "wechat_invites", ["sn"])
    op.add_column("calls", sa.Column("phone_report", sa.JSON))
