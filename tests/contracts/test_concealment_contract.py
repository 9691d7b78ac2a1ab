"""Runs every case of the concealment contract against both implementations, at both rates and sizes of a frame."""

import pytest

from contracts.concealment_contract import CASES, BoardKit, HostKit


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__[5:])
@pytest.mark.parametrize(("size", "rate_hz"), [(320, 16000), (640, 16000), (160, 8000), (320, 8000)])
@pytest.mark.parametrize("kit", [BoardKit, HostKit], ids=["board", "host"])
def test_concealer(case, kit, size, rate_hz):
    case(kit(size, rate_hz))
