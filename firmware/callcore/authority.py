"""The call machine of the relay, which has the last word, and its choice of a codec; see `call`, whose rules hold here, too.

No board imports this file, and none gets it (firmware/manifest-core.py).
"""

from callcore.call import ANSWERED, DIALLING, ENDED, IDLE, RINGBACK, RINGING, SHARED, STAY, CallMachine
from callcore.compat import MICROPYTHON
from callcore.media import CODECS

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


def choose(offer: list[str], able: list[str] | tuple[str, ...]) -> str | None:
    """Choose the codec of a call: the first offered one that the other side is able to use.

    Args:
        offer: names in the board's order of preference; those that we do not know are passed over, and so is `CN`, which
            stands there as in SDP and is no codec of a call (RFC 3389).
        able: names that the other side can use, in any order.

    Returns:
        The name, or None when the two have nothing in common.
    """
    for name in offer:
        if name in able and name in CODECS:
            return name
    return None
