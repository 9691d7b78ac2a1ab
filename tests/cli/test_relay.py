"""`tincall relay`: ready when it says so, clean to the end, and one clear error for everything that is wrong."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys

import pytest
from commands import PHONES, RunningRelay, children, document, is_gone, tincall

from tincall.cli.client import READY_FILE, Client
from tincall.clock import SystemClock
from tincall.errors import OperatorError
from tincall.relay.cdr import Records
from tincall.relay.store.engine import Database


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    assert tincall("init", "--data", folder).exit_code == 0
    return folder


@pytest.fixture
def refused(monkeypatch):
    """Start a relay that cannot start, in this process; gives exit status and what it said."""

    def start(data, *arguments, **environment):
        for name, value in {"TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0", **environment}.items():
            monkeypatch.setenv(name, value)
        result = tincall("relay", "--data", data, *arguments)
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.stdout == ""
        assert not (data / READY_FILE).exists()
        said = [line for line in result.stderr.splitlines() if line.startswith("tincall: ")]
        assert len(said) == 1, result.stderr
        return result.exit_code, result.stderr

    return start


def connected(relay, data):
    """Connect to the device port as a board does."""
    context = ssl.create_default_context(cafile=data / "ca.pem")
    with socket.create_connection(("127.0.0.1", relay.ready["device_port"])) as plain:
        return context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_ready_serves_and_stops_cleanly(data, number):
    with RunningRelay(data) as relay:
        assert relay.ready["ready"] is True
        assert relay.ready["pid"] == relay.process.pid
        assert json.loads((data / READY_FILE).read_text()) == relay.ready
        with connected(relay, data) as link:
            assert link.version() == "TLSv1.3"
        with Client(data) as client:
            assert client.get("/readyz")["ready"] is True
        workers = children(relay.process.pid)
        assert workers, "a warm worker"
        status, out, log = relay.stop(number)
    assert (status, out) == (0, "")
    assert "Traceback" not in log
    assert [pid for pid in workers if not is_gone(pid)] == []
    assert not (data / READY_FILE).exists()
    assert sorted(path.name for path in data.glob("tincall.db*")) == ["tincall.db", "tincall.db.lock"]


def test_the_log_is_json_where_nobody_watches(data):
    with RunningRelay(data) as relay:
        log = relay.stop()[2]
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events[-1] == "relay stopped"
    assert "relay ready" in events


def test_tls_can_be_capped_at_what_boards_speak(data):
    with RunningRelay(data, TINCALL__DEVICE__TLS_MAX="1.2") as relay:
        with connected(relay, data) as link:
            assert link.version() == "TLSv1.2"
            assert "ECDHE-ECDSA" in link.cipher()[0]
        relay.stop()


def test_phones_come_from_the_settings_and_from_a_file(data, tmp_path):
    with (data / "tincall.toml").open("a") as settings:
        settings.write(PHONES)
    more = tmp_path / "more.toml"
    more.write_text('[[phones]]\nid = "bob"\n[[phones]]\nid = "alice"\nname = "Alice at work"\n')
    with RunningRelay(data, "--phones", more) as relay:
        with Client(data) as client:
            phones = client.get("/v1/phones")["phones"]
        relay.stop()
    assert phones == [{"id": "bob", "name": "bob"}, {"id": "alice", "name": "Alice at work"}]


def test_calls_of_a_relay_that_died_are_closed_at_the_next_start(data):
    async def leave_open():
        database = Database.open(data / "tincall.db")
        await Records(database, SystemClock()).opened("c1", "SN-1", "alice", "out")
        await database.close()

    asyncio.run(leave_open())
    with RunningRelay(data) as relay:
        record = document(tincall("calls", "c1", "--data", data, "--json"))
        relay.stop()
    assert (record["state"], record["cause"], record["released_by"]) == ("ended", 41, "relay")


def test_a_killed_relay_leaves_no_worker_and_the_next_one_starts(data):
    with RunningRelay(data) as relay:
        workers = children(relay.process.pid)
        relay.process.kill()
        relay.process.communicate()
        assert [pid for pid in workers if not is_gone(pid)] == []
    with RunningRelay(data) as again:
        assert again.stop()[0] == 0


def test_garbage_on_the_device_port_is_logged_and_the_relay_goes_on(data):
    with RunningRelay(data) as relay:
        with socket.create_connection(("127.0.0.1", relay.ready["device_port"])) as plain:
            plain.sendall(b"\x00garbage\r\n\r\n" * 100)
            try:
                while plain.recv(1000):
                    pass
            except ConnectionResetError:
                pass
        with Client(data) as client:
            assert client.get("/livez")["live"] is True
        log = relay.stop()[2]
    assert "no TLS" in log
    assert "Traceback" not in log


def test_a_port_in_use_is_told_with_its_number(data, refused):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for section, name in (("DEVICE", "device"), ("WEB", "web")):
            given = {f"TINCALL__{section}__PORT": port, f"TINCALL__{section}__HOST": "127.0.0.1"}
            status, err = refused(data, **given)
            assert status == 1
            assert f"The {name} port 127.0.0.1:{port} cannot be opened" in err
            assert f"[{name}] port" in err


def test_an_address_of_another_machine_is_told(data, refused, monkeypatch):
    assert "192.0.2.1" in refused(data, TINCALL__DEVICE__HOST="192.0.2.1")[1]
    monkeypatch.delenv("TINCALL__DEVICE__HOST")
    assert "192.0.2.1" in refused(data, TINCALL__WEB__HOST="192.0.2.1")[1]


def test_a_second_relay_on_the_same_folder_is_refused_and_harms_nothing(data):
    with RunningRelay(data) as relay:
        done = subprocess.run(
            [sys.executable, "-m", "tincall", "relay", "--data", str(data)],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0"},
            check=False,
        )
        assert done.returncode == 1
        assert "Another process uses" in done.stderr
        with Client(data) as client:
            assert client.get("/livez")["live"] is True
        assert relay.stop()[0] == 0


@pytest.mark.parametrize("name", ["tincall.toml", "kek.bin", "server.pem", "server-key.pem", "operator.token"])
def test_a_missing_file_is_named_with_the_way_to_make_it(data, name, refused):
    (data / name).unlink()
    status, err = refused(data)
    assert status == 2
    assert str(data / name) in err
    assert "tincall init" in err


def test_a_folder_that_was_never_made_is_told(tmp_path, refused):
    status, err = refused(tmp_path / "nowhere")
    assert status == 2
    assert "tincall init --data" in err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tincall.toml", "[call]\nring_ms = 'x'\n", "line 2"),
        ("tincall.toml", "[[phones]]\nid = 'a'\noutcome = 'fly'\n", "phone a"),
        ("server.pem", "garbage", "server.pem"),
        ("server-key.pem", "garbage", "server-key.pem"),
        ("kek.bin", "short", "kek.bin"),
        ("operator.token", "short", "operator.token"),
        ("tincall.db", "garbage" * 1000, "not a database"),
    ],
)
def test_a_broken_file_is_named(data, name, content, words, refused):
    path = data / name
    path.write_text(content)
    status, err = refused(data)
    assert status == (1 if name == "tincall.db" else 2)
    assert words in err


def test_a_key_of_another_certificate_is_told(data, tmp_path, refused):
    tincall("init", "--data", tmp_path / "other")
    (data / "server-key.pem").write_bytes((tmp_path / "other" / "server-key.pem").read_bytes())
    status, err = refused(data)
    assert status == 2
    assert "server.pem" in err


@pytest.mark.parametrize("name", ["kek.bin", "server-key.pem", "operator.token"])
def test_a_secret_that_others_may_read_is_refused(data, name, refused):
    (data / name).chmod(0o644)
    status, err = refused(data)
    assert status == 2
    assert "chmod 600" in err


def test_a_key_encryption_key_of_another_installation_is_told(data, refused):
    with RunningRelay(data) as relay:
        with Client(data) as client:
            client.post("/v1/devices", {"sn": "SN-1"})
        relay.stop()
    (data / "kek.bin").write_bytes(b"x" * 32)
    assert "kek.bin" in refused(data)[1]


def test_a_database_of_a_newer_version_is_told(data, refused):
    direct = sqlite3.connect(data / "tincall.db")
    direct.execute("UPDATE alembic_version SET version_num = '9999'")
    direct.commit()
    direct.close()
    assert "newer" in refused(data)[1]


@pytest.mark.parametrize("command", ['["/nowhere/worker"]', f'["{sys.executable}", "-c", "pass"]'])
def test_a_worker_that_is_none_is_told(data, command, refused):
    status, err = refused(data, TINCALL__WORKER__COMMAND=command)
    assert status == 1
    assert "[worker] command" in err


# the platform's side


def with_platform(data, **secrets):
    """Write the platform's secrets into a data folder; gives the settings that go with them."""
    words = {"wechat-app.secret": "s" * 32, "wechat-push.token": "token7", "wechat-push.key": "A" * 43} | secrets
    for name, word in words.items():
        (data / name).write_text(word)
        (data / name).chmod(0o600)
    return {
        "TINCALL__WECHAT__APPID": "wx0123456789abcdef",
        "TINCALL__WECHAT__MODEL_ID": "m1",
        "TINCALL__WECHAT__BASE_URL": "http://127.0.0.1:9",
    }


def test_with_an_appid_phones_are_peoples_own(data):
    with RunningRelay(data, **with_platform(data)) as relay:
        tincall("enrol", "--data", data, "--sn", "SN-1", "--board", data / "board")
        with Client(data) as client:
            assert client.get("/v1/phones")["phones"] == []
            assert client.get("/v1/devices/SN-1/contacts")["contacts"] == []
            with pytest.raises(OperatorError, match="not allowed"):
                client.post("/v1/calls", {"sn": "SN-1", "phone": "alice"})
        status, _, log = relay.stop()
    assert status == 0 and "Traceback" not in log
    assert "token7" not in log and "s" * 32 not in log


def test_a_platform_that_is_not_simulated_wants_a_room_end(data, refused):
    settings = with_platform(data) | {"TINCALL__WECHAT__BASE_URL": "https://platform.invalid"}
    status, said = refused(data, **settings)
    assert status == 2 and "room_end" in said and "host/native" in said


def test_an_appid_without_its_secrets_is_refused(data, refused):
    settings = with_platform(data)
    (data / "wechat-push.key").unlink()
    status, said = refused(data, **settings)
    assert status == 2 and "wechat-push.key" in said
