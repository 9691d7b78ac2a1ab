"""`tincall wechat`: the platform's side: check the way of a first call, and sign or register Android devices."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.cli.client import DEFAULT_DATA, DataOption
from tincall.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.settings import DataFolder, WechatSettings
    from tincall.wechat.check import Step

# a serial number that nobody has
CHECK_SN = "tincall-check"
PRODUCT = typer.Option("--product-id", help="Product id of the hardware platform.")
DEVICE = typer.Option("--device-id", help="Device id; may stand several times.")
DEVICES = typer.Option("--device-ids", metavar="FILE", help="File with a device id on each line.")
COLOURS = {"ok": "green", "failed": "bold red", "skipped": "yellow", "remark": "cyan"}


def check(
    data: DataOption = DEFAULT_DATA,
    sn: Annotated[
        str, typer.Option("--sn", help="Serial number to ask a device ticket for; that registers nothing.")
    ] = CHECK_SN,
    push_url: Annotated[
        str, typer.Option("--push-url", metavar="URL", help="Knock at this push URL, as the console has it.")
    ] = "",
    openid: Annotated[
        str, typer.Option("--openid", help="Ask for a call to this person, which our running relay then refuses.")
    ] = "",
) -> None:
    """Look at every step of the way of a first call, and say what is wrong."""
    from tincall.settings import DataFolder, load
    from tincall.wechat.check import FAILED

    folder = DataFolder(data)
    walked = steps(folder, load(folder.settings).wechat, sn, push_url, openid)
    found = [asdict(step) for step in walked]
    is_good = not any(step.state == FAILED for step in walked)
    output.result({"ok": is_good, "steps": found}, lambda console: _show_steps(console, found))
    if not is_good:
        raise typer.Exit(1)


def steps(
    folder: "DataFolder", settings: "WechatSettings", sn: str = CHECK_SN, push_url: str = "", openid: str = ""
) -> "list[Step]":
    """Look at every step; arguments as the options of `check`."""
    from tincall.clock import SystemClock
    from tincall.wechat.check import Wanted
    from tincall.wechat.check import check as walk

    _quiet()
    return asyncio.run(walk(folder, settings, Wanted(sn, push_url, openid), SystemClock()))


def sign_device(
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Private key on P-256, PEM, mode 0600.")],
    product_id: Annotated[int, PRODUCT],
    device_id: Annotated[list[str] | None, DEVICE] = None,
    device_ids: Annotated[Path | None, DEVICES] = None,
) -> None:
    """Make the signatures with which Android devices activate the platform's framework (WMPF)."""
    from tincall.wechat.signing import load_key, sign

    private = load_key(key)
    made = [{"device_id": one, "signature": sign(private, product_id, one)} for one in _ids(device_id, device_ids)]
    output.result({"product_id": product_id, "devices": made}, lambda console: _show_signatures(console, made))


def add_device(
    product_id: Annotated[int, PRODUCT],
    model_name: Annotated[str, typer.Option("--model-name", help="Model name as registered on the hardware platform.")],
    host_appid: Annotated[
        str, typer.Option("--host-appid", help="AppID of the mobile app (hostAppId), not of the mini program.")
    ],
    secret_file: Annotated[
        Path,
        typer.Option("--secret-file", metavar="FILE", help="File with the AppSecret of the mobile app, mode 0600."),
    ],
    device_id: Annotated[list[str] | None, DEVICE] = None,
    device_ids: Annotated[Path | None, DEVICES] = None,
    base_url: Annotated[str, typer.Option("--base-url", help="Where the platform is.")] = "https://api.weixin.qq.com",
) -> None:
    """Register Android devices, in the name of the mobile app that runs on them."""
    from tincall.wechat.credentials import read_word
    from tincall.wechat.signing import message

    _quiet()
    found = _ids(device_id, device_ids)
    for one in found:
        message(product_id, one)
    settings = _app_settings(host_appid, base_url)
    secret = read_word(secret_file, "the AppSecret of the mobile app")
    asyncio.run(_add(settings, secret, product_id, found, model_name))
    output.result(
        {"product_id": product_id, "model_name": model_name, "devices": found},
        lambda console: console.print(f"{len(found)} registered: {output.escape(', '.join(found))}"),
    )


async def _add(settings: "WechatSettings", secret: str, product_id: int, ids: list[str], model_name: str) -> None:
    from tincall.clock import SystemClock
    from tincall.wechat.api import connect
    from tincall.wechat.tokens import MemoryTokenStore
    from tincall.wechat.vocabulary import PlatformError

    api = connect(settings, secret, MemoryTokenStore(), SystemClock())
    failed = None
    try:
        await api.add_device(product_id, ids, model_name)
    except PlatformError as error:
        failed = OperatorError(error.detail, error.advice)
    finally:
        await api.close()
    if failed is not None:
        raise failed


def _app_settings(host_appid: str, base_url: str) -> "WechatSettings":
    from pydantic import ValidationError

    from tincall.settings import WechatSettings

    try:
        return WechatSettings(appid=host_appid, base_url=base_url)
    except ValidationError as error:
        first = error.errors()[0]
        name = {"appid": "--host-appid", "base_url": "--base-url"}.get(str(first["loc"][0]), str(first["loc"][0]))
        raise OperatorError(f"{name} is wrong: {first['msg']}.", "Correct it.", 2) from None


def _ids(given: list[str] | None, file: Path | None) -> list[str]:
    from tincall.settings import read_text

    found = list(given or [])
    if file is not None:
        found += [line.strip() for line in read_text(file, "Give a file with a device id on each line.").splitlines()]
    found = [one for one in found if one]
    if not found:
        raise OperatorError("There is no device id.", "Give --device-id or --device-ids.", 2)
    return list(dict.fromkeys(found))


def _quiet() -> None:
    """Leave the sentences to the steps; a log beside them would say the same twice."""
    from tincall.logs import configure

    configure("error")


def _show_steps(console: "Console", steps: list[dict[str, Any]]) -> None:
    for step in steps:
        colour = COLOURS[step["state"]]
        console.print(f"[{colour}]{step['state']:8}[/] {step['name']:13} {output.escape(step['detail'])}")
        if step["advice"]:
            console.print(f"{'':22} {output.escape(step['advice'])}")


def _show_signatures(console: "Console", made: list[dict[str, str]]) -> None:
    for one in made:
        console.print(f"{output.escape(one['device_id'])} {one['signature']}")


SUBCOMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "check": (check, "Look at every step of the way of a first call, and say what is wrong."),
    "sign-device": (sign_device, "Make activation signatures for Android devices (WMPF)."),
    "add-device": (add_device, "Register Android devices (WMPF) in the name of their mobile app."),
}
