"""`tincall backup`: of a running relay, in one file, with a clear word about keys."""

import tarfile

import pytest
from commands import document, tincall

from tincall.cli.client import Client

OPEN = ["tincall.db", "tincall.toml", "ca.pem", "server.pem"]
KEYS = ["ca-key.pem", "server-key.pem", "kek.bin", "operator.token"]


def test_a_running_relay_is_backed_up(shared_relay, tmp_path):
    with Client(shared_relay) as client:
        client.post("/v1/devices", {"sn": "SN-BACKUP"})
    result = tincall("backup", tmp_path / "b", "--data", shared_relay, "--json")
    told = document(result)
    assert (told["files"], told["missing"]) == (OPEN, KEYS)
    assert told["bytes"] == (tmp_path / "b").stat().st_size
    folder = tmp_path / "new"
    assert tincall("restore", tmp_path / "b", "--data", folder).exit_code == 0
    assert b"SN-BACKUP" in (folder / "tincall.db").read_bytes()


def test_a_person_hears_what_is_not_in_it(shared_relay, tmp_path):
    result = tincall("backup", tmp_path / "b", "--data", shared_relay)
    assert "Not in it, and needed to restore: ca-key.pem, server-key.pem, kek.bin, operator.token" in result.stdout
    assert "--with-keys" in result.stdout


def test_keys_go_in_by_an_explicit_word_and_with_a_warning(shared_relay, tmp_path):
    result = tincall("backup", tmp_path / "b", "--data", shared_relay, "--with-keys")
    assert "Not in it" not in result.stdout and "keys and secrets in the clear" in result.stderr
    with tarfile.open(tmp_path / "b") as tar:
        assert set(KEYS) < set(tar.getnames())
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


def test_secrets_that_the_settings_name_are_known(mini_relay, tmp_path):
    told = document(tincall("backup", tmp_path / "b", "--data", mini_relay, "--with-keys", "--json"))
    assert set(told["files"]) >= {"wechat-app.secret", "wechat-push.token", "wechat-push.key"}
    told = document(tincall("backup", tmp_path / "c", "--data", mini_relay, "--json"))
    assert set(told["missing"]) == {*KEYS, "wechat-app.secret", "wechat-push.token", "wechat-push.key"}


@pytest.mark.parametrize(("exists", "status", "says"), [(True, 2, "is there"), (False, 2, "is not there")])
def test_what_cannot_be_is_told(tmp_path, shared_relay, exists, status, says):
    if exists:
        (tmp_path / "b").touch()
    data = shared_relay if exists else tmp_path / "nowhere"
    result = tincall("backup", tmp_path / "b", "--data", data)
    assert (result.exit_code, says in result.stderr) == (status, True), result.stderr
