"""Paths of the API made of what a person typed."""

import pytest

from tincall.cli import paths
from tincall.errors import OperatorError


def test_what_is_right_becomes_a_path():
    assert paths.device("SN_1-a") == "/v1/devices/SN_1-a"
    assert paths.device("a", "standing") == "/v1/devices/a/standing"
    assert paths.call("c-1", "rtp") == "/v1/calls/c-1/rtp"


@pytest.mark.parametrize("typed", ["", ".", "..", "a/b", "a b", "%2e", "ü", "a\n", "x" * 200])
@pytest.mark.parametrize(("make", "what"), [(paths.device, "serial number"), (paths.call, "id of a call")])
def test_what_would_lead_elsewhere_is_refused(make, what, typed):
    with pytest.raises(OperatorError) as told:
        make(typed)
    assert what in told.value.message and told.value.status == 2
