"""What a person touches and sees: the call button, the end button, the lamp. Presses in, blinking out; no decisions."""

from callcore.compat import const, ticks_add, ticks_diff
from handset import clock

POLL_MS = const(20)  # two equal readings 20 ms apart are a press: contacts bounce for 5 to 10 ms
_LONG = const(50)  # polls: a second

# what the lamp does, a bit for each eighth of a second, the lowest first
OFF = const(0)
ON = const(0xFFFF)
BLINK = const(0x3333)  # it rings, here or there
JOINING = const(0x5555)
NO_RELAY = const(0x0001)
NO_WIFI = const(0x0005)
SETUP = const(0x00FF)
_STEP_MS = const(125)


class Button:
    """One debounced button.

    Args:
        pin: object with `value()`.
        active: the level of a pressed button.

    Attributes:
        down: whether it is held, as of the last call of `pressed`.
        polls: for how many calls of `pressed` it has been held.
    """

    def __init__(self, pin, active):
        self._pin = pin
        self._active = active
        self._was = False
        self.down = False
        self.polls = 0

    def pressed(self):
        """Tell whether a press has begun; to be called every POLL_MS."""
        now = self._pin.value() == self._active
        begun = now and self._was and not self.down
        if now == self._was:
            self.down = now
        self._was = now
        self.polls = self.polls + 1 if self.down and not begun else 0
        return begun


class Panel:
    """Buttons and lamp of a board.

    Args:
        call: pin of the button that dials or answers.
        end: pin of the button that rejects or hangs up.
        lamp: pin of the lamp.
        active: level of a pressed button.
        on_call: called when the call button is pressed.
        on_end: called when the end button is pressed.
        on_hold: called with True when the call button goes down, before `on_call`, and with False when it comes up.
        on_long: called with (whether it is the end button, seconds) for each second that a button is held.
        lamp_active: level of the lamp's pin at which it shines.
    """

    def __init__(self, call, end, lamp, active, on_call, on_end, on_hold, on_long, lamp_active=1):
        self._call = Button(call, active)
        self._end = Button(end, active)
        self._lamp = lamp
        self._lamp_active = lamp_active
        self._on_call = on_call
        self._on_end = on_end
        self._on_hold = on_hold
        self._on_long = on_long
        self._mode = OFF
        self._rest = 0
        self._lit = 0
        self._change_ms = 0
        lamp.value(1 - lamp_active)  # the level at power-up may be the one that shines

    def show(self, mode):
        """Set the lamp: OFF, ON or one of the patterns, which begins anew unless it is what is shown."""
        if mode != self._mode:
            self._mode = self._rest = mode
            self._change_ms = ticks_add(clock.now_ms(), _STEP_MS)
            self._light(mode & 1)

    async def run(self):
        """Watch the buttons and blink; never returns."""
        while True:
            held = self._call.down
            pressed = self._call.pressed()
            if held != self._call.down:
                self._on_hold(not held)
            if pressed:
                self._on_call()
            self._long(self._call, False)
            if self._end.pressed():
                self._on_end()
            self._long(self._end, True)
            if ticks_diff(clock.now_ms(), self._change_ms) >= 0:
                self._change_ms = ticks_add(self._change_ms, _STEP_MS)
                self._rest = self._rest >> 1 | (self._rest & 1) << 15
                self._light(self._rest & 1)
            await clock.sleep_ms(POLL_MS)

    def _long(self, button, is_end):
        if button.polls and button.polls % _LONG == 0:
            self._on_long(is_end, button.polls // _LONG)

    def _light(self, lit):
        if lit != self._lit:
            self._lit = lit
            self._lamp.value(self._lamp_active if lit else 1 - self._lamp_active)
