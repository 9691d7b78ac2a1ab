"""Each check of the relay is made wrong on purpose, and found with its sentence."""

import datetime
import sqlite3
import time

import pytest
from commands import tincall
from sqlalchemy import String

from tincall.cli import doctor_relay
from tincall.cli.client import running
from tincall.cli.doctor_relay import RelayDoctor
from tincall.relay import authority, rollover
from tincall.relay.store.models import devices
from tincall.settings import DataFolder
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Round

DAY = datetime.timedelta(days=1)


def looked(data):
    """Walk all checks; gives state and sentence by name."""
    walk = Round(lambda group, name: None, lambda result: None)
    walk.walk("relay", RelayDoctor(data).checks())
    return {one.name: one.finding for one in walk.results}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    data = tmp_path_factory.mktemp("doctor") / "data"
    assert tincall("init", "--data", data, "--host", "relay.example").exit_code == 0
    return data


@pytest.fixture
def data(made, tmp_path):
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(made, copy)
    copy.chmod(0o700)
    return copy


def row(data, sn, state):
    values = {"sn": sn, "model_id": "m", "name": sn, "state": state, "kv": 1, "wrapped_key": b"w" * 60}
    with sqlite3.connect(data / "tincall.db") as connection:
        for column in devices.c:
            if column.name not in values and not column.nullable:
                values[column.name] = "" if isinstance(column.type, String) else 0
        marks = ",".join("?" * len(values))
        connection.execute(f"INSERT INTO devices ({','.join(values)}) VALUES ({marks})", list(values.values()))


def test_a_relay_that_runs_is_found_whole(shared_relay):
    found = looked(shared_relay)
    # what other tests have done to boards of this relay is `refusals`
    assert {name: one.state for name, one in found.items() if one.state != OK} | {"refusals": OK} == {
        "names": NOTE,
        "refusals": OK,
    }
    assert "itself alone" in found["names"].said


def test_a_relay_that_is_stopped_is_the_first_that_is_wrong(data):
    found = looked(data)
    assert [name for name, one in found.items() if one.state == WRONG] == ["running"]
    assert "no relay" in found["running"].said and "tincall relay" in found["running"].todo
    assert found["device port"].state == NOT_TRIED and found["names"].said == "Boards know the relay as relay.example."


def test_a_folder_that_is_not_there_is_a_note(tmp_path):
    (found,) = looked(tmp_path / "none").values()
    assert found.state == NOTE and "--data" in found.todo


def test_settings_with_a_slip_are_named_by_line(data):
    text = (data / "tincall.toml").read_text()
    (data / "tincall.toml").write_text(text.replace("port = 8443", "prot = 8443"))
    found = looked(data)
    assert found["settings"].state == WRONG and "prot" in found["settings"].said
    assert found["running"].state == NOT_TRIED


@pytest.mark.parametrize("name", ["kek.bin", "server-key.pem", "operator.token", "ca-key.pem", "tincall.db"])
def test_a_secret_that_others_may_read_is_wrong(data, name):
    (data / name).chmod(0o644)
    found = looked(data)["files"]
    assert found.state == WRONG and name in found.said and "chmod 600" in found.todo


def test_a_missing_file_and_an_open_folder_and_a_ca_key_elsewhere(data):
    data.chmod(0o755)
    assert looked(data)["files"].state == NOTE
    data.chmod(0o700)
    (data / "ca-key.pem").unlink()
    assert "CA's key is not here" in looked(data)["files"].said
    (data / "server.pem").unlink()
    assert looked(data)["files"].state == WRONG


def renewed(data, now):
    """Put a server certificate in place that is made at some time."""
    folder = DataFolder(data)
    key, certificate = authority.new_server(*authority.load_ca(folder), ["relay.example"], now)
    folder.server.write_bytes(certificate)
    folder.server_key.write_bytes(key)


def test_a_certificate_that_expired_is_wrong_and_one_that_ends_soon_a_note(data):
    now = datetime.datetime.now(datetime.UTC)
    renewed(data, now - authority.SERVER_LIFE + 20 * DAY)
    found = looked(data)["certificates"]
    assert found.state == NOTE and "ca renew" in found.said
    # a certificate does not begin before its CA, which was made just now
    folder = DataFolder(data)
    key, ca = authority.new_ca(now - 900 * DAY, now - 900 * DAY)
    folder.ca.write_bytes(ca)
    folder.ca_key.write_bytes(key)
    renewed(data, now - authority.SERVER_LIFE - 5 * DAY)
    found = looked(data)
    assert found["certificates"].state == WRONG and "expired on" in found["certificates"].said
    assert "tincall ca renew" in found["certificates"].todo
    assert found["running"].state == NOT_TRIED


def test_a_key_that_is_not_the_certificates_is_wrong(data):
    other = authority.new_ca(datetime.datetime.now(datetime.UTC), datetime.datetime.now(datetime.UTC))[0]
    (data / "server-key.pem").write_bytes(other)
    assert looked(data)["certificates"].state == WRONG


def test_little_room_is_told(data, monkeypatch):
    import shutil

    for free, state in ((1 << 20, WRONG), (100 << 20, NOTE)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: shutil._ntuple_diskusage(1 << 40, 0, free))
        assert looked(data)["disk room"].state == state


def test_a_database_that_is_damaged_older_or_newer_is_told(data):
    for schema, state, says in (("9999", WRONG, "newer Tincall"), ("0001", NOTE, "when it starts next")):
        with sqlite3.connect(data / "tincall.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (schema,))
        found = looked(data)["database"]
        assert found.state == state and says in found.said
    (data / "tincall.db").write_bytes(b"nothing of the kind" * 1000)
    found = looked(data)
    assert found["database"].state == WRONG and found["refusals"].state == NOT_TRIED


def test_another_key_encryption_key_opens_no_device_key(data):
    row(data, "K-1", "new")
    found = looked(data)["device keys"]
    assert found.state == WRONG and "K-1" in found.said and "same backup" in found.todo


def test_boards_that_are_refused_are_named(data):
    row(data, "R-1", "suspended")
    assert "R-1 (suspended)" in looked(data)["refusals"].said
    with sqlite3.connect(data / "tincall.db") as connection:
        second = ("R-1", "uid_mismatch", "aa", 1, "192.0.2.7", "0", 1, 1, int(time.time()))
        connection.execute(f"INSERT INTO second_boards VALUES ({','.join('?' * len(second))})", second)
    found = looked(data)["refusals"]
    assert found.state == NOTE and "192.0.2.7" in found.said and "uid_mismatch" in found.said
    row(data, "R-2", "conflict")
    found = looked(data)["refusals"]
    assert found.state == WRONG and "R-2" in found.said


def test_a_name_that_the_certificate_lacks_and_a_port_for_this_computer_alone(data):
    file = data / "tincall.toml"
    before = file.read_text()
    file.write_text(before.replace('server_names = ["relay.example"]', 'server_names = ["other.example"]'))
    found = looked(data)["names"]
    assert found.state == WRONG and "ca renew" in found.todo and "other.example" in found.said
    file.write_text(before.replace('host = "0.0.0.0"', 'host = "127.0.0.1"'))
    assert "listens on 127.0.0.1 alone" in looked(data)["names"].said


def test_what_answers_at_the_device_port_must_be_this_relay(shared_relay, data):
    port = running(DataFolder(shared_relay))["device_port"]
    ours, other = (rollover.read(DataFolder(one)).bundle for one in (shared_relay, data))
    assert doctor_relay._connect("localhost", port, ours) is None
    assert "certificate that a board does not take" in doctor_relay._connect("localhost", port, other).said
    assert "takes no connection" in doctor_relay._connect("localhost", 1, ours).said
    assert "does not resolve" in doctor_relay._connect("name.invalid", port, ours).said
