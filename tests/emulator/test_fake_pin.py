"""Pins: levels from outside, levels to outside, and the end of the world at the end of the wire."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tincall.emulator.control import BoardControl


def test_inputs_rest_where_their_pull_draws_them(bench) -> None:
    said = bench.results("""
from machine import Pin
say("up", Pin(5, Pin.IN, Pin.PULL_UP).value())
say("down", Pin(6, Pin.IN, Pin.PULL_DOWN)())
say("none", Pin(7).value())
say("wrong", kind_of(Pin, 64))
""")
    assert said == {"up": 1, "down": 0, "none": 0, "wrong": "ValueError"}


def test_buttons_rest_released(bench) -> None:
    assert bench.results("""
import board
from machine import Pin
call = Pin(board.BUTTON_CALL, Pin.IN)
until = time.ticks_add(time.ticks_ms(), 5000)
while call.value() == board.BUTTON_ACTIVE and time.ticks_diff(until, time.ticks_ms()) > 0:
    time.sleep_ms(1)
say("level", call.value())
""") == {"level": 1}


def test_outputs_are_told_when_they_change(bench) -> None:
    bench.run("""
import board
from machine import Pin
lamp = Pin(board.LAMP, Pin.OUT, value=0)
other = Pin(30, Pin.OUT)
lamp.on(); lamp.value(1); other.value(1); lamp.toggle(); lamp.on(); lamp.off()
say("level", lamp.value())
""")
    lit = [event["lit"] for event in bench.events if event["ev"] == "lamp"]
    assert lit == [True, False, True, False]
    assert [(event["id"], event["level"]) for event in bench.events if event["ev"] == "pin"] == [(30, 1)]


def test_reading_a_pin_takes_no_heap(bench) -> None:
    assert bench.results("""
import micropython
from machine import Pin
def look(pin):
    micropython.heap_lock()
    for _ in range(1000):
        pin.value()
    micropython.heap_unlock()
look(Pin(18, Pin.IN))
say("done", True)
""") == {"done": True}


LONELY = """
import time
from machine import Pin
pin = Pin(18, Pin.IN)
while True:
    pin.value()
    time.sleep_ms(5)
"""
RUNNER = """
import sys
from pathlib import Path
from tincall.emulator.child import Program
from tincall.emulator.runner import Options, emulate
emulate(Options(Path(sys.argv[1]), Program(sys.argv[2], Path(sys.argv[3]))))
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open")
def test_the_board_dies_with_its_runner(board, tmp_path: Path) -> None:
    import select

    main = tmp_path / "main.py"
    main.write_text(LONELY)
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path / "board"), board, str(main)])
    try:
        with BoardControl.wait(tmp_path / "board", 20) as control:
            events = control.events(20)
            pid = 0
            while not pid:
                with BoardControl(tmp_path / "board") as other:
                    pid = other.status()["pid"]
        child = os.pidfd_open(pid)
        runner.send_signal(signal.SIGKILL)
        del events
        poller = select.poll()
        poller.register(child, select.POLLIN)
        try:
            assert poller.poll(10_000), f"board {pid} lives on without its runner"
        finally:
            os.close(child)
    finally:
        runner.kill()
        runner.wait()
