"""The platform's interfaces as this relay asks them: paths, fields, answers, and what is tried again."""

import pytest
from support.fake_platform import FakePlatform, Raw

from callcore import causes
from tincall.clock import ManualClock
from tincall.settings import WechatSettings
from tincall.wechat.api import BUSY_WAITS_S, CALL_PATH, WeChatApi, connect
from tincall.wechat.tokens import MemoryTokenStore
from tincall.wechat.transport import Transport, open_client
from tincall.wechat.vocabulary import PlatformError

APPID = "wx0123456789abcdef"
SECRET = "5ecret5ecret5ecret5ecret5ecret55"
OK = {"errcode": 0, "errmsg": "ok"}


class World:
    """An API before a platform; an asynchronous context manager."""

    def __init__(self, platform):
        self.platform = platform
        self.waited = []
        platform.answers["/cgi-bin/stable_token"] = {"access_token": "TOKEN", "expires_in": 7200}

    def use(self, **settings):
        self._settings = WechatSettings(appid=APPID, model_id="mDL", base_url=self.platform.url, **settings)
        return self

    def last(self, path):
        return [one for one in self.platform.asked if one.path == path][-1]

    async def __aenter__(self):
        clock = ManualClock()
        transport = Transport(open_client(), self._settings.base_url, 5, clock)
        self.api = WeChatApi(transport, self._settings, SECRET, MemoryTokenStore(), clock, self._sleep)
        return self

    async def __aexit__(self, *_):
        await self.api.close()

    async def _sleep(self, seconds):
        self.waited.append(seconds)


@pytest.fixture
def world():
    with FakePlatform() as platform:
        yield World(platform)


async def number(asking):
    with pytest.raises(PlatformError) as caught:
        await asking
    return caught.value.number


async def test_the_token_is_asked_for_and_never_forced(world):
    async with world.use():
        grant = await world.api.stable_token()
    assert (grant.token, grant.expires_in_s) == ("TOKEN", 7200)
    assert world.last("/cgi-bin/stable_token").body == {
        "grant_type": "client_credential",
        "appid": APPID,
        "secret": SECRET,
        "force_refresh": False,
    }


@pytest.mark.parametrize(
    "answer", [{}, {"access_token": "", "expires_in": 1}, {"access_token": "a"}, {"access_token": "a", "expires_in": 0}]
)
async def test_an_answer_without_a_token_is_a_fault(world, answer):
    world.platform.answers["/cgi-bin/stable_token"] = answer
    async with world.use():
        assert await number(world.api.stable_token()) is None


async def test_a_ticket(world):
    world.platform.answers["/wxa/getsnticket"] = {**OK, "sn_ticket": "T" * 32}
    async with world.use():
        assert await world.api.get_sn_ticket("sn-1") == "T" * 32
        assert world.last("/wxa/getsnticket").body == {"sn": "sn-1", "model_id": "mDL"}
        await world.api.get_sn_ticket("sn-1", "other")
    assert world.last("/wxa/getsnticket").body["model_id"] == "other"
    assert world.last("/wxa/getsnticket").query == {"access_token": "TOKEN"}


async def test_a_serial_number_that_is_none_is_refused_before_any_request(world):
    async with world.use():
        assert await number(world.api.get_sn_ticket("a b")) == 9800002
        assert await number(world.api.call("a" * 129, "o", "p")) == 9800001
    assert world.platform.asked == []


async def test_a_call_has_every_known_field(world):
    world.platform.answers[CALL_PATH] = OK
    async with world.use():
        await world.api.call("sn-1", "openid-1", "payload-1", "\u5f20\u4e09")
    assert world.last(CALL_PATH).body == {
        "model_id": "mDL",
        "sn": "sn-1",
        "openid": "openid-1",
        "room_type": "voice",
        "listener_name": "\u5f20\u4e09",
        "version_type": 0,
        "query": "",
        "caller_camera_status": 1,
        "listener_camera_status": 1,
        "payload": "payload-1",
    }


async def test_every_field_of_a_call_can_be_set(world):
    world.platform.answers[CALL_PATH] = OK
    given = {
        "env_version": "trial",
        "room_type": "video",
        "caller_camera": "open",
        "query": "a=1",
        "listener_name": "Door",
    }
    async with world.use(**given, call_fields={"listener_camera_status": 0, "more": True}):
        await world.api.call("sn-1", "openid-1", "payload-1", "Alice", "other")
    body = world.last(CALL_PATH).body
    wanted = {
        "version_type": 2,
        "room_type": "video",
        "caller_camera_status": 0,
        "query": "a=1",
        "listener_name": "Door",
    }
    wanted |= {"listener_camera_status": 0, "more": True, "model_id": "other"}
    assert {name: body[name] for name in wanted} == wanted


@pytest.mark.parametrize(("version", "wanted"), [("release", 0), ("develop", 1), ("trial", 2)])
async def test_versions_have_the_platforms_numbers(world, version, wanted):
    world.platform.answers[CALL_PATH] = OK
    async with world.use(env_version=version):
        await world.api.call("sn-1", "openid-1", "payload-1")
    assert world.last(CALL_PATH).body["version_type"] == wanted


async def test_a_refused_call_carries_its_cause(world):
    world.platform.answers[CALL_PATH] = {"errcode": 9, "errmsg": "no"}
    async with world.use():
        with pytest.raises(PlatformError) as caught:
            await world.api.call("sn-1", "openid-1", "payload-1")
    assert (caught.value.number, caught.value.cause, caught.value.maybe_done) == (9, causes.BARRED, False)
    assert world.platform.paths().count(CALL_PATH) == 1


async def test_a_call_is_not_repeated_while_the_platform_is_busy_or_silent(world):
    async with world.use():
        world.platform.answers[CALL_PATH] = {"errcode": -1}
        assert await number(world.api.call("sn-1", "o", "p")) == -1
        world.platform.answers[CALL_PATH] = Raw(drop=True)
        with pytest.raises(PlatformError) as caught:
            await world.api.call("sn-1", "o", "p")
    assert caught.value.maybe_done
    assert (world.platform.paths().count(CALL_PATH), world.waited) == (2, [])


async def test_a_room_that_could_not_be_made_is_asked_for_once_more(world):
    world.platform.answers[CALL_PATH] = [{"errcode": 5}, OK]
    async with world.use():
        await world.api.call("sn-1", "o", "p")
        world.platform.answers[CALL_PATH] = {"errcode": 5}
        assert await number(world.api.call("sn-1", "o", "p")) == 5
    assert world.platform.paths().count(CALL_PATH) == 4


@pytest.mark.parametrize("refused", [40001, 40014, 42001])
async def test_a_refused_token_is_fetched_once_more(world, refused):
    world.platform.answers["/cgi-bin/stable_token"] = [
        {"access_token": "OLD", "expires_in": 7200},
        {"access_token": "NEW", "expires_in": 7200},
    ]
    world.platform.answers[CALL_PATH] = lambda asked: (
        OK if asked.query["access_token"] == "NEW" else {"errcode": refused}
    )
    async with world.use():
        await world.api.call("sn-1", "o", "p")
    assert [one.query["access_token"] for one in world.platform.asked if one.path == CALL_PATH] == ["OLD", "NEW"]
    assert world.platform.paths().count("/cgi-bin/stable_token") == 2
    assert world.last("/cgi-bin/stable_token").body["force_refresh"] is False


async def test_what_asks_twice_does_no_harm_is_asked_again_while_the_platform_is_busy(world):
    world.platform.answers["/wxa/getsnticket"] = [{"errcode": -1}, {"errcode": -1}, {**OK, "sn_ticket": "T"}]
    world.platform.answers["/cgi-bin/stable_token"] = [{"errcode": -1}, {"access_token": "TOKEN", "expires_in": 7200}]
    async with world.use():
        assert await world.api.get_sn_ticket("sn-1") == "T"
        assert world.waited == [BUSY_WAITS_S[0], *BUSY_WAITS_S]
        world.platform.answers["/wxa/getsnticket"] = {"errcode": -1}
        assert await number(world.api.get_sn_ticket("sn-1")) == -1
        assert world.platform.paths().count("/wxa/getsnticket") == 6
        world.platform.answers["/wxa/getsnticket"] = {"errcode": 48001}
        assert await number(world.api.get_sn_ticket("sn-1")) == 48001
    assert world.platform.paths().count("/wxa/getsnticket") == 7


async def test_a_login(world):
    world.platform.answers["/sns/jscode2session"] = {"openid": "o1", "session_key": "s3cret", "unionid": "u1"}
    async with world.use():
        person = await world.api.code2session("code-1")
    assert (person.openid, person.unionid) == ("o1", "u1")
    asked = world.last("/sns/jscode2session")
    assert (asked.method, asked.query["js_code"], asked.query["grant_type"]) == ("GET", "code-1", "authorization_code")
    assert asked.query["appid"] == APPID and asked.query["secret"] == SECRET
    assert repr(person) == "Person()"


@pytest.mark.parametrize("refused", [40029, 40226, 45011])
async def test_a_refused_login(world, refused):
    world.platform.answers["/sns/jscode2session"] = {"errcode": refused, "errmsg": f"for {SECRET}"}
    async with world.use():
        with pytest.raises(PlatformError) as caught:
            await world.api.code2session("code-1")
    assert caught.value.number == refused and SECRET not in str(caught.value)


async def test_groups(world):
    members = [{"model_id": "m", "sn": "1", "errcode": 0}, {"model_id": "m", "sn": "2", "errcode": 9800018}]
    world.platform.answers |= {
        "/wxa/business/group/createid": {**OK, "group_id": "g1"},
        "/wxa/business/group/getinfo": {**OK, "group_name": "hall"},
        "/wxa/business/group/adddevice": {**OK, "device_list": members},
        "/wxa/business/group/removedevice": {**OK, "device_list": [{"model_id": "m", "sn": "1", "errcode": 9800017}]},
    }
    async with world.use():
        assert await world.api.create_group("hall") == "g1"
        assert world.last("/wxa/business/group/createid").body == {"model_id": "mDL", "group_name": "hall"}
        assert (await world.api.group_info("g1"))["group_name"] == "hall"
        added = await world.api.add_to_group("g1", [("m", "1"), ("m", "2")], force=True)
        removed = await world.api.remove_from_group("g1", [("m", "1")])
    listed = [{"model_id": "m", "sn": "1"}, {"model_id": "m", "sn": "2"}]
    assert world.last("/wxa/business/group/adddevice").body == {
        "group_id": "g1",
        "device_list": listed,
        "force_add": True,
    }
    assert [(one.sn, one.meaning.number, one.meaning.retry) for one in added] == [
        ("1", 0, "done"),
        ("2", 9800018, "no"),
    ]
    assert removed[0].meaning.retry == "done"


@pytest.mark.parametrize("answer", [{}, {"device_list": 7}, {"device_list": [7, {"errcode": "x"}]}])
async def test_a_strange_answer_about_a_group_does_no_harm(world, answer):
    world.platform.answers["/wxa/business/group/removedevice"] = answer
    async with world.use():
        found = await world.api.remove_from_group("g1", [("m", "1")])
    assert [one.meaning.number for one in found] == ([-1] if isinstance(answer.get("device_list"), list) else [])


async def test_a_device_message(world):
    world.platform.answers["/cgi-bin/message/device/subscribe/send"] = OK
    async with world.use(env_version="develop"):
        await world.api.send_device_message("t1", "sn-1", ["o1", "o2"], {"thing1": {"value": "x"}}, "pages/a")
    assert world.last("/cgi-bin/message/device/subscribe/send").body == {
        "template_id": "t1",
        "sn": "sn-1",
        "modelId": "mDL",
        "to_openid_list": ["o1", "o2"],
        "page": "pages/a",
        "miniprogram_state": "developer",
        "data": {"thing1": {"value": "x"}},
        "lang": "zh_CN",
    }


async def test_what_an_operator_looks_up(world):
    world.platform.answers |= {
        "/cgi-bin/openapi/quota/get": {**OK, "quota": {"daily_limit": 10}, "rate_limit": {"call_count": 1}},
        "/cgi-bin/getcallbackip": {"ip_list": ["127.0.0.1", 7]},
        "/cgi-bin/openapi/rid/get": {**OK, "request": {"cost_in_ms": 3}},
    }
    async with world.use():
        assert await world.api.quota() == {"daily_limit": 10, "rate_limit": {"call_count": 1}}
        assert world.last("/cgi-bin/openapi/quota/get").body == {"cgi_path": CALL_PATH}
        assert await world.api.callback_ips() == ["127.0.0.1"]
        assert world.last("/cgi-bin/getcallbackip").method == "GET"
        assert await world.api.explain("1-2-3") == {"cost_in_ms": 3}
        world.platform.answers["/cgi-bin/openapi/rid/get"] = {"errcode": 76001}
        assert await number(world.api.explain("1-2-3")) == 76001


async def test_devices_of_the_android_framework(world):
    path = "/wxa/business/runtime/adddevice"
    world.platform.answers[path] = [OK, {"errcode": 48001}]
    async with world.use():
        await world.api.add_device(7, ["d1", "d2"], "model")
        assert world.last(path).body == {"product_id": 7, "device_id_list": ["d1", "d2"], "model_name": "model"}
        with pytest.raises(PlatformError) as caught:
            await world.api.add_device(7, ["d1"], "model")
    assert "mobile app" in caught.value.detail


async def test_no_secret_is_shown(world):
    async with world.use():
        await world.api.tokens.get()
        seen = repr(world.api) + repr(world.api.tokens) + repr(world.api.transport)
    assert "TOKEN" not in seen and SECRET not in seen and APPID in seen


async def test_the_relays_own_api(world):
    settings = WechatSettings(appid=APPID, model_id="mDL", base_url=world.platform.url)
    api = connect(settings, SECRET, MemoryTokenStore(), ManualClock())
    assert await api.tokens.get() == "TOKEN"
    await api.close()
