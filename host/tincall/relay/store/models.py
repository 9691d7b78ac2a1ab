"""The tables: devices, call records, and what the WeChat side keeps. What a column means stands here and nowhere else.

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
# what is still to be done about a push that was answered: ring the board, hand the room to the phone's leg, or nothing
INBOX_STATES = ("ring", "join", "done")
CONSENT_STATES = ("unknown", "granted", "refused", "withdrawn")
TICKET_STATES = ("new", "used", "cancelled")


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
    Column("key_s", Integer, nullable=False),  # since when kv is its key's version; seconds since 1970
    Column("next_key", LargeBinary(60)),  # the key of version kv + 1, sealed, while a rotation is pending; else null
    Column("next_key_s", Integer, nullable=False),  # since when it is pending; 0: it is not
    Column("fingerprint", LargeBinary(32)),  # SHA-256 of the board's own certificate; null: it has none, only a key
    Column("cert_until_s", Integer, nullable=False),  # when that ends, seconds since 1970; 0: it has none
    Column("next_fingerprint", LargeBinary(32)),  # the same of the certificate that comes with the next key
    Column("next_until_s", Integer, nullable=False),
    Column("next_cert", LargeBinary),  # 12 bytes nonce, private key and that certificate sealed, 16 tag
    _one_of("state", DEVICE_STATES),
)

# the newest right proof that cannot come from the board that a serial number is bound to
second_boards = Table(
    "second_boards",
    metadata,
    Column("sn", String(128), primary_key=True),
    Column("why", String(32), nullable=False),  # uid_mismatch or counter_rollback
    Column("uid", String(64), nullable=False),  # what was proved: chip id in hex ...
    Column("counter", Integer, nullable=False),  # ... and session counter
    Column("address", String(64), nullable=False),
    Column("firmware", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),  # newest session of the rightful board at that time
    Column("times", Integer, nullable=False),  # such proofs so far
    Column("seen_s", Integer, nullable=False),  # seconds since 1970
)

# what boards kept while their link was down, in the order in which it came
board_events = Table(
    "board_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sn", String(128), nullable=False),
    Column("log", String(16), nullable=False),  # name of the board's log; another one when its memory was erased
    Column("number", Integer, nullable=False),  # in that log, 1 up
    Column("kind", String(16), nullable=False),  # missed, call, crash, and what later boards may tell
    Column("at_s", Integer, nullable=False),  # by the board's clock, seconds since 1970; 0: it did not know the time
    Column("received_ms", Integer, nullable=False),  # ms since 1970
    Column("lost", Integer, nullable=False),  # entries of that log that were lost to its bound so far
    Column("call_id", String(64), nullable=False),  # empty when it is about no call
    Column("cause", Integer),  # of the call's end, as the board saw it
    Column("duration_ms", Integer),
    Column("text", String(400), nullable=False),  # the last words of a crash
    Index("ix_board_events_sn_log", "sn", "log", "number", unique=True),
)

# the newest claim in the field for a device, open or not
claims = Table(
    "claims",
    metadata,
    Column("sn", String(128), primary_key=True),
    Column("claim_id", String(64), nullable=False),
    Column("sealed", LargeBinary(44), nullable=False),  # 12 bytes nonce, 16 of secret sealed, 16 tag
    Column("kv", Integer, nullable=False),  # version of the key that it hands over; void when the device has another
    Column("uid", String(64), nullable=False),  # chip id in hex, of the first that proved the secret; empty before
    Column("opened_s", Integer, nullable=False),  # seconds since 1970
    Column("expires_s", Integer, nullable=False),
)

# what each board said in its newest hello that it trusts
anchors = Table(
    "anchors",
    metadata,
    Column("sn", String(128), primary_key=True),
    Column("anchor", String(16), nullable=False),  # short name of a bundle of authorities, see rollover.anchor_id
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
    Column("phone_report", JSON),  # what the phone itself told, where it tells anything
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

wechat_tokens = Table(
    "wechat_tokens",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # 12 bytes nonce, the token sealed, 16 tag; bound to appid and kind
    Column("expires_s", Integer, nullable=False),  # seconds since 1970
)

# one row for each push that was judged, so that every repeat of it gets the same answer
wechat_inbox = Table(
    "wechat_inbox",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("room_id", String(256), primary_key=True),
    Column("received_ms", Integer, nullable=False),  # ms since 1970
    Column("verdict", Integer, nullable=False),  # the errcode that was answered; 0: go on
    Column("reason", String(64), nullable=False),  # one word for the log; empty when the verdict is 0
    Column("call_id", String(64), nullable=False),  # empty when it could not be told
    Column("direction", String(3), nullable=False),  # out, in, or empty when it could not be told
    Column("state", String(8), nullable=False),
    _one_of("direction", ("out", "in", "")),
    _one_of("state", INBOX_STATES),
    CheckConstraint("verdict = 0 OR state = 'done'", name="refused_is_done"),
    Index("ix_wechat_inbox_received_ms", "received_ms"),
)

# one row for each room that was accepted and is not known to be over: a phone may ring there
wechat_rooms = Table(
    "wechat_rooms",
    metadata,
    Column("appid", String(64), primary_key=True),
    Column("room_id", String(256), primary_key=True),
    Column("call_id", String(64), nullable=False),
    Column("sn", String(128), nullable=False),
    Column("model_id", String(64), nullable=False),
    Column("direction", String(3), nullable=False),
    Column("room_type", String(8), nullable=False),  # voice or video
    Column("is_joined", Integer, nullable=False),  # 1 from the moment in which a worker may have joined
    Column("sealed", LargeBinary, nullable=False),  # server token, session key and payload, bound to appid and room
    Column("opened_ms", Integer, nullable=False),  # ms since 1970
    _one_of("direction", ("out", "in")),
    CheckConstraint("is_joined IN (0, 1)", name="is_joined"),
)

# who has logged in through the mini program
wechat_people = Table(
    "wechat_people",
    metadata,
    Column("openid", String(128), primary_key=True),
    Column("session_hash", LargeBinary(32), nullable=False),  # SHA-256 of the bearer token; the newest login counts
    Column("created_s", Integer, nullable=False),  # seconds since 1970, as all below; the first login
    Column("seen_s", Integer, nullable=False),  # the newest login, which is how old the session is
    Index("ix_wechat_people_session_hash", "session_hash", unique=True),
)

# whom a board may call
wechat_contacts = Table(
    "wechat_contacts",
    metadata,
    Column("sn", String(128), primary_key=True),
    Column("contact_id", String(64), primary_key=True),  # opaque, what the board is shown in place of the openid
    Column("openid", String(128), nullable=False),
    Column("name", String(64), nullable=False),
    Column("consent", String(16), nullable=False),
    Column("updated_s", Integer, nullable=False),
    _one_of("consent", CONSENT_STATES),
    Index("ix_wechat_contacts_openid", "openid"),
    Index("ix_wechat_contacts_sn_openid", "sn", "openid", unique=True),
    Index("ix_wechat_contacts_contact_id", "contact_id", unique=True),
)

# one-time call ids that the mini program was given
wechat_call_tickets = Table(
    "wechat_call_tickets",
    metadata,
    Column("id_hash", LargeBinary(32), primary_key=True),  # SHA-256 of the call id
    Column("openid", String(128), nullable=False),
    Column("sn", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("expires_s", Integer, nullable=False),
    _one_of("state", TICKET_STATES),
    Index("ix_wechat_call_tickets_expires_s", "expires_s"),
)

# codes by which a person comes to be a board's contact
wechat_invites = Table(
    "wechat_invites",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),  # SHA-256 of the code
    Column("sn", String(128), nullable=False),
    Column("name", String(64), nullable=False),  # what the board will show; empty: the person says it
    Column("openid", String(128), nullable=False),  # who used it first, and whose it is from then on; empty before
    Column("expires_s", Integer, nullable=False),  # seconds since 1970
    Index("ix_wechat_invites_sn", "sn"),
)
