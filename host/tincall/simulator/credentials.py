"""What the console of the simulated platform gave out: the app, its secrets, and what opens the simulator's own controls.

They are kept in a file that only its owner may read, so that a relay's settings stay true from one run to the next. A
reader after a power cut finds the old file or the whole new one.
"""

from __future__ import annotations

import base64
import json
import os
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from tincall import files, ids
from tincall.errors import OperatorError
from tincall.settings import read_secret
from tincall.simulator.accounts import App

FILE_NAME = "platform.toml"
MODEL_ID = "tincall"


@dataclass(frozen=True)
class Credentials:
    """One mini program's entries in the console.

    Args:
        appid: the mini program.
        secret: its AppSecret.
        original_id: as pushes name it.
        model_id: the hardware's model.
        push_token: Token of the message push.
        aes_key: EncodingAESKey, 43 characters.
        host_appid: a mobile app, for Android devices.
        host_secret: its AppSecret.
        control_token: opens `/sim/...`; nothing of the real platform.
    """

    appid: str
    secret: str = field(repr=False)
    original_id: str
    model_id: str
    push_token: str = field(repr=False)
    aes_key: str = field(repr=False)
    host_appid: str
    host_secret: str = field(repr=False)
    control_token: str = field(repr=False)

    def apps(self) -> list[App]:
        """Give the apps that these stand for."""
        mini = App(self.appid, self.secret, self.original_id, (self.model_id,))
        return [mini, App(self.host_appid, self.host_secret, models=(), mobile=True)]


def make(random: ids.Random = os.urandom) -> Credentials:
    """Make new ones."""
    return Credentials(
        appid="wx" + random(8).hex(),
        secret=random(16).hex(),
        original_id="gh_" + random(6).hex(),
        model_id=MODEL_ID,
        push_token=random(16).hex(),
        aes_key=base64.b64encode(random(32)).decode().rstrip("=").replace("+", "a").replace("/", "b"),
        host_appid="wx" + random(8).hex(),
        host_secret=random(16).hex(),
        control_token=ids.token(random),
    )


def load_or_make(path: Path) -> Credentials:
    """Read the file, or make it with new ones.

    Raises:
        OperatorError: it cannot be read or written, others may read it, or something in it is wrong.
    """
    if not path.exists():
        made = make()
        _write(path, made)
        return made
    try:
        given = tomllib.loads(read_secret(path).decode())
        if not all(isinstance(value, str) for value in given.values()) or len(given.get("aes_key", "")) != 43:
            raise ValueError
        return Credentials(**given)
    except (TypeError, ValueError):
        known = ", ".join(one.name for one in fields(Credentials))
        hint = f"It holds {known}, all of them text; remove it, and a new one is made."
        raise OperatorError(f"{path} is not the simulated platform's file.", hint, 2) from None


def _write(path: Path, made: Credentials) -> None:
    # JSON's text is TOML's as long as it is ASCII
    lines = ["# The simulated platform's console. Copy what your relay needs into its settings; all of it is secret.\n"]
    lines += [f"{name} = {json.dumps(value)}\n" for name, value in asdict(made).items()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, "".join(lines).encode())
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}.", "Name another folder.") from None
