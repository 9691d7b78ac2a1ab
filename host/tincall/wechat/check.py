"""Walks the way of a first call and says, step by step, what is right, what is wrong, and what to do about it.

The steps ask the platform only what changes nothing: an access token, a device ticket, and, if a person is named, a call
whose push our relay refuses, so that their phone does not ring. What cannot be asked from here is told as a remark.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tincall.clock import Clock
from tincall.errors import OperatorError
from tincall.settings import DataFolder, WechatSettings
from tincall.wechat.api import WeChatApi, connect
from tincall.wechat.credentials import load, load_secret
from tincall.wechat.push_probe import probe
from tincall.wechat.pushes import PushKeys
from tincall.wechat.tickets import check_sn
from tincall.wechat.tokens import MemoryTokenStore
from tincall.wechat.transport import CLOCK_MAX_S
from tincall.wechat.vocabulary import PlatformError, meaning

OK = "ok"
FAILED = "failed"
SKIPPED = "skipped"
REMARK = "remark"

# a payload that no relay has made
NO_PAYLOAD = "tincall-wechat-check"

_VERSIONS = {
    "release": (
        "Calls open the released mini program.",
        'If the phone says "This page does not exist", or a call fails with 12, the released version does not have the'
        ' call plug-in or the ability is not approved yet: set env_version of [wechat] to "trial" or "develop".',
    ),
    "trial": (
        "Calls open the trial version of the mini program.",
        'If the phone says "This page does not exist", the version that is set as trial in the console does not have the'
        ' call plug-in. After the review, set env_version of [wechat] to "release".',
    ),
    "develop": (
        "Calls open the development version of the mini program.",
        'If the phone says "This page does not exist", scan the code of this very development version with it first.'
        ' After the review, set env_version of [wechat] to "release".',
    ),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found.

    Args:
        name: what was looked at, in a word or two.
        state: `OK`, `FAILED`, `SKIPPED` or `REMARK`.
        detail: what was found, in a sentence, without secrets.
        advice: what to do; may be empty.
    """

    name: str
    state: str
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at besides what the settings name.

    Args:
        sn: serial number to ask a ticket for; a ticket registers nothing.
        push_url: the push URL as the console has it; empty: leave it out.
        openid: whom to call; empty: nobody.
    """

    sn: str
    push_url: str = ""
    openid: str = ""


async def check(folder: DataFolder, settings: WechatSettings, wanted: Wanted, clock: Clock) -> list[Step]:
    """Walk all steps; one that needs what an earlier one did not give is skipped.

    Args:
        folder: where the secrets are.
        settings: of [wechat].
        wanted: see `Wanted`.
        clock: the time.
    """
    steps, secret, push = _read(folder, settings, wanted.sn)
    steps += await _ask_platform(settings, secret, wanted, clock)
    if wanted.push_url and push is not None:
        steps += [Step("push URL", *found) for found in await probe(wanted.push_url, push, clock)]
    else:
        why = "The secrets of the push are not there." if wanted.push_url else "No URL was given."
        advice = "Give the one that stands in the console: --push-url https://..."
        steps.append(Step("push URL", SKIPPED, why, "" if wanted.push_url else advice))
    return steps + _remarks(settings)


def _read(folder: DataFolder, settings: WechatSettings, sn: str) -> tuple[list[Step], str, PushKeys | None]:
    """Read what the console gave: the step, the AppSecret if it can be used, the keys of the push if they are there."""
    try:
        check_sn(sn)
        found = load(folder, settings)
    except PlatformError as error:
        return [Step("settings", FAILED, error.detail, error.advice)], "", None
    except OperatorError as error:
        failed = [Step("settings", FAILED, error.message, error.hint)]
    else:
        told = f"appid {settings.appid}, model_id {settings.model_id}; AppSecret, Token and EncodingAESKey are there."
        return [Step("settings", OK, told)], found.secret, found.push
    try:
        # what is wrong with the push need not hide what is wrong with the rest
        return failed, load_secret(folder, settings) if settings.appid and settings.model_id else "", None
    except OperatorError:
        return failed, "", None


async def _ask_platform(settings: WechatSettings, secret: str, wanted: Wanted, clock: Clock) -> list[Step]:
    names = ("access token", "clock", "device ticket", "call")
    if not secret:
        return [Step(name, SKIPPED, "It takes appid, model_id and AppSecret.") for name in names]
    api = connect(settings, secret, MemoryTokenStore(), clock)
    try:
        token = await _try(names[0], api.tokens.get, "The platform gives an access token.")
        steps = [token, _clock_step(api.transport.offset_s)]
        if token.state != OK:
            return steps + [Step(name, SKIPPED, "It takes an access token.") for name in names[2:]]
        ticket = await _try(
            names[2],
            lambda: api.get_sn_ticket(wanted.sn),
            f"The platform gives tickets for the serial number {wanted.sn}.",
        )
        return [*steps, ticket, await _call_step(api, wanted)]
    finally:
        await api.close()


async def _try(name: str, ask: Callable[[], Awaitable[object]], done: str) -> Step:
    try:
        await ask()
    except PlatformError as error:
        return Step(name, FAILED, error.detail, error.advice)
    return Step(name, OK, done)


def _clock_step(offset_s: float | None) -> Step:
    if offset_s is None:
        return Step("clock", SKIPPED, "The platform did not tell its time.")
    side = "behind" if offset_s > 0 else "ahead of"
    if abs(offset_s) <= CLOCK_MAX_S:
        return Step("clock", OK, f"This machine's clock is right to {CLOCK_MAX_S:.0f} seconds.")
    return Step(
        "clock",
        FAILED,
        f"This machine's clock is {abs(offset_s):.0f} seconds {side} the platform's.",
        f"Let it follow a time server; calls need it right to {CLOCK_MAX_S:.0f} seconds.",
    )


async def _call_step(api: WeChatApi, wanted: Wanted) -> Step:
    if not wanted.openid:
        advice = "Name a person by --openid; while the relay runs, it refuses the push, and their phone does not ring."
        return Step("call", SKIPPED, "Nobody to call was named.", advice)
    done = "The platform takes calls of this device to this person."
    return await _try("call", lambda: api.call(wanted.sn, wanted.openid, NO_PAYLOAD), done)


def _remarks(settings: WechatSettings) -> list[Step]:
    scope = meaning("consent", -12001)
    consent = f'If the mini program gets "invalid scope" from wx.requestDeviceVoIP: {scope.advice}'
    return [
        Step("version", REMARK, *_VERSIONS[settings.env_version]),
        Step("consent", REMARK, "Who is to be called must allow the device in the mini program first.", consent),
    ]
