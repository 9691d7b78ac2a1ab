"""Runs on a board: who can bring about a factory reset, what the lamp tells meanwhile, and what is left of the store."""

import os

from board_world import World

from handset import diag, reset


class Board:
    """Data of a board."""

    FLASH = "store"
    BUTTON_CALL = 18
    BUTTON_END = 19
    BUTTON_ACTIVE = 0
    LAMP = 2
    LAMP_ACTIVE = 1
    CHIPS = ()


class Pin:
    """A button that is down as long as the scene says, or a lamp that remembers how it shone."""

    IN = 1
    OUT = 3
    PULL_UP = 2

    def __init__(self, number, mode, pull=None):
        self.number = max(number, Board.BUTTON_CALL)
        if mode == self.OUT:
            self.levels = []
            Scene.lamp = self

    def value(self, level=None):
        if level is not None:
            self.levels.append(level)
        return 0 if Scene.now.world.now < Scene.now.held_ms[self.number - Board.BUTTON_CALL] else 1


class Restarted(Exception):
    """The chip has started anew."""


class Machine:
    Pin = Pin

    @staticmethod
    def reset():
        raise Restarted


class Scene:
    """A board with two facts on it, switched on with its buttons held for a while."""

    lamp = now = None

    def __init__(self, call_ms, end_ms, mark=False):
        Scene.now = self
        self.world = World()
        self.said = []
        self.held_ms = (call_ms, end_ms)
        diag.print = self.said.append
        reset.machine = Machine
        reset.REWRITES = 2
        for path in ("store", "store/sub"):
            try:
                os.mkdir(path)
            except OSError:
                pass
        for name in ("identity.bin", "outbox.bin", "sub/code.bin", "notes.txt") + (("reset.bin",) if mark else ()):
            with open("store/" + name, "w") as file:
                file.write("SECRET " + name)

    def run(self):
        return self.world.finish(reset.run(Board, False))

    def names(self):
        return sorted(os.listdir("store"))


LEFT = ["notes.txt", "sub"]


def test_ten_seconds_of_both_buttons_erase_the_store_and_start_the_board_anew():
    scene = Scene(12000, 12000)
    assert type(scene.run()) is Restarted
    assert scene.names() == LEFT and os.listdir("store/sub") == ["code.bin"]
    assert scene.world.now == 10000 and "factory_reset" in scene.said[0] and len(scene.said) == 1


def test_letting_go_early_changes_nothing():
    for held_ms in ((0, 12000), (12000, 0), (300, 300), (9700, 12000), (12000, 9700)):
        scene = Scene(*held_ms)
        assert scene.run() is None
        assert scene.names() == ["identity.bin", "notes.txt", "outbox.bin", "sub"] and scene.said == []
        assert Scene.lamp.levels[-1] == 0


def test_the_lamp_blinks_and_then_shines():
    scene = Scene(10500, 10500)
    scene.run()
    steps = 40
    assert Scene.lamp.levels[:steps] == [1, 0] * (steps // 2)
    assert Scene.lamp.levels[steps:] == [0, 1]


def test_a_reset_that_was_cut_off_goes_on_without_a_button():
    scene = Scene(0, 0, mark=True)
    assert type(scene.run()) is Restarted
    assert scene.names() == LEFT and scene.world.now == 0


def test_a_flash_that_fails_is_told_and_the_mark_stays():
    scene = Scene(0, 0, mark=True)
    real = reset._erase_nvs

    def fail():
        raise OSError(5)

    reset._erase_nvs = fail
    try:
        assert scene.run() is None
    finally:
        reset._erase_nvs = real
    assert "reset.bin" in scene.names() and '"error"' in scene.said[-1]
    assert Scene.lamp.levels[-1] == 1
