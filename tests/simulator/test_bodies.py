"""The bodies: every known field of a call is taken, everything else is not, and secrets do not show."""

import pytest
from pydantic import ValidationError

from tincall.simulator import bodies

CALL = {"model_id": "m", "sn": "s", "openid": "o", "room_type": "voice", "payload": "p"}
MORE = {
    "listener_name": "Mum",
    "version_type": 1,
    "query": "a=1&b=2",
    "caller_camera_status": 1,
    "listener_camera_status": 0,
}


def test_a_call_takes_what_is_known_of_it():
    assert bodies.VoipCall.model_validate({**CALL, **MORE}, strict=True).listener_name == "Mum"


@pytest.mark.parametrize("missing", sorted(CALL))
def test_a_call_wants_its_fields(missing):
    with pytest.raises(ValidationError):
        bodies.VoipCall.model_validate({key: value for key, value in CALL.items() if key != missing})


@pytest.mark.parametrize(
    "wrong",
    [{"query": "x" * 1025}, {"listener_name": None}, {"version_type": True}, {"sn": "s" * 256}, {"timeLimit": 3}],
)
def test_a_call_takes_nothing_else(wrong):
    with pytest.raises(ValidationError):
        bodies.VoipCall.model_validate({**CALL, **wrong})


def test_a_secret_does_not_show():
    assert "hidden" not in repr(bodies.StableToken(secret="hidden"))
