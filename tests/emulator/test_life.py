"""A life ends when it should: by itself, politely, or by force; what was said before is heard."""

import time
from pathlib import Path

from emulator.live import running, wait_for

STUBBORN = """
import json, machine, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pin = machine.Pin(1, machine.Pin.IN)
print(json.dumps({"ev": "ready"}))
while True:
    pin.value()
    time.sleep_ms(10)
"""


def test_a_board_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, STUBBORN) as live, live.control() as control:
        start_s = time.monotonic()
        control.stop()
    assert time.monotonic() - start_s >= 1.9
    assert live.outcome.reason == "switched off"


def test_the_last_words_are_heard(bench) -> None:
    said = bench.run("""
import machine
for number in range(500):
    say("number", number)
machine.Pin(9, machine.Pin.OUT, value=0).on()
""")
    assert [one["value"] for one in said] == list(range(500))
    assert [event["id"] for event in bench.events if event["ev"] == "pin"] == [9]


def test_switching_off_closes_what_was_open(tmp_path: Path) -> None:
    with running(tmp_path) as live, live.control() as control, live.control() as watch:
        events = watch.events(20)
        control.press("call")
        wait_for(events, "pressed", name="call")
        control.stop()
        rest = [(event["ev"], event.get("lit")) for event in events]
    assert ("mic_close", None) in rest and ("spk_close", None) in rest and ("lamp", False) in rest
