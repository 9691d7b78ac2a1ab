"""The one TLS context of the device port: versions, ciphers, and files that do not fit."""

import ssl

import pytest
from support.authority import TestAuthority

from tincall.errors import OperatorError
from tincall.relay.tls import server_context


def handshake(server, client):
    """Shake hands in memory; gives the client's end."""
    bios = [ssl.MemoryBIO() for _ in range(4)]
    ends = [
        client.wrap_bio(bios[0], bios[1], server_hostname="127.0.0.1"),
        server.wrap_bio(bios[2], bios[3], server_side=True),
    ]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            bios[2].write(bios[1].read())
            bios[0].write(bios[3].read())
    return ends[0]


def client(authority, newest=ssl.TLSVersion.TLSv1_3, oldest=ssl.TLSVersion.TLSv1_2):
    context = ssl.create_default_context(cafile=str(authority.anchor))
    context.minimum_version, context.maximum_version = oldest, newest
    return context


@pytest.mark.parametrize("newest", ["1.2", "1.3"])
def test_the_newest_version_is_what_settings_say(authority, certificate, newest):
    end = handshake(server_context(*certificate, newest), client(authority))
    assert end.version() == f"TLSv{newest}"
    assert "GCM" in end.cipher()[0] or "CHACHA20" in end.cipher()[0]


def test_what_boards_speak_is_enough(authority, certificate):
    context = client(authority, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert handshake(server_context(*certificate), context).cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nothing_older_is_spoken(authority, certificate):
    context = client(authority, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        handshake(server_context(*certificate), context)


def test_no_certificate_of_the_client_is_asked_for(certificate):
    # verify_mode 0 on the server's side: boards prove themselves by voip1, inside TLS (docs/protocol.md)
    assert int(server_context(*certificate).verify_mode) == 0


def test_no_tickets_are_given(certificate):
    assert server_context(*certificate).num_tickets == 0


def test_files_that_do_not_fit_are_one_clear_error(certificate, tmp_path):
    other, other_key = TestAuthority(tmp_path).server()
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")
    for pair in ((certificate[0], other_key), (broken, certificate[1]), (tmp_path / "absent.pem", certificate[1])):
        with pytest.raises(OperatorError) as caught:
            server_context(*pair)
        assert str(pair[0]) in caught.value.message and caught.value.hint and caught.value.status == 2
