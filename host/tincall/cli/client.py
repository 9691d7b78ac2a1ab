"""The command line's way to the relay: its API over TLS, verified with the data folder's own CA.

This is the border to `requests`: its errors become sentences here and nowhere else. The operator token goes into one
header of one session and is never shown.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.errors import OperatorError
from tincall.settings import DataFolder, load, read_secret

if TYPE_CHECKING:
    import requests

TIMEOUT_S = (5, 30)  # to connect, to answer; no answer of the API needs a second
READY_FILE = "ready.json"

DataOption = Annotated[
    Path, typer.Option("--data", envvar="TINCALL_DATA", help="The relay's data folder.", show_default=True)
]
DEFAULT_DATA = Path("tincall-data")


class Client:
    """A session with the relay of one data folder; a context manager that closes it.

    Args:
        data: the data folder.

    Raises:
        OperatorError: status 2; the folder has no settings, CA or token, or they cannot be read.
    """

    def __init__(self, data: Path) -> None:
        import requests  # the relay looks into this file too, and has no use for it

        folder = DataFolder(data)
        self._folder = folder
        self.url = _address(folder)
        if not folder.ca.is_file():
            raise OperatorError(f"{folder.ca} is not there.", f"Run `tincall init --data {data}`.", 2)
        self._session = requests.Session()
        # no proxies and no other certificates from the environment: this is our relay and our CA
        self._session.trust_env = False
        self._session.verify = str(folder.ca)
        self._session.headers["Authorization"] = "Bearer " + read_secret(folder.operator_token).decode("ascii").strip()

    def close(self) -> None:
        """End the connection; a relay that stops need not wait for it."""
        self._session.close()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask for something.

        Raises:
            OperatorError: the relay is not there, is not ours, or refuses.
        """
        return self._request("GET", path, params=query)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something to be done.

        Raises:
            OperatorError: the relay is not there, is not ours, or refuses.
        """
        return self._request("POST", path, json=body)

    @contextmanager
    def stream(self, path: str, **query: Any) -> Iterator[Iterator[bytes]]:
        """Ask for something that goes on: gives pieces as they come, until it ends.

        Raises:
            OperatorError: as of `get`; or the relay was silent for long, or is gone.
        """
        with self._answer("GET", path, params=query, stream=True) as answer:
            if answer.status_code != 200:
                self._judged(answer)
            yield self._pieces(answer)

    def delete(self, path: str) -> dict[str, Any]:
        """Ask for something to be removed.

        Raises:
            OperatorError: the relay is not there, is not ours, or refuses.
        """
        return self._request("DELETE", path)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def _pieces(self, answer: "requests.Response") -> Iterator[bytes]:
        import requests

        try:
            yield from answer.iter_content(None)
        except requests.exceptions.RequestException:
            raise OperatorError(f"The relay at {self.url} fell silent.", "See what it writes.") from None

    def _request(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        return self._judged(self._answer(method, path, **given))

    def _answer(self, method: str, path: str, **given: Any) -> "requests.Response":
        import requests

        run_it = f"Start it with `tincall relay --data {self._folder.root}`."
        try:
            # an answer that leads elsewhere would take the token along
            return self._session.request(method, self.url + path, timeout=TIMEOUT_S, allow_redirects=False, **given)
        except requests.exceptions.SSLError:
            raise OperatorError(
                f"What answers at {self.url} does not show a certificate of {self._folder.ca} for that name.",
                "Another program or another relay has this port; see port and host of [web] in tincall.toml.",
            ) from None
        except requests.exceptions.Timeout:
            raise OperatorError(f"The relay at {self.url} does not answer in time.", "See what it writes.") from None
        except requests.exceptions.ConnectionError:
            raise OperatorError(f"There is no relay at {self.url}.", run_it) from None

    def _judged(self, answer: "requests.Response") -> dict[str, Any]:
        try:
            body = answer.json() if answer.content else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise OperatorError(f"What answers at {self.url} is not a relay.", "See port and host of [web].")
        if answer.status_code == 401:
            hint = "The relay was started with another data folder; give the same one with --data."
            raise OperatorError(f"The relay at {self.url} does not accept this operator token.", hint)
        if not 200 <= answer.status_code < 300:
            detail = str(body.get("detail") or f"The relay answered with status {answer.status_code}.")
            raise OperatorError(detail, str(body.get("hint") or ""))
        return body


def _address(folder: DataFolder) -> str:
    """Find where the web port is: where the running relay says, else where its settings put it."""
    settings = load(folder.settings)
    port = running(folder).get("web_port", settings.web.port)
    host = settings.web.host
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def running(folder: DataFolder) -> Mapping[str, Any]:
    """Read what the relay of a data folder wrote when it was ready; empty when none runs, as far as the file knows."""
    try:
        found = json.loads((folder.root / READY_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
