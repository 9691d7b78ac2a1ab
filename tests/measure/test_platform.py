"""A simulated platform on the stage: a relay is set up for it by settings alone; what it refuses is told."""

import socket
import stat

import pytest

from tincall.errors import OperatorError
from tincall.measure.platform import Person, Platform
from tincall.measure.stage import Stage
from tincall.settings import DataFolder, WechatSettings
from tincall.wechat import credentials


@pytest.fixture
def platform(tmp_path):
    """Run a platform with one scripted phone; its pushes would go to a relay of that folder."""
    data = tmp_path / "data"
    phones = tmp_path / "phones.toml"
    phones.write_text('[[phones]]\nid = "carol"\nname = "Carol"\n')
    with Stage(tmp_path) as stage:
        stage.run("init", "init", "--data", data, "--json")
        made = Platform(stage, tmp_path / "platform", data / "ca.pem", ["--phones", phones])
        yield made, data
        made.close()
        assert stage.stop(made.actor) == 0


@pytest.fixture
def free_port():
    """Give a port that nobody listens on, held so that nobody begins to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_a_relay_is_set_up_by_its_settings_alone(platform):
    made, data = platform
    settings = made.set_up(data)
    assert settings["TINCALL__WECHAT__BASE_URL"] == made.url and made.url.startswith("http://127.0.0.1:")
    named = {name.removeprefix("TINCALL__WECHAT__").lower(): value for name, value in settings.items()}
    found = credentials.load(DataFolder(data), WechatSettings(**named))
    assert found.push.appid == made.appid and len(found.push.aes_key) == 32
    for place in ("wechat-app.secret", "wechat-push.token", "wechat-push.key"):
        assert stat.S_IMODE((data / place).stat().st_mode) == 0o600
        assert (data / place).read_text().strip() not in str(settings)
    assert made.set_up(data) == settings, "once more does no harm"


def test_what_it_refuses_is_told_and_what_happened_is_in_the_ledger(platform):
    made, data = platform
    with pytest.raises(OperatorError, match="the platform's consent answered 4"):
        made.control("consent", openid="nobody", sn="SN-1", model_id="m", sn_ticket="x" * 300)
    with pytest.raises(OperatorError, match="answered 4"):
        made.control("nonsense")
    assert made.control("login", openid="carol")["js_code"]
    ledger = made.ledger()
    assert ledger["live"] == 0 and ledger["rooms"] == [] and made.phone_figures() == []


def test_a_person_needs_a_relay(platform, free_port):
    made, data = platform
    with pytest.raises(OperatorError, match="cannot be reached"):
        Person(made, "carol", data, free_port)
    with pytest.raises(OperatorError):
        made.push_to(free_port)
