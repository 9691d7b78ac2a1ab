"""Knocks at a push URL as the platform does, and as a stranger does: the one must be let in, the other must not.

The push it sends is an event that no relay knows, which is answered with "success" and has no effect.
"""

from __future__ import annotations

import json
import os
from urllib.parse import urlsplit

import httpx

from tincall.clock import Clock
from tincall.wechat.pushes import PushKeys, seal, signature
from tincall.wechat.transport import open_client

WAIT_S = 5.0  # the platform waits no longer
ANSWER_MAX_BYTES = 4096
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Found = tuple[str, str, str]  # state, detail, advice
OK = "ok"
FAILED = "failed"

_SAME_KEYS = (
    "Compare Token and EncodingAESKey of the console with this data folder's; restart the relay after a change."
)
_REACH = "The platform must reach it from the internet: look at name, certificate, firewall and reverse proxy."


class _Wrong(Exception):
    """What the URL did wrong, and what to do."""

    def __init__(self, detail: str, advice: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice


async def probe(url: str, keys: PushKeys, clock: Clock) -> list[Found]:
    """Try a push URL; stops at the first thing that is wrong.

    Args:
        url: as it stands in the console.
        keys: of this data folder.
        clock: the time.

    Returns:
        One finding for each thing that was tried.
    """
    tried: list[Found] = []
    async with open_client() as client:
        knock = _Knock(client, url, keys, int(clock.unix_ms() / 1000))
        try:
            tried.append((OK, _check_address(url), ""))
            await knock.as_console()
            tried.append((OK, "It answers the console's check.", ""))
            await knock.as_stranger()
            tried.append((OK, "It refuses what is not signed.", ""))
            await knock.as_platform()
            tried.append((OK, "It opens an encrypted push.", ""))
        except _Wrong as wrong:
            tried.append((FAILED, wrong.detail, wrong.advice))
    return tried


def _check_address(url: str) -> str:
    """Hold the address to the platform's rule: https on 443 or http on 80."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname or not port:
        raise _Wrong(f"{url} is no address.", "Write it as https://name/wechat/push.")
    if parts.hostname in LOOPBACK:
        return "It is on this machine: only what answers is looked at, not whether the platform reaches it."
    if (parts.scheme, port) not in (("https", 443), ("http", 80)):
        raise _Wrong("The platform pushes by https to port 443 or by http to port 80 only.", "Choose one of them.")
    return "The address is one that the platform takes."


class _Knock:
    """Requests to one URL.

    Args:
        client: follows no redirect.
        url: where.
        keys: to sign and seal with.
        now_s: seconds since 1970.
    """

    def __init__(self, client: httpx.AsyncClient, url: str, keys: PushKeys, now_s: int) -> None:
        self._client = client
        self._url = url
        self._keys = keys
        self._time = str(now_s)
        self._nonce = str(int.from_bytes(os.urandom(4), "big"))

    async def as_console(self) -> None:
        """Check the URL as the console does."""
        echo = os.urandom(8).hex()
        query = {**self._query("signature", signature(self._keys.token, self._time, self._nonce)), "echostr": echo}
        status, text = await self._ask("GET", query)
        if status == 404:
            raise _Wrong("There is nothing at this path (status 404).", "The relay's path is /wechat/push.")
        if status in (401, 403):
            raise _Wrong(f"It refuses the console's check (status {status}).", _SAME_KEYS)
        if status != 200 or text != echo:
            raise _Wrong(f"It does not give back what the console asks it to (status {status}).", _REACH)

    async def as_stranger(self) -> None:
        """Ask with wrong signatures."""
        query = {**self._query("signature", "0" * 40), "echostr": "stranger"}
        asked = await self._ask("GET", query)
        body = json.dumps({"ToUserName": "gh_tincall", "Encrypt": "AAAA"}).encode()
        pushed = await self._ask("POST", {**self._query("msg_signature", "0" * 40), "encrypt_type": "aes"}, body)
        for status, _ in (asked, pushed):
            if not 400 <= status < 500:
                raise _Wrong(
                    f"It takes requests that nobody signed (status {status}).",
                    "Something before the relay answers for it; let it hand every request on.",
                )

    async def as_platform(self) -> None:
        """Push an event that no relay knows."""
        event = {
            "ToUserName": "gh_tincall",
            "FromUserName": "tincall",
            "CreateTime": int(self._time),
            "MsgType": "event",
            "Event": "tincall_check",
        }
        encrypted = seal(json.dumps(event).encode(), self._keys)
        signed = signature(self._keys.token, self._time, self._nonce, encrypted)
        body = json.dumps({"ToUserName": "gh_tincall", "Encrypt": encrypted}).encode()
        status, text = await self._ask("POST", {**self._query("msg_signature", signed), "encrypt_type": "aes"}, body)
        if status != 200:
            raise _Wrong(f"It refuses an encrypted push (status {status}).", _SAME_KEYS)
        if text.strip() not in ("", "success"):
            raise _Wrong('It does not answer "success" to an event that it does not know.', _REACH)

    def _query(self, name: str, signed: str) -> dict[str, str]:
        return {name: signed, "timestamp": self._time, "nonce": self._nonce}

    async def _ask(self, method: str, query: dict[str, str], body: bytes | None = None) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        fault = None
        try:
            url = httpx.URL(self._url).copy_merge_params(query)
            async with self._client.stream(method, url, content=body, headers=headers, timeout=WAIT_S) as answer:
                data = b""
                async for part in answer.aiter_raw():
                    data += part
                    if len(data) > ANSWER_MAX_BYTES:
                        break
                status = answer.status_code
        except httpx.TimeoutException:
            fault = f"It does not answer within {WAIT_S:.0f} seconds."
        except httpx.ConnectError as error:
            is_tls = "certificate" in str(error).lower() or "ssl" in str(error).lower()
            fault = "Its certificate is not one that is trusted." if is_tls else "It cannot be reached."
        except (httpx.HTTPError, httpx.InvalidURL):
            fault = "It broke the connection off."
        if fault is not None:
            raise _Wrong(fault, _REACH)
        if 300 <= status < 400:
            raise _Wrong("It answers with a redirect.", "Give the console the address where the relay itself answers.")
        return status, data.decode("utf-8", "replace")
