"""The parties that the leg contract runs against: name to an async maker, given the role of the party."""

import contextlib
import sys

import pytest
from support.legs import LOOPS
from support.native_build import build, compiler

from contracts.device_party import DeviceParty
from contracts.room_end_kits import NativeKit, SimulatorKit, WeChatKit
from contracts.wechat_party import WeChatParty
from contracts.worker_contract import WorkerKit
from contracts.worker_party import WorkerParty

LEG_PARTIES = {"device": DeviceParty.make, "wechat": WeChatParty.make, "worker": WorkerParty.make}


@pytest.fixture(params=sorted(LEG_PARTIES))
def make_party(request):
    """Give the maker of one kind of party."""
    return LEG_PARTIES[request.param]


@pytest.fixture(params=sorted(LOOPS))
def loop(request):
    """Name the event loop to run in."""
    return request.param


WORKER_KITS = {
    "simulator": WorkerKit(
        [sys.executable, "-m", "tincall.simulator.worker"],
        {
            "answers": {"id": "mum", "answer_after_ms": 50},
            "rejects": {"id": "mum", "outcome": "reject", "answer_after_ms": 50},
            "busy": {"id": "mum", "outcome": "busy"},
            "never_answers": {"id": "mum", "outcome": "no_answer"},
            "hangs_up": {"id": "mum", "answer_after_ms": 0, "hangup_after_ms": 200},
        },
    )
}


@pytest.fixture(params=[*sorted(WORKER_KITS), "wechat, native", "wechat, simulator"])
def worker_kit(request):
    """Give one kind of worker."""
    if request.param in WORKER_KITS:
        yield WORKER_KITS[request.param]
        return
    with room_end_of(request.param.split()[-1], request) as kit:
        yield WeChatKit(kit)


@pytest.fixture(scope="session")
def native_room_end(tmp_path_factory):
    """Give the room end for the platform's library, built against the stand-in."""
    if compiler() is None:
        pytest.skip("no C compiler")
    return build(tmp_path_factory.mktemp("native") / "plain")


@pytest.fixture(params=["native", "simulator"])
def room_end_kit(request):
    """Give one kind of room end."""
    with room_end_of(request.param, request) as kit:
        yield kit


@contextlib.contextmanager
def room_end_of(kind, request):
    """Give the kit of a kind of room end, with its far side running."""
    if kind == "simulator":
        kit = SimulatorKit()
        yield kit
        kit.close()
        return
    log = request.getfixturevalue("tmp_path") / "log"
    request.getfixturevalue("monkeypatch").setenv("STANDIN_LOG", str(log))
    yield NativeKit(request.getfixturevalue("native_room_end"), log)
