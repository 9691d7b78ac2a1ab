"""T-ID-08: what a board's clock shows at power-up against the relay's certificate, in real MicroPython with either word size.

The emulated board has a calendar of its own here, which its TLS library reads. The certificate is good from two days before
today on, for a little more than a year.
"""

import datetime

import pytest
from chain import with_phones
from identities import change_identity, identity_of
from support.time_server import TimeServer, reply

from tincall.emulator import shelf
from tincall.emulator.folder import BoardFolder
from tincall.measure.stage import wait_until

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)
# far enough on either side of the day on which a test runs for it not to matter when it runs
EXPIRED, EARLY = "tls_expired", "tls_not_yet_valid"
CLOCKS = {
    # what the clock shows: what of the floor the board knows, and what comes of it
    "2000": ("2000-01-01", True, ""),
    "2000, and the floor is lost": ("2000-01-01", False, EARLY),
    "at the floor": (f"{NOW:%Y-%m-%d}", True, ""),
    "a year behind, and the floor is lost": (f"{NOW - 365 * DAY:%Y-%m-%d}", False, EARLY),
    "ten months ahead": (f"{NOW + 300 * DAY:%Y-%m-%d}", True, ""),
    "five years ahead": (f"{NOW + 1826 * DAY:%Y-%m-%d}", True, EXPIRED),
    "2037": ("2037-12-31", True, EXPIRED),
    "2040": ("2040-01-01", True, EXPIRED),
}


@pytest.fixture(params=["unix", "unix32"])
def interpreter(request):
    """Name a MicroPython; there is no clock of its own elsewhere."""
    return request.param


def offset_s(folder):
    """Tell by how many seconds a board's calendar is off ours."""
    return int((folder / "clock").read_text())


def forget_floor(folder):
    """Take away what a board knows about time."""
    change_identity(folder, time=0)
    shelf.forget(BoardFolder(folder), "marks")


def enrolled(relay, sn, folder, has_floor=True):
    relay.enrol(sn, folder)
    if not has_floor:
        forget_floor(folder)


@with_phones("answers")
@pytest.mark.parametrize("name", list(CLOCKS))
def test_each_clock_against_the_certificate(relay, interpreter, name, tmp_path):
    shows, has_floor, reason = CLOCKS[name]
    if (interpreter, name) == ("unix32", "2040"):
        pytest.skip("the C library of this port ends in 2038; a chip's does not")
    sn, folder = f"CLOCK-{interpreter}-{list(CLOCKS).index(name)}", tmp_path / "board"
    enrolled(relay, sn, folder, has_floor)
    with relay.running(sn, folder, interpreter, "--clock", shows, online=not reason) as board:
        if reason:
            error = board.wait("error")
            assert (error["step"], error["reason"]) == ("link", reason)
            assert f"it shows {shows}" in error["detail"]
        else:
            assert abs(offset_s(folder)) <= 6  # the grant has set it right
            assert [event for event in board.events() if event["ev"] == "error"] == []


@with_phones("answers")
def test_the_floor_rises_with_each_day_and_never_falls(relay, interpreter, tmp_path):
    sn, folder = f"FLOOR-{interpreter}", tmp_path / "board"
    enrolled(relay, sn, folder, has_floor=False)
    with relay.running(sn, folder, interpreter, "--clock", f"{NOW:%Y-%m-%d}"):
        pass
    # what the grant said is kept: the year 2000 does no harm any more
    with relay.running(sn, folder, interpreter, "--clock", "2000-01-01") as board:
        assert [event for event in board.events() if event["ev"] == "error"] == []
    # a floor beyond the relay's time stays: such a board believes the later of the two
    ahead = int((NOW + 100 * DAY).timestamp())
    change_identity(folder, time=ahead)
    with relay.running(sn, folder, interpreter, "--clock", "2000-01-01"):
        assert 99 * 86_400 < offset_s(folder) < 101 * 86_400
    assert identity_of(folder)["time"] == ahead


@with_phones("answers")
def test_a_time_server_helps_a_board_that_knows_nothing_and_within_bounds_only(relay, interpreter, tmp_path):
    sn, folder = f"SNTP-{interpreter}", tmp_path / "board"
    enrolled(relay, sn, folder, has_floor=False)
    year_2024 = int(datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC).timestamp())
    said = {"s": int((NOW + 6 * 366 * DAY).timestamp())}
    with TimeServer(lambda question: [reply(question, said["s"])]) as server:
        change_identity(folder, time=year_2024, sntp=f"127.0.0.1:{server.port}")
        for wrong in (said["s"], year_2024 - 1):
            said["s"] = wrong
            with relay.running(sn, folder, interpreter, "--clock", "2000-01-01", online=False) as board:
                error = board.wait("error")
                assert (error["reason"], "it shows 2024-01-01" in error["detail"]) == (EARLY, True)
        said["s"] = int(NOW.timestamp())
        asked = len(server.asked)
        with relay.running(sn, folder, interpreter, "--clock", "2000-01-01") as board:
            assert len(server.asked) == asked + 1
            wait_until(relay.stage, "the right time", 30, lambda: abs(offset_s(folder)) <= 86_400)
            assert [event for event in board.events() if event["ev"] == "error"] == []
