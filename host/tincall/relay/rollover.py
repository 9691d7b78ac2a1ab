"""The life of the private CA after `tincall init`: a new server certificate, and a new CA in two steps that no board notices.

While a CA is being replaced there are two: the one that signs (`ca.pem`, `ca-key.pem`) and the next one with its key
(`ca-next.pem`). Boards are given both to trust. When they have them, the next one takes the place of the first and signs the
server certificate; from then on boards are given that one alone. Every step is one file or one `changeover`: if power fails,
a reader finds the state before it or the state after it.
"""

import datetime
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from callcore.evidence import MAX_ANCHOR_CHARS
from tincall import files
from tincall.errors import OperatorError
from tincall.relay import authority, changeover
from tincall.settings import DataFolder, read_secret

# of SHA-256 in hex: enough to tell bundles apart, and nothing rests on it
ANCHOR_ID_CHARS = 16
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is, read from the files.

    Args:
        server: the server's certificate.
        ca: the CA that signs.
        next_ca: the one that will, if there is one already.
        bundle: what boards are to trust, as PEM text: exactly what is written into their identity.
        clients: whose signature makes a board's own certificate good, as PEM text: these, and those before them.
    """

    server: x509.Certificate
    ca: x509.Certificate
    next_ca: x509.Certificate | None
    bundle: str
    clients: str

    @property
    def der(self) -> bytes:
        """Give the server's certificate as boards see it, for the channel binding."""
        return authority.der(self.server)

    @property
    def is_own(self) -> bool:
        """Tell whether the server's certificate is one that our CA has signed."""
        return self.server.issuer == self.ca.subject


def read(folder: DataFolder) -> Shown:
    """Read what a relay shows and what its boards are to trust.

    Raises:
        OperatorError: status 2; a file is missing or damaged.
    """
    ca = authority.load_certificate(folder.ca)
    next_ca = authority.load_certificate(folder.next_ca) if folder.next_ca.exists() else None
    return Shown(authority.load_certificate(folder.server), ca, next_ca, bundle(folder), _clients(folder))


def bundle(folder: DataFolder) -> str:
    """Give what boards are to trust: the CA (all that is in `ca.pem`), and behind it the next one if there is one.

    Raises:
        OperatorError: status 2; a file is missing or holds no certificate.
    """
    found: list[bytes] = []
    for place in (folder.ca, folder.next_ca):
        if place.exists() or place == folder.ca:
            authority.load_certificate(place)
            found += _CERTIFICATE.findall(place.read_bytes().replace(b"\r\n", b"\n"))
    return "".join(one.decode("ascii") + "\n" for one in found)


def _clients(folder: DataFolder) -> str:
    if not folder.past_ca.exists():
        return bundle(folder)
    authority.load_certificate(folder.past_ca)
    return bundle(folder) + folder.past_ca.read_text("ascii", "replace")


def anchor_id(bundle_pem: str) -> str:
    """Give the short name of a bundle by which a board says what it trusts: SHA-256, its first 8 bytes in hex."""
    return hashlib.sha256(bundle_pem.encode()).hexdigest()[:ANCHOR_ID_CHARS]


def renew(folder: DataFolder, more_names: Sequence[str], now: datetime.datetime) -> x509.Certificate:
    """Make a new server certificate and key in place of those there, for the same names and some more.

    If power fails, a reader finds the old pair or the new one.

    Args:
        folder: the data folder.
        more_names: host names and addresses beside those of the certificate that is there.
        now: the time, with its zone.

    Raises:
        OperatorError: status 2; the CA's key is not there, the certificate is another CA's, a name is none.
    """
    shown = read(folder)
    if not shown.is_own:
        why = f"{folder.server} was signed by another CA than {folder.ca}."
        raise OperatorError(why, "Renew it where it came from, and put both files into the data folder.", 2)
    pair = authority.new_server(
        *authority.load_ca(folder), _names(shown, more_names), now, shown.server.not_valid_after_utc
    )
    changeover.change(folder, _server_files(folder, pair))
    return authority.load_certificate(folder.server)


def roll(folder: DataFolder, now: datetime.datetime) -> bool:
    """Begin to replace the CA: make the next one, which boards are given to trust from now on beside the first.

    If power fails, there is a next CA or none.

    Returns:
        Whether it was made now; False: it was there.

    Raises:
        OperatorError: status 2; the CA is not ours, or the bundle is more than a grant can carry.
    """
    if folder.next_ca.exists():
        authority.certificate_and_key(folder.next_ca, read_secret(folder.next_ca), folder.next_ca)
        return False
    ca, _ = authority.load_ca(folder)
    # as early as the CA that boards know: a board's clock that was good enough for that one is good enough for this one
    key, certificate = authority.new_ca(now, ca.not_valid_before_utc)
    if len(bundle(folder)) + len(certificate) > MAX_ANCHOR_CHARS:
        why = f"{folder.ca} and a next CA are more than {MAX_ANCHOR_CHARS} characters, too much to send to boards."
        raise OperatorError(why, "A bundle of more than two small CAs has to be written to each board.", 2)
    files.write(folder.next_ca, certificate + key, 0o600)
    return True


def switch(folder: DataFolder, now: datetime.datetime) -> x509.Certificate:
    """Let the next CA take the place of the first and sign the server certificate; boards forget the first.

    Whether boards know the next CA is for the caller to have asked. If power fails, a reader finds all of it or nothing.

    Returns:
        The new server certificate.

    Raises:
        OperatorError: status 2; there is no next CA, or a file is damaged.
    """
    if not folder.next_ca.exists():
        raise OperatorError("There is no next CA to switch to.", "`tincall ca roll` makes one.", 2)
    shown = read(folder)
    secret = read_secret(folder.next_ca)
    ca, ca_key = authority.certificate_and_key(folder.next_ca, secret, folder.next_ca)
    certificate = authority.pem(ca)
    files = {
        folder.ca: (certificate, 0o644),
        folder.ca_key: (secret[len(certificate) :], 0o600),
        folder.next_ca: (b"", 0o600),
        folder.past_ca: (_past(folder, now), 0o644),
    }
    if shown.is_own:
        files |= _server_files(
            folder, authority.new_server(ca, ca_key, _names(shown, ()), now, shown.server.not_valid_after_utc)
        )
    changeover.change(folder, files)
    return authority.load_certificate(folder.server)


def _past(folder: DataFolder, now: datetime.datetime) -> bytes:
    """Give the CAs to remember once the one that signs is one of them: their certificates of boards are good until they end."""
    places = [place for place in (folder.ca, folder.past_ca) if place.exists()]
    certificates = x509.load_pem_x509_certificates(b"".join(place.read_bytes() for place in places))
    return b"".join(authority.pem(one) for one in certificates if one.not_valid_after_utc > now)


def _names(shown: Shown, more: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*authority.names_of(shown.server), *more]))


def _server_files(folder: DataFolder, pair: tuple[bytes, bytes]) -> dict[Path, tuple[bytes, int]]:
    return {folder.server_key: (pair[0], 0o600), folder.server: (pair[1], 0o644)}
