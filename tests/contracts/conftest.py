"""The parties that the leg contract runs against: name to an async maker, given the role of the party."""

import pytest

from contracts.worker_party import WorkerParty
from support.legs import LOOPS

LEG_PARTIES = {"worker": WorkerParty.make}


@pytest.fixture(params=sorted(LEG_PARTIES))
def make_party(request):
    """Give the maker of one kind of party."""
    return LEG_PARTIES[request.param]


@pytest.fixture(params=sorted(LOOPS))
def loop(request):
    """Name the event loop to run in."""
    return request.param
