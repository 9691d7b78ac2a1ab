"""Reset, its cause, the chip's number and the watchdog."""

import pytest


def test_a_reset_starts_the_board_again_and_is_known_as_the_cause(bench) -> None:
    said = bench.run("""
import machine
say("cause", machine.reset_cause())
say("uid", list(machine.unique_id()))
if machine.reset_cause() == machine.PWRON_RESET:
    machine.reset()
    say("never")
""")
    assert [(one["ev"], one["value"]) for one in said if one["ev"] != "uid"] == [("cause", 1), ("cause", 2)]
    uids = [one["value"] for one in said if one["ev"] == "uid"]
    assert uids[0] == uids[1] and len(uids[0]) == 6
    assert bytes(uids[0]).hex() == (bench.folder / "board" / "uid").read_text().strip()
    assert bench.outcome.lives == 2


def test_a_hungry_watchdog_resets_a_board_that_hangs(bench) -> None:
    said = bench.run("""
import machine
say("cause", machine.reset_cause())
if machine.reset_cause() != machine.WDT_RESET:
    machine.WDT(timeout=300)
    while True:
        pass
""")
    assert [one["value"] for one in said] == [1, 3]
    assert [event["cause"] for event in bench.events if event["ev"] == "reset"] == ["watchdog"]


def test_a_fed_watchdog_keeps_still_and_feeding_takes_no_heap(bench) -> None:
    said = bench.results("""
import machine, micropython
def work(dog):
    start = time.ticks_ms()
    micropython.heap_lock()
    while time.ticks_diff(time.ticks_ms(), start) < 2500:
        dog.feed()
        time.sleep_ms(10)
    micropython.heap_unlock()
work(machine.WDT(timeout=2000))
say("cause", machine.reset_cause())
""")
    assert said == {"cause": 1}
    assert bench.outcome.lives == 1


@pytest.mark.parametrize("call", ["machine.WDT(0, 0)", "machine.WDT(1)"])
def test_an_impossible_watchdog_is_refused(quick, call: str) -> None:
    assert quick.results(f"import machine\nsay('kind', kind_of(lambda: {call}))") == {"kind": "ValueError"}


def test_a_board_that_resets_for_ever_is_given_up(quick, monkeypatch: pytest.MonkeyPatch) -> None:
    from tincall.emulator import runner

    monkeypatch.setattr(runner, "HOPELESS_LIVES", 3)
    outcome = runner.emulate(quick.options("import machine\nmachine.reset()"))
    assert (outcome.reason, outcome.lives) == ("hopeless", 3)
