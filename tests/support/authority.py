"""Certificates for tests: a private authority and server certificates of every kind that a board must judge."""

import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


class TestAuthority:
    """One certificate authority whose files lie in `folder`.

    Attributes:
        anchor: path of the authority's certificate, PEM.
    """

    __test__ = False

    def __init__(self, folder: pathlib.Path, name: str = "Test CA") -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        self._certificate = (
            _builder(name, name, self._key, now - 400 * DAY, now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(True, 0), True)
            .sign(self._key, hashes.SHA256())
        )
        self.anchor = folder / f"{name.replace(' ', '-')}.pem"
        self.anchor.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(
        self, name: str = "localhost", address: str = "127.0.0.1", from_days: int = -30, to_days: int = 300
    ) -> tuple[pathlib.Path, pathlib.Path]:
        """Make a server certificate, valid from and to so many days from now; gives its file and its key's."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            _builder(name, self._certificate.subject, key, now + from_days * DAY, now + to_days * DAY)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]), False
            )
            .sign(self._key, hashes.SHA256())
        )
        stem = f"server-{certificate.serial_number:x}"
        paths = self.folder / f"{stem}.pem", self.folder / f"{stem}-key.pem"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return paths

    def board(self, sn: str = "SN-1", from_days: int = -30, to_days: int = 300) -> tuple[bytes, bytes]:
        """Make a board's certificate; gives it as DER, and its private key's number, 32 bytes."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            _builder("board", self._certificate.subject, key, now + from_days * DAY, now + to_days * DAY)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"tincall:{sn}")]), False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
            .sign(self._key, hashes.SHA256())
        )
        secret = key.private_numbers().private_value.to_bytes(32, "big")
        return certificate.public_bytes(serialization.Encoding.DER), secret


def _builder(subject, issuer, key, start, end):
    if isinstance(issuer, str):
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
