"""The installation's own secrets: private CA, server certificate, key-encryption key, operator token.

Boards trust this CA and no other. Everything is P-256, which TLS 1.2 on a small board can do. A server certificate
starts when its CA starts: a board that lay in a box for a year, with a clock that is a year behind, can still connect.
Each file is written beside its place and renamed, so if power fails it is there whole or not at all; `make` goes on
where it stopped.
"""

import base64
import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tincall import files
from tincall.errors import OperatorError
from tincall.settings import DataFolder, read_secret

CA_LIFE = datetime.timedelta(days=3653)
# 398 days is what libraries accept at most; counted from now, as the start lies in the past
SERVER_LIFE = datetime.timedelta(days=395)
# a board whose clock is a little behind the relay's must not find the CA in the future on its first day
BACK_DATED = datetime.timedelta(days=2)
KEK_BYTES = 32
ALWAYS = ("localhost", "127.0.0.1")

Key = ec.EllipticCurvePrivateKey


def make(folder: DataFolder, names: list[str], now: datetime.datetime) -> list[Path]:
    """Make what is missing of the CA, the server certificate, the key-encryption key and the operator token.

    Args:
        folder: the data folder, made if it is not there (mode 0700).
        names: host names and IP addresses for the server certificate besides localhost; used only when it is made.
        now: the time, with its zone.

    Returns:
        The files made, in order; empty when all were there.

    Raises:
        OperatorError: status 2; the folder cannot be written, a name is none, half of a pair is missing.
    """
    made: list[Path] = []
    try:
        folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _missing(folder.ca, folder.ca_key):
            key, certificate = new_ca(now, now - BACK_DATED)
            made += [files.write(folder.ca_key, key, 0o600), files.write(folder.ca, certificate, 0o644)]
        if _missing(folder.server, folder.server_key):
            key, certificate = new_server(*load_ca(folder), names, now)
            made += [files.write(folder.server_key, key, 0o600), files.write(folder.server, certificate, 0o644)]
        if not folder.kek.exists():
            made.append(files.write(folder.kek, os.urandom(KEK_BYTES), 0o600))
        if not folder.operator_token.exists():
            token = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=")
            made.append(files.write(folder.operator_token, token + b"\n", 0o600))
    except OSError as error:
        where = error.filename or folder.root
        raise OperatorError(f"{where} cannot be written: {error.strerror}.", "Choose another folder.", 2) from None
    return made


def new_server(
    ca: x509.Certificate,
    ca_key: Key,
    names: Sequence[str],
    now: datetime.datetime,
    earliest: datetime.datetime | None = None,
) -> tuple[bytes, bytes]:
    """Make a server key and its certificate, which starts with its CA and ends within `SERVER_LIFE`, or with its CA.

    Args:
        ca: who signs.
        ca_key: its key.
        names: host names and addresses besides localhost.
        now: the time, with its zone.
        earliest: it does not end before this, where that is possible: a board's clock never goes back, so one that was told
            of a later day (a relay's clock was wrong) would be lost with a certificate that ends before it.

    Returns:
        Key and certificate, in PEM.

    Raises:
        OperatorError: status 2; a name is none.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = x509.SubjectAlternativeName([name_of(name) for name in dict.fromkeys([*names, *ALWAYS])])
    end = min(max(now + SERVER_LIFE, earliest or now), ca.not_valid_after_utc)
    certificate = (
        builder("Tincall relay", key, ca.not_valid_before_utc, end)
        .issuer_name(ca.subject)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier_of(ca), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return _key_pem(key), pem(certificate)


def new_ca(now: datetime.datetime, start: datetime.datetime) -> tuple[bytes, bytes]:
    """Make a CA: key and certificate, in PEM.

    Args:
        now: the time, from which its life counts.
        start: from when on it is valid, which is the earliest that a clock of a board may show.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = f"Tincall CA {os.urandom(4).hex()}"
    certificate = (
        builder(subject, key, start, now + CA_LIFE)
        .issuer_name(_subject(subject))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(key_cert_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key), pem(certificate)


def load_ca(folder: DataFolder) -> tuple[x509.Certificate, Key]:
    """Read the CA and its key.

    Raises:
        OperatorError: status 2; missing, damaged, open to others, or the two do not belong together.
    """
    return certificate_and_key(folder.ca, read_secret(folder.ca_key), folder.ca_key)


def certificate_and_key(place: Path, key_pem: bytes, key_place: Path) -> tuple[x509.Certificate, Key]:
    """Read a CA's certificate, and its key out of PEM.

    Raises:
        OperatorError: status 2; missing, damaged, or the two do not belong together.
    """
    certificate = load_certificate(place)
    try:
        key = serialization.load_pem_private_key(key_pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise OperatorError(f"{key_place} is not a private key in PEM.", "Restore it from a backup.", 2) from None
    if not isinstance(key, Key):
        raise OperatorError(f"{key_place} is not a key on the curve P-256.", "Restore it from a backup.", 2)
    if key.public_key() != certificate.public_key():
        raise OperatorError(f"{key_place} is not the key of {place}.", "Restore both from the same backup.", 2)
    return certificate, key


def load_certificate(path: Path) -> x509.Certificate:
    """Read the first certificate of a PEM file.

    Raises:
        OperatorError: status 2; missing or damaged.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        hint = f"Run `tincall init --data {path.parent}` to make a data folder."
        raise OperatorError(f"{path} is not there.", hint, 2) from None
    except (OSError, ValueError):
        raise OperatorError(f"{path} holds no certificate in PEM.", "Restore it from a backup.", 2) from None


def load_kek(folder: DataFolder) -> bytes:
    """Read the key-encryption key.

    Raises:
        OperatorError: status 2; missing, of a wrong length, open to others.
    """
    kek = read_secret(folder.kek)
    if len(kek) != KEK_BYTES:
        why = f"{folder.kek} has {len(kek)} bytes instead of {KEK_BYTES}."
        raise OperatorError(why, "Restore it from a backup; without it no device key can be read.", 2)
    return kek


def load_operator_token(folder: DataFolder) -> str:
    """Read the bearer token of the API.

    Raises:
        OperatorError: status 2; missing, too short, not ASCII, open to others.
    """
    try:
        token = read_secret(folder.operator_token).decode("ascii").strip()
    except UnicodeDecodeError:
        token = ""
    if len(token) < 32:
        hint = "Remove it and run `tincall init` again."
        raise OperatorError(f"{folder.operator_token} is not a token of 32 characters or more.", hint, 2)
    return token


def der(certificate: x509.Certificate) -> bytes:
    """Give a certificate as boards see it, for the channel binding."""
    return certificate.public_bytes(serialization.Encoding.DER)


def check_server(folder: DataFolder, now: datetime.datetime) -> None:
    """See that the server certificate is still good and its key nobody else's to read.

    Args:
        folder: where they are.
        now: the time, with its zone.

    Raises:
        OperatorError: status 2; missing, damaged, expired, not valid yet, or open to others.
    """
    certificate = load_certificate(folder.server)
    if certificate.not_valid_before_utc > now:
        why = f"{folder.server} is valid from {certificate.not_valid_before_utc:%Y-%m-%d}, and today is {now:%Y-%m-%d}."
        raise OperatorError(why, "Set this machine's clock; no board would connect.", 2)
    if certificate.not_valid_after_utc < now:
        renew = f"Run `tincall ca renew --data {folder.root}`; boards need nothing."
        raise OperatorError(f"{folder.server} expired on {certificate.not_valid_after_utc:%Y-%m-%d}.", renew, 2)
    read_secret(folder.server_key)


def names_of(certificate: x509.Certificate) -> list[str]:
    """Give the host names and addresses that a server certificate is for."""
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in extension.value]


def _missing(certificate: Path, key: Path) -> bool:
    """Say whether a pair is to be made; a key whose certificate was not written before power failed is made anew.

    Raises:
        OperatorError: status 2; there is a certificate without its key.
    """
    if certificate.exists() and not key.exists():
        why = f"{certificate} is there, its key {key} is not."
        raise OperatorError(why, f"Restore the key from a backup, or remove {certificate} and begin anew.", 2)
    return not certificate.exists()


def builder(subject: str, key: Key, start: datetime.datetime, end: datetime.datetime) -> x509.CertificateBuilder:
    """Begin a certificate: name, key, number and time."""
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(subject))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def identifier_of(ca: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Name the CA's key in what it signs."""
    own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def usage(digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    """Say what a key is for."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def name_of(name: str) -> x509.GeneralName:
    """Turn what a person typed into a name of a certificate.

    Raises:
        OperatorError: status 2; it is neither a host name nor an address.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.split(".")
    plain = all(label.replace("-", "a").isalnum() and label[0] != "-" and label[-1] != "-" for label in labels if label)
    if not name.isascii() or len(name) > 253 or not plain or "" in labels or any(len(label) > 63 for label in labels):
        raise OperatorError(f"`{name}` is neither a host name nor an IP address.", "Give it as boards will type it.", 2)
    return x509.DNSName(name)


def pem(certificate: x509.Certificate) -> bytes:
    """Write a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: Key) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
