"""The console's secrets: read from private files, with a sentence for every mistake, and never shown."""

import pytest

from tincall.errors import OperatorError
from tincall.settings import DataFolder, WechatSettings
from tincall.wechat.credentials import load, load_secret

APPID = "wx0123456789abcdef"
FILES = {"wechat-app.secret": "5ecret", "wechat-push.token": "relayToken7\n", "wechat-push.key": "A" * 43 + "\n"}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return DataFolder(tmp_path)


def settings(**more):
    return WechatSettings(**{"appid": APPID, "model_id": "m", **more})


def refused(folder, **more):
    with pytest.raises(OperatorError) as caught:
        load(folder, settings(**more))
    assert caught.value.status == 2 and caught.value.hint
    assert "5ecret" not in caught.value.message + caught.value.hint
    return caught.value.message


def test_all_are_read(folder):
    found = load(folder, settings())
    assert (found.secret, found.push.token, found.push.aes_key, found.push.appid) == (
        "5ecret",
        "relayToken7",
        bytes(32),
        APPID,
    )
    assert "5ecret" not in repr(found) and "relayToken7" not in repr(found)
    assert load_secret(folder, settings()) == "5ecret"


def test_a_file_may_be_elsewhere(folder, tmp_path):
    other = tmp_path / "other"
    other.write_text("an0ther")
    other.chmod(0o600)
    assert (
        load(DataFolder(tmp_path / "nowhere"), settings(**_paths(tmp_path), secret_file=str(other))).secret == "an0ther"
    )


def _paths(folder):
    return {"push_token_file": str(folder / "wechat-push.token"), "aes_key_file": str(folder / "wechat-push.key")}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_others_may_read_is_refused(folder, name):
    (folder.root / name).chmod(0o640)
    assert "others may read" in refused(folder)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_there(folder, name):
    (folder.root / name).unlink()
    assert name in refused(folder)


@pytest.mark.parametrize("text", ["", "\n", "two words", "\u00e9", "x" * 257, "\x00"])
def test_a_file_that_holds_no_word(folder, text):
    (folder.root / "wechat-app.secret").write_text(text)
    assert "one word" in refused(folder)


def test_a_key_that_is_none(folder):
    (folder.root / "wechat-push.key").write_text("A" * 42)
    assert "EncodingAESKey" in refused(folder)


@pytest.mark.parametrize("missing", ["appid", "model_id"])
def test_what_the_settings_must_name(folder, missing):
    assert missing in refused(folder, **{missing: ""})
