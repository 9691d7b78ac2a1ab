"""The registry of ports: what runs is found under its name, what died is not, and names do not clash."""

import os

import pytest

from tincall import plugs
from tincall.errors import OperatorError


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_a_board_is_found_while_it_is_plugged_in():
    assert plugs.plugged() == []
    socket = plugs.Socket("kitchen")
    assert plugs.plugged() == []
    socket.plug("/dev/null")
    assert plugs.plugged() == [plugs.Plug("kitchen", plugs.folder() / "kitchen", "/dev/null")]
    socket.plug("/dev/zero")
    assert plugs.plugged()[0].device == "/dev/zero"
    socket.unplug()
    assert plugs.plugged() == []
    socket.leave()
    assert list(plugs.folder().iterdir()) == []
    assert plugs.folder().stat().st_mode & 0o077 == 0


def test_two_boards_of_one_name_both_have_a_port():
    first, second = plugs.Socket("b"), plugs.Socket("b")
    for socket in (first, second):
        socket.plug("/dev/null")
    assert [plug.name for plug in plugs.plugged()] == ["b", "b-2"]
    first.leave()
    third = plugs.Socket("b")
    assert third.link.name == "b"
    for socket in (second, third):
        socket.leave()


def test_what_a_dead_runner_left_is_nobodys_port():
    folder = plugs.folder()
    folder.mkdir(parents=True, mode=0o700)
    (folder / "dead").symlink_to("/dev/null")
    (folder / ".dead.lock").touch()
    assert plugs.plugged() == []
    socket = plugs.Socket("dead")
    assert not socket.link.is_symlink()
    socket.leave()


def test_a_folder_that_others_can_write_to_is_refused():
    plugs.folder().mkdir(parents=True)
    os.chmod(plugs.folder(), 0o777)
    with pytest.raises(OperatorError, match="belongs to others"):
        plugs.Socket("b")
    assert plugs.plugged() == []
