"""`tls` for the firmware on CPython: MicroPython's client side of TLS, by CPython's ssl, verification always on.

What the firmware can tell apart is as on MicroPython 1.25 with mbedTLS 3.6: streams give None for "not now", 0 or b"" at the
end; a handshake that was put off runs inside the first reads and writes; a certificate that fails is a ValueError with
mbedTLS's sentences. `tests/emulator/test_fakes_tls.py` runs the same questions on both.
"""

import errno
import select
import socket
import ssl
import tempfile

PROTOCOL_TLS_CLIENT = 0
CERT_REQUIRED = 2
MBEDTLS_VERSION = "CPython " + ssl.OPENSSL_VERSION

_CHUNK_BYTES = 16384
_NOT_SIGNED = "\nThe certificate is not correctly signed by the trusted CA\n"
_WRONG_NAME = "\nThe certificate Common Name (CN) does not match with the expected CN\n"
# OpenSSL's X509_V_ERR numbers to mbedTLS's sentences
_SENTENCES = {
    9: "\nThe certificate validity starts in the future\n",
    10: "\nThe certificate validity has expired\n",
    62: _WRONG_NAME,
    64: _WRONG_NAME,
}
_ALERT = -30592  # MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE
_CLOSED = -28928  # MBEDTLS_ERR_SSL_BAD_INPUT_DATA


class SSLContext:
    """A client's context; requires and checks the server's certificate, which cannot be switched off.

    Args:
        protocol: `PROTOCOL_TLS_CLIENT`.
    """

    def __init__(self, protocol):
        if protocol != PROTOCOL_TLS_CLIENT:
            raise ValueError("the emulated board has TLS clients only")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    @property
    def verify_mode(self):
        """Whether certificates are checked: `CERT_REQUIRED`."""
        return CERT_REQUIRED

    @verify_mode.setter
    def verify_mode(self, mode):
        if mode != CERT_REQUIRED:
            raise ValueError("the emulated board does not switch verification off")

    def load_verify_locations(self, cadata):
        """Trust the certificates given, PEM or DER bytes.

        Raises:
            ValueError: `cadata` holds no certificate.
        """
        try:
            text = cadata.decode("ascii") if b"-----BEGIN" in cadata else None
            self._context.load_verify_locations(cadata=text if text else bytes(cadata))
        except (ssl.SSLError, ValueError) as error:
            raise ValueError("invalid cert") from error

    def load_cert_chain(self, cert, key):
        """Show this certificate to a server that asks for one; both DER bytes.

        Raises:
            ValueError: they are no certificate and key, or do not belong together.
        """
        pem = ssl.DER_cert_to_PEM_cert(bytes(cert))
        pem += ssl.DER_cert_to_PEM_cert(bytes(key)).replace(" CERTIFICATE-", " EC PRIVATE KEY-")
        try:
            # CPython reads it from a file only; this one is the user's own, and gone with the block
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(pem)
                file.flush()
                self._context.load_cert_chain(file.name)
        except ssl.SSLError as error:
            raise ValueError("invalid key") from error

    def wrap_socket(self, sock, *, server_side=False, server_hostname=None, do_handshake_on_connect=True):
        """Put TLS on a connected or connecting socket; with the handshake now it waits for its end.

        Raises:
            ValueError: no name to check, or the server's certificate fails.
            OSError: the connection does.
        """
        if server_side or server_hostname is None:
            raise ValueError("CERT_REQUIRED requires server_hostname")
        return SSLSocket(self._context, sock, server_hostname, do_handshake_on_connect)


class SSLSocket:
    """A TLS stream with MicroPython's manners; made by `SSLContext.wrap_socket`."""

    def __init__(self, context, sock, name, shake_now):
        self._sock = sock
        self._is_blocking = sock.getblocking()
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        # what was encrypted and not yet taken by the socket
        self._unsent = b""
        # an empty name is checked, and fails, as with mbedTLS
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name or "invalid.invalid")
        self._is_shaken = False
        self._is_closed = False
        if shake_now:
            self._wait_for(self._shake)

    def setblocking(self, flag):
        """Set whether reads and writes wait."""
        self._is_blocking = bool(flag)
        self._sock.setblocking(flag)

    def write(self, buf, off=-1, n=-1):
        """Write `write(buf)`, `write(buf, n)` or `write(buf, off, n)`; bytes taken, None when it is not possible now."""
        if n < 0:
            n = len(buf) if off < 0 else off
            off = 0
        view = memoryview(buf)[off : off + n]
        return self._wait_for(lambda: self._write(view)) if self._is_blocking else self._write(view)

    def readinto(self, buf, n=-1):
        """Read at most `n` bytes, or the buffer full; bytes read, 0 at the end, None when there is nothing now."""
        view = memoryview(buf)
        view = view if n < 0 else view[:n]
        return self._wait_for(lambda: self._readinto(view)) if self._is_blocking else self._readinto(view)

    def read(self, n=-1):
        """Read at most `n` bytes; b"" at the end, None when there is nothing now."""
        buf = bytearray(_CHUNK_BYTES if n < 0 else n)
        got = self.readinto(buf)
        return None if got is None else bytes(buf[:got])

    def getpeercert(self, binary_form):
        """Give the server's certificate as DER bytes, None before the handshake.

        Raises:
            ValueError: another form is asked for.
        """
        if not binary_form:
            raise ValueError("binary_form must be True")
        return self._tls.getpeercert(True) if self._is_shaken else None

    def cipher(self):
        """Give names of cipher suite and protocol version."""
        suite = self._tls.cipher()
        return (suite[0], self._tls.version()) if suite else None

    def fileno(self):
        """Give the number of the socket below, for polling."""
        return self._sock.fileno()

    def pending(self):
        """Give bytes decrypted and not yet read."""
        return self._tls.pending()

    def close(self):
        """End the TLS session as far as it goes without waiting, and the connection."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._is_shaken:
                self._tls.unwrap()
        except (ssl.SSLError, ValueError):
            pass  # it asks for the other side's farewell, which nobody waits for
        try:
            self._flush()
        except OSError:
            pass  # the connection is gone already
        self._sock.close()

    def _write(self, view):
        if not self._ready():
            return None
        if not self._flush():
            # what waits is at most one call's worth; more is refused until the socket took it
            return None
        done = self._guard(lambda: self._tls.write(view))
        self._flush()
        return done

    def _readinto(self, view):
        if not self._ready():
            return None
        self._flush()
        while True:
            got = self._guard(lambda: self._tls.read(len(view), view))
            if got is not None:
                return got
            if not self._fill():
                return None

    def _ready(self):
        if self._is_closed:
            raise OSError(_CLOSED, "SSL - Bad input parameters to function")
        return self._is_shaken or self._shake() is not None

    def _shake(self):
        while not self._is_shaken:
            try:
                self._guard_certificate(self._tls.do_handshake)
                self._is_shaken = True
            except ssl.SSLWantReadError:
                if not self._flush() or not self._fill():
                    return None
        self._flush()
        return True

    def _guard_certificate(self, step):
        try:
            step()
        except ssl.SSLCertVerificationError as error:
            self._flush()
            raise ValueError(_SENTENCES.get(error.verify_code, _NOT_SIGNED)) from error
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLEOFError as error:
            raise OSError(errno.ECONNRESET, "ECONNRESET") from error
        except ssl.SSLError as error:
            raise OSError(_ALERT, str(error.reason)) from error

    def _guard(self, step):
        try:
            return step()
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return 0
        except ssl.SSLError as error:
            raise OSError(_ALERT, str(error.reason)) from error

    def _flush(self):
        """Give the socket what waits; True when nothing is left."""
        self._unsent += self._out.read()
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError as error:
                # a connection that still comes up is "not now", as on Linux below MicroPython
                if error.errno == errno.ENOTCONN:
                    return False
                raise
            self._unsent = self._unsent[sent:]
        return True

    def _fill(self):
        """Take what the socket has; True when something, or the end, came."""
        try:
            data = self._sock.recv(_CHUNK_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno == errno.ENOTCONN:
                return False
            raise
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
        return True

    def _wait_for(self, step):
        """Repeat `step` until it gives something, waiting for the socket in between."""
        while True:
            done = step()
            if done is not None:
                return done
            wanted = select.POLLIN | (select.POLLOUT if self._unsent else 0)
            poller = select.poll()
            poller.register(self._sock.fileno(), wanted)
            poller.poll(1000)
