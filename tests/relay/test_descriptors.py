"""Room for files and sockets: raised where that is allowed, told where it is not (T-AS-20)."""

import resource
import subprocess
import sys

import pytest

from tincall.errors import OperatorError
from tincall.relay import descriptors
from tincall.settings import Settings

SETTINGS = Settings()
NEEDED = descriptors.needed(SETTINGS)


@pytest.fixture
def bound(monkeypatch):
    """Stand in for the process's bound: `bound(soft, hard)`; gives what was set."""
    asked = []

    def stand_in(soft, hard):
        monkeypatch.setattr(resource, "getrlimit", lambda what: (soft, hard))
        monkeypatch.setattr(resource, "setrlimit", lambda what, values: asked.append(values))
        return asked

    return stand_in


@pytest.mark.parametrize(
    ("soft", "hard", "found", "asked"),
    [
        (NEEDED, NEEDED, NEEDED, []),
        (100_000, 100_000, 100_000, []),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, -1, []),
        (1024, 524_288, NEEDED, [(NEEDED, 524_288)]),
        (1024, resource.RLIM_INFINITY, NEEDED, [(NEEDED, resource.RLIM_INFINITY)]),
    ],
)
def test_room_is_made_where_it_may_be(bound, soft, hard, found, asked):
    given = bound(soft, hard)
    assert descriptors.make_room(SETTINGS) == found
    assert given == asked


def test_too_little_room_is_told_with_both_numbers(bound):
    asked = bound(1024, NEEDED - 1)
    with pytest.raises(OperatorError) as caught:
        descriptors.make_room(SETTINGS)
    assert str(NEEDED) in caught.value.message and str(NEEDED - 1) in caught.value.message
    assert "LimitNOFILE" in caught.value.hint and caught.value.status == 2
    assert asked == []


def test_more_connections_and_calls_need_more():
    more = Settings(limits={"connections": 10_000}, call={"max_calls": 500})
    assert descriptors.needed(more) > 10_000 + 500


def test_a_process_raises_its_own_bound():
    code = (
        "import resource\n"
        "from tincall.relay import descriptors\n"
        "from tincall.settings import Settings\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (64, {NEEDED}))\n"
        "assert descriptors.make_room(Settings()) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
