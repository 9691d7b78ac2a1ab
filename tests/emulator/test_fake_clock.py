"""`machine.RTC` sets the calendar that the interpreter reads, TLS included; the monotonic clock goes on as it was."""

import pytest

from tincall.emulator.child import LAST_32_BIT_S, Program
from tincall.errors import OperatorError

Y2K_S = 946_684_800
SET = """
import machine, time
rtc = machine.RTC()
before = time.ticks_ms()
life = "first" if machine.reset_cause() == machine.PWRON_RESET else "second"
say(life, list(time.gmtime())[:3])
for month in (1, 2, 3, 12):
    rtc.datetime((2028, month, 29, 0, 23, 59, 50, 0))
    say("read %d" % month, [list(time.gmtime())[:5], list(rtc.datetime())[:4]])
say("ticks", 0 <= time.ticks_diff(time.ticks_ms(), before) < 60000)
if life == "first":
    machine.reset()
"""


@pytest.fixture
def clocked(bench, monkeypatch):
    """Give a board whose clock shows the year 2000 when power comes."""
    if bench.board == "cpython":
        pytest.skip("CPython has no clock of its own")
    made = bench.options
    clock = {"clock_s": Y2K_S}

    def options(source, **more):
        plain = made(source, **more)
        object.__setattr__(plain, "program", Program(bench.board, plain.program.main, **clock))
        return plain

    monkeypatch.setattr(bench, "options", options)
    return bench


def test_a_clock_is_set_and_keeps_its_time_over_a_reset(clocked):
    said = clocked.results(SET)
    assert said["first"] == [2000, 1, 1] and said["second"] == [2028, 12, 29]
    for month, weekday in ((1, 5), (2, 1), (3, 2), (12, 4)):
        assert said[f"read {month}"] == [[2028, month, 29, 23, 59], [2028, month, 29, weekday]]
    assert said["ticks"] is True


def test_power_sets_it_back(clocked):
    clocked.run(SET)
    assert clocked.results(SET)["first"] == [2000, 1, 1]


def test_beyond_2038_where_the_c_library_goes_there(clocked):
    said = clocked.results("""
import machine, time
machine.RTC().datetime((2040, 3, 1, 0, 0, 0, 0, 0))
say("date", list(time.gmtime())[:3])
""")
    assert said["date"] == ([2038, 1, 18] if clocked.board == "unix32" else [2040, 3, 1])


def test_a_board_without_one_shows_the_computers(bench):
    assert bench.results("""
import machine, time
machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 0, 0))
say("year", time.gmtime()[0] >= 2024 and machine.RTC().datetime()[0] == time.gmtime()[0])
""") == {"year": True}


def test_where_a_clock_of_its_own_cannot_be(tmp_path):
    for program in (Program("cpython", clock_s=Y2K_S), Program("unix32", clock_s=LAST_32_BIT_S + 1)):
        with pytest.raises(OperatorError):
            program.command()
