"""The TLS of the device port: the one kind of server context there is."""

from __future__ import annotations

import ssl
from pathlib import Path

from tincall.errors import OperatorError

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
# what boards have in hardware or in small code; all of it gives forward secrecy and authenticated encryption
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context(certificate: Path, key: Path, newest: str = "1.3", clients: str = "") -> ssl.SSLContext:
    """Make the context of a port.

    Args:
        certificate: PEM of the server's certificate, an ECDSA P-256 one, with its chain if it has one.
        key: PEM of its key.
        newest: newest version offered, "1.2" or "1.3"; 1.2 is the oldest always.
        clients: authorities in PEM; a client is asked for a certificate that one of them has signed, and may have none; with
            another's, or one out of its time, it gets no connection.

    Raises:
        OperatorError: a file is missing or broken, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = VERSIONS[newest]
    context.set_ciphers(CIPHERS)
    # boards keep no sessions, and some TLS clients give up on a ticket that comes between two answers
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if clients:
        context.verify_mode = ssl.CERT_OPTIONAL
        try:
            context.load_verify_locations(cadata=clients)
        except (ValueError, ssl.SSLError):
            hint = "They are in ca.pem, ca-next.pem and ca-past.pem; restore those from a backup."
            raise OperatorError("The authorities of boards' own certificates cannot be read.", hint, 2) from None
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror or "not readable"
        hint = "`tincall init` makes both; a pair from elsewhere must be PEM and belong together."
        raise OperatorError(f"{certificate} and {key} cannot be used: {reason}.", hint, 2) from None
    return context
