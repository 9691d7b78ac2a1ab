"""The phone's side of a rehearsed call, in both kinds."""

import pytest

from tincall.measure import far_side
from tincall.measure.far_side import Scripted, ThroughPlatform

RECORD = {"call_id": "c1", "worker_report": {"sent": 5, "heard": "worker.wav", "clip_t0_ns": 1}}


class Operator:
    """Remembers what is asked of a relay."""

    def __init__(self):
        self.asked = []

    def post(self, path, body):
        self.asked.append((path, body))
        return {"invite": "INVITE-1"}


class FakePlatform:
    """Stands for a running platform; remembers everything in `told`."""

    told = []
    figures = []

    def __init__(self, stage, folder, relay_ca, arguments):
        self.told[:] = [("start", folder.name, relay_ca.name, [str(one) for one in arguments])]

    def set_up(self, data):
        self.told.append(("set up", data.name))
        return {"TINCALL__WECHAT__APPID": "wx1"}

    def push_to(self, port):
        self.told.append(("push to", port))

    def phone_figures(self):
        return self.figures.pop(0) if self.figures else [{"heard": "phone.wav", "clip_t0_ns": 7, "sent": 9}]

    def close(self):
        self.told.append(("close",))


class FakePerson:
    """Stands for somebody with the mini program."""

    def __init__(self, platform, openid, data, port):
        self.platform = platform
        platform.told.append(("log in", openid, port))

    def bind(self, invite, name):
        self.platform.told.append(("bind", invite, name))

    def consent(self, sn):
        self.platform.told.append(("consent", sn))

    def call(self, sn):
        self.platform.told.append(("call", sn))

    def close(self):
        self.platform.told.append(("person leaves",))


@pytest.fixture
def through(tmp_path, monkeypatch):
    monkeypatch.setattr(far_side, "Platform", FakePlatform)
    monkeypatch.setattr(far_side, "Person", FakePerson)

    class Stage:
        def check(self):
            """Say that all live."""

    return ThroughPlatform(Stage(), tmp_path / "phones.toml", "alice")


def test_a_scripted_phone_is_the_relays_own(tmp_path):
    far, operator = Scripted(None, tmp_path / "phones.toml", "alice"), Operator()
    assert far.set_up(tmp_path) == (["--phones", tmp_path / "phones.toml"], {})
    far.meet(operator, {"web_port": 1}, "SN-1")
    assert operator.asked == []
    far.call(operator, "SN-1")
    assert operator.asked == [("/v1/calls", {"sn": "SN-1", "phone": "alice"})]
    assert far.told(RECORD) is RECORD
    far.close()


def test_through_the_platform_everybody_meets_in_order(through, tmp_path):
    operator = Operator()
    arguments, settings = through.set_up(tmp_path / "relay")
    assert arguments == [] and settings["TINCALL__WECHAT__APPID"] == "wx1"
    assert settings["TMPDIR"] == str(tmp_path / "tmp") and (tmp_path / "tmp").is_dir()
    through.meet(operator, {"web_port": 4}, "SN-1")
    assert operator.asked == [("/v1/devices/SN-1/invites", {})]
    through.call(operator, "SN-1")
    through.close()
    assert FakePlatform.told == [
        ("start", "platform", "ca.pem", ["--phones", str(tmp_path / "phones.toml")]),
        ("set up", "relay"),
        ("push to", 4),
        ("log in", "alice", 4),
        ("bind", "INVITE-1", "Alice"),
        ("consent", "SN-1"),
        ("call", "SN-1"),
        ("person leaves",),
        ("close",),
    ]


def test_what_the_phone_heard_takes_the_workers_place(through, tmp_path):
    through.set_up(tmp_path / "relay")
    FakePlatform.figures[:] = [[], []]
    found = through.told(RECORD)
    assert found["worker_report"] == {"sent": 5, "heard": "phone.wav", "clip_t0_ns": 7}
    assert RECORD["worker_report"]["heard"] == "worker.wav"


def test_a_side_that_never_started_closes(through):
    through.close()
