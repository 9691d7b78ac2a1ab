"""The board's TLS against real servers: who is let in, and the reason and sentence for each way in which it fails."""

import datetime
import json
import socket
import struct
import threading

import pytest
from support.authority import TestAuthority
from support.peer import Peer, raw_peer

VERSIONS = pytest.mark.parametrize("tls_1_2", [False, True], ids=["tls1.3", "tls1.2"])


def greet(connection):
    connection.request()
    connection.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


@pytest.fixture
def attempt(run, authority):
    """Let a board connect to a port; gives what it printed."""

    def go(board, port, name="localhost", host="127.0.0.1", anchor=None, timeout_ms=10000):
        done = run(board, "tls_try.py", host, port, name, anchor or authority.anchor, timeout_ms)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return go


def refused(said, reason):
    """Check the reason, and that the sentence names where."""
    assert said["reason"] == reason, said
    assert "status" not in said
    return said["detail"]


@VERSIONS
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_our_server_is_let_in_by_name_and_by_address(attempt, authority, board, name, tls_1_2):
    with Peer(authority.server(), greet, tls_1_2) as peer:
        said = attempt(board, peer.port, name)
    assert (said["reason"], said["status"]) == ("", 200), said
    assert said["certificate_bytes"] > 200


def test_a_host_may_be_a_name(attempt, authority, board):
    with Peer(authority.server(), greet) as peer:
        assert attempt(board, peer.port, host="localhost")["status"] == 200


@VERSIONS
def test_an_impostor_with_a_certificate_of_its_own_authority_is_refused(attempt, stranger, board, tls_1_2):
    heard = []
    with Peer(stranger.server(), lambda connection: heard.append(connection.request()), tls_1_2) as peer:
        detail = refused(attempt(board, peer.port), "tls_wrong_ca")
    assert f"127.0.0.1:{peer.port}" in detail and "not signed by our trust anchor" in detail
    assert heard == []


def test_an_impostor_that_calls_its_authority_by_our_name_is_refused(attempt, tmp_path, board):
    with Peer(TestAuthority(tmp_path, "Test CA").server(), greet) as peer:
        refused(attempt(board, peer.port), "tls_wrong_ca")


def test_another_anchor_refuses_our_server(attempt, authority, stranger, board):
    with Peer(authority.server(), greet) as peer:
        refused(attempt(board, peer.port, anchor=stranger.anchor), "tls_wrong_ca")


@VERSIONS
@pytest.mark.parametrize("name", ["relay.example", "127.0.0.2", "localhost.example", "local"])
def test_a_certificate_for_another_name_is_refused(attempt, authority, board, name, tls_1_2):
    heard = []
    with Peer(authority.server(), lambda connection: heard.append(connection.request()), tls_1_2) as peer:
        assert "another name" in refused(attempt(board, peer.port, name), "tls_wrong_name")
    assert heard == []


@VERSIONS
@pytest.mark.parametrize(
    ("days", "reason", "words"),
    [((-60, -1), "tls_expired", "has expired"), ((2, 60), "tls_not_yet_valid", "not valid yet")],
    ids=["expired", "not-yet-valid"],
)
def test_a_certificate_out_of_its_time_is_refused_with_the_date(
    attempt, authority, board, days, reason, words, tls_1_2
):
    before = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    with Peer(authority.server(from_days=days[0], to_days=days[1]), greet, tls_1_2) as peer:
        detail = refused(attempt(board, peer.port), reason)
    after = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    assert words in detail and "our clock" in detail
    assert before in detail or after in detail


def test_nobody_listening(attempt, board):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    detail = refused(attempt(board, port), "connect_refused")
    assert f"127.0.0.1:{port}" in detail and "is the relay running?" in detail


def test_a_name_that_does_not_resolve(attempt, board):
    # no label may have 64 letters (RFC 1035 section 2.3.4), so no name server is asked
    host = "x" * 64 + ".example"
    assert host in refused(attempt(board, 443, host=host), "dns_fail")


def test_a_server_that_accepts_and_says_nothing(attempt, board):
    quiet = threading.Event()
    with raw_peer(lambda connection: quiet.wait(20)) as port:
        said = attempt(board, port, timeout_ms=400)
        quiet.set()
    assert "stopped answering" in refused(said, "timeout")
    assert 400 <= said["took_ms"] < 5000


def test_a_server_that_does_not_even_accept(attempt, board):
    # the queue of the listener is filled, so the kernel leaves the board's first packet unanswered
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        said = attempt(board, address[1], timeout_ms=400)
        for filler in fillers:
            filler.close()
    assert "no TCP connection in 400 ms" in refused(said, "timeout")
    assert said["step"] == "connect"


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("how", ["reads and closes", "closes", "resets"])
def test_a_server_that_hangs_up_in_the_handshake(attempt, board, how):
    def serve(connection):
        # what is left unread makes a reset of the close
        connection.recv(4096 if how == "reads and closes" else 100)
        if how == "resets":
            reset(connection)

    with raw_peer(serve) as port:
        detail = refused(attempt(board, port), "link_lost")
    assert f"127.0.0.1:{port}" in detail


def test_a_server_that_does_not_speak_tls(attempt, board):
    def serve(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.recv(4096)

    with raw_peer(serve) as port:
        refused(attempt(board, port), "tls_failed")


@VERSIONS
def test_a_server_that_closes_after_the_handshake(attempt, authority, board, tls_1_2):
    with Peer(authority.server(), lambda connection: connection.request(), tls_1_2) as peer:
        detail = refused(attempt(board, peer.port), "link_lost")
    assert f"127.0.0.1:{peer.port}" in detail


@VERSIONS
@pytest.mark.parametrize("how", ["vanishes", "resets"])
def test_a_server_that_is_killed_after_the_handshake(attempt, authority, board, how, tls_1_2):
    def serve(connection):
        connection.request()
        if how == "resets":
            reset(connection.stream)
        # the TCP connection ends without a word of TLS, as when the process is killed
        socket.socket(fileno=connection.stream.detach()).close()

    with Peer(authority.server(), serve, tls_1_2) as peer:
        refused(attempt(board, peer.port), "link_lost")


def test_an_anchor_that_is_no_certificate(attempt, authority, board, tmp_path):
    (tmp_path / "anchor").write_bytes(b"this is no certificate")
    with Peer(authority.server(), greet) as peer:
        assert "trust anchor" in refused(attempt(board, peer.port, anchor=tmp_path / "anchor"), "tls_failed")


def test_cases(check, board):
    check(board, "tls_cases.py")
