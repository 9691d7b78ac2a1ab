"""Several files changed as one: whatever stops it, a reader finds all of the old ones or, at the next start, all new ones."""

import pytest

from tincall.errors import OperatorError
from tincall.relay import changeover
from tincall.settings import DataFolder


class Stopped(BaseException):
    """Power is cut here."""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "server.pem").write_bytes(b"old certificate")
    (tmp_path / "server-key.pem").write_bytes(b"old key")
    (tmp_path / "ca-next.pem").write_bytes(b"next")
    return DataFolder(tmp_path)


def new(folder):
    return {
        folder.server: (b"new certificate", 0o644),
        folder.server_key: (b"new key", 0o600),
        folder.next_ca: (b"", 0o600),
    }


def content(folder):
    return {place.name: place.read_bytes() for place in folder.root.iterdir() if place.is_file()}


NEW = {"server.pem": b"new certificate", "server-key.pem": b"new key"}


def test_all_of_it_is_in_its_place_with_its_mode(folder):
    changeover.change(folder, new(folder))
    assert content(folder) == NEW
    assert (folder.server_key.stat().st_mode & 0o777, folder.server.stat().st_mode & 0o777) == (0o600, 0o644)
    assert not changeover.finish(folder)


@pytest.mark.parametrize("at", range(5))
def test_stopped_at_any_step_it_is_the_old_or_becomes_the_new(folder, at):
    old = content(folder)
    steps = []

    def reached(step):
        steps.append(step)
        if len(steps) == at + 1:
            raise Stopped

    with pytest.raises(Stopped):
        changeover.change(folder, new(folder), reached)
    is_decided = changeover.DECIDED in steps
    assert changeover.finish(folder) is is_decided
    assert content(folder) == (NEW if is_decided else old)
    changeover.change(folder, new(folder))
    assert content(folder) == NEW
    assert [place for place in folder.root.iterdir() if place.is_dir()] == []


def test_stopped_in_finishing_it_is_finished_the_next_time(folder):
    def reached(step):
        if step == changeover.MOVED:
            raise Stopped

    with pytest.raises(Stopped):
        changeover.change(folder, new(folder), reached)
    with pytest.raises(Stopped):
        changeover._finish(folder.root, reached)
    assert changeover.finish(folder)
    assert content(folder) == NEW


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OperatorError, match="none"):
        changeover.change(DataFolder(tmp_path / "none"), {})
