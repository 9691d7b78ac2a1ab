"""The access token: one for all, fetched once however many ask, stored, renewed early, and never forced.

Rules: the platform gives the same stable token to whoever asks, and a new one from 5 minutes before its end, while the older
still works; so does this. A token that the platform refuses is dropped once and the request tried once more. Forcing a new
one would kill the token of every other server of the account at once, so nothing here can.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from tincall.clock import Clock
from tincall.logs import get
from tincall.wechat.token_store import StoredToken
from tincall.wechat.vocabulary import PlatformError

KIND = "access"
EARLY_S = 300.0
# while the platform still gives the older token, or fails, it is asked again after this long
AGAIN_S = 30.0
# no token lives longer; a stored one that says so is not believed
LIFE_MAX_S = 7200.0

R = TypeVar("R")

log = get("wechat.tokens")


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as the platform gave it.

    Args:
        token: the secret, at least 512 characters have room where it is stored.
        expires_in_s: seconds that it is good.
    """

    token: str = field(repr=False)
    expires_in_s: float


class TokenStore(Protocol):
    """Where the token is kept from one start of the relay to the next."""

    async def load(self, kind: str) -> StoredToken | None:
        """Give what was saved last, expired or not."""
        ...

    async def save(self, kind: str, token: str, expires_s: int) -> None:
        """Keep a token in place of the older one; `expires_s` is seconds since 1970."""
        ...


class MemoryTokenStore:
    """A store that forgets with its process."""

    def __init__(self) -> None:
        self._kept: dict[str, StoredToken] = {}

    async def load(self, kind: str) -> StoredToken | None:
        """See `TokenStore.load`."""
        return self._kept.get(kind)

    async def save(self, kind: str, token: str, expires_s: int) -> None:
        """See `TokenStore.save`."""
        self._kept[kind] = StoredToken(token, expires_s)


class AccessTokens:
    """The access token of one appid.

    Args:
        fetch: asks the platform for the stable token; raises PlatformError.
        store: see `TokenStore`.
        clock: the time.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Grant]], store: TokenStore, clock: Clock) -> None:
        self._fetch = fetch
        self._store = store
        self._clock = clock
        self._token = ""
        self._renew_at_s = 0.0
        self._dead_at_s = 0.0
        self._is_loaded = False
        self._flight: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return "<access tokens>"

    async def get(self) -> str:
        """Give a token that is good, fetched if there is none.

        Raises:
            PlatformError: there is none, and the platform gives none.
        """
        if self._token and self._clock.monotonic_s() < self._renew_at_s:
            return self._token
        try:
            await self._renewed()
        except PlatformError as error:
            if not self._token or self._clock.monotonic_s() >= self._dead_at_s:
                raise
            log.warning("the access credential could not be renewed; the older is good still", reason=error.detail)
            self._renew_at_s = self._clock.monotonic_s() + AGAIN_S
        return self._token

    def drop(self, token: str) -> None:
        """Forget a token that the platform refused; one that was replaced meanwhile is no matter."""
        if token == self._token:
            self._token = ""

    async def use(self, action: Callable[[str], Awaitable[R]]) -> R:
        """Do something with a token; when the platform refuses the token, once more with another.

        Args:
            action: gets the token; raises PlatformError.

        Raises:
            PlatformError: of the last attempt.
        """
        token = await self.get()
        try:
            return await action(token)
        except PlatformError as error:
            if error.retry != "token":
                raise
            log.info("the platform refused the access credential; it is fetched once more", number=error.number)
        self.drop(token)
        return await action(await self.get())

    async def close(self) -> None:
        """End a renewal that is under way."""
        if self._flight is not None:
            self._flight.cancel()
            await asyncio.wait([self._flight])

    async def _renewed(self) -> None:
        """Wait for the one renewal; whoever stops waiting does not stop it."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._renew())
            self._flight.add_done_callback(self._landed)
        await asyncio.shield(self._flight)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flight = None
        if not flight.cancelled():
            flight.exception()  # looked at, also when everybody who waited has gone

    async def _renew(self) -> None:
        if not self._is_loaded:
            self._is_loaded = True
            stored = await self._store.load(KIND)
            if stored is not None and self._take(stored.token, stored.expires_s - self._clock.unix_ms() / 1000):
                return
        grant = await self._fetch()
        self._take(grant.token, grant.expires_in_s)
        await self._store.save(KIND, grant.token, int(self._clock.unix_ms() / 1000 + grant.expires_in_s))

    def _take(self, token: str, left_s: float) -> bool:
        """Use a token from now; gives whether it need not be renewed yet."""
        now_s = self._clock.monotonic_s()
        left_s = min(left_s, LIFE_MAX_S)
        if left_s > 0:
            self._token = token
            self._dead_at_s = now_s + left_s
            self._renew_at_s = now_s + max(left_s - EARLY_S, min(left_s / 2, AGAIN_S))
        return left_s > EARLY_S
