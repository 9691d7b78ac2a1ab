"""Runs on a board: debounced buttons, and a lamp that follows the call."""

from board_world import World

from handset.panel import BLINK, JOINING, NO_RELAY, NO_WIFI, OFF, ON, POLL_MS, SETUP, Button, Panel


class Pin:
    """An input whose level is what the test last put, an output that remembers."""

    def __init__(self, level=1):
        self.level = level
        self.levels = []

    def value(self, level=None):
        if level is None:
            return self.level
        self.levels.append(level)
        return None


def presses(levels, active=0):
    """How many presses a button sees that reads these levels one after the other."""
    pin = Pin()
    button = Button(pin, active)
    seen = []
    for level in levels:
        pin.level = level
        seen.append(1 if button.pressed() else 0)
    return seen


def test_a_press_is_two_equal_readings():
    assert presses([1, 0, 0, 0, 0, 1, 1]) == [0, 0, 1, 0, 0, 0, 0]


def test_one_reading_is_a_bounce():
    assert sum(presses([1, 0, 1, 0, 1, 0, 1, 1])) == 0


def test_bouncing_at_both_ends_is_one_press():
    assert sum(presses([1, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1])) == 1


def test_a_button_held_is_one_press_and_pressed_again_another():
    assert sum(presses([0] * 100)) == 1
    assert sum(presses([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])) == 3


def test_active_high():
    assert presses([0, 1, 1, 0, 0], 1) == [0, 0, 1, 0, 0]
    assert sum(presses([0, 0, 0], 1)) == 0


class Board:
    """A panel in a world, and who was called."""

    def __init__(self, lamp_active=1):
        self.world = World()
        self.call, self.end, self.lamp = Pin(), Pin(), Pin()
        self.heard = []
        on_call, on_end = (lambda: self.heard.append("call")), (lambda: self.heard.append("end"))
        self.panel = Panel(self.call, self.end, self.lamp, 0, on_call, on_end, self.hold, self.long, lamp_active)
        self.held = []
        self.longs = []
        self.task = self.world.create_task(self.panel.run())

    def hold(self, down):
        self.held.append((self.world.now, down, len(self.heard)))

    def long(self, is_end, seconds):
        self.longs.append((is_end, seconds))

    def press(self, pin, for_ms=100):
        pin.level = 0
        self.world.run(for_ms)
        pin.level = 1
        self.world.run(100)


def test_each_button_calls_its_own():
    board = Board()
    board.press(board.call)
    board.press(board.end)
    board.press(board.call, 2000)
    assert board.heard == ["call", "end", "call"]


def test_a_press_is_heard_within_three_polls():
    board = Board()
    board.world.run(1000)
    board.call.level = 0
    board.world.run(3 * POLL_MS)
    assert board.heard == ["call"]


def test_the_call_button_is_told_to_go_down_before_its_press_and_to_come_up():
    board = Board()
    board.world.run(1000)
    board.press(board.call, 500)
    board.press(board.end, 500)
    [(down_ms, down, before), (up_ms, up, _)] = board.held
    assert (down, before, up) == (True, 0, False)
    assert 1000 < down_ms <= 1000 + 2 * POLL_MS and 1500 < up_ms <= 1500 + 2 * POLL_MS


def test_each_second_of_a_button_held_is_told_and_no_more_once_it_is_let_go():
    board = Board()
    board.press(board.call, 990)
    assert board.longs == []
    board.press(board.call, 3100)
    board.press(board.end, 1100)
    board.world.run(5000)
    assert board.longs == [(False, 1), (False, 2), (False, 3), (True, 1)]


def test_contacts_that_bounce_are_one_hold():
    board = Board()
    for level in (0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1):
        board.call.level = level
        board.world.run(POLL_MS)
    assert [down for _, down, _ in board.held] == [True, False]


def test_the_lamp_is_on_and_off():
    board = Board()
    board.panel.show(ON)
    board.world.run(2000)
    board.panel.show(ON)
    board.panel.show(OFF)
    board.world.run(2000)
    board.panel.show(OFF)
    assert board.lamp.levels == [0, 1, 0]


def test_a_lamp_that_shines_when_low_is_dark_until_it_should_shine():
    board = Board(lamp_active=0)
    board.world.run(1000)
    assert board.lamp.levels == [1]
    board.panel.show(ON)
    board.panel.show(OFF)
    assert board.lamp.levels == [1, 0, 1]


def test_the_lamp_blinks_twice_a_second_until_told_otherwise():
    board = Board()
    board.panel.show(BLINK)
    board.world.run(10100)
    changes = len(board.lamp.levels)
    assert 40 <= changes <= 43, changes
    assert board.lamp.levels[:5] == [0, 1, 0, 1, 0]
    board.panel.show(ON)
    assert board.lamp.levels[-1] == 1
    board.world.run(2000)
    assert len(board.lamp.levels) <= changes + 1


def shines(mode, for_ms=3900):
    """When the lamp goes on, and for how long: ms."""
    board = Board()
    board.panel.show(mode)
    begun, told = board.world.now, []
    while board.world.now - begun < for_ms:
        count = len(board.lamp.levels)
        board.world.run(5)
        if len(board.lamp.levels) != count:
            told.append((board.world.now - begun) // 125)
    return board.lamp.levels[1:2], told


def test_each_state_has_a_pattern_of_two_seconds():
    assert shines(JOINING, 995) == ([1], [1, 2, 3, 4, 5, 6, 7])
    assert shines(NO_RELAY) == ([1], [1, 16, 17])
    assert shines(NO_WIFI) == ([1], [1, 2, 3, 16, 17, 18, 19])
    assert shines(SETUP) == ([1], [8, 16, 24])
    assert shines(BLINK, 995) == ([1], [2, 4, 6])


def test_a_pattern_that_is_shown_again_goes_on():
    board = Board()
    for _ in range(39):
        board.panel.show(SETUP)
        board.world.run(100)
    assert len(board.lamp.levels) == 5, board.lamp.levels


def test_the_panel_goes_on_for_ever():
    board = Board()
    board.world.run(60000)
    assert not board.task.done()
