"""The parties that the leg contract runs against: name to an async maker, given the role of the party."""

import sys

import pytest
from support.legs import LOOPS

from contracts.device_party import DeviceParty
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


@pytest.fixture(params=sorted(WORKER_KITS))
def worker_kit(request):
    """Give one kind of worker."""
    return WORKER_KITS[request.param]
