"""Ctrl-C is a signal for code that runs, and a byte like others when none does."""

import asyncio
import os

from tincall.emulator.keyboard import Keyboard


def play(scene):
    """Run a scene with a keyboard; gives how often code was to be stopped."""
    signals = []

    async def run():
        keyboard = Keyboard(lambda: signals.append(1))
        try:
            await scene(keyboard)
        finally:
            keyboard.close()

    asyncio.run(run())
    return len(signals)


def test_at_a_prompt_it_is_a_byte():
    async def scene(keyboard):
        keyboard.running(False)
        keyboard.type(b"a\x03b")
        assert os.read(keyboard.fd, 9) == b"a\x03b"
        keyboard.running(True)  # it was read before

    assert play(scene) == 0


def test_while_code_runs_it_is_a_signal_and_no_byte():
    async def scene(keyboard):
        keyboard.running(True)
        keyboard.type(b"a\x03b")
        assert os.read(keyboard.fd, 9) == b"ab"

    assert play(scene) == 1


def test_one_that_was_not_read_when_code_began_is_for_the_code():
    async def scene(keyboard):
        keyboard.running(False)
        keyboard.type(b"code\x04\x03")
        assert os.read(keyboard.fd, 5) == b"code\x04"
        keyboard.running(True)

    assert play(scene) == 1


def test_before_a_life_speaks_nothing_signals_it():
    async def scene(keyboard):
        keyboard.running(True)
        keyboard.born()
        keyboard.type(b"\x03")
        assert os.read(keyboard.fd, 1) == b"\x03"

    assert play(scene) == 0


def test_a_second_one_waits_until_the_first_can_have_been_looked_at():
    async def scene(keyboard):
        keyboard.running(True)
        keyboard.type(b"\x03")
        keyboard.type(b"\x03")
        await asyncio.sleep(0.3)

    assert play(scene) == 2


def test_what_was_typed_outlasts_a_soft_reset_and_no_other():
    async def scene(keyboard):
        keyboard.type(b"x" * 100_000)  # more than a pipe holds
        keyboard.born()
        assert os.read(keyboard.fd, 10) == b"x" * 10
        keyboard.forget()
        keyboard.type(b"y")
        assert os.read(keyboard.fd, 10) == b"y"

    assert play(scene) == 0
