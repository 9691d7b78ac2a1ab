"""The console's file: made once, read again, kept from others, and told when it is wrong."""

import os
import stat

import pytest

from tincall.errors import OperatorError
from tincall.simulator import credentials
from tincall.simulator.credentials import load_or_make
from tincall.simulator.envelope import Envelope


def test_the_file_is_made_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "new" / "platform.toml"
    made = load_or_make(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make(path) == made
    assert load_or_make(tmp_path / "other.toml") != made
    assert [one.name for one in path.parent.iterdir()] == ["platform.toml"]


def test_what_was_left_of_a_power_cut_is_no_hindrance(tmp_path):
    (tmp_path / "platform.toml.new").write_text("half")
    assert load_or_make(tmp_path / "platform.toml").appid.startswith("wx")


def test_new_ones_are_in_the_platforms_form():
    made = credentials.make()
    assert len(made.aes_key) == 43 and made.aes_key.isalnum()
    assert Envelope(made.push_token, made.aes_key, made.appid, os.urandom).seal(b"")
    mini, mobile = made.apps()
    assert (mini.appid, mini.mobile, mobile.mobile) == (made.appid, False, True)
    assert mini.models == (made.model_id,)


@pytest.mark.parametrize("text", ["appid = 1", "appid = 'x'", "no toml at all", "x = 'y'"])
def test_a_wrong_file_is_told(tmp_path, text):
    path = tmp_path / "platform.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(OperatorError, match="not the simulated platform's file"):
        load_or_make(path)


def test_a_file_that_others_read_is_refused(tmp_path):
    path = tmp_path / "platform.toml"
    load_or_make(path)
    path.chmod(0o644)
    with pytest.raises(OperatorError, match="others may read"):
        load_or_make(path)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot be written"):
        load_or_make(tmp_path / "file" / "platform.toml")
