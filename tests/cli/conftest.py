"""A relay for the tests that only talk to one."""

import re

import pytest
from commands import PHONES, RunningRelay, tincall


@pytest.fixture(scope="session")
def shared_relay(tmp_path_factory):
    """A running relay with a phone named alice; gives its data folder. Tests use serial numbers of their own."""
    data = tmp_path_factory.mktemp("relay") / "data"
    assert tincall("init", "--data", data).exit_code == 0
    with (data / "tincall.toml").open("a") as settings:
        settings.write(PHONES)
    with RunningRelay(data) as relay:
        yield data
        assert relay.stop()[0] == 0


@pytest.fixture(scope="session")
def mini_relay(tmp_path_factory):
    """A running relay with a mini program, whose platform is a port where nobody is; gives its data folder."""
    data = tmp_path_factory.mktemp("mini") / "data"
    assert tincall("init", "--data", data).exit_code == 0
    file = data / "tincall.toml"
    settings = {"appid": "wx0123456789abcdef", "model_id": "mDL_door", "base_url": "http://127.0.0.1:1"}
    text = file.read_text()
    for key, value in settings.items():
        text = re.sub(rf"^{key} = .*$", f'{key} = "{value}"', text, count=1, flags=re.MULTILINE)
    file.write_text(text)
    for name, secret in (
        ("wechat-app.secret", "s" * 32),
        ("wechat-push.token", "t" * 16),
        ("wechat-push.key", "A" * 43),
    ):
        (data / name).touch(0o600)
        (data / name).write_text(secret)
    with RunningRelay(data) as relay:
        yield data
        assert relay.stop()[0] == 0
