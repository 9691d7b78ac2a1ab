"""Runs on a board: what TlsStream makes of answers and errors of the TLS library that no real peer gives on demand."""

import asyncio
import errno

from callcore.errors import LinkError
from handset import tls
from handset.tls import TlsStream


class Wrapped:
    """A TLS object that gives one answer, or raises it."""

    def __init__(self, answer):
        self._answer = answer
        self.closed = 0

    def _give(self):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def write(self, buf, off, n):
        return self._give()

    def readinto(self, buf):
        return self._give()

    def close(self):
        self.closed += 1
        if self.closed > 1:
            raise OSError(errno.EBADF)


def stream(answer):
    return TlsStream(Wrapped(answer), Wrapped(None), "relay:1")


def reasons(error):
    """The reasons that reading and writing give for an error, and their sentences."""
    found = []
    for act in (lambda: stream(error).write(b"x", 0, 1), lambda: stream(error).readinto(bytearray(1))):
        try:
            act()
        except LinkError as failure:
            assert "relay:1" in failure.detail
            found.append(failure.reason)
    assert len(found) == 2 and found[0] == found[1], found
    return found[0]


def test_not_now_is_zero():
    assert stream(None).write(b"x", 0, 1) == 0
    assert stream(None).readinto(bytearray(1)) == 0


def test_bytes_are_counted():
    assert stream(7).write(bytes(9), 0, 9) == 7
    assert stream(7).readinto(bytearray(9)) == 7


def test_the_end_is_a_lost_link():
    try:
        stream(0).readinto(bytearray(1))
        raise AssertionError("no error")
    except LinkError as error:
        assert error.reason == "link_lost"


def test_errors_of_the_socket_are_told_apart_with_either_sign():
    table = (
        (errno.ECONNREFUSED, "connect_refused"),
        (errno.EHOSTUNREACH, "net_down"),
        (101, "net_down"),
        (errno.ETIMEDOUT, "timeout"),
        (errno.ENOMEM, "tls_no_memory"),
        (errno.ECONNRESET, "link_lost"),
        (errno.ECONNABORTED, "link_lost"),
        (32, "link_lost"),
    )
    for number, reason in table:
        assert reasons(OSError(number, "text")) == reason, number
        # so it comes out of MicroPython's TLS when it comes late, from beyond the local network
        assert reasons(OSError(-number, "text")) == reason, -number


def test_memory_that_ends_within_the_handshake_is_named():
    assert reasons(OSError(-0x7F00, "MBEDTLS_ERR_SSL_ALLOC_FAILED")) == "tls_no_memory"


class Starving:
    """A `tls` that has no memory for a connection."""

    PROTOCOL_TLS_CLIENT = CERT_REQUIRED = verify_mode = 0

    def SSLContext(self, protocol):  # noqa: N802 - the module's name
        return self

    def load_verify_locations(self, anchor):
        pass

    def wrap_socket(self, raw, server_hostname, do_handshake_on_connect):
        raise MemoryError


def test_no_memory_for_a_connection_closes_the_socket():
    raw = Wrapped(None)

    async def connected(host, port, where, timeout_ms):
        return raw

    real = tls._connected, tls.tls
    tls._connected, tls.tls = connected, Starving()
    try:
        asyncio.run(tls.connect("relay", 1, "relay", b"", 100))
        raise AssertionError("no error")
    except LinkError as error:
        assert error.reason == "tls_no_memory" and "relay:1" in error.detail
    finally:
        tls._connected, tls.tls = real
    assert raw.closed == 1


def test_everything_else_is_a_failure_of_tls_with_its_text():
    for error in (
        OSError(-0x7780, "MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE"),
        OSError(5),
        OSError(),
        ValueError("odd"),
        ValueError(),
    ):
        assert reasons(error) == "tls_failed"


def test_closing_closes_the_tls_object_and_the_socket_and_twice_is_harmless():
    wrapped, raw = Wrapped(None), Wrapped(None)
    one = TlsStream(wrapped, raw, "relay:1")
    one.close()
    assert (wrapped.closed, raw.closed) == (1, 1)
    one.close()
    assert (wrapped.closed, raw.closed) == (2, 2)
