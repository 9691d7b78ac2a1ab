"""A simulated platform on the stage, a relay set up for it, and people whose phones have the mini program.

Everything goes the way it goes with the real platform: the relay knows it by its settings alone, people log in and come to a
board by an invite, and calls of theirs begin with a payload that the relay gave. Only what a person does at a phone or in the
console goes through the simulator's own controls.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests

from tincall import files
from tincall.errors import OperatorError
from tincall.measure.stage import Actor, Stage
from tincall.settings import WechatSettings

START_S = 30.0
ASK_S = 15.0
PUSH_PATH = "/wechat/push"


class Platform:
    """A running simulator.

    Args:
        stage: holds its process.
        folder: for its console's file.
        relay_ca: certificate authority of the relay's push URL.
        arguments: further ones of `tincall simulate`.

    Attributes:
        ready: what it said when it was ready.
        appid: of the mini program.
        model_id: of the boards.
        actor: its process.
    """

    def __init__(self, stage: Stage, folder: Path, relay_ca: Path, arguments: Sequence[str | Path] = ()) -> None:
        told: list[str | Path] = [
            "simulate",
            "--data",
            folder,
            "--port",
            "0",
            "--relay-ca",
            relay_ca,
            *arguments,
            "--json",
        ]
        self.actor: Actor = stage.start("platform", *told)
        self.ready = self.actor.document(START_S)
        self._console = tomllib.loads((folder / "platform.toml").read_text())
        self.appid = str(self._console["appid"])
        self.model_id = str(self._console["model_id"])
        self.url = str(self.ready["url"])
        self._session = _session()
        self._session.headers["Authorization"] = f"Bearer {self._console['control_token']}"

    def close(self) -> None:
        """End the connections to it."""
        self._session.close()

    def set_up(self, data: Path) -> dict[str, str]:
        """Write into a relay's data folder what its console gave; gives the settings of its environment."""
        named = WechatSettings()
        for place, word in (
            (named.secret_file, "secret"),
            (named.push_token_file, "push_token"),
            (named.aes_key_file, "aes_key"),
        ):
            files.write(data / place, f"{self._console[word]}\n".encode())
        return {
            "TINCALL__WECHAT__APPID": self.appid,
            "TINCALL__WECHAT__MODEL_ID": self.model_id,
            "TINCALL__WECHAT__BASE_URL": self.url,
        }

    def push_to(self, web_port: int, form: str = "json") -> None:
        """Enter the relay's push URL into the console.

        Raises:
            OperatorError: the platform's check of it failed.
        """
        url = f"https://127.0.0.1:{web_port}{PUSH_PATH}"
        if not self.control("console", url=url, form=form).get("done"):
            raise OperatorError(f"the platform's check of {url} failed", "See the logs of platform and relay.")

    def control(self, what: str, **fields: Any) -> dict[str, Any]:
        """Use one of the simulator's own controls.

        Raises:
            OperatorError: it refused.
        """
        return _ask(self._session, "POST", f"{self.url}/sim/{what}", f"the platform's {what}", fields)

    def ledger(self) -> dict[str, Any]:
        """Give everything that happened on the platform."""
        return _ask(self._session, "GET", f"{self.url}/sim/ledger", "the platform's ledger")

    def phone_figures(self) -> list[dict[str, Any]]:
        """Give what the scripted phones counted and recorded, a dictionary for each of their calls that is over."""
        return [dict(fact["figures"]) for fact in self.ledger()["facts"] if fact["kind"] == "phone_call"]


class Person:
    """Somebody with the mini program, logged in at a relay.

    Args:
        platform: where they have their account.
        openid: who they are there.
        data: the relay's data folder, whose authority their phone trusts.
        web_port: of the relay.
    """

    def __init__(self, platform: Platform, openid: str, data: Path, web_port: int) -> None:
        self.openid = openid
        self._platform = platform
        self._base = f"https://127.0.0.1:{web_port}/v1/mini"
        self._session = _session()
        self._session.verify = str(data / "ca.pem")
        code = platform.control("login", openid=openid)["js_code"]
        self._session.headers["Authorization"] = f"Bearer {self._ask('login', code=code)['session']}"

    def close(self) -> None:
        """End the connections of their phone."""
        self._session.close()

    def bind(self, invite: str, name: str) -> dict[str, Any]:
        """Come to a board by an invite."""
        return self._ask("bind", invite=invite, name=name)

    def consent(self, sn: str) -> dict[str, Any]:
        """Agree to be called by a board, on the platform and at the relay."""
        ticket = self._ask("ticket", sn=sn)
        wanted = {"sn": sn, "model_id": ticket["model_id"], "sn_ticket": ticket["sn_ticket"]}
        self._platform.control("consent", openid=self.openid, accepts=True, **wanted)
        return self._ask("consent", sn=sn, state="granted")

    def call(self, sn: str, **more: Any) -> tuple[str, dict[str, Any]]:
        """Call a board; gives the relay's name of the call and the platform's answer."""
        permit = self._ask("calls", sn=sn)
        wanted = {"openid": self.openid, "sn": sn, "model_id": permit["model_id"], "payload": permit["payload"]}
        return str(permit["call"]), self._platform.control("call", **wanted, **more)

    def cancelled(self, call_id: str) -> dict[str, Any]:
        """Tell the relay that they gave up."""
        return self._ask(f"calls/{call_id}/cancelled", reason="manual")

    def _ask(self, what: str, **fields: Any) -> dict[str, Any]:
        return _ask(self._session, "POST", f"{self._base}/{what}", f"the relay's {what}", fields)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy stands between processes of one machine
    # a server that is told to stop would wait for a connection that nobody reads
    session.headers["Connection"] = "close"
    return session


def _ask(
    session: requests.Session, method: str, url: str, what: str, fields: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Make a request and give the answer.

    Raises:
        OperatorError: nobody answers, or it is a refusal.
    """
    try:
        response = session.request(method, url, json=fields, timeout=ASK_S)
        found = response.json()
    except requests.exceptions.JSONDecodeError:
        found = {}
    except requests.RequestException as error:
        raise OperatorError(f"{what} cannot be reached: {type(error).__name__}") from None
    if not response.ok or not isinstance(found, dict):
        detail = found.get("detail", "") if isinstance(found, dict) else ""
        raise OperatorError(f"{what} answered {response.status_code}: {detail or response.reason}")
    return found
