"""The beat that does not drift."""

from tincall.worker.pace import BURST, Pace

MS = 1_000_000


def test_ticks_come_at_their_deadlines():
    pace = Pace(20 * MS, 100 * MS)
    assert pace.due(99 * MS) == (0, 0)
    assert pace.due(100 * MS) == (0, 1)
    assert pace.due(119 * MS) == (0, 0)
    assert pace.due(120 * MS) == (0, 1)


def test_being_late_does_not_move_the_deadlines():
    pace = Pace(20 * MS, 0)
    total = sum(pace.due(now_ms * MS + 900_000)[1] for now_ms in range(0, 60_000, 7))
    assert total == 3000 and pace.skipped == 0
    assert pace.next_ns == 60_000 * MS


def test_a_short_stall_is_caught_up():
    pace = Pace(20 * MS, 0)
    pace.due(0)
    assert pace.due(60 * MS) == (0, BURST)
    assert pace.due(80 * MS) == (0, 1)


def test_a_long_stall_is_skipped_but_for_a_burst():
    pace = Pace(20 * MS, 0)
    pace.due(0)
    assert pace.due(1000 * MS) == (50 - BURST, BURST)
    assert pace.skipped == 47 and pace.next_ns == 1020 * MS
