"""The one kind of TLS connection the board makes: server certificate and name verified, always, against the given anchor.

Every way in which the network, the handshake or the certificate fails becomes a LinkError here, by one table; nobody else
reads errno or the texts of the TLS library. `tls` is the module of MicroPython's own C code; the `ssl` of micropython-lib
switches verification off and must never be imported.
"""

import errno
import gc
import select
import socket

import tls

from callcore.compat import const, ticks_add, ticks_diff
from callcore.errors import LinkError
from handset import clock

# text that mbedTLS gives: reason, sentence. Texts and not numbers, since MicroPython hands out nothing else; provoked one
# by one in tests/handset/test_tls.py.
_CERTIFICATE = (
    ("not correctly signed", "tls_wrong_ca", "the server's certificate is not signed by our trust anchor"),
    ("does not match", "tls_wrong_name", "the server's certificate is for another name"),
    ("starts in the future", "tls_not_yet_valid", "the server's certificate is not valid yet, or our clock is slow"),
    ("has expired", "tls_expired", "the server's certificate has expired, or our clock is fast"),
    ("invalid cert", "tls_failed", "our trust anchor or our certificate is none; the board needs a new identity"),
)
_LAST_ERRNO = const(200)  # no system has more; errors of TLS itself are beyond -4000
_CONN_EOF = const(-0x7280)  # MBEDTLS_ERR_SSL_CONN_EOF: the server ended the connection within the handshake
_ALLOC_FAILED = const(-0x7F00)  # MBEDTLS_ERR_SSL_ALLOC_FAILED, when it fails within the handshake
_POLL_MS = const(5)


class TlsStream:
    """A connected, verified byte stream that never blocks and never allocates on the happy path.

    Args:
        wrapped: the TLS object.
        raw: the socket under it.
        where: host and port for messages.

    Attributes:
        answered: whether a request was answered; until then the end of the connection may be an answer to our certificate.
    """

    def __init__(self, wrapped, raw, where):
        self.answered = False
        self._wrapped = wrapped
        self._raw = raw
        self.where = where

    def write(self, buf, off, n):
        """Hand over up to `n` bytes of `buf` from `off` on.

        Returns:
            How many bytes were taken, 0 when the transport has no room. After 0 the next call must offer the same bytes.

        Raises:
            LinkError: the connection or the certificate failed.
        """
        try:
            taken = self._wrapped.write(buf, off, n)
        except (OSError, ValueError) as error:
            raise _translate(error, self.where)
        return 0 if taken is None else taken

    def readinto(self, buf):
        """Fill `buf` from its start with what is there.

        Returns:
            How many bytes were read, 0 when nothing is there now.

        Raises:
            LinkError: the peer closed the connection, or it failed.
        """
        try:
            n = self._wrapped.readinto(buf)
        except (OSError, ValueError) as error:
            raise _translate(error, self.where)
        if n is None:
            return 0
        if n == 0:
            raise LinkError("link_lost", "%s closed the connection" % self.where)
        return n

    def certificate(self):
        """Give the server's certificate as DER, after the handshake."""
        return self._wrapped.getpeercert(True)

    def close(self):
        """End the connection; calling it twice is harmless."""
        for thing in (self._wrapped, self._raw):
            try:
                thing.close()
            except OSError:
                pass  # it was gone already


def context(anchor, pair=()):
    """Give a context that trusts these anchors and nobody else, PEM or DER bytes; ValueError when they are none.

    `pair` is the board's own certificate and its private key, both DER bytes, where it has one.
    """
    made = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    made.verify_mode = tls.CERT_REQUIRED
    made.load_verify_locations(anchor)
    if pair:
        made.load_cert_chain(*pair)
    return made


async def connect(host, port, name, anchor, timeout_ms, pair=()):
    """Connect and prepare the handshake, which runs inside the first write and read.

    Args:
        host: name or IP address to connect to.
        port: TCP port.
        name: the name or IP address that the server's certificate must be for.
        anchor: the trust anchor, PEM or DER bytes.
        timeout_ms: how long the TCP connection may take.
        pair: as for `context`.

    Returns:
        A TlsStream.

    Raises:
        LinkError: with one of the reasons of docs/protocol.md.
    """
    where = "%s:%d" % (host, port)
    gc.collect()  # the TLS library takes its buffers in one piece
    raw = await _connected(host, port, where, timeout_ms)
    try:
        wrapped = context(anchor, pair).wrap_socket(raw, server_hostname=name, do_handshake_on_connect=False)
        wrapped.setblocking(False)
    except (OSError, ValueError) as error:
        raw.close()
        raise _translate(error, where)
    except MemoryError:
        raw.close()
        raise LinkError("tls_no_memory", "no memory for TLS to %s" % where)
    return TlsStream(wrapped, raw, where)


async def _connected(host, port, where, timeout_ms):
    """Open a TCP connection without blocking; TCP_NODELAY is set before TLS hides the socket."""
    try:
        info = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:  # CPython judges a name before it asks for it
        raise LinkError("dns_fail", "the name %s does not resolve (%s)" % (host, error))
    raw = socket.socket(info[0], info[1], info[2])
    raw.setblocking(False)
    raw.setsockopt(getattr(socket, "IPPROTO_TCP", 6), getattr(socket, "TCP_NODELAY", 1), 1)
    try:
        raw.connect(info[-1])
    except OSError as error:
        if error.errno != errno.EINPROGRESS:
            raw.close()
            raise _translate(error, where)
    poll = select.poll()
    poll.register(raw, select.POLLOUT)
    end_ms = ticks_add(clock.now_ms(), timeout_ms)
    while not poll.poll(0):
        if ticks_diff(end_ms, clock.now_ms()) <= 0:
            raw.close()
            raise LinkError("timeout", "%s does not answer (no TCP connection in %d ms)" % (where, timeout_ms))
        await clock.sleep_ms(_POLL_MS)
    return raw


def _translate(error, where):
    """Turn an exception of the socket or TLS library into a LinkError."""
    text = str(error)
    for part, reason, sentence in _CERTIFICATE:
        if part in text:
            if reason in ("tls_not_yet_valid", "tls_expired"):
                sentence = "%s (it shows %s)" % (sentence, clock.date_text())
            return LinkError(reason, "%s: %s" % (where, sentence))
    number = (error.errno or 0) if isinstance(error, OSError) else 0
    if -_LAST_ERRNO <= number < 0:
        number = -number  # what the socket said comes out of the TLS library negated
    if number == errno.ENOMEM or number == _ALLOC_FAILED:
        return LinkError("tls_no_memory", "no memory for TLS to %s" % where)
    if number == errno.ECONNREFUSED:
        return LinkError("connect_refused", "nothing listens at %s; is the relay running?" % where)
    if number in (errno.EHOSTUNREACH, getattr(errno, "ENETUNREACH", 101)):
        return LinkError("net_down", "no way to %s" % where)
    if number == errno.ETIMEDOUT:
        return LinkError("timeout", "%s does not answer" % where)
    if number in (errno.ECONNRESET, errno.ECONNABORTED, getattr(errno, "EPIPE", 32), _CONN_EOF):
        return LinkError("link_lost", "%s dropped the connection" % where)
    return LinkError("tls_failed", "TLS with %s failed: %s" % (where, text.strip() or repr(error)))
