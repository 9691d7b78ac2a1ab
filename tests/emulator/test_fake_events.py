"""Events of the hardware: told with the time of day, dropped and not waited for when nobody reads."""

import time


def test_events_carry_the_time_of_day(bench) -> None:
    before_ns = time.time_ns()
    bench.run("""
import fake_events
fake_events.emit("wdt", timeout_ms=60000)
""")
    [event] = [event for event in bench.events if event["ev"] == "wdt"]
    assert before_ns <= event["t_ns"] <= time.time_ns()


def test_a_full_wire_does_not_stop_the_board(bench) -> None:
    # far more than a pipe and a reader that is busy hold; what matters is that the program comes to its end
    assert bench.results("""
import fake_events
for number in range(20000):
    fake_events.emit("pin", id=40, level=number & 1)
say("done", True)
""") == {"done": True}


def test_a_buffer_thrown_away_is_counted_without_heap(bench) -> None:
    bench.run("""
import fake_events, micropython
def work():
    micropython.heap_lock()
    for _ in range(3):
        fake_events.overrun()
    micropython.heap_unlock()
work()
""")
    assert bench.outcome.overruns == 3
