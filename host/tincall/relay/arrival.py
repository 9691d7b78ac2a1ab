"""A connection before it is TLS: its first bytes say whether it will be, then the handshake takes over.

Rules of this file: the handshake is begun here by hand instead of by the listener. Only so a connection is counted before it
costs a key exchange, what is no TLS is told so, a handshake that fails can be logged, and the buffers under TLS are as
short as those above it (a listener's would hold 64 KiB more, which is seven seconds of stale speech).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any, Protocol

from tincall import logs
from tincall.relay.connection import WRITE_HIGH_BYTES, HttpConnection
from tincall.relay.link_connection import Connection, House

# more would keep seconds of speech in the kernel for a board that stopped reading, and play them when it wakes
SEND_BUFFER_BYTES = 16 * 1024
TLS_HANDSHAKE = 0x16  # content type of the first record of a TLS connection (RFC 8446 section 5.1)
PLAIN_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 25\r\nConnection: close\r\n\r\n"
    b"This port speaks TLS only"
)

log = logs.get("relay.gate")


class Porch(House, Protocol):
    """What an arrival needs of the gate."""

    context: ssl.SSLContext

    def admit(self, arrival: Connection, address: str) -> bool:
        """Let a connection in if the caps allow; False: it is to be closed."""
        ...


class Arrival(asyncio.Protocol):
    """One connection, from `accept` to the end of the TLS handshake.

    Args:
        porch: the gate.
    """

    def __init__(self, porch: Porch) -> None:
        self._porch = porch
        self._address = "unknown"
        self._raw: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._early = bytearray()
        self._is_taken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Come in, or be closed."""
        raw: Any = transport
        peer = raw.get_extra_info("peername")
        if peer:
            self._address = str(peer[0])
        if not self._porch.admit(self, self._address):
            raw.abort()
            return
        self._raw = raw
        raw.set_write_buffer_limits(high=WRITE_HIGH_BYTES, low=0)
        sock = raw.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timer = self._porch.loop.call_later(self._porch.limits.handshake_ms / 1000, self._late)

    def data_received(self, data: bytes) -> None:
        """Hear the first bytes: a TLS handshake, or something that has no business here."""
        raw = self._raw
        if raw is None or raw.is_closing():
            return
        if not self._early and data[0] != TLS_HANDSHAKE:
            self._refused("what was said is not TLS")
            raw.write(PLAIN_ANSWER)
            raw.close()
            return
        self._early += data
        if not self._is_taken:
            self._is_taken = True
            self._porch.keep(self._porch.loop.create_task(self._secure(raw)))

    async def _secure(self, raw: asyncio.Transport) -> None:
        """Put TLS between the connection and its next protocol."""
        porch = self._porch
        connection = HttpConnection(porch, self._address)
        starting = porch.loop.create_task(
            porch.loop.start_tls(
                raw,
                connection,
                porch.context,
                server_side=True,
                ssl_handshake_timeout=porch.limits.handshake_ms / 1000,
                ssl_shutdown_timeout=porch.limits.linger_ms / 1000,
            )
        )
        # one turn, and `start_tls` has put its protocol in our place and queued its beginning; our bytes queue behind that
        await asyncio.sleep(0)
        porch.loop.call_soon(self._hand_over, raw)
        try:
            transport = await starting
        except (OSError, EOFError, RuntimeError) as error:
            # ssl.SSLError and timeouts among them; RuntimeError is how uvloop says that it was closed in this very turn
            self._refused(_reason(error))
            raw.abort()
            self._leave()
            return
        finally:
            del starting  # it holds the error, whose traceback holds this frame: a circle with TLS's buffers in it
        if transport is None or transport.is_closing():  # gone before the handshake's end could be told
            self._leave()
            return
        self._stop_timer()
        porch.became(self, connection)
        connection.secured(transport)

    def _hand_over(self, raw: asyncio.Transport) -> None:
        """Give the first bytes to the TLS protocol as the transport would have, had it been there."""
        protocol = raw.get_protocol()
        early, self._early = self._early, bytearray()
        if protocol is self:  # closed before `start_tls` took hold
            return
        # both loops' TLS protocols have the interface of asyncio.BufferedProtocol, one without saying so
        tls: Any = protocol
        while early and not raw.is_closing():
            room = tls.get_buffer(len(early))
            taken = min(len(room), len(early))
            room[:taken] = early[:taken]
            tls.buffer_updated(taken)
            del early[:taken]

    def _refused(self, reason: str) -> None:
        log.info("no TLS", address=self._address, reason=reason)

    def _late(self) -> None:
        self._timer = None
        if not self._is_taken:
            self._refused("nothing was said")
            self.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        self._stop_timer()
        self._porch.left(self, self._address)

    def end(self) -> None:
        """Close, since the relay stops; there is no last word before TLS."""
        self.abort()

    def abort(self) -> None:
        """Break the connection off."""
        if self._raw is not None:
            self._raw.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Hear that the connection is gone before TLS took it over."""
        if self._raw is not None:
            self._leave()


def _reason(error: Exception) -> str:
    """Say in a few words why a handshake failed; OpenSSL's reason where there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate that it shows is refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    if isinstance(error, ConnectionResetError) and not str(error):
        return "the far end broke the handshake off; it may not trust our certificate"
    return str(error) or type(error).__name__
