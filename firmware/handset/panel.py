"""What a person touches and sees: the call button, the end button, the lamp. Presses in, blinking out; no decisions."""

from callcore.compat import const, ticks_add, ticks_diff
from handset import clock

POLL_MS = const(20)  # two equal readings 20 ms apart are a press: contacts bounce for 5 to 10 ms

OFF = const(0)
ON = const(1)
BLINK = const(2)
_BLINK_MS = const(250)


class Button:
    """One debounced button.

    Args:
        pin: object with `value()`.
        active: the level of a pressed button.

    Attributes:
        down: whether it is held, as of the last call of `pressed`.
    """

    def __init__(self, pin, active):
        self._pin = pin
        self._active = active
        self._was = False
        self.down = False

    def pressed(self):
        """Tell whether a press has begun; to be called every POLL_MS."""
        now = self._pin.value() == self._active
        begun = now and self._was and not self.down
        if now == self._was:
            self.down = now
        self._was = now
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
        lamp_active: level of the lamp's pin at which it shines.
    """

    def __init__(self, call, end, lamp, active, on_call, on_end, on_hold, lamp_active=1):
        self._call = Button(call, active)
        self._end = Button(end, active)
        self._lamp = lamp
        self._lamp_active = lamp_active
        self._on_call = on_call
        self._on_end = on_end
        self._on_hold = on_hold
        self._mode = OFF
        self._lit = 0
        self._change_ms = 0
        lamp.value(1 - lamp_active)  # the level at power-up may be the one that shines

    def show(self, mode):
        """Set the lamp: OFF, ON (a call is up) or BLINK (it rings, here or there)."""
        self._mode = mode
        self._light(1 if mode else 0)
        self._change_ms = ticks_add(clock.now_ms(), _BLINK_MS)

    async def run(self):
        """Watch the buttons and blink; never returns."""
        while True:
            held = self._call.down
            pressed = self._call.pressed()
            if held != self._call.down:
                self._on_hold(not held)
            if pressed:
                self._on_call()
            if self._end.pressed():
                self._on_end()
            if self._mode == BLINK and ticks_diff(clock.now_ms(), self._change_ms) >= 0:
                self._change_ms = ticks_add(self._change_ms, _BLINK_MS)
                self._light(1 - self._lit)
            await clock.sleep_ms(POLL_MS)

    def _light(self, lit):
        if lit != self._lit:
            self._lit = lit
            self._lamp.value(self._lamp_active if lit else 1 - self._lamp_active)
