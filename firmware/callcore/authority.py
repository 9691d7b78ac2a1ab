"""The call machine of the relay, which has the last word; see `call`, whose rules hold here, too.

No board imports this file, and none gets it (firmware/manifest-core.py).
"""

from callcore.call import ANSWERED, DIALLING, ENDED, IDLE, RINGBACK, RINGING, SHARED, STAY, CallMachine
from callcore.compat import MICROPYTHON

if not MICROPYTHON:
    from typing import Any

_OUT = (DIALLING, RINGBACK)

# columns: states, events, next state, message sent on the way ("" for none)
AUTHORITY = (
    # nothing was said yet, so there is no last word to say either
    ((IDLE,), (">finish",), ENDED, ""),
    ((DIALLING, RINGBACK, RINGING, ANSWERED), (">finish",), ENDED, "ended"),
    ((DIALLING, RINGBACK, RINGING), ("!timeout",), ENDED, "ended"),
    ((RINGING, ANSWERED), ("<cancel",), ENDED, "ended"),
    (_OUT, ("<reject",), ENDED, "ended"),
    ((ANSWERED,), ("<bye",), ENDED, "ended"),
    ((ENDED,), (">finish",), STAY, ""),
)


class Authority(CallMachine):
    """One call, as the relay's end of a board's link sees it; arguments and attributes as of CallMachine."""

    authority = True
    rows = SHARED + AUTHORITY

    def finish(self, cause: int, released_by: str, now_ms: int) -> None:
        """Say the last word, whatever the state; harmless when it has been said.

        Args:
            cause: a hangup cause.
            released_by: DEVICE, PHONE or RELAY.
        """
        self._verb(">finish", now_ms, {}, cause, released_by)

    def _send(self, kind: str, fields: "dict[str, Any]") -> None:
        if kind == "ended":
            fields = {"released_by": self.released_by, "duration_ms": self.duration_ms}
        super()._send(kind, fields)
