"""Settings: defaults, file, environment, and every way to be wrong with its file, line, reason and remedy."""

import re

import pytest

from tincall.errors import OperatorError
from tincall.settings import DataFolder, example, load, read_secret, read_toml


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "tincall.toml"
        path.write_text(text)
        return path

    return write


def refused(path):
    with pytest.raises(OperatorError) as caught:
        load(path)
    assert caught.value.status == 2
    return caught.value


def test_an_empty_file_gives_the_defaults(file):
    settings = load(file(""))
    assert (settings.device.port, settings.web.port, settings.device.tls_max) == (8443, 8444, "1.3")
    assert settings.web.host == "127.0.0.1"
    assert settings.phones == []


def test_the_example_names_every_key_and_changes_nothing(file):
    text = example({})
    assert load(file(text)) == load(file(""))
    settings = load(file(""))
    for section in ("device", "web", "limits", "call", "worker", "wechat", "log"):
        assert f"[{section}]" in text
        for key in getattr(settings, section).model_dump():
            assert re.search(rf"^{key} = ", text, re.M), key


def test_the_example_takes_values(file):
    settings = load(file(example({"device": {"server_names": ["box.local", '1"2\\']}, "web": {"port": 0}})))
    assert settings.device.server_names == ["box.local", '1"2\\']
    assert settings.web.port == 0


@pytest.mark.parametrize("text", ["[device]\nrotate_days = true\n", "[call]\nring_ms = false\n"])
def test_a_truth_value_is_no_number(file, text):
    problem = refused(file(text))
    assert "line 2" in problem.message and "true and false are no numbers" in problem.message


def test_the_environment_wins(file, monkeypatch):
    monkeypatch.setenv("TINCALL__DEVICE__PORT", "443")
    monkeypatch.setenv("TINCALL__CALL__RING_MS", "5000")
    settings = load(file("[device]\nport = 1\nhost = '::1'\n"))
    assert (settings.device.port, settings.device.host, settings.call.ring_ms) == (443, "::1", 5000)


def test_phones_are_handed_on_as_they_are(file):
    settings = load(file('[[phones]]\nid = "alice"\nwhatever = 1\n[[phones]]\nid = "bob"\n'))
    assert settings.phones == [{"id": "alice", "whatever": 1}, {"id": "bob"}]


def test_settings_are_frozen(file):
    with pytest.raises(ValueError, match="frozen"):
        load(file("")).device.port = 1


def test_the_platform_is_off_and_real_by_default(file):
    wechat = load(file("")).wechat
    assert (wechat.appid, wechat.base_url, wechat.answer) == ("", "https://api.weixin.qq.com", "clear")
    assert (wechat.push_wait_s, wechat.peer_wait_s, wechat.room_type, wechat.env_version) == (
        10,
        20,
        "voice",
        "release",
    )


def test_further_fields_of_a_call_can_be_set(file):
    fields = {"query": "a=1", "caller_camera_status": 1, "is_new": True}
    assert load(file(example({"wechat": {"call_fields": fields}}))).wechat.call_fields == fields
    assert load(file("[wechat.call_fields]\nx = 1\n")).wechat.call_fields == {"x": 1}


@pytest.mark.parametrize(
    "url", ["https://api.example.org/", "http://127.0.0.1:80", "http://[::1]:1", "http://localhost:9/a"]
)
def test_secrets_go_to_the_platform_by_tls_or_not_far(file, url):
    assert load(file(f'[wechat]\nbase_url = "{url}"\n')).wechat.base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[wechat]\nbase_url = 'http://api.example.org'\n", 2, "wechat.base_url"),
        ("[wechat]\nbase_url = 'https://api.example.org/?a=1'\n", 2, "wechat.base_url"),
        ("[wechat]\nbase_url = 'https://u:p@api.example.org'\n", 2, "wechat.base_url"),
        ("[wechat]\nbase_url = 'ftp://localhost'\n", 2, "wechat.base_url"),
        ("[wechat]\nbase_url = 'https://api.example.org:x'\n", 2, "wechat.base_url"),
        ("[wechat]\nbase_url = 'https://api example.org'\n", 2, "wechat.base_url"),
        ("[wechat]\nappid = 'gh_0a1b2c3d4e5f'\n", 2, "wechat.appid"),
        ("[wechat]\nbusy_reason = 10\n", 2, "wechat.busy_reason"),
        ("[device]\nprot = 1\n", 2, "device.prot"),
        ("[device]\nhost = ''\n\n[limits]\nnonces = 1\n", 5, "limits.nonces"),
        ("[web]\nport = 70000\n", 2, "web.port"),
        ("[device]\ntls_max = '1.1'\n", 2, "device.tls_max"),
        ("[devcie]\nport = 1\n", 1, "devcie"),
        ("[worker]\nwarm = 'many'\n", 2, "worker.warm"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_line(file, text, line, words):
    path = file(text)
    error = refused(path)
    assert f"{path}, line {line}" in error.message
    assert f"`{words}`" in error.message
    assert error.hint


def test_a_slip_of_the_pen_is_answered_with_the_right_word(file):
    assert "`port`" in refused(file("[device]\nprot = 1\n")).hint
    assert "`device`" in refused(file("[devcie]\nport = 1\n")).hint


def test_what_is_not_toml_is_told_with_the_line(file):
    assert "line 2" in refused(file("[device]\nport = = 1\n")).message


def test_a_missing_file_says_how_to_make_one(tmp_path):
    error = refused(tmp_path / "tincall.toml")
    assert "tincall init" in error.hint


def test_a_folder_or_garbage_in_place_of_the_file_is_told(tmp_path, file):
    assert "cannot be read" in refused(tmp_path).message
    path = tmp_path / "tincall.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused(path).message


@pytest.mark.parametrize(
    ("name", "value"),
    [("TINCALL__DEVICE__PRT", "1"), ("TINCALL__NOBODY__PORT", "1"), ("TINCALL__DEVICE__PORT", "x")],
)
def test_a_wrong_variable_of_the_environment_is_named(file, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    error = refused(file(""))
    assert name in error.message
    assert "environment" in error.message


def test_other_variables_of_the_environment_are_not_ours(file, monkeypatch):
    monkeypatch.setenv("TINCALL_DATA", "/somewhere")
    load(file(""))


def test_secrets_that_others_may_read_are_refused(tmp_path):
    path = tmp_path / "kek.bin"
    path.write_bytes(b"canary")
    path.chmod(0o640)
    with pytest.raises(OperatorError, match="0640") as caught:
        read_secret(path)
    assert "canary" not in str(caught.value)
    assert "chmod 600" in caught.value.hint
    path.chmod(0o600)
    assert read_secret(path) == b"canary"


def test_a_missing_secret_says_how_to_make_one(tmp_path):
    with pytest.raises(OperatorError) as caught:
        read_secret(DataFolder(tmp_path).kek)
    assert caught.value.status == 2
    assert f"tincall init --data {tmp_path}" in caught.value.hint


def test_another_toml_file_is_read_or_told(file):
    assert read_toml(file("a = 1")) == {"a": 1}
    with pytest.raises(OperatorError, match="is not TOML"):
        read_toml(file("a = "))
