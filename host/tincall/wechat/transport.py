"""One HTTPS exchange with the platform: bounded in time and size, no redirects, and no secret in any error or log.

The platform wants access token and AppSecret in the address of a request, so addresses are never logged, and no error
of the HTTP library goes on from here, since it would carry the request along.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from callcore import causes
from callcore.compat import json_loads
from tincall.clock import Clock
from tincall.logs import get
from tincall.wechat.vocabulary import PlatformError, failure

ANSWER_MAX_BYTES = 256 * 1024  # the longest known answer, a group of 50 devices, has some 10 KiB
CONNECT_S = 5.0
TEXT_MAX_CHARS = 200
CLOCK_MAX_S = 5.0  # the platform's library refuses to work with a clock that is further off

NETWORK = "Look at this server's network and name resolution, and at base_url of [wechat]."
CERTIFICATES = "Look at this machine's clock and certificates; what answers may not be the platform."
WRONG_PLACE = "Look at base_url of [wechat]; what answers is not the platform, or is something in between."
WAIT = "Try again; look at this server's network if it stays so."

# they write whole addresses, and in them the secrets
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)

log = get("wechat.transport")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why there is no answer, in words."""

    what: str
    advice: str
    cause: int = causes.DESTINATION_OUT_OF_ORDER
    retry: str = "later"
    maybe_done: bool = False


_UNREACHABLE = _Fault("cannot be reached", NETWORK)
_UNTRUSTED = _Fault("shows no certificate that this machine trusts", CERTIFICATES, retry="no")
_SLOW = _Fault("did not answer in time", WAIT, causes.TIMER_EXPIRED, "later", True)
_BROKEN = _Fault("broke the connection off", WAIT, causes.TEMPORARY_FAILURE, "later", True)
_LARGE = _Fault(f"answered with more than {ANSWER_MAX_BYTES} bytes", WRONG_PLACE, causes.PROTOCOL_ERROR, "no", True)
_PACKED = _Fault("answered packed, which was not asked for", WRONG_PLACE, causes.PROTOCOL_ERROR, "no", True)
_REDIRECT = _Fault("answered with a redirect, which is never followed", WRONG_PLACE, causes.PROTOCOL_ERROR, "no")
_NOT_JSON = _Fault("did not answer with a JSON object", WRONG_PLACE, causes.PROTOCOL_ERROR, "no", True)


def open_client() -> httpx.AsyncClient:
    """Make an HTTP client that goes straight to the platform and keeps nothing of it."""
    limits = httpx.Limits(max_connections=32, max_keepalive_connections=8)
    # no proxies and no passwords from the environment
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, limits=limits)


class Transport:
    """Exchanges with one platform.

    Args:
        client: as `open_client` makes it; belongs to this object from here.
        base_url: checked by the settings: https, or http on this machine.
        total_s: seconds for one whole exchange.
        clock: the time, to compare with the platform's.

    Attributes:
        offset_s: seconds that the platform's clock is ahead of this machine's, as far as its last answer tells; None
            before the first. It is right to a second or two.
    """

    def __init__(self, client: httpx.AsyncClient, base_url: str, total_s: float, clock: Clock) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._host = urlsplit(base_url).netloc
        self._total_s = total_s
        self._clock = clock
        self.offset_s: float | None = None
        self._has_warned = False

    def __repr__(self) -> str:
        return f"<transport to {self._host}>"

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    async def ask(
        self, api: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Make one exchange.

        Args:
            api: the interface's name in `errors.tsv`.
            path: from the root of the platform.
            query: its values are taken for secrets: they are in no error.
            body: sent as JSON by POST; None: a GET. Its values under names with "secret" are taken for secrets.

        Returns:
            The platform's answer, whose error number is absent or 0.

        Raises:
            PlatformError: the platform refused, failed, or did not answer.
        """
        began_s = self._clock.monotonic_s()
        answer = await self._exchange(path, query, body)
        got = answer if isinstance(answer, _Fault) else _judge(*answer)
        if isinstance(got, _Fault):
            log.info("no answer of the platform", api=api, what=got.what)
            raise PlatformError(
                f"The platform at {self._host} {got.what} ({api}).",
                api=api,
                cause=got.cause,
                advice=got.advice,
                retry=got.retry,
                maybe_done=got.maybe_done,
            )
        number = _number(got)
        log.debug("asked", api=api, number=number, took_ms=round((self._clock.monotonic_s() - began_s) * 1000))
        if number:
            text = _without_secrets(str(got.get("errmsg", "")), query, body)
            log.info("the platform refused", api=api, number=number, text=text)
            raise failure(api, number, text)
        return got

    async def _exchange(
        self, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[int, bytes] | _Fault:
        """Send and receive; every failure is a value, so that no error of the library is ever in the chain of another."""
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
            # the platform shows escaped characters as they stand
            content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        request = self._client.build_request(
            "GET" if body is None else "POST",
            self._base_url + path,
            params=dict(query),
            headers=headers,
            content=content,
            timeout=httpx.Timeout(self._total_s, connect=min(CONNECT_S, self._total_s)),
        )
        try:
            async with asyncio.timeout(self._total_s):
                return await self._receive(request)
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            return _UNREACHABLE
        except httpx.ConnectError as error:
            return _UNTRUSTED if re.search(r"ssl|certificate", str(error), re.I) else _UNREACHABLE
        except (TimeoutError, httpx.TimeoutException):
            return _SLOW
        except httpx.HTTPError:
            return _BROKEN

    async def _receive(self, request: httpx.Request) -> tuple[int, bytes] | _Fault:
        answer = await self._client.send(request, stream=True)
        try:
            self._compare_clocks(answer.headers.get("date", ""))
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                return _PACKED
            data = b""
            async for part in answer.aiter_raw():
                data += part
                if len(data) > ANSWER_MAX_BYTES:
                    return _LARGE
            return answer.status_code, data
        finally:
            await answer.aclose()

    def _compare_clocks(self, date: str) -> None:
        try:
            then = parsedate_to_datetime(date)
        except ValueError:
            return
        # the header has whole seconds: on average half of one is gone
        there_s = then.replace(tzinfo=then.tzinfo or UTC).timestamp() + 0.5
        self.offset_s = there_s - self._clock.unix_ms() / 1000
        is_wrong = abs(self.offset_s) > CLOCK_MAX_S
        if is_wrong and not self._has_warned:
            log.warning("this machine's clock is not the platform's; calls may fail", offset_s=round(self.offset_s))
        self._has_warned = is_wrong


def _judge(status: int, data: bytes) -> dict[str, Any] | _Fault:
    if 300 <= status < 400:
        return _REDIRECT
    if status != 200:
        busy = status == 429 or status >= 500
        cause = causes.TEMPORARY_FAILURE if busy else causes.PROTOCOL_ERROR
        advice, retry = (WAIT, "later") if busy else (WRONG_PLACE, "no")
        return _Fault(f"answered with HTTP status {status}", advice, cause, retry, status >= 500)
    try:
        found = json_loads(data.decode("utf-8"))
    except ValueError:
        return _NOT_JSON
    return found if isinstance(found, dict) and _number(found) is not None else _NOT_JSON


def _number(answer: Mapping[str, Any]) -> int | None:
    """Give the error number of an answer, 0 when it has none; None: what stands there is no number."""
    number = answer.get("errcode", 0)
    if isinstance(number, str) and re.fullmatch(r"-?[0-9]{1,12}", number):
        number = int(number)
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _without_secrets(text: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> str:
    """Take out of the platform's words what we had sent it in confidence, and bound them."""
    secrets = [*query.values(), *(value for name, value in (body or {}).items() if "secret" in name)]
    for secret in sorted((one for one in secrets if isinstance(one, str) and len(one) >= 4), key=len, reverse=True):
        text = text.replace(secret, "(secret)")
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean[:TEXT_MAX_CHARS]
