"""`tincall restore`: a relay runs on what was restored; one that runs already is not disturbed; power may fail in between."""

import shutil

import pytest
from commands import RunningRelay, document, tincall

from tincall.cli.client import Client


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    assert tincall("init", "--data", folder).exit_code == 0
    return folder


@pytest.fixture
def backup(data, tmp_path):
    """A backup with keys, of a relay with one board."""
    with RunningRelay(data) as relay:
        with Client(data) as client:
            client.post("/v1/devices", {"sn": "SN-1"})
        assert tincall("backup", tmp_path / "b", "--data", data, "--with-keys").exit_code == 0
        assert relay.stop()[0] == 0
    return tmp_path / "b"


def boards(data):
    with RunningRelay(data) as relay:
        with Client(data) as client:
            found = [device["sn"] for device in client.get("/v1/devices")["devices"]]
        status, _, log = relay.stop()
    assert status == 0
    return found, log


def test_a_relay_runs_on_a_new_folder(backup, tmp_path):
    result = tincall("restore", backup, "--data", tmp_path / "new", "--json")
    told = document(result)
    assert (told["kept"], told["missing"], told["aside"]) == ([], [], None)
    assert boards(tmp_path / "new")[0] == ["SN-1"]


def test_a_running_relay_is_not_disturbed(data, backup):
    with RunningRelay(data):
        result = tincall("restore", backup, "--data", data, "--replace")
        assert (result.exit_code, "Another process uses" in result.stderr) == (1, True)
        with Client(data) as client:
            assert len(client.get("/v1/devices")["devices"]) == 1


def test_a_folder_that_is_not_empty_needs_a_word_and_is_kept_aside(data, backup):
    result = tincall("restore", backup, "--data", data)
    assert (result.exit_code, "--replace" in result.stderr) == (2, True)
    (data / "tincall.db").write_bytes(b"garbage" * 1000)
    result = tincall("relay", "--data", data)
    assert f"tincall restore FILE --data {data} --replace" in result.stderr
    result = tincall("restore", backup, "--data", data, "--replace")
    assert result.exit_code == 0 and "before-restore-" in result.stdout
    assert boards(data)[0] == ["SN-1"]


def test_missing_keys_are_told_with_a_warning_about_init(data, tmp_path):
    assert tincall("backup", tmp_path / "bare", "--data", data).exit_code == 0
    result = tincall("restore", tmp_path / "bare", "--data", tmp_path / "new")
    assert "Put these into" in result.stdout and "kek.bin" in result.stdout and "which no board knows" in result.stdout
    result = tincall("relay", "--data", tmp_path / "new")
    assert result.exit_code == 2 and "server.pem" in result.stderr and "tincall init" in result.stderr


def test_a_relay_finishes_a_restore_that_power_stopped(data, backup):
    assert tincall("restore", backup, "--data", data, "--replace").exit_code == 0
    # what lies there when power fails after the restore was decided and before anything was moved
    new = data / "restore.new"
    new.mkdir()
    for name in ("kek.bin", "tincall.db"):
        shutil.copy(data / name, new)
    (data / "kek.bin").unlink()
    (data / "tincall.db").write_bytes(b"old")
    (new / "plan.json").write_text('{"aside": "before-restore-x", "files": ["kek.bin", "tincall.db"]}')
    found, log = boards(data)
    assert found == ["SN-1"] and "interrupted is done now" in log
    assert not new.exists() and (data / "before-restore-x" / "tincall.db").read_bytes() == b"old"


def test_a_database_that_is_gone_is_not_made_anew_in_silence(data, backup):
    (data / "tincall.db").unlink()
    result = tincall("relay", "--data", data)
    assert result.exit_code == 2 and "tincall restore FILE" in result.stderr
    assert not (data / "tincall.db").exists()
