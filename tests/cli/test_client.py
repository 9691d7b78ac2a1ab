"""The command line's way to the relay: verified, and every failure one sentence with what to do."""

import http.server
import json
import shutil
import socket
import ssl
import threading

import pytest
from commands import tincall

from tincall.cli.client import READY_FILE, Client, running
from tincall.errors import OperatorError
from tincall.settings import DataFolder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    data = tmp_path_factory.mktemp("client") / "data"
    tincall("init", "--data", data)
    return data


@pytest.fixture
def data(made, tmp_path):
    return shutil.copytree(made, tmp_path / "data")


class Impostor:
    """Answers every request on a free port in its own way."""

    def __init__(self, folder, body=b"", status=200, headers=(), pause=None, length=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                impostor.heard.append(dict(self.headers))
                if pause is not None:
                    pause.wait(10)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        impostor = self
        self.heard = []
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder.server, folder.server_key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def announce(self, data):
        (data / READY_FILE).write_text(json.dumps({"web_port": self.server.server_address[1]}))


def ask(data):
    with Client(data) as client:
        return client.get("/v1/devices")


def failure(data):
    with pytest.raises(OperatorError) as caught:
        ask(data)
    assert caught.value.hint
    return caught.value


def test_the_relay_is_asked_over_verified_tls(shared_relay):
    assert "devices" in ask(shared_relay)


def test_a_stream_is_given_as_it_comes(data):
    with Impostor(DataFolder(data), b"pieces of sound") as impostor:
        impostor.announce(data)
        with Client(data) as client, client.stream("/v1/calls/c1/rtp", party="phone") as pieces:
            assert b"".join(pieces) == b"pieces of sound"


def test_a_stream_that_is_refused_is_told(data):
    with Impostor(DataFolder(data), b'{"detail": "Nobody talks."}', 409) as impostor:
        impostor.announce(data)
        refused = pytest.raises(OperatorError, match="Nobody talks")
        with Client(data) as client, refused, client.stream("/v1/calls/c1/rtp", party="phone"):
            pass


def test_a_stream_that_breaks_is_told(data):
    with Impostor(DataFolder(data), b"half", length=100) as impostor:
        impostor.announce(data)
        refused = pytest.raises(OperatorError, match="fell silent")
        with Client(data) as client, refused, client.stream("/v1/calls/c1/rtp", party="phone") as pieces:
            list(pieces)


def test_a_relay_that_is_not_there_says_how_to_start_it(data):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (data / READY_FILE).write_text(json.dumps({"web_port": free.getsockname()[1]}))
        error = failure(data)
    assert "There is no relay at https://127.0.0.1" in error.message
    assert f"tincall relay --data {data}" in error.hint
    assert error.status == 1


def test_another_ca_is_refused_and_never_hears_the_token(data, tmp_path):
    other = DataFolder(tmp_path / "other")
    tincall("init", "--data", other.root)
    with Impostor(other) as impostor:
        impostor.announce(data)
        assert "does not show a certificate" in failure(data).message
        assert impostor.heard == []


def test_another_token_is_told(shared_relay, data):
    shutil.copy(shared_relay / "ca.pem", data / "ca.pem")
    shutil.copy(shared_relay / READY_FILE, data / READY_FILE)
    error = failure(data)
    assert "does not accept this operator token" in error.message
    assert (data / "operator.token").read_text().strip() not in error.message + error.hint


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"\xff"])
def test_what_is_no_relay_is_told(data, body):
    with Impostor(DataFolder(data), body) as impostor:
        impostor.announce(data)
        assert "is not a relay" in failure(data).message


def test_a_redirection_is_not_followed(data):
    with Impostor(DataFolder(data), b"{}", 302, [("Location", "https://127.0.0.1:1/")]) as impostor:
        impostor.announce(data)
        with pytest.raises(OperatorError, match="302"):
            ask(data)
        assert len(impostor.heard) == 1


def test_a_refusal_is_told_in_the_relays_words(data):
    with Impostor(DataFolder(data), b'{"detail": "Too full.", "hint": "Wait."}', 503) as impostor:
        impostor.announce(data)
        error = failure(data)
    assert (error.message, error.hint) == ("Too full.", "Wait.")


def test_a_relay_that_does_not_answer_is_given_up(data, monkeypatch):
    monkeypatch.setattr("tincall.cli.client.TIMEOUT_S", (5, 0.1))
    done = threading.Event()
    with Impostor(DataFolder(data), pause=done) as impostor:
        impostor.announce(data)
        message = failure(data).message
        done.set()
    assert "does not answer in time" in message


def test_proxies_and_certificates_of_the_environment_are_not_used(shared_relay, monkeypatch, tmp_path):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    assert "devices" in ask(shared_relay)


@pytest.mark.parametrize("name", ["tincall.toml", "ca.pem", "operator.token"])
def test_a_folder_that_is_not_whole_is_told(data, name):
    (data / name).unlink()
    error = failure(data)
    assert name in error.message
    assert "tincall init" in error.hint
    assert error.status == 2


def test_a_token_that_others_may_read_is_not_used(data):
    (data / "operator.token").chmod(0o644)
    assert failure(data).status == 2


@pytest.mark.parametrize("text", ["", "[]", "{", "\0"])
def test_a_broken_ready_file_is_passed_over(data, text):
    (data / READY_FILE).write_text(text)
    assert running(DataFolder(data)) == {}
    with Client(data) as client:
        assert client.url == "https://127.0.0.1:8444"


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "https://127.0.0.1:8444"), ("::1", "https://[::1]:8444"), ("box", "https://box:8444")]
)
def test_the_address_follows_the_settings(data, monkeypatch, host, url):
    monkeypatch.setenv("TINCALL__WEB__HOST", host)
    with Client(data) as client:
        assert client.url == url
