"""`tincall init`: complete the first time, nothing the second time, clear when something is wrong."""

import pytest
from commands import document, tincall

from tincall.relay import authority
from tincall.settings import DataFolder, load

FILES = [
    "ca-key.pem",
    "ca.pem",
    "server-key.pem",
    "server.pem",
    "kek.bin",
    "operator.token",
    "tincall.toml",
    "tincall.db",
]


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path / "data")


def test_a_data_folder_is_made_whole(folder):
    result = tincall("init", "--data", folder.root, "--host", "box.local", "--host", "192.0.2.9", "--json")
    assert result.exit_code == 0
    assert document(result) == {
        "data": str(folder.root),
        "made": FILES,
        "names": ["box.local", "192.0.2.9", "localhost", "127.0.0.1"],
    }
    assert load(folder.settings).device.server_names == ["box.local", "192.0.2.9"]
    open_files = {path.name for path in folder.root.iterdir() if path.stat().st_mode & 0o077}
    assert open_files == {"ca.pem", "server.pem"}


def test_a_second_run_changes_nothing_and_says_so(folder):
    tincall("init", "--data", folder.root, "--host", "box.local")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.root.iterdir()}
    for arguments in ([], ["--host", "box.local"]):
        result = tincall("init", "--data", folder.root, *arguments)
        assert (result.exit_code, "nothing was changed" in result.stdout) == (0, True)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.root.iterdir()} == before
    assert document(tincall("init", "--data", folder.root, "--json"))["made"] == []


def test_secrets_are_not_printed(folder):
    result = tincall("init", "--data", folder.root)
    printed = result.stdout + result.stderr
    assert authority.load_operator_token(folder) not in printed
    assert authority.load_kek(folder).hex() not in printed


def test_a_name_that_the_certificate_lacks_is_told_with_the_way_out(folder):
    tincall("init", "--data", folder.root)
    ca = folder.ca.read_bytes()
    result = tincall("init", "--data", folder.root, "--host", "new.local")
    assert result.exit_code == 2
    assert "not for new.local" in result.stderr
    folder.server.unlink()
    folder.server_key.unlink()
    assert tincall("init", "--data", folder.root, "--host", "new.local").exit_code == 0
    assert "new.local" in authority.names_of(authority.load_certificate(folder.server))
    assert folder.ca.read_bytes() == ca


def test_what_is_missing_is_made_anew_and_the_rest_stays(folder):
    tincall("init", "--data", folder.root)
    folder.settings.unlink()
    assert document(tincall("init", "--data", folder.root, "--json"))["made"] == ["tincall.toml"]


@pytest.mark.parametrize("host", ["not a name", "", "http://x"])
def test_what_is_no_name_is_refused(folder, host):
    result = tincall("init", "--data", folder.root, "--host", host)
    assert result.exit_code == 2
    assert "neither a host name nor an IP address" in result.stderr
    assert not folder.settings.exists()


def test_broken_settings_are_told(folder):
    tincall("init", "--data", folder.root)
    folder.settings.write_text("[device]\nprot = 1\n")
    result = tincall("init", "--data", folder.root)
    assert result.exit_code == 2
    assert "line 2" in result.stderr


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    result = tincall("init", "--data", tmp_path / "file" / "data")
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr
