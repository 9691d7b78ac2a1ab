"""The platform's HTTPS interfaces that this product uses; each method is one of them, with its fields and its errors.

Every method but the first raises `PlatformError` when the platform refuses, fails or does not answer. What asks twice
does no harm is asked up to three times while the platform says that it is busy; a call is not, since the phone might ring
twice. Licence interfaces are missing on purpose: since September 2024 they consume nothing and always answer "active".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tincall.clock import Clock
from tincall.settings import WechatSettings
from tincall.wechat.tickets import check_sn
from tincall.wechat.tokens import AccessTokens, Grant, TokenStore
from tincall.wechat.transport import Transport, open_client
from tincall.wechat.vocabulary import Meaning, PlatformError, meaning

BUSY = -1
BUSY_WAITS_S = (0.3, 1.0)
VERSIONS = {"release": 0, "develop": 1, "trial": 2}
# the same versions in the words of messages
STATES = {"release": "formal", "develop": "developer", "trial": "trial"}
CAMERAS = {"open": 0, "closed": 1}
NAME_MAX_CHARS = 64
CALL_PATH = "/wxa/business/iot/voip/call"

Device = tuple[str, str]  # model_id, serial number


@dataclass(frozen=True, slots=True)
class Person:
    """Who logged in through the mini program; the platform's session key is not kept, since nothing needs it."""

    openid: str = field(repr=False)
    unionid: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Member:
    """What became of one device of a request about a group; `meaning.number` 0 or `meaning.retry` "done": all is well."""

    model_id: str
    sn: str
    meaning: Meaning


class WeChatApi:
    """One mini program's side of the platform.

    Args:
        transport: where the platform is.
        settings: appid, model_id and what calls look like.
        secret: AppSecret.
        store: where the access token is kept.
        clock: the time.
        sleep: waits some seconds; another one in tests.
    """

    def __init__(
        self,
        transport: Transport,
        settings: WechatSettings,
        secret: str,
        store: TokenStore,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.transport = transport
        self.tokens = AccessTokens(self.stable_token, store, clock)
        self._settings = settings
        self._secret = secret
        self._sleep = sleep

    def __repr__(self) -> str:
        return f"<WeChat API of {self._settings.appid}>"

    async def close(self) -> None:
        """End requests for tokens, and the connections."""
        await self.tokens.close()
        await self.transport.close()

    async def stable_token(self) -> Grant:
        """Ask for the access token, never forcing a new one (getStableAccessToken); `tokens` is the way to use it."""
        body = {
            "grant_type": "client_credential",
            "appid": self._settings.appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        got = await self._patiently(lambda: self.transport.ask("token", "/cgi-bin/stable_token", {}, body))
        token, left_s = _text("token", got, "access_token"), got.get("expires_in")
        if not isinstance(left_s, int) or left_s <= 0:
            raise _unreadable("token", "expires_in")
        return Grant(token, left_s)

    async def get_sn_ticket(self, sn: str, model_id: str = "") -> str:
        """Ask for a device ticket, good for 5 minutes (getSnTicket); `tickets.SnTickets` is the way to use it.

        Args:
            sn: serial number; one outside the platform's rule is refused before any request.
            model_id: device model; empty: that of the settings.
        """
        check_sn(sn)
        body = {"sn": sn, "model_id": model_id or self._settings.model_id}
        return _text("ticket", await self._ask("ticket", "/wxa/getsnticket", body), "sn_ticket")

    async def call(self, sn: str, openid: str, payload: str, listener_name: str = "", model_id: str = "") -> None:
        """Ring somebody's phone (iot/voip/call): the platform pushes the room, before, during or after its answer.

        Args:
            sn: serial number of the board that calls; one outside the platform's rule is refused before any request.
            openid: who is called, as the mini program knows them.
            payload: comes back with the push, below 128 ASCII characters.
            listener_name: name of who is called; the settings may give another.
            model_id: device model; empty: that of the settings.

        Raises:
            PlatformError: no call, unless `maybe_done`: then the push may come all the same.
        """
        check_sn(sn)
        wanted = self._settings
        body: dict[str, Any] = {
            "model_id": model_id or wanted.model_id,
            "sn": sn,
            "openid": openid,
            "room_type": wanted.room_type,
            "listener_name": (wanted.listener_name or listener_name)[:NAME_MAX_CHARS],
            "version_type": VERSIONS[wanted.env_version],
            "query": wanted.query,
            "caller_camera_status": CAMERAS[wanted.caller_camera],
            "listener_camera_status": CAMERAS[wanted.listener_camera],
            "payload": payload,
        }
        body |= wanted.call_fields
        try:
            await self._ask("call", CALL_PATH, body, may_repeat=False)
        except PlatformError as error:
            if error.retry != "once":
                raise
        else:
            return
        await self._ask("call", CALL_PATH, body, may_repeat=False)

    async def code2session(self, js_code: str) -> Person:
        """Learn who logged in from the code that wx.login gave the mini program (code2Session); a code works once."""
        query = {
            "appid": self._settings.appid,
            "secret": self._secret,
            "js_code": js_code,
            "grant_type": "authorization_code",
        }
        got = await self.transport.ask("login", "/sns/jscode2session", query)
        unionid = got.get("unionid")
        return Person(_text("login", got, "openid"), unionid if isinstance(unionid, str) else "")

    async def create_group(self, name: str, model_id: str = "") -> str:
        """Make a device group, for which a user consents once; gives its id. Its name (1 to 32 bytes) stays for ever."""
        body = {"model_id": model_id or self._settings.model_id, "group_name": name}
        got = await self._ask("group", "/wxa/business/group/createid", body, may_repeat=False)
        return _text("group", got, "group_id")

    async def group_info(self, group_id: str) -> dict[str, Any]:
        """Tell a group's `group_name`, `model_id`, `model_type` and `device_list`."""
        return await self._ask("group", "/wxa/business/group/getinfo", {"group_id": group_id})

    async def add_to_group(self, group_id: str, devices: Sequence[Device], force: bool = False) -> list[Member]:
        """Put devices into a group, 50 at most in all.

        Args:
            group_id: from `create_group`.
            devices: model_id and serial number of each.
            force: take them out of another group, which ends the calls that the other one allowed.
        """
        body = {"group_id": group_id, "device_list": _listed(devices), "force_add": force}
        return _members(await self._ask("group", "/wxa/business/group/adddevice", body))

    async def remove_from_group(self, group_id: str, devices: Sequence[Device]) -> list[Member]:
        """Take devices, model_id and serial number of each, out of a group."""
        body = {"group_id": group_id, "device_list": _listed(devices)}
        return _members(await self._ask("group", "/wxa/business/group/removedevice", body))

    async def send_device_message(
        self,
        template_id: str,
        sn: str,
        openids: Sequence[str],
        data: dict[str, Any],
        page: str = "",
        lang: str = "zh_CN",
    ) -> None:
        """Send a device message, as "missed call", to users who subscribed to it.

        Args:
            template_id: from the console.
            sn: serial number of the device that it is about.
            openids: who gets it.
            data: the template's fields.
            page: page of the released mini program that a tap opens; empty: none.
            lang: language of the mini program.
        """
        body = {
            "template_id": template_id,
            "sn": sn,
            "modelId": self._settings.model_id,
            "to_openid_list": list(openids),
            "page": page,
            "miniprogram_state": STATES[self._settings.env_version],
            "data": data,
            "lang": lang,
        }
        await self._ask("message", "/cgi-bin/message/device/subscribe/send", body, may_repeat=False)

    async def quota(self, cgi_path: str = CALL_PATH) -> dict[str, Any]:
        """Tell the quota of an interface: `daily_limit`, `used`, `remain`, and `rate_limit` where there is one."""
        got = await self._ask("quota", "/cgi-bin/openapi/quota/get", {"cgi_path": cgi_path})
        told = got.get("quota")
        limit = {"rate_limit": got["rate_limit"]} if "rate_limit" in got else {}
        return (told if isinstance(told, dict) else {}) | limit

    async def callback_ips(self) -> list[str]:
        """List the addresses from which the platform pushes; they change, so ask daily."""
        found = (await self._ask("any", "/cgi-bin/getcallbackip", None)).get("ip_list")
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    async def explain(self, rid: str) -> dict[str, Any]:
        """Tell what the platform knows of a request of the last 7 days, by the rid that stands in its error text."""
        got = await self._ask("rid", "/cgi-bin/openapi/rid/get", {"rid": rid})
        told = got.get("request")
        return told if isinstance(told, dict) else {}

    async def add_device(self, product_id: int, device_ids: Sequence[str], model_name: str) -> None:
        """Register devices that run the platform's Android framework (addDevice); the appid is the mobile app's here.

        Args:
            product_id: of the hardware platform.
            device_ids: of the devices.
            model_name: as registered there.
        """
        body = {"product_id": product_id, "device_id_list": list(device_ids), "model_name": model_name}
        await self._ask("add_device", "/wxa/business/runtime/adddevice", body, may_repeat=False)

    async def _ask(self, api: str, path: str, body: dict[str, Any] | None, may_repeat: bool = True) -> dict[str, Any]:
        async def once() -> dict[str, Any]:
            return await self.tokens.use(lambda token: self.transport.ask(api, path, {"access_token": token}, body))

        return await (self._patiently(once) if may_repeat else once())

    async def _patiently(self, ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Ask again while the platform says that it is busy, a little later each time."""
        for wait_s in BUSY_WAITS_S:
            try:
                return await ask()
            except PlatformError as error:
                if error.number != BUSY:
                    raise
            await self._sleep(wait_s)
        return await ask()


def connect(settings: WechatSettings, secret: str, store: TokenStore, clock: Clock) -> WeChatApi:
    """Make the API as a running relay uses it; `close` ends it.

    Args:
        settings: of [wechat].
        secret: AppSecret.
        store: where the access token is kept.
        clock: the time.
    """
    return WeChatApi(
        Transport(open_client(), settings.base_url, settings.request_s, clock), settings, secret, store, clock
    )


def _text(api: str, answer: dict[str, Any], name: str) -> str:
    found = answer.get(name)
    if not isinstance(found, str) or not found:
        raise _unreadable(api, name)
    return found


def _unreadable(api: str, name: str) -> PlatformError:
    advice = "Look at base_url of [wechat]; report it as a fault of this program if that is right."
    return PlatformError(f"The platform's answer has no {name} ({api}).", api=api, advice=advice, maybe_done=True)


def _listed(devices: Sequence[Device]) -> list[dict[str, str]]:
    return [{"model_id": model_id, "sn": sn} for model_id, sn in devices]


def _members(answer: dict[str, Any]) -> list[Member]:
    found = answer.get("device_list")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return [
        Member(str(row.get("model_id", "")), str(row.get("sn", "")), meaning("group", _whole(row.get("errcode", 0))))
        for row in rows
    ]


def _whole(number: object) -> int:
    return number if isinstance(number, int) else BUSY
