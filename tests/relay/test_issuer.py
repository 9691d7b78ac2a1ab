"""Certificates for boards: what they are good for, and what they are not."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from callcore.verify import certified_key
from tincall.errors import OperatorError
from tincall.relay import authority, issuer
from tincall.settings import DataFolder

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
LONGEST = "Z" * 128


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    authority.make(made, [], NOW)
    return made


@pytest.mark.parametrize("sn", ["SN-1", LONGEST])
def test_a_certificate_is_for_one_board_and_for_clients_only(folder, sn):
    issued = issuer.issue(folder, sn, NOW)
    made = x509.load_der_x509_certificate(issued.certificate)
    ca = authority.load_certificate(folder.ca)
    made.verify_directly_issued_by(ca)
    found = {extension.oid: extension.value for extension in made.extensions}
    assert list(found[x509.ExtendedKeyUsage.oid]) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert [name.value for name in found[x509.SubjectAlternativeName.oid]] == [f"tincall:{sn}"]
    assert not found[x509.BasicConstraints.oid].ca
    assert made.not_valid_before_utc == ca.not_valid_before_utc, "a relay's clock that was put back finds it good"
    assert made.not_valid_after_utc == NOW + issuer.BOARD_LIFE
    assert issued.until_s == int(made.not_valid_after_utc.timestamp())
    key = ec.derive_private_key(int.from_bytes(issued.secret, "big"), ec.SECP256R1())
    assert key.public_key() == made.public_key()
    point = issued.certificate.find(issuer.POINT_MARK)
    assert issued.certificate[point + 4 :].startswith(key.public_key().public_numbers().x.to_bytes(32, "big"))
    assert len(issued.certificate) <= 750, "1,000 characters in a grant"
    assert issued.secret.hex() not in repr(issued)


def test_it_ends_with_its_authority(folder):
    late = NOW + authority.CA_LIFE - datetime.timedelta(days=30)
    assert issuer.issue(folder, "SN-1", late).until_s == int((NOW + authority.CA_LIFE).timestamp())


def test_no_two_are_alike(folder):
    made = [issuer.issue(folder, "SN-1", NOW) for _ in range(3)]
    assert len({one.secret for one in made}) == len({one.fingerprint for one in made}) == 3


def test_where_the_authoritys_key_is_not_there_it_says_so(folder):
    folder.ca_key.unlink()
    with pytest.raises(OperatorError) as caught:
        issuer.issue(folder, "SN-1", NOW)
    assert "ca-key.pem" in caught.value.message


def test_the_key_of_the_published_answer():
    """As docs/protocol.md section 2.10 has it."""
    assert (
        certified_key(bytes(range(32, 64))).hex() == "6a993b9ad323043f32ebde4b793582a842847ac3229883c6b1d3cd77b85a4d7d"
    )


def test_no_certificate_has_an_empty_fingerprint():
    assert issuer.fingerprint(b"") == b"" and len(issuer.fingerprint(b"x")) == 32
