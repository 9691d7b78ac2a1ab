"""uvicorn with WebSockets inside our own loop, for the simulator: plain HTTP on loopback, or TLS with a given certificate."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tincall.errors import OperatorError

STOP_S = 3
# room ends, phones and a relay's requests
CONCURRENT_MAX = 2048
MESSAGE_MAX_BYTES = 8192


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the loop."""
        yield


class SimulatorServer:
    """The simulator's open port; `open` makes one.

    Attributes:
        port: where it listens.
        url: `http://host:port` or `https://host:port`.
    """

    def __init__(self, server: uvicorn.Server, listening: socket.socket, scheme: str, host: str) -> None:
        self.port: int = listening.getsockname()[1]
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._server = server
        self._task = asyncio.get_running_loop().create_task(server.serve([listening]))

    @classmethod
    async def open(
        cls,
        app: FastAPI,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> SimulatorServer:
        """Open the port and serve.

        Args:
            app: what is served.
            host: address to listen on.
            port: 0 takes a free one.
            certificate: PEM file; plain HTTP if missing.
            key: PEM file of its key.

        Raises:
            OperatorError: the port cannot be opened.
        """
        listening = _listen(host, port)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=CONCURRENT_MAX,
            timeout_graceful_shutdown=STOP_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        opened = cls(_Server(config), listening, "https" if certificate else "http", host)
        while not opened._server.started:
            if opened._task.done():
                await opened._task
                raise OperatorError(f"The port {host}:{port} cannot be served.", "The log says why.")
            await asyncio.sleep(0.005)
        return opened

    async def close(self) -> None:
        """Stop listening, finish what is being answered, and end."""
        self._server.should_exit = True
        await self._task


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OperatorError(f"The port {host}:{port} cannot be opened: {reason}.", "Give another --port.") from None
    listening.setblocking(False)
    return listening
