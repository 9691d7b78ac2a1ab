"""How loud the speaker is: what a person chose last, over power cuts; before that, what the board's data say.

One record holds it, as JSON: `volume`, 2 to 10. If power fails while it is written, a reader finds the old or the new.
"""

import json

from callcore.compat import const, json_loads
from callcore.errors import StoreError
from handset import diag

SETTINGS = ("settings", 7)
_SOFTEST = const(2)
_LOUDEST = const(10)
_STEP = const(2)  # 6 dB, which is clearly heard


class Volume:
    """The volume.

    Args:
        store: a Store.
        usual: of the board's data, 0 to 10.

    Attributes:
        level: 0 to 10 (callcore.level.volume).
    """

    def __init__(self, store, usual):
        self._store = store
        self.level = usual
        try:
            stored = json_loads(store.load(SETTINGS).decode())["volume"]
            if type(stored) is int and _SOFTEST <= stored <= _LOUDEST:
                self.level = stored
        except (StoreError, ValueError, LookupError, TypeError) as error:
            if getattr(error, "reason", "") != "record_missing":
                diag.failed("volume", error)

    def step(self):
        """Make it louder, the softest after the loudest, and store it."""
        self.level = self.level + _STEP if self.level + _STEP <= _LOUDEST else _SOFTEST
        diag.say("volume", volume=self.level)
        try:
            self._store.save(SETTINGS, json.dumps({"volume": self.level}).encode())
        except StoreError as error:
            diag.failed("volume", error)
