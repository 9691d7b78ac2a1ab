"""The platform's tokens on disk, sealed, so that a relay that starts again need not ask for new ones.

If power fails, a later reader finds the old token or the new one. A row that does not open is as good as none: the
platform gives another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, insert, select, update

from tincall.errors import OperatorError
from tincall.logs import get
from tincall.relay.store.engine import Database
from tincall.relay.store.models import wechat_tokens
from tincall.wechat.sealing import Sealing

TABLE = "wechat_tokens"

log = get("wechat.token_store")


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as it was stored; `expires_s` is seconds since 1970."""

    token: str = field(repr=False)
    expires_s: int


class TokenStore:
    """The tokens of one mini program.

    Args:
        database: open, with this version's schema.
        sealing: under the key-encryption key.
        appid: of the mini program.
    """

    def __init__(self, database: Database, sealing: Sealing, appid: str) -> None:
        self._database = database
        self._sealing = sealing
        self._appid = appid

    async def load(self, kind: str) -> StoredToken | None:
        """Give the stored token of a kind, expired or not; None: there is none that opens."""
        row = await self._database.read(_load, self._appid, kind)
        if row is None:
            return None
        try:
            return StoredToken(self._sealing.open(row[0], TABLE, self._appid, kind).decode(), row[1])
        except OperatorError as error:
            log.warning("a stored access credential does not open; another is fetched", reason=error.message)
            return None

    async def save(self, kind: str, token: str, expires_s: int) -> None:
        """Store a token in place of the older one.

        Args:
            kind: what it is for, at most 16 characters.
            token: the secret.
            expires_s: seconds since 1970.
        """
        sealed = self._sealing.seal(token.encode(), TABLE, self._appid, kind)
        await self._database.run(_save, self._appid, kind, sealed, expires_s)

    async def forget(self, kind: str) -> None:
        """Remove a token."""
        await self._database.run(_forget, self._appid, kind)


def _load(connection: Connection, appid: str, kind: str) -> tuple[bytes, int] | None:
    here = (wechat_tokens.c.appid == appid) & (wechat_tokens.c.kind == kind)
    row = connection.execute(select(wechat_tokens).where(here)).first()
    return None if row is None else (row.sealed, row.expires_s)


def _save(connection: Connection, appid: str, kind: str, sealed: bytes, expires_s: int) -> None:
    here = (wechat_tokens.c.appid == appid) & (wechat_tokens.c.kind == kind)
    values = {"sealed": sealed, "expires_s": expires_s}
    if connection.execute(update(wechat_tokens).where(here).values(values)).rowcount == 0:
        connection.execute(insert(wechat_tokens).values(appid=appid, kind=kind, **values))


def _forget(connection: Connection, appid: str, kind: str) -> None:
    here = (wechat_tokens.c.appid == appid) & (wechat_tokens.c.kind == kind)
    connection.execute(delete(wechat_tokens).where(here))
