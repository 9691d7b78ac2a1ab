"""Phones from files: checked before anything starts, their paths whole."""

import pytest

from tincall.cli import phones
from tincall.errors import OperatorError


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "phones.toml"
        path.write_text(text)
        return path

    return write


def refused(path):
    with pytest.raises(OperatorError) as caught:
        phones.from_file(path)
    assert caught.value.status == 2
    assert str(path) in caught.value.message
    return caught.value.message


def test_phones_are_read_with_their_paths_relative_to_the_file(file, tmp_path):
    (tmp_path / "hello.wav").write_bytes(b"")
    path = file('[[phones]]\nid = "alice"\nspeak = "hello.wav"\nrecord = "/srv/calls"\n[[phones]]\nid = "bob"\n')
    alice, bob = phones.from_file(path)
    assert alice.speak == tmp_path / "hello.wav"
    assert str(alice.record) == "/srv/calls"
    assert (bob.id, bob.speak) == ("bob", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[phones]]\nid = "alice"\noutcome = "explode"\n', ("phone alice", "`outcome`")),
        ('[[phones]]\nid = "alice"\nouctome = "busy"\n', ("phone alice", "`ouctome`")),
        ("[[phones]]\nname = 'x'\n", ("phone 1", "`id`")),
        ('[[phones]]\nid = "alice"\nspeak = "nowhere.wav"\n', ("phone alice", "`speak`")),
        ('[[phones]]\nid = "a"\n[[phones]]\nid = "a"\n', ("two phones", "a")),
        ("", ("not a list of phones",)),
        ("phones = 3\n", ("not a list of phones",)),
        ("phones = [1]\n", ("not a list of phones",)),
        ('[[phones]]\nid = "a"\n[device]\nport = 1\n', ("not a list of phones",)),
        ("[[phones\n", ("is not TOML",)),
    ],
)
def test_what_is_wrong_is_named(file, text, words):
    message = refused(file(text))
    for word in words:
        assert word in message


def test_a_missing_file_is_told(tmp_path):
    assert "is not there" in refused(tmp_path / "phones.toml")
