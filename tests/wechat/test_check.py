"""The walk of a first call: each thing that can be wrong is named in the platform's own words, with what to do."""

from email.utils import formatdate

import pytest
from support.envelopes import APPID, ENCODING_KEY, TOKEN
from support.fake_platform import FakePlatform
from support.push_end import push_end

from tincall.clock import SystemClock
from tincall.settings import DataFolder, WechatSettings
from tincall.wechat.api import CALL_PATH
from tincall.wechat.check import NO_PAYLOAD, Wanted, check

SECRET = "5ecret5ecret5ecret5ecret5ecret55"
OK = {"errcode": 0, "errmsg": "ok"}


class World:
    """A data folder and a platform on which everything is right until a test changes it."""

    def __init__(self, folder, platform):
        self.folder = DataFolder(folder)
        self.platform = platform
        for name, text in (("app.secret", SECRET), ("push.token", TOKEN), ("push.key", ENCODING_KEY)):
            (folder / f"wechat-{name}").write_text(text)
            (folder / f"wechat-{name}").chmod(0o600)
        platform.answers |= {
            "/cgi-bin/stable_token": {"access_token": "TOKEN", "expires_in": 7200},
            "/wxa/getsnticket": {**OK, "sn_ticket": "T" * 32},
            CALL_PATH: OK,
            "/wechat/push": push_end(),
        }
        self.settings = {"appid": APPID, "model_id": "mDL", "base_url": platform.url}

    async def walk(self, sn="sn-1", push_url="", openid=""):
        """Give what each step found; only the first wrong one of a name counts."""
        steps = await check(self.folder, WechatSettings(**self.settings), Wanted(sn, push_url, openid), SystemClock())
        for step in steps:
            assert SECRET not in step.detail + step.advice and "TOKEN" not in step.detail + step.advice
        found = {}
        for step in steps:
            if step.name not in found or found[step.name].state == "ok":
                found[step.name] = step
        return found

    def refuse(self, path, number):
        self.platform.answers[path] = {"errcode": number, "errmsg": "no"}


@pytest.fixture
def world(tmp_path):
    with FakePlatform() as platform:
        yield World(tmp_path, platform)


async def test_everything_is_right(world):
    found = await world.walk(push_url=world.platform.url + "/wechat/push", openid="openid-1")
    states = {name: step.state for name, step in found.items()}
    right = ("settings", "access token", "clock", "device ticket", "call", "push URL")
    assert states == {**dict.fromkeys(right, "ok"), "version": "remark", "consent": "remark"}
    call = next(one for one in world.platform.asked if one.path == CALL_PATH)
    assert (call.body["payload"], call.body["openid"], call.body["sn"]) == (NO_PAYLOAD, "openid-1", "sn-1")


async def test_what_was_not_asked_for_is_left_out(world):
    found = await world.walk()
    assert (found["call"].state, found["push URL"].state) == ("skipped", "skipped")
    assert "--openid" in found["call"].advice and "--push-url" in found["push URL"].advice
    assert CALL_PATH not in world.platform.paths()


@pytest.mark.parametrize(
    ("number", "words"),
    [(40013, "appid"), (40125, "reset"), (40164, "IP white list"), (40243, "frozen"), (89503, "administrator")],
)
async def test_no_token(world, number, words):
    world.refuse("/cgi-bin/stable_token", number)
    found = await world.walk(openid="openid-1")
    step = found["access token"]
    assert step.state == "failed" and words in step.detail + step.advice
    assert (found["device ticket"].state, found["call"].state, found["clock"].state) == ("skipped", "skipped", "ok")


async def test_48001_is_the_onboarding(world):
    world.refuse("/wxa/getsnticket", 48001)
    step = (await world.walk())["device ticket"]
    assert step.state == "failed" and "api unauthorized" in step.detail
    assert "onboarding" in step.advice and "hostAppId" in step.advice


async def test_a_wrong_model(world):
    world.refuse("/wxa/getsnticket", 9800003)
    assert "model_id" in (await world.walk())["device ticket"].detail


async def test_12_is_the_review(world):
    world.refuse(CALL_PATH, 12)
    step = (await world.walk(openid="openid-1"))["call"]
    assert step.state == "failed" and "not approved yet" in step.detail and '"trial"' in step.advice


async def test_9_is_the_consent(world):
    world.refuse(CALL_PATH, 9)
    step = (await world.walk(openid="openid-1"))["call"]
    assert step.state == "failed" and "settings page" in step.advice


@pytest.mark.parametrize(("ahead_s", "side"), [(-40, "ahead of"), (40, "behind")])
async def test_a_wrong_clock(world, ahead_s, side):
    world.platform.date = formatdate(SystemClock().unix_ms() / 1000 + ahead_s, usegmt=True)
    step = (await world.walk())["clock"]
    assert step.state == "failed" and side in step.detail and "seconds" in step.detail and "time server" in step.advice


async def test_a_clock_that_nobody_tells(world):
    world.platform.date = "soon"
    assert (await world.walk())["clock"].state == "skipped"


@pytest.mark.parametrize(
    ("version", "words"), [("release", '"trial"'), ("trial", "set as trial"), ("develop", "scan the code")]
)
async def test_this_page_does_not_exist(world, version, words):
    world.settings["env_version"] = version
    step = (await world.walk())["version"]
    assert step.state == "remark" and "This page does not exist" in step.advice and words in step.advice


async def test_invalid_scope(world):
    step = (await world.walk())["consent"]
    assert "invalid scope" in step.advice and "audio/video" in step.advice


async def test_a_push_url_that_is_wrong(world):
    step = (await world.walk(push_url=world.platform.url + "/elsewhere"))["push URL"]
    assert step.state == "failed" and "404" in step.detail


@pytest.mark.parametrize("missing", ["appid", "model_id"])
async def test_settings_that_are_empty(world, missing):
    world.settings[missing] = ""
    found = await world.walk()
    assert found["settings"].state == "failed" and missing in found["settings"].detail
    assert found["access token"].state == "skipped"
    assert world.platform.asked == []


async def test_no_secret(world):
    (world.folder.root / "wechat-app.secret").unlink()
    found = await world.walk(push_url=world.platform.url + "/wechat/push")
    assert "wechat-app.secret" in found["settings"].detail
    assert {found[name].state for name in ("access token", "clock", "push URL")} == {"skipped"}


async def test_no_push_key_leaves_the_rest(world):
    (world.folder.root / "wechat-push.key").unlink()
    found = await world.walk(push_url=world.platform.url + "/wechat/push")
    assert "wechat-push.key" in found["settings"].detail
    assert (found["access token"].state, found["push URL"].state) == ("ok", "skipped")


async def test_a_serial_number_that_is_none(world):
    found = await world.walk(sn="a b")
    assert found["settings"].state == "failed" and "serial number" in found["settings"].detail
    assert world.platform.asked == []
