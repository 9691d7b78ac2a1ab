"""The relay's settings and its data folder: one TOML file, then the environment, later wins.

`Settings` is the only definition of what can be set. The environment's names are `TINCALL__SECTION__KEY`, as
`TINCALL__DEVICE__PORT=8443`. An unknown key is an error, never a silence. Secrets are not settings: they are files of
the data folder, which nobody but the owner may read. The file is long and still one thing: a table of what can be set, with
its reader and its writer.
"""

import difflib
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tincall.errors import OperatorError

PREFIX = "TINCALL__"
MAKE_ONE = "Run `tincall init --data {folder}` to make a data folder."


class DataFolder:
    """Where each file of a relay's data folder is.

    Args:
        root: the folder, there or not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = root / "tincall.toml"
        self.database = root / "tincall.db"
        self.ca = root / "ca.pem"
        self.ca_key = root / "ca-key.pem"
        self.next_ca = root / "ca-next.pem"  # certificate and key, while the CA is being replaced
        self.past_ca = root / "ca-past.pem"  # those before it, for the certificates of boards that they have signed
        self.server = root / "server.pem"
        self.server_key = root / "server-key.pem"
        self.kek = root / "kek.bin"
        self.operator_token = root / "operator.token"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a truth value where a number belongs, which Python counts as 1."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is int:
            raise PydanticCustomError("int_type", "true and false are no numbers")
        return value


class DeviceSettings(_Section):
    """The device port: the one host and port that boards connect to, and how long their keys last."""

    host: str = Field(
        default="0.0.0.0", description="Address to listen on; 0.0.0.0 is every IPv4 address of this machine."
    )
    port: int = Field(default=8443, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    server_names: list[str] = Field(
        default_factory=list,
        description="Names and addresses that boards use for this relay; the first is written into new boards.",
    )
    tls_max: Literal["1.2", "1.3"] = Field(
        default="1.3", description='Newest TLS to offer: "1.2" is what most boards speak.'
    )
    rotate_days: int = Field(
        default=180, ge=0, le=36_500, description="Days after which a board gets a new key when it connects; 0: never."
    )


class WebSettings(_Section):
    """The web port: the API that the command line uses."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback unless operators sit elsewhere.")
    port: int = Field(default=8444, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    proxies: list[str] = Field(
        default_factory=list,
        description="Addresses of reverse proxies before this port, whose word on who asks (X-Forwarded-For) is believed.",
    )


class LimitSettings(_Section):
    """Rates and caps. The defaults suit boards; a load test on one address raises them."""

    media_per_s: int = Field(default=75, ge=1, description="Media frames a second from one board; a call sends 50.")
    messages_per_s: int = Field(default=20, ge=1, description="Signalling messages a second from one board.")
    attempts_per_minute: int = Field(
        default=10, ge=1, description="Verifications a minute for one serial number from one address."
    )
    attempts_per_minute_address: int = Field(default=60, ge=1, description="Verifications a minute from one address.")
    connections: int = Field(default=2048, ge=1, description="Connections to the device port at one time.")
    connections_per_address: int = Field(
        default=64, ge=1, description="Connections to the device port from one address."
    )
    handshake_s: float = Field(default=10, ge=0.001, le=600, description="Seconds for the TLS handshake.")
    request_s: float = Field(
        default=10, ge=0.001, le=600, description="Seconds from first to last byte of one request."
    )
    idle_s: float = Field(
        default=60, ge=0.001, le=3600, description="Seconds that a connection without a link may be silent."
    )
    nonces: int = Field(default=4096, ge=16, description="Verifications in progress at one time.")
    mini_per_minute: int = Field(default=60, ge=1, description="Requests a minute of one person's mini program.")
    mini_per_minute_address: int = Field(
        default=300, ge=1, description="The same from one address; a mobile network has many phones behind one."
    )
    mini_logins_per_minute_address: int = Field(
        default=60, ge=1, description="Logins a minute from one address; each asks the platform."
    )
    mini_calls_per_minute: int = Field(default=10, ge=1, description="Calls a minute of one person.")
    mini_wrong_invites_per_minute: int = Field(
        default=5, ge=1, description="Invites a minute that one person mistypes."
    )
    mini_wrong_invites_per_minute_address: int = Field(default=20, ge=1, description="The same from one address.")


class CallSettings(_Section):
    """How long things may take in a call."""

    ring_ms: int = Field(default=60_000, ge=1_000, le=600_000, description="How long the far end rings, in ms.")
    allotted_ms: int = Field(default=4 * 3_600_000, ge=1_000, description="The longest call, in ms; 4 hours.")
    max_calls: int = Field(default=64, ge=1, description="Calls at one time; each has a worker process.")
    save_bytes: bool = Field(
        default=False,
        description="Send no silence and 40 ms in a packet where both ends can: a third of the bytes, 20 ms more delay.",
    )


class WorkerSettings(_Section):
    """The processes that hold the phone legs."""

    command: list[str] = Field(
        default_factory=list, description="Program and arguments of a worker; empty is the simulated phone."
    )
    warm: int = Field(default=1, ge=0, le=16, description="Workers kept ready, so that a call starts at once.")


class WechatSettings(_Section):
    """The platform's side: the mini program through which phones are reached. Empty appid: phones are scripted only."""

    appid: str = Field(
        default="", pattern=r"^(wx[0-9a-zA-Z]{16})?$", description="AppID of the mini program; empty: not in use."
    )
    model_id: str = Field(
        default="", max_length=64, description="Device model, as the console of the mini program has it."
    )
    secret_file: str = Field(
        default="wechat-app.secret",
        description="File with the AppSecret of the mini program, in the data folder or absolute; mode 0600.",
    )
    push_token_file: str = Field(
        default="wechat-push.token",
        description="File with the Token of the message push, as set in the console; mode 0600.",
    )
    aes_key_file: str = Field(
        default="wechat-push.key",
        description="File with the EncodingAESKey of the message push, 43 characters; mode 0600.",
    )
    base_url: str = Field(
        default="https://api.weixin.qq.com", description="Where the platform is: https, or http on this machine itself."
    )
    env_version: Literal["release", "trial", "develop"] = Field(
        default="release", description="Version of the mini program that is called; trial or develop until its review."
    )
    room_type: Literal["voice", "video"] = Field(
        default="voice", description="Kind of room of calls that boards start."
    )
    listener_name: str = Field(
        default="", max_length=64, description="Name of the called person to show in calls; empty: the contact's own."
    )
    query: str = Field(
        default="", max_length=512, description='Parameters for the call page of the plug-in, as "a=1&b=2".'
    )
    caller_camera: Literal["open", "closed"] = Field(default="closed", description="Camera of the board's side.")
    listener_camera: Literal["open", "closed"] = Field(default="closed", description="Camera of the phone's side.")
    call_fields: dict[str, str | int | bool] = Field(
        default_factory=dict,
        description="Further fields of iot/voip/call, or others in place of those above, as { name = value }.",
    )
    answer: Literal["clear", "encrypted"] = Field(
        default="clear", description="How a push is answered; the platform's page shows clear JSON."
    )
    busy_reason: Literal[9, 11] = Field(
        default=11, description="Hang-up reason for busy; 9 only if the header of your server SDK defines it."
    )
    push_wait_s: float = Field(
        default=10, gt=0, le=120, description="Seconds to wait for the push of a call that was asked for."
    )
    peer_wait_s: float = Field(
        default=20, gt=0, le=120, description="Seconds that a side waits in a room for the other."
    )
    request_s: float = Field(default=10, ge=0.001, le=60, description="Seconds for one request to the platform.")
    room_end: list[str] = Field(
        default_factory=list,
        description="Program and arguments of the room end, made of host/native; empty: that of tincall simulate.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_private(cls, url: str) -> str:
        """Refuse what would carry secrets in clear over a network."""
        parts = urlsplit(url)
        here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
        is_plain = re.fullmatch(r"[\w.:-]+", parts.hostname or "", re.ASCII) and parts.port != 0
        if not (here or parts.scheme == "https") or not is_plain or parts.query or parts.fragment or parts.username:
            raise ValueError("an address like https://host, or http on this machine itself")
        return url.rstrip("/")


class LogSettings(_Section):
    """What is written to the standard error output."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is written."
    )
    form: Literal["auto", "json", "console"] = Field(
        default="auto", description="auto is console on a terminal, else JSON."
    )


class Settings(BaseSettings):
    """Everything that can be set; frozen."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    device: DeviceSettings = Field(default_factory=DeviceSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    call: CallSettings = Field(default_factory=CallSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    wechat: WechatSettings = Field(default_factory=WechatSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    # checked by whoever plays the phones, since only the simulator knows what a script may say
    phones: list[dict[str, Any]] = Field(default_factory=list)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before what the file gave; no other source."""
        return env_settings, init_settings


def load(path: Path) -> Settings:
    """Read settings from a TOML file and the environment.

    Raises:
        OperatorError: status 2; the file is missing, unreadable or not TOML, a key is unknown, a value is wrong. Names
            the file, the line where it can be told, the reason and what to do.
    """
    text = read_text(path, MAKE_ONE.format(folder=path.parent))
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path} is not TOML: {error}.", "Correct that line.", 2) from None
    _refuse_strange_environment()
    try:
        return Settings(**given)
    except ValidationError as error:
        raise _explain(path, text, error.errors()[0]) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file that is not the settings, as a file of phones.

    Raises:
        OperatorError: status 2; missing, unreadable, or not TOML.
    """
    try:
        return tomllib.loads(read_text(path, "Give the path of a TOML file."))
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path} is not TOML: {error}.", "Correct that line.", 2) from None


def read_text(path: Path, hint: str) -> str:
    """Read a UTF-8 file.

    Raises:
        OperatorError: status 2; missing, unreadable, or not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise OperatorError(f"{path} is not there.", hint, 2) from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path} is not text in UTF-8.", hint, 2) from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.", hint, 2) from None


def read_secret(path: Path, hint: str = "") -> bytes:
    """Read a file that only its owner may read.

    Args:
        path: the file.
        hint: what to do when it cannot be read; to make a data folder, if not given.

    Raises:
        OperatorError: status 2; missing, unreadable, or open to others.
    """
    hint = hint or MAKE_ONE.format(folder=path.parent)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                why = f"{path} is a secret, and others may read or write it (mode {mode:04o})."
                raise OperatorError(why, f"Run `chmod 600 {path}`, and make a new one if somebody may have seen it.", 2)
            return file.read(65_536)
    except FileNotFoundError:
        raise OperatorError(f"{path} is not there.", hint, 2) from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.", hint, 2) from None


def example(overrides: dict[str, dict[str, Any]]) -> str:
    """Write a settings file that holds every key with its meaning and its default.

    Args:
        overrides: values to write in place of defaults, by section and key.
    """
    lines = [
        "# Settings of this relay. The environment wins: TINCALL__DEVICE__PORT=443 stands for port of [device].",
        "",
    ]
    for section, info in Settings.model_fields.items():
        model = info.annotation
        if not (isinstance(model, type) and issubclass(model, _Section)):
            continue
        lines += [f"# {(model.__doc__ or '').strip()}", f"[{section}]"]
        for key, field in model.model_fields.items():
            value = overrides.get(section, {}).get(key, field.get_default(call_default_factory=True))
            lines += [f"# {field.description}", f"{key} = {_toml(value)}"]
        lines.append("")
    lines += [
        "# Phones that the simulated side plays, one table each. outcome: answer, reject, busy, no_answer, silent.",
        "# [[phones]]",
        '# id = "alice"',
        '# name = "Alice"',
        '# outcome = "answer"',
        "# answer_after_ms = 1000",
        '# speak = "hello.wav"',
        "",
    ]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def _explain(path: Path, text: str, error: ErrorDetails) -> OperatorError:
    """Turn the first complaint of pydantic into one sentence about a file and a line."""
    place = [str(part) for part in error["loc"]]
    variable = PREFIX + "__".join(place).upper()
    if variable in (name.upper() for name in os.environ):
        return OperatorError(f"{variable} in the environment: {error['msg']}.", "Correct or unset it.", 2)
    line = _line_of(text, place)
    where = f"{path}, line {line}" if line else str(path)
    name = ".".join(place)
    if error["type"] == "extra_forbidden":
        known = _known_beside(place)
        near = difflib.get_close_matches(place[-1], known, 1)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
        return OperatorError(f"{where}: there is no setting `{name}`.", hint, 2)
    return OperatorError(f"{where}: `{name}` is wrong: {error['msg']}.", "Correct that value.", 2)


def _known_beside(place: list[str]) -> list[str]:
    if len(place) > 1 and place[0] in Settings.model_fields:
        model = cast(type[BaseModel], Settings.model_fields[place[0]].annotation)
        return sorted(model.model_fields)
    return sorted(Settings.model_fields)


def _line_of(text: str, place: list[str]) -> int:
    """Find the line of a setting, 1 for the first, 0 when it cannot be told; tables are written as `[section]` here."""
    section = ""
    found = 0
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        if head:
            section = head.group(1).strip("\"'")
            if section == place[0] and not found:
                found = number
        elif re.match(r"\s*[\"']?" + re.escape(place[min(1, len(place) - 1)]) + r"[\"']?\s*=", line) and (
            section == place[0] or (len(place) == 1 and not section)
        ):
            return number
    return found


def _refuse_strange_environment() -> None:
    """Refuse a variable with our prefix that stands for no setting; pydantic passes over those.

    Raises:
        OperatorError: status 2.
    """
    for name in os.environ:
        if not name.upper().startswith(PREFIX):
            continue
        place = name[len(PREFIX) :].lower().split("__")
        if place[-1] not in _known_beside(place) or (len(place) > 1 and place[0] not in Settings.model_fields):
            near = difflib.get_close_matches(place[-1], _known_beside(place), 1)
            hint = f"Did you mean `{near[0].upper()}`?" if near else "Unset it; tincall.toml names every setting."
            raise OperatorError(f"{name} in the environment stands for no setting.", hint, 2)
