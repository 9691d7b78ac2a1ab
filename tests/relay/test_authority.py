"""The CA and its certificate: made once, right for small boards, back-dated, and every damage told."""

import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from tincall.errors import OperatorError
from tincall.relay import authority
from tincall.settings import DataFolder

NOW = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path / "data")


def test_everything_is_made_once_and_then_left_alone(folder):
    made = authority.make(folder, ["box.local"], NOW)
    assert [path.name for path in made] == [
        "ca-key.pem", "ca.pem", "server-key.pem", "server.pem", "kek.bin", "operator.token",
    ]  # fmt: skip
    before = {path: path.read_bytes() for path in folder.root.iterdir()}
    assert authority.make(folder, ["other.local"], NOW + DAY) == []
    assert {path: path.read_bytes() for path in folder.root.iterdir()} == before


def test_nobody_else_may_read_the_secrets(folder):
    authority.make(folder, [], NOW)
    assert (folder.root.stat().st_mode & 0o777) == 0o700
    for path in (folder.ca_key, folder.server_key, folder.kek, folder.operator_token):
        assert (path.stat().st_mode & 0o777) == 0o600


def test_the_certificates_are_what_small_boards_can_check(folder):
    authority.make(folder, ["box.local", "192.0.2.1", "::1"], NOW)
    ca, server = authority.load_certificate(folder.ca), authority.load_certificate(folder.server)
    for certificate in (ca, server):
        assert isinstance(certificate.public_key().curve, ec.SECP256R1)
        certificate.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["box.local", "localhost"]
    assert names.get_values_for_type(x509.IPAddress) == [
        ipaddress.ip_address(one) for one in ("192.0.2.1", "::1", "127.0.0.1")
    ]
    assert authority.names_of(server) == ["box.local", "192.0.2.1", "::1", "localhost", "127.0.0.1"]
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_server_certificate_starts_with_its_ca_and_ends_within_the_bound(folder):
    authority.make(folder, [], NOW)
    ca, server = authority.load_certificate(folder.ca), authority.load_certificate(folder.server)
    assert server.not_valid_before_utc == ca.not_valid_before_utc < NOW
    assert server.not_valid_after_utc - server.not_valid_before_utc <= 398 * DAY
    assert server.not_valid_after_utc > NOW + 390 * DAY
    assert 3650 * DAY <= ca.not_valid_after_utc - ca.not_valid_before_utc <= 3660 * DAY


def test_a_certificate_made_years_later_still_starts_with_the_ca_and_never_outlives_it(folder):
    authority.make(folder, [], NOW)
    ca, key = authority.load_ca(folder)
    _, made = authority.new_server(ca, key, ["new.local"], NOW + 3600 * DAY)
    server = x509.load_pem_x509_certificate(made)
    assert server.not_valid_before_utc == ca.not_valid_before_utc
    assert server.not_valid_after_utc == ca.not_valid_after_utc
    assert "new.local" in authority.names_of(server)


def test_a_client_that_trusts_the_ca_connects_and_another_does_not(folder, tmp_path):
    now = datetime.datetime.now(datetime.UTC)
    authority.make(folder, [], now)
    other = DataFolder(tmp_path / "other")
    authority.make(other, [], now)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder.server, folder.server_key)
    assert handshake(server, folder.ca, "127.0.0.1") == "connected"
    assert handshake(server, folder.ca, "localhost") == "connected"
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(server, folder.ca, "example.org")
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(server, other.ca, "127.0.0.1")


def handshake(server, ca, name):
    ours, theirs = socket.socketpair()

    def serve():
        try:
            server.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        client = ssl.create_default_context(cafile=ca)
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        client.wrap_socket(ours, server_hostname=name).close()
        return "connected"
    except ssl.SSLError as error:
        return str(error)
    finally:
        ours.close()
        thread.join()


@pytest.mark.parametrize(
    "name",
    ["", "a b", "-x", "x-", "a..b", "http://x", "x/", "*", "ä.de", "a" * 64, ".".join(["a"] * 128), "1.2.3.4.5/8"],
)
def test_what_is_no_name_is_refused_and_no_certificate_made(folder, name):
    with pytest.raises(OperatorError) as caught:
        authority.make(folder, [name], NOW)
    assert caught.value.status == 2
    assert not folder.server.exists()


def test_making_goes_on_where_it_stopped(folder):
    authority.make(folder, [], NOW)
    for path in (folder.server, folder.operator_token):
        path.unlink()
    ca, kek = folder.ca.read_bytes(), folder.kek.read_bytes()
    (folder.root / "kek.bin.part").write_bytes(b"left by a power cut")
    assert [path.name for path in authority.make(folder, [], NOW)] == ["server-key.pem", "server.pem", "operator.token"]
    assert (folder.ca.read_bytes(), folder.kek.read_bytes()) == (ca, kek)
    authority.check_server(folder, NOW)


@pytest.mark.parametrize("pair", ["ca", "server"])
def test_a_certificate_without_its_key_is_told(folder, pair):
    authority.make(folder, [], NOW)
    getattr(folder, pair + "_key").unlink()
    with pytest.raises(OperatorError, match="its key"):
        authority.make(folder, [], NOW)


def test_secrets_can_be_read_back(folder):
    authority.make(folder, [], NOW)
    assert len(authority.load_kek(folder)) == 32
    assert len(authority.load_operator_token(folder)) == 43
    assert authority.der(authority.load_certificate(folder.server))[:1] == b"\x30"


@pytest.mark.parametrize(
    ("file", "data", "read"),
    [
        ("kek", b"short", authority.load_kek),
        ("operator_token", b"short", authority.load_operator_token),
        ("operator_token", b"\xff" * 50, authority.load_operator_token),
        ("ca", b"garbage", authority.load_ca),
        ("ca_key", b"garbage", authority.load_ca),
        ("server", b"garbage", lambda folder: authority.check_server(folder, NOW)),
    ],
)
def test_damaged_files_are_told_with_their_path(folder, file, data, read):
    authority.make(folder, [], NOW)
    path = getattr(folder, file)
    path.write_bytes(data)
    with pytest.raises(OperatorError) as caught:
        read(folder)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.status == 2


def test_a_certificate_of_the_future_is_told_with_todays_date(folder):
    authority.make(folder, [], NOW)
    with pytest.raises(OperatorError, match=f"today is {NOW - 3 * DAY:%Y-%m-%d}"):
        authority.check_server(folder, NOW - 3 * DAY)


def test_an_expired_certificate_and_an_open_key_are_told(folder):
    authority.make(folder, [], NOW)
    authority.check_server(folder, NOW + 394 * DAY)
    with pytest.raises(OperatorError, match="expired"):
        authority.check_server(folder, NOW + 396 * DAY)
    folder.server_key.chmod(0o644)
    with pytest.raises(OperatorError, match="0644"):
        authority.check_server(folder, NOW)


def test_missing_files_say_how_to_make_them(folder):
    with pytest.raises(OperatorError) as caught:
        authority.load_certificate(folder.server)
    assert "tincall init" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot be written"):
        authority.make(DataFolder(tmp_path / "file" / "data"), [], NOW)
