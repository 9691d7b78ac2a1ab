"""The call machine: one party's view of one call on the link between a board and its relay.

Rules of this file:
1. Everything that decides in which state a call is stands in three tables. SHARED holds on both ends, BOARD is what the board
   has besides; `authority` has the relay's, which no board needs. What is in no table is illegal: it raises and changes
   nothing.
2. The file does not know sockets, clocks, media or the other leg. Verbs and messages go in with the time, actions come
   out; whoever drains them moves bytes and audio.
3. `docs/call-states.md` is drawn from the tables by `tools/draw_states.py`; change them and draw again.

How it works. Events are `>verb` (our own user), `<message` (the peer), `!timeout` and `!lost` (the world). A row gives the
next state and the message to send on the way. The rest hangs on states alone: entering ANSWERED starts media and the
clock of the call, leaving it stops both, DIALLING, RINGING and CLOSING set an alarm, ENDED says so once.

Who has the last word. The relay does (`authority.Authority`): it ends a call by `finish`, answers `cancel`, `reject` and `bye`
of the board with `ended`, and says `ended` exactly once, unless the link is gone. A board that hangs up stops its media, says
so, and waits in CLOSING for `ended`, whose cause and duration then hold; when none comes in time its own view holds.

Glare, that is, messages that cross on the wire:
- cancel crossing answer: the caller waits in CLOSING and ignores the answer; the callee takes `cancel` as the hang-up.
- bye crossing bye, reject crossing cancel: each end has hung up already and ignores the other's.
- ended crossing anything: who said `ended` ignores what comes after it, who reads it is ENDED from any state.
- a message that comes twice, or `ringing` after the answer, is late and changes nothing.
Only the caller may cancel; only the callee may ring, answer and reject; an invite comes once. All else is illegal.
"""

from callcore import causes
from callcore.compat import MICROPYTHON, const, ticks_add, ticks_diff
from callcore.errors import LocalError, PeerError

if not MICROPYTHON:
    from typing import Any

IDLE = "IDLE"
DIALLING = "DIALLING"  # we have sent an invite
RINGBACK = "RINGBACK"  # the far end rings
RINGING = "RINGING"  # we were invited
ANSWERED = "ANSWERED"
CLOSING = "CLOSING"  # we know it is over and wait for the relay's `ended`
ENDED = "ENDED"
STATES = (IDLE, DIALLING, RINGBACK, RINGING, ANSWERED, CLOSING, ENDED)

# who ended it, as in `ended`
DEVICE = "device"
PHONE = "phone"
RELAY = "relay"

# the callee waits this much longer than the caller, so that it is the caller who says when ringing has been enough
RING_MARGIN_MS = const(3000)
# how long a board waits for the last word; longer than any queue on a link that is alive
CLOSING_MS = const(3000)

_OUT = (DIALLING, RINGBACK)

# next state of a row that changes nothing: what it names is late and harmless
STAY = ""

# columns: states, events, next state, message sent on the way ("" for none)
SHARED = (
    ((IDLE,), (">dial",), DIALLING, "invite"),
    ((IDLE,), ("<invite",), RINGING, ""),
    ((RINGING,), (">ring",), STAY, "ringing"),
    ((RINGING,), (">answer",), ANSWERED, "answer"),
    ((DIALLING,), ("<ringing",), RINGBACK, ""),
    (_OUT, ("<answer",), ANSWERED, ""),
    ((IDLE, DIALLING, RINGBACK, RINGING, ANSWERED, CLOSING), ("!lost",), ENDED, ""),
    ((RINGBACK, ANSWERED), ("<ringing",), STAY, ""),
    ((ANSWERED,), ("<answer",), STAY, ""),
    ((CLOSING, ENDED), ("<ringing", "<answer", "<cancel", "<reject", "<bye"), STAY, ""),
    ((ENDED,), ("!lost",), STAY, ""),
)
BOARD = (
    (_OUT, (">hangup", "!timeout"), CLOSING, "cancel"),
    ((RINGING,), (">hangup", "!timeout"), CLOSING, "reject"),
    ((ANSWERED,), (">hangup",), CLOSING, "bye"),
    # our relay answers these with nothing but `ended`; another may tell first and say its last word later
    ((RINGING, ANSWERED), ("<cancel",), CLOSING, ""),
    (_OUT, ("<reject",), CLOSING, ""),
    ((ANSWERED,), ("<bye",), CLOSING, ""),
    ((CLOSING,), ("!timeout",), ENDED, ""),
    ((DIALLING, RINGBACK, RINGING, ANSWERED, CLOSING), ("<ended",), ENDED, ""),
    ((CLOSING, ENDED), (">hangup",), STAY, ""),
    ((ENDED,), ("<ended",), STAY, ""),
)

# what `hangup` means for the record when the user gives no cause
_HANGUP_CAUSES = {
    DIALLING: causes.ORIGINATOR_CANCEL,
    RINGBACK: causes.ORIGINATOR_CANCEL,
    RINGING: causes.REJECTED,
    ANSWERED: causes.NORMAL,
}
_FROM_CALLER = ("cancel",)
_FROM_CALLEE = ("ringing", "answer", "reject")


class CallMachine:
    """One call, as the board's end of its link sees it; `authority.Authority` is the relay's.

    Args:
        call_id: the call's name in messages, chosen by the caller's side.
        now_ms: time in the ring of `compat.ticks_add`; the same clock in all verbs.
        ring_ms: how long we let the far end ring, 100 to 600,000; an invite that comes in brings its own.

    Attributes:
        state: one of STATES.
        cause, released_by: why and by whom it ended; 0 and "" while it is alive.
        media: the `media` object of the peer's invite or answer, empty before.
        began_at: `now_ms` of the constructor.
        answered_at: time of the answer, None before.
        duration_ms: length of the talk, 0 until it is over. Right for talks below 2^29 ms (6 days), half the ring of the
            clock; the allotted time of a call, which the relay keeps, is hours.
    """

    # who has the last word
    authority = False
    rows: "tuple[tuple[Any, ...], ...]" = SHARED + BOARD

    def __init__(self, call_id: str, now_ms: int, ring_ms: int) -> None:
        self.call_id = call_id
        self.state = IDLE
        self.cause = 0
        self.released_by = ""
        self.media: "dict[str, Any]" = {}
        self.answered_at: "int | None" = None
        self.duration_ms = 0
        self.began_at = now_ms
        self._ring_ms = ring_ms
        self._is_caller = False
        self._is_talking = False
        self._wake_ms: "int | None" = None
        self._actions: "list[tuple[Any, ...]]" = []

    def __repr__(self) -> str:
        return "<call %s %s %s>" % (self.call_id, "relay" if self.authority else "board", self.state)

    # verbs: what our own user wants; each raises LocalError, and changes nothing, where the tables do not have it

    def dial(self, invite: "dict[str, Any]", now_ms: int) -> None:
        """Invite the far end.

        Args:
            invite: what the message carries besides `call` and `ring_ms`: `to` and `media`, or from a relay `from` and `media`.
        """
        fields = dict(invite)
        fields["ring_ms"] = self._ring_ms
        self._verb(">dial", now_ms, fields)

    def ring(self, now_ms: int) -> None:
        """Tell the caller that we ring; harmless to repeat."""
        self._verb(">ring", now_ms, {})

    def answer(self, media: "dict[str, Any]", now_ms: int) -> None:
        """Take the call; media flows from here.

        Args:
            media: the message's `media`, as messages.py has it for this side.
        """
        self._verb(">answer", now_ms, {"media": media})

    def hangup(self, now_ms: int, cause: int = 0) -> None:
        """End the call by `cancel`, `reject` or `bye`, whichever the state asks for; harmless when it is over.

        Args:
            cause: a hangup cause; 0 takes the usual one of the state.
        """
        self._verb(">hangup", now_ms, {}, cause or _HANGUP_CAUSES.get(self.state, causes.NORMAL), DEVICE)

    # the world

    def received(self, message: "dict[str, Any]", now_ms: int) -> None:
        """Take a message of the peer that names this call.

        Args:
            message: as `messages.decode` gives it.

        Raises:
            PeerError: the peer may not say that now; nothing has changed.
            LocalError: the message belongs to another call.
        """
        kind = message["t"]
        if message["call"] != self.call_id:
            raise LocalError("a message of call %s came to %r" % (message["call"], self))
        row = self._row("<" + kind)
        if row is None or self._is_wrong_way(kind):
            raise PeerError("`%s` is not to be said in %r" % (kind, self))
        if row[2] != STAY and "media" in message:
            self.media = message["media"]
        if kind == "invite":
            self._ring_ms = message.get("ring_ms", self._ring_ms)
        if kind == "ended" and row[2] != STAY:
            # the relay's word holds over our own view
            self._stop_talk(now_ms)
            self.cause = message["cause"]
            self.released_by = message["released_by"]
            self.duration_ms = message["duration_ms"]
        # `cancel` may come without a cause
        self._go(row, now_ms, {}, message.get("cause", causes.ORIGINATOR_CANCEL), DEVICE if self.authority else PHONE)

    def tick(self, now_ms: int) -> None:
        """Let time pass: ring out, or stop waiting for the last word, when `next_wake_ms` is reached."""
        if self._wake_ms is None or ticks_diff(now_ms, self._wake_ms) < 0:
            return
        self._wake_ms = None
        row = self._row("!timeout")
        if row is not None:
            self._go(row, now_ms, {}, causes.NO_ANSWER, RELAY if self.authority else DEVICE)

    def lost(self, now_ms: int) -> None:
        """Take note that the link is gone: the call is over and nothing more can be said."""
        row = self._row("!lost")
        if row is not None:
            self._go(row, now_ms, {}, causes.LINK_LOST, DEVICE if self.authority else RELAY)

    def next_wake_ms(self) -> "int | None":
        """Give the time at which `tick` wants to be called, None while nothing is waited for."""
        return self._wake_ms

    def actions(self) -> "list[tuple[Any, ...]]":
        """Hand over what there is to do, in order, and forget it.

        Returns:
            `("send", message)`: encode it and put it on the link.
            `("media", True)`: start sending and playing. `("media", False)`: stop both, before anything that follows is
            sent; frames may still come until the end, and count as received.
            `("ended", cause, released_by, duration_ms)`: once, the last action of the call.
        """
        drained = self._actions
        self._actions = []
        return drained

    # inside

    def _row(self, event: str) -> "tuple[Any, ...] | None":
        for row in self.rows:
            if event in row[1] and self.state in row[0]:
                return row
        return None

    def _is_wrong_way(self, kind: str) -> bool:
        return kind in (_FROM_CALLER if self._is_caller else _FROM_CALLEE)

    def _verb(self, event: str, now_ms: int, fields: "dict[str, Any]", cause: int = 0, by: str = "") -> None:
        row = self._row(event)
        if row is None:
            raise LocalError("%s is not possible in %r" % (event[1:], self))
        self._go(row, now_ms, fields, cause, by)

    def _go(self, row: "tuple[Any, ...]", now_ms: int, fields: "dict[str, Any]", cause: int, by: str) -> None:
        """Walk one row: stop media, say what is to be said, enter the next state, start media."""
        state, send = row[2], row[3]
        if state == CLOSING or state == ENDED:
            self._stop_talk(now_ms)
            # the first reason holds
            if not self.cause:
                self.cause = cause
                self.released_by = by
        if send:
            self._send(send, fields)
        if state != STAY:
            self._enter(state, now_ms)

    def _enter(self, state: str, now_ms: int) -> None:
        self.state = state
        if state == DIALLING:
            self._is_caller = True
            self._wake_ms = ticks_add(now_ms, self._ring_ms)
        elif state == RINGING:
            self._wake_ms = ticks_add(now_ms, self._ring_ms + RING_MARGIN_MS)
        elif state == CLOSING:
            self._wake_ms = ticks_add(now_ms, CLOSING_MS)
        elif state == ANSWERED:
            self._wake_ms = None
            self._is_talking = True
            self.answered_at = now_ms
            self._actions.append(("media", True))
        elif state == ENDED:
            self._wake_ms = None
            self._actions.append(("ended", self.cause, self.released_by, self.duration_ms))

    def _stop_talk(self, now_ms: int) -> None:
        if self._is_talking and self.answered_at is not None:
            self._is_talking = False
            self.duration_ms = ticks_diff(now_ms, self.answered_at)
            self._actions.append(("media", False))

    def _send(self, kind: str, fields: "dict[str, Any]") -> None:
        message: "dict[str, Any]" = {"t": kind, "call": self.call_id}
        message.update(fields)
        if kind in ("cancel", "reject", "bye", "ended"):
            message["cause"] = self.cause
        self._actions.append(("send", message))
