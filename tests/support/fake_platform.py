"""A platform on loopback that answers what a test tells it to: real HTTP, in a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Raw:
    """An answer that is not just JSON with status 200."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    # an answer that never ends: how long to hold it
    hold: threading.Event | None = None
    # close without a word
    drop: bool = False


Answer = dict[str, Any] | Raw


class FakePlatform:
    """A server; a context manager.

    `answers` holds, by path, what to say: one answer for ever, a list of answers of which the last stays, or a function of
    the request. `asked` holds what came. The path that `answers` does not know is answered with status 404.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer] | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        # set when the first request came
        self.came = threading.Event()
        # what the header Date says, if not the time
        self.date: str | None = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def paths(self) -> list[str]:
        """List the paths that were asked for, in order."""
        return [one.path for one in self.asked]

    def answer(self, asked: Asked) -> Answer:
        """Choose what to say."""
        with self._lock:
            self.asked.append(asked)
            self.came.set()
            found = self.answers.get(asked.path, Raw(404, b"{}"))
            if callable(found):
                return found(asked)
            if isinstance(found, list):
                return found.pop(0) if len(found) > 1 else found[0]
            return found

    def __enter__(self) -> FakePlatform:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(platform: FakePlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return platform.date or super().date_time_string(timestamp)

        def log_message(self, *_: Any) -> None:
            pass

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                body = json.loads(data) if data else None
            except ValueError:
                body = data
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            told = platform.answer(Asked(self.command, parts.path, query, dict(self.headers.items()), body))
            raw = told if isinstance(told, Raw) else Raw(body=json.dumps(told, ensure_ascii=False).encode())
            if raw.drop:
                self.close_connection = True
                return
            self.send_response(raw.status)
            for name, value in raw.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw.body) + (1 if raw.hold else 0)))
            self.end_headers()
            try:
                self.wfile.write(raw.body)
                if raw.hold:
                    self.wfile.flush()
                    raw.hold.wait(20)
            except OSError:
                self.close_connection = True

    return Handler
