"""uvicorn inside our own loop: one socket that we opened, one TLS context that we made, no signal handlers of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from tincall.cli.web_patience import Patience
from tincall.errors import OperatorError

STOP_S = 3  # for answers that are on their way when the relay stops
LOOK_S = 0.02
HANDSHAKE_S = 10.0
CONCURRENT_MAX = 512  # connections: phones keep theirs for some seconds, and a push must find a place


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the relay."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on our socket, as uvicorn does, but without a minute's patience for a TLS handshake."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.Protocol:
            made = self.config.http_protocol_class
            return made(config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=loop)  # type: ignore[call-arg]

        self.servers = [
            await loop.create_server(protocol, sock=one, ssl=self.config.ssl, ssl_handshake_timeout=HANDSHAKE_S)
            for one in sockets or []
        ]
        self.started = True


class WebServer:
    """The open web port; `open` makes one.

    Attributes:
        port: where it listens.
    """

    def __init__(self, server: uvicorn.Server, listening: socket.socket, patience: Patience) -> None:
        self.port: int = listening.getsockname()[1]
        self._server = server
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(server.serve([listening]))
        self._watching = loop.create_task(patience.watch())

    @classmethod
    async def open(
        cls,
        app: FastAPI,
        host: str,
        port: int,
        certificate: Path,
        key: Path,
        context: ssl.SSLContext,
        proxies: Sequence[str] = (),
    ) -> WebServer:
        """Open the port and serve.

        Args:
            app: what is served.
            host: address to listen on.
            port: 0 takes a free one.
            certificate: PEM file of the server's certificate.
            key: PEM file of its key.
            context: made of both.
            proxies: addresses of reverse proxies, whose word on who asks is believed.

        Raises:
            OperatorError: the port cannot be opened.
        """
        listening = _listen(host, port)
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            limit_concurrency=CONCURRENT_MAX,
            timeout_graceful_shutdown=STOP_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        config.load()
        config.ssl = context
        server = _Server(config)
        web = cls(server, listening, Patience(server.server_state.connections, proxies))
        while not web._server.started:
            if web._task.done():
                await web._task
                raise OperatorError(f"The web port {host}:{port} cannot be served.", "The log says why.")
            await asyncio.sleep(0.005)
        return web

    def use(self, certificate: Path, key: Path) -> None:
        """Show another certificate to whoever connects from now on; both files are known to be good."""
        assert self._server.config.ssl is not None
        self._server.config.ssl.load_cert_chain(certificate, key)

    async def close(self) -> None:
        """Stop listening, finish what is being answered, and end."""
        self._watching.cancel()
        self._server.should_exit = True
        while not self._task.done():
            self._drop_idle()
            await asyncio.wait([self._task], timeout=LOOK_S)
        await self._task

    def _drop_idle(self) -> None:
        """End connections that only wait for another request: a client that does not read would keep TLS from closing."""
        for connection in list(self._server.server_state.connections):
            cycle, transport = getattr(connection, "cycle", None), getattr(connection, "transport", None)
            is_idle = cycle is None or cycle.response_complete
            if is_idle and transport is not None and transport.get_write_buffer_size() == 0:
                transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        hint = "Is another relay running? Set another port in the settings, [web] port."
        reason = error.strerror or str(error)
        raise OperatorError(f"The web port {host}:{port} cannot be opened: {reason}.", hint) from None
    listening.setblocking(False)
    return listening
