"""`tincall ca`: what is good until when, and new certificates that a running relay takes up by itself."""

import ssl
import time

import pytest
from commands import RunningRelay, document, tincall

from tincall import files
from tincall.cli.client import Client
from tincall.relay import authority, changeover, rollover
from tincall.settings import DataFolder

PATIENCE_S = 30


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path / "data")
    assert tincall("init", "--data", made.root, "--host", "box.local").exit_code == 0
    return made


def test_what_there_is_and_until_when(folder):
    shown = document(tincall("ca", "show", "--data", folder.root, "--json"))
    server = authority.load_certificate(folder.server)
    assert shown["names"] == ["box.local", "localhost", "127.0.0.1"]
    assert shown["certificates"]["server"]["until"] == f"{server.not_valid_after_utc:%Y-%m-%d}"
    assert set(shown["certificates"]) == {"server", "ca"} and shown["warnings"] == []
    said = tincall("ca", "show", "--data", folder.root).stdout
    assert shown["certificates"]["ca"]["until"] in said and "box.local" in said


def test_a_name_is_added_without_a_new_authority(folder):
    ca = folder.ca.read_bytes()
    made = document(tincall("ca", "renew", "--data", folder.root, "--host", "192.0.2.9", "--json"))
    assert made["names"] == ["box.local", "localhost", "127.0.0.1", "192.0.2.9"]
    assert folder.ca.read_bytes() == ca
    assert tincall("init", "--data", folder.root, "--host", "192.0.2.9").exit_code == 0


def test_a_folder_that_is_none_is_told(tmp_path):
    result = tincall("ca", "renew", "--data", tmp_path / "none")
    assert (result.exit_code, "tincall init" in result.stderr) == (2, True)


def test_a_change_that_power_stopped_is_finished_first(folder):
    pair = authority.new_server(
        *authority.load_ca(folder), ["half.local"], rollover.read(folder).ca.not_valid_before_utc
    )
    (folder.root / changeover.NEW).mkdir()
    files.write(folder.root / changeover.NEW / folder.server.name, pair[1], 0o644)
    files.write(folder.server_key, pair[0], 0o600)
    assert "half.local" in document(tincall("ca", "show", "--data", folder.root, "--json"))["names"]


def test_a_ca_is_not_replaced_while_nobody_can_tell_who_has_the_next_one(folder):
    assert document(tincall("ca", "roll", "--data", folder.root, "--json")) == {"made": True, "lacking": None}
    assert document(tincall("ca", "roll", "--data", folder.root, "--json"))["made"] is False
    refused = tincall("ca", "switch", "--data", folder.root)
    assert (refused.exit_code, "There is no relay at" in refused.stderr) == (1, True)
    assert f"tincall relay --data {folder.root}" in " ".join(refused.stderr.split())
    assert folder.next_ca.exists()
    next_ca = rollover.read(folder).next_ca
    done = tincall("ca", "switch", "--force", "--data", folder.root)
    assert (done.exit_code, "backup" in done.stdout) == (0, True)
    assert rollover.read(folder).ca == next_ca and not folder.next_ca.exists()
    assert tincall("ca", "switch", "--data", folder.root).exit_code == 2


def test_boards_that_lack_the_next_one_are_named_and_hold_it_up(folder):
    with RunningRelay(folder.root) as relay, Client(folder.root) as client:
        for sn in ("SN-1", "SN-2"):
            client.post("/v1/devices", {"sn": sn})
        assert document(tincall("ca", "roll", "--data", folder.root, "--json"))["lacking"] == ["SN-1", "SN-2"]
        refused = tincall("ca", "switch", "--data", folder.root)
        assert (refused.exit_code, "SN-1, SN-2" in refused.stderr) == (1, True)
        assert "SN-1, SN-2" in tincall("ca", "show", "--data", folder.root).stdout
        for sn in ("SN-1", "SN-2"):
            client.delete(f"/v1/devices/{sn}")
        assert tincall("ca", "switch", "--data", folder.root).exit_code == 0
        assert relay.stop()[0] == 0


def test_a_relay_that_does_not_take_it_up_is_not_called_absent(folder, monkeypatch):
    with RunningRelay(folder.root):
        rollover.roll(folder, rollover.read(folder).ca.not_valid_before_utc)
        monkeypatch.setattr("tincall.cli.ca.TAKEN_UP_S", 0.0)
        monkeypatch.setattr("tincall.relay.rollover.anchor_id", lambda bundle: "another")
        told = " ".join(tincall("ca", "show", "--data", folder.root).stdout.split())
    assert "the relay has not taken it up within 0 s" in told


def test_secrets_are_not_printed(folder):
    printed = "".join(tincall("ca", word, "--data", folder.root).stdout for word in ("roll", "show", "renew"))
    keys = folder.next_ca.read_text() + folder.ca_key.read_text() + folder.server_key.read_text()
    assert not any(line in printed for line in keys.splitlines() if len(line) > 40 and "CERT" not in line)


def test_a_running_relay_shows_it_at_both_ports_to_whoever_comes_next(folder):
    with RunningRelay(folder.root) as relay:
        before = {name: seen(relay.ready[name]) for name in ("device_port", "web_port")}
        assert set(before.values()) == {folder.server.read_text()}
        tincall("ca", "renew", "--data", folder.root)
        until_s = time.monotonic() + PATIENCE_S
        while seen(relay.ready["device_port"]) == before["device_port"] and time.monotonic() < until_s:
            time.sleep(0.2)
        assert {seen(relay.ready[name]) for name in before} == {folder.server.read_text()} != set(before.values())
        with Client(folder.root) as client:  # the command line trusts what it sees
            assert client.get("/v1/devices") == {"devices": []}
        status, _, logged = relay.stop()
    assert status == 0 and "certificates taken" in logged


def seen(port):
    return ssl.get_server_certificate(("127.0.0.1", port))
