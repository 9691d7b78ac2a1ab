"""Certificates for boards (profile M): a key pair on P-256, and a certificate that our CA signs for one serial number.

The private key is made here, since no board's interpreter can make one, and goes to the board alone: the relay keeps the
fingerprint, and K, which comes from the private key and does not lead back to it. A certificate is for clients only, so that no
board can play the relay, and for no host name.
"""

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from callcore.evidence import KEY_BYTES
from callcore.verify import certified_key
from tincall.relay import authority
from tincall.settings import DataFolder

BOARD_LIFE = datetime.timedelta(days=1826)
SUBJECT = "Tincall board"
# before the public point in a certificate, which boards look for to write their private key down
POINT_MARK = b"\x03B\x00\x04"

Issue = Callable[[str], "Issued"]


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate and its private key.

    Args:
        secret: the private key's number, 32 bytes, big-endian.
        certificate: DER.
        until_s: when it ends, seconds since 1970.
    """

    secret: bytes = field(repr=False)
    certificate: bytes
    until_s: int

    @property
    def fingerprint(self) -> bytes:
        """Give its SHA-256."""
        return fingerprint(self.certificate)

    @property
    def key(self) -> bytes:
        """Give K, which board and relay know."""
        return certified_key(self.secret)


def fingerprint(certificate: bytes) -> bytes:
    """Give what a certificate (DER) is known by: its SHA-256; empty for none."""
    return hashlib.sha256(certificate).digest() if certificate else b""


def issue(folder: DataFolder, sn: str, now: datetime.datetime) -> Issued:
    """Make a key pair and a certificate.

    Args:
        folder: where the CA is.
        sn: serial number, which stands in the certificate as the URI `tincall:SN`.
        now: the time, with its zone.

    Raises:
        OperatorError: status 2; the CA's key is not there, or damaged.
    """
    ca, ca_key = authority.load_ca(folder)
    while True:
        key = ec.generate_private_key(ec.SECP256R1())
        made = _sign(ca, ca_key, key, sn, min(now + BOARD_LIFE, ca.not_valid_after_utc))
        certificate = authority.der(made)
        secret = key.private_numbers().private_value.to_bytes(KEY_BYTES, "big")
        at = certificate.find(POINT_MARK) + len(POINT_MARK)
        point = key.public_key().public_numbers()
        # a random part of the certificate may hold the same four bytes before it, once in ten million times
        if certificate[at : at + KEY_BYTES] == point.x.to_bytes(KEY_BYTES, "big"):
            return Issued(secret, certificate, int(made.not_valid_after_utc.timestamp()))


def _sign(
    ca: x509.Certificate, ca_key: authority.Key, key: authority.Key, sn: str, end: datetime.datetime
) -> x509.Certificate:
    return (
        authority.builder(SUBJECT, key, ca.not_valid_before_utc, end)
        .issuer_name(ca.subject)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"tincall:{sn}")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(authority.usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(authority.identifier_of(ca), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
