"""Fixtures of the chain: a relay with phones of one kind, shared by the tests that need that kind, and an interpreter."""

import socket

import numpy as np
import pytest
from chain import Relay, left_running

from tincall import wav
from tincall.emulator.interpreters import BOARDS, find
from tincall.errors import OperatorError
from tincall.measure.stage import Stage

# the first phone is whom a board's button calls
PHONES = {
    "answers": [{"id": "alice", "answer_after_ms": 200}],
    "tls 1.2": [{"id": "alice", "answer_after_ms": 200}],
    "talks": [{"id": "alice", "answer_after_ms": 200, "hangup_after_ms": 800}],
    "rejects": [{"id": "alice", "outcome": "reject", "answer_after_ms": 200}],
    "busy": [{"id": "alice", "outcome": "busy"}],
    "rings": [{"id": "alice", "outcome": "no_answer", "cancel_after_ms": 600}],
}
SETTINGS = {
    "answers": {"TINCALL__LIMITS__HANDSHAKE_S": "2"},
    "rings": {"TINCALL__CALL__RING_MS": "1500"},
    "tls 1.2": {"TINCALL__DEVICE__TLS_MAX": "1.2"},
}


@pytest.fixture(params=BOARDS)
def interpreter(request):
    """Name an interpreter, each in turn; one that is not here is skipped."""
    try:
        find(request.param)
    except OperatorError as error:
        pytest.skip(error.message)
    return request.param


@pytest.fixture(scope="session")
def relay(request, tmp_path_factory):
    """Give a relay with the phones that `@with_phones(KIND)` asks for; tests enrol boards of their own."""
    folder = tmp_path_factory.mktemp(request.param)
    with Stage(folder) as stage:
        relay = Relay(stage, folder, PHONES[request.param], **SETTINGS.get(request.param, {}))
        yield relay
        assert relay.stop() == 0
        assert "Traceback" not in relay.log()
    assert left_running(folder) == []


@pytest.fixture
def own_relay(tmp_path):
    """Make relays of the test's own: `own_relay(phones, **settings)`."""
    with Stage(tmp_path) as stage:
        yield lambda phones, **settings: Relay(stage, tmp_path, phones, **settings)
    assert left_running(tmp_path) == []


@pytest.fixture(scope="session")
def tone(tmp_path_factory):
    """Give a WAV file of half a second, whose end tells that there has been talk."""
    path = tmp_path_factory.mktemp("tone") / "tone.wav"
    samples = 8000 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    wav.save(path, samples.astype(np.int16), 8000)
    return path


@pytest.fixture
def free_port():
    """Give a port that nobody listens on, held so that nobody begins to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
