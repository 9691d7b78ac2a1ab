"""Verification by a board that has a certificate of its own (profile M, docs/protocol.md section 2.10); loaded by no other.

The certificate is shown in the TLS handshake; then the same two requests follow as for any board, with a key K that comes from
the certificate's private key. A board that holds its next certificate beside its own shows the next one, over a connection of
its own; when that is refused it shows its own at once, as `attestor` does with keys. What a grant does to them is in `rekey`.
"""

import binascii

from callcore.errors import AttestError, LinkError
from callcore.mac import hkdf_expand
from handset import attestor, diag, rekey, tls

# a private key on P-256 (RFC 5915) around its number, up to the public point, which is a copy of the certificate's
_HEAD = b"0w\x02\x01\x01\x04 "
_CURVE = b"\xa0\n\x06\x08*\x86H\xce=\x03\x01\x07\xa1D"
_POINT = b"\x03B\x00\x04"
_POINT_BYTES = 68
_REFUSED = ("tls_client_cert_refused", "auth_failed", "kv_retired")


def show(who):
    """Choose which certificate to show: the next one where there is one, unless it was refused just now.

    Returns:
        What `tls.connect` takes as `pair`.
    """
    if who.shown is None:
        who.shown = who.next or (who.kv, who.key) + who.cert
    return _pair(who.shown)


async def verify(stream, store, who, marks, uid, firmware):
    """Verify as `attestor.verify`, over a stream that began with what `show` gave.

    Returns:
        The grant. Or None: the board has another certificate to show, so it must connect anew.

    Raises:
        LinkError: also `tls_client_cert_refused`.
    """
    shown = who.shown
    who.shown = None
    prove = _later if who.next and shown != who.next else _anew
    key = (shown[0], hkdf_expand(shown[1], b"voip1 mtls", 32))
    own = (who.kv, who.key) + who.cert
    try:
        grant = await attestor.prove(key, stream, who, marks, uid, firmware)
    except (AttestError, LinkError) as error:
        error = _named(error, stream)
        if shown == own or error.reason not in _REFUSED:
            raise error
        who.shown = own
        return None
    rotate = grant.get("rotate")
    if rotate:
        try:
            tls.context(who.anchor, _pair((0, rotate["k"], rotate["cert"])))
        except (OSError, ValueError, KeyError) as error:
            diag.failed("rotate", error)
            grant.pop("rotate")
    return await rekey.follow(store, who, shown, grant, prove)


async def _anew(coming):
    """A certificate is proved over a connection of its own."""


async def _later(coming):
    """The next one was refused just now: one that comes in its place waits, or the two could go on without end."""
    raise AttestError("auth_failed", "the next certificate was refused")


def _named(error, stream):
    """Name a connection that ended, where nothing but our certificate was there to be refused.

    A server of TLS 1.3 judges it after our handshake is over, and one that refuses it may end the connection without a word.
    """
    if stream.answered or error.reason not in ("link_lost", "tls_failed"):
        return error
    why = "%s ended the connection at our certificate: it has expired, is not the relay's, or the relay went away"
    return LinkError("tls_client_cert_refused", why % stream.where)


def _pair(held):
    """Give certificate and private key as the TLS library takes them, of (version, key, certificate)."""
    try:
        certificate = binascii.a2b_base64(held[2])
    except ValueError:
        certificate = b""
    at = certificate.find(_POINT)
    return certificate, _HEAD + held[1] + _CURVE + certificate[at : at + _POINT_BYTES]
