"""What the WeChat side keeps: tokens, judged pushes, open rooms, people, contacts, one-time call ids."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    _pushes()
    _people()


def _pushes() -> None:
    op.create_table(
        "wechat_tokens",
        sa.Column("appid", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("expires_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("appid", "kind", name="pk_wechat_tokens"),
    )
    op.create_table(
        "wechat_inbox",
        sa.Column("appid", sa.String(64), nullable=False),
        sa.Column("room_id", sa.String(256), nullable=False),
        sa.Column("received_ms", sa.Integer, nullable=False),
        sa.Column("verdict", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("appid", "room_id", name="pk_wechat_inbox"),
        sa.CheckConstraint("direction IN ('out', 'in', '')", name=op.f("ck_wechat_inbox_direction")),
        sa.CheckConstraint("state IN ('ring', 'join', 'done')", name=op.f("ck_wechat_inbox_state")),
        sa.CheckConstraint("verdict = 0 OR state = 'done'", name=op.f("ck_wechat_inbox_refused_is_done")),
    )
    op.create_index("ix_wechat_inbox_received_ms", "wechat_inbox", ["received_ms"])
    op.create_table(
        "wechat_rooms",
        sa.Column("appid", sa.String(64), nullable=False),
        sa.Column("room_id", sa.String(256), nullable=False),
        sa.Column("call_id", sa.String(64), nullable=False),
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("direction", sa.String(3), nullable=False),
        sa.Column("room_type", sa.String(8), nullable=False),
        sa.Column("is_joined", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("opened_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("appid", "room_id", name="pk_wechat_rooms"),
        sa.CheckConstraint("direction IN ('out', 'in')", name=op.f("ck_wechat_rooms_direction")),
        sa.CheckConstraint("is_joined IN (0, 1)", name=op.f("ck_wechat_rooms_is_joined")),
    )


def _people() -> None:
    op.create_table(
        "wechat_people",
        sa.Column("openid", sa.String(128), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_s", sa.Integer, nullable=False),
        sa.Column("seen_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("openid", name="pk_wechat_people"),
    )
    op.create_index("ix_wechat_people_session_hash", "wechat_people", ["session_hash"], unique=True)
    op.create_table(
        "wechat_contacts",
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("contact_id", sa.String(64), nullable=False),
        sa.Column("openid", sa.String(128), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("consent", sa.String(16), nullable=False),
        sa.Column("updated_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("sn", "contact_id", name="pk_wechat_contacts"),
        sa.CheckConstraint(
            "consent IN ('unknown', 'granted', 'refused', 'withdrawn')", name=op.f("ck_wechat_contacts_consent")
        ),
    )
    op.create_index("ix_wechat_contacts_openid", "wechat_contacts", ["openid"])
    op.create_index("ix_wechat_contacts_sn_openid", "wechat_contacts", ["sn", "openid"], unique=True)
    op.create_index("ix_wechat_contacts_contact_id", "wechat_contacts", ["contact_id"], unique=True)
    op.create_table(
        "wechat_call_tickets",
        sa.Column("id_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("openid", sa.String(128), nullable=False),
        sa.Column("sn", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("expires_s", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_wechat_call_tickets"),
        sa.CheckConstraint("state IN ('new', 'used', 'cancelled')", name=op.f("ck_wechat_call_tickets_state")),
    )
    op.create_index("ix_wechat_call_tickets_expires_s", "wechat_call_tickets", ["expires_s"])
