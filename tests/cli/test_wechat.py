"""`tincall wechat`: the walk, the signatures and the registration, as a person and as a program see them."""

import pytest
from commands import document, tincall
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.envelopes import APPID, ENCODING_KEY, TOKEN
from support.fake_platform import FakePlatform
from support.push_end import push_end

from tincall.wechat.signing import is_signed

SECRET = "5ecret5ecret5ecret5ecret5ecret55"
OK = {"errcode": 0, "errmsg": "ok"}
ADD = "/wxa/business/runtime/adddevice"


@pytest.fixture
def platform():
    with FakePlatform() as running:
        running.answers |= {
            "/cgi-bin/stable_token": {"access_token": "TOKEN", "expires_in": 7200},
            "/wxa/getsnticket": {**OK, "sn_ticket": "T" * 32},
            "/wechat/push": push_end(),
            ADD: OK,
        }
        yield running


@pytest.fixture
def data(tmp_path, platform):
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in (("app.secret", SECRET), ("push.token", TOKEN), ("push.key", ENCODING_KEY)):
        (folder / f"wechat-{name}").write_text(text + "\n")
        (folder / f"wechat-{name}").chmod(0o600)
    lines = ["[wechat]", f'appid = "{APPID}"', 'model_id = "mDL"', f'base_url = "{platform.url}"']
    (folder / "tincall.toml").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def key(tmp_path):
    made = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(made.private_bytes(*form))
    (tmp_path / "key.pem").chmod(0o600)
    return made


def test_the_walk_for_a_person(data, platform):
    result = tincall("wechat", "check", "--data", data, "--push-url", platform.url + "/wechat/push")
    assert result.exit_code == 0, result.output
    for words in (
        "access token",
        "device ticket",
        "opens an encrypted push",
        "This page does not exist",
        "invalid scope",
    ):
        assert words in result.stdout
    assert SECRET not in result.output and "TOKEN" not in result.output


def test_the_walk_for_a_program(data):
    result = tincall("wechat", "check", "--data", data, "--json")
    assert result.exit_code == 0 and result.stderr == ""
    found = document(result)
    assert found["ok"] is True
    assert {step["name"]: step["state"] for step in found["steps"]}["device ticket"] == "ok"


def test_a_step_that_fails_is_told_and_ends_with_one(data, platform):
    platform.answers["/wxa/getsnticket"] = {"errcode": 48001, "errmsg": "api unauthorized"}
    result = tincall("wechat", "check", "--data", data, "--json")
    assert result.exit_code == 1 and result.stderr == ""
    found = document(result)
    assert found["ok"] is False
    (step,) = [step for step in found["steps"] if step["state"] == "failed"]
    assert (step["name"], "onboarding" in step["advice"]) == ("device ticket", True)
    assert tincall("wechat", "check", "--data", data).exit_code == 1


def test_no_data_folder_is_wrong_usage(tmp_path):
    assert tincall("wechat", "check", "--data", tmp_path / "none").exit_code == 2


def test_signatures(tmp_path, key):
    (tmp_path / "ids").write_text("d2\n\n d3 \nd1\n")
    given = ["--key", tmp_path / "key.pem", "--product-id", 7, "--device-id", "d1", "--device-ids", tmp_path / "ids"]
    found = document(tincall("wechat", "sign-device", *given, "--json"))
    assert (found["product_id"], [one["device_id"] for one in found["devices"]]) == (7, ["d1", "d2", "d3"])
    assert all(is_signed(key.public_key(), 7, one["device_id"], one["signature"]) for one in found["devices"])
    lines = tincall("wechat", "sign-device", *given).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["d1", "d2", "d3"]
    assert is_signed(key.public_key(), 7, "d1", lines[0].split()[1])


def test_signing_without_a_device_or_with_a_wrong_key(tmp_path, key):
    given = ["--key", tmp_path / "key.pem", "--product-id", 7]
    result = tincall("wechat", "sign-device", *given)
    assert result.exit_code == 2 and "--device-id" in result.stderr
    assert tincall("wechat", "sign-device", *given, "--device-id", "a b").exit_code == 2
    (tmp_path / "key.pem").chmod(0o644)
    assert tincall("wechat", "sign-device", *given, "--device-id", "d1").exit_code == 2


@pytest.fixture
def app(tmp_path, platform):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    given = ["--product-id", 7, "--model-name", "m", "--host-appid", APPID, "--secret-file", tmp_path / "secret"]
    return [*given, "--base-url", platform.url]


def test_registering(app, platform):
    found = document(tincall("wechat", "add-device", *app, "--device-id", "d1", "--device-id", "d2", "--json"))
    assert found == {"product_id": 7, "model_name": "m", "devices": ["d1", "d2"]}
    asked = platform.asked[-1]
    assert (asked.path, asked.query) == (ADD, {"access_token": "TOKEN"})
    assert asked.body == {"product_id": 7, "device_id_list": ["d1", "d2"], "model_name": "m"}
    assert "d1" in tincall("wechat", "add-device", *app, "--device-id", "d1").stdout


def test_registering_with_the_mini_programs_token(app, platform):
    platform.answers[ADD] = {"errcode": 48001, "errmsg": "api unauthorized"}
    result = tincall("wechat", "add-device", *app, "--device-id", "d1")
    assert result.exit_code == 1 and "mobile app" in result.stderr
    assert SECRET not in result.output and "TOKEN" not in result.output


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--base-url", "http://door.invalid"], "--base-url"),
        (["--host-appid", "gh_1"], "--host-appid"),
        (["--product-id", 0], "product"),
    ],
)
def test_registering_with_a_wrong_option(app, platform, wrong, words):
    result = tincall("wechat", "add-device", *app, *wrong, "--device-id", "d1")
    assert result.exit_code == 2 and words in result.stderr
    assert platform.asked == []


def test_no_subcommand_shows_the_help():
    result = tincall("wechat")
    assert result.exit_code == 2 and "sign-device" in result.output
