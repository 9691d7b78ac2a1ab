"""Settings, data folders and ports that are wrong: one sentence with the file, the line and what to do, and nothing runs."""

import datetime
import os
import shutil
import socket

import pytest
from chain import FREE_PORTS, MARK, asked, left_running, tincall, with_phones

from tincall.relay import authority
from tincall.settings import DataFolder

COMMANDS = {
    "relay": ["relay"],
    "enrol": ["enrol", "--sn", "X-1", "--board", "board"],
    "devices": ["devices"],
    "calls": ["calls"],
    "call": ["call", "X-1", "--phone", "alice"],
    "hangup": ["hangup", "c1"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a data folder once."""
    data = tmp_path_factory.mktemp("made") / "data"
    assert tincall("init", "--data", data).status == 0
    return data


@pytest.fixture
def data(tmp_path, made):
    """Give a data folder of the test's own; nothing runs at its end."""
    shutil.copytree(made, tmp_path / "data")
    yield tmp_path / "data"
    assert left_running(tmp_path) == []


@pytest.fixture
def complaint(tmp_path):
    """Run a command that must fail; gives exit status and what it says."""

    def run(name, data, run_it=asked, **environment):
        done = run_it(
            *COMMANDS[name], "--data", data, cwd=tmp_path, **{**FREE_PORTS, MARK: str(tmp_path), **environment}
        )
        assert done.out == ""
        return done.status, done.complaint()

    return run


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_data_folder_that_was_never_made(complaint, tmp_path, name):
    # this one in processes of their own, as a person starts them
    status, said = complaint(name, tmp_path / "nowhere", tincall)
    assert status == 2
    assert "nowhere" in said and "tincall init --data" in said


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_file_in_place_of_the_data_folder(complaint, tmp_path, name):
    (tmp_path / "file").write_text("")
    status, said = complaint(name, tmp_path / "file")
    assert status == 2
    assert str(tmp_path / "file") in said


# every command that needs settings reads them in the same way
@pytest.mark.parametrize("name", ["relay", pytest.param("devices", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[device\n", ["line 1"]),
        ("[device]\nport = 8443\nport = 8444\n", ["tincall.toml"]),
        ("[device]\n\nprot = 1\n", ["line 3", "`device.prot`", "port"]),
        ("[limits]\nconnections = 0\n", ["line 2", "`limits.connections`"]),
        ("[call]\nring_ms = 'long'\n", ["line 2", "`call.ring_ms`"]),
        ("[no_such]\nx = 1\n", ["line 1", "no_such"]),
        ("\x00\x01", ["tincall.toml"]),
    ],
)
def test_settings_that_are_wrong(complaint, data, name, text, words):
    (data / "tincall.toml").write_text(text)
    status, said = complaint(name, data)
    assert status == 2
    for word in [str(data / "tincall.toml"), *words]:
        assert word in said


@pytest.mark.parametrize("name", ["relay", "devices"])
def test_settings_that_are_missing_or_unreadable(complaint, data, name):
    (data / "tincall.toml").unlink()
    status, said = complaint(name, data)
    assert (status, "tincall init" in said) == (2, True)
    (data / "tincall.toml").mkdir()
    status, said = complaint(name, data)
    assert status == 2
    assert "cannot be read" in said
    (data / "tincall.toml").rmdir()
    (data / "tincall.toml").write_bytes(b"\xff\xfe[device]")
    status, said = complaint(name, data)
    assert status == 2
    assert "UTF-8" in said
    if os.getuid():
        (data / "tincall.toml").write_text("")
        (data / "tincall.toml").chmod(0)
        assert "cannot be read" in complaint(name, data)[1]


@pytest.mark.parametrize("name", ["relay", "devices"])
def test_a_variable_that_is_wrong(complaint, data, name):
    status, said = complaint(name, data, TINCALL__DEVICE__PROT="1")
    assert status == 2
    assert "TINCALL__DEVICE__PROT" in said and "PORT" in said
    status, said = complaint(name, data, TINCALL__CALL__RING_MS="soon")
    assert status == 2
    assert "TINCALL__CALL__RING_MS" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[phones]]\nid = 'alice'\nspeak = 'missing.wav'\n", "speak"),
        ("[[phones]]\nname = 'Alice'\n", "id"),
        ("[[phones]]\nid = 'a b'\n", "id"),
        ("[[phones]]\nid = 'a'\n[[phones]]\nid = 'a'\n", "two phones"),
        ("[[phones]]\nid = 'a'\noutcome = 'flies'\n", "outcome"),
        ("phones = 'alice'\n", "phones"),
    ],
)
def test_phones_that_are_wrong(complaint, data, text, words):
    (data / "tincall.toml").write_text(text)
    status, said = complaint("relay", data)
    assert status == 2
    assert words in said and "tincall.toml" in said


@pytest.mark.parametrize("section", ["device", "web"])
def test_a_port_that_somebody_has(complaint, data, section):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        names = {f"TINCALL__{section.upper()}__PORT": port, f"TINCALL__{section.upper()}__HOST": "127.0.0.1"}
        status, said = complaint("relay", data, **names)
    assert status == 1
    assert f"127.0.0.1:{port}" in said and f"[{section}] port" in said
    assert not (data / "ready.json").exists()


@pytest.mark.parametrize("name", ["devices", "calls", "call", "hangup", "enrol"])
def test_a_relay_that_is_not_there(complaint, data, name, free_port, tmp_path):
    status, said = complaint(name, data, TINCALL__WEB__PORT=str(free_port), TINCALL__DEVICE__PORT="1")
    assert status == 1
    assert f"no relay at https://127.0.0.1:{free_port}" in said
    assert f"tincall relay --data {data}" in said


@with_phones("answers")
def test_the_data_folder_of_another_relay(relay, complaint, data):
    port = str(relay.ready["web_port"])
    status, said = complaint("devices", data, TINCALL__WEB__PORT=port)
    assert status == 1
    assert "certificate" in said and port in said
    (data / "ca.pem").write_bytes((relay.data / "ca.pem").read_bytes())
    status, said = complaint("devices", data, TINCALL__WEB__PORT=port)
    assert status == 1
    assert "operator token" in said and "--data" in said


def test_a_certificate_whose_time_is_to_come(complaint, data):
    for name in ("ca.pem", "ca-key.pem", "server.pem", "server-key.pem"):
        (data / name).unlink()
    authority.make(DataFolder(data), [], datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30))
    status, said = complaint("relay", data)
    assert status == 2
    assert "clock" in said and "server.pem" in said
