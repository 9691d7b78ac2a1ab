"""One live call: pairs the board's leg with the phone's, carries what one side says to the other, and ends it once.

Rules of this file:

- The table `NEXT` holds the life of a call. Whoever ends it first gives cause and `released_by`; everything later is late.
- The end goes in this order: media stops, the phone is released, the record is written, and only then the board hears its
  last word, so that no board holds a receipt for a record that a power cut can take back. A disk that takes longer than
  `LAST_WORD_MS` is not waited for, since the board gives up at 3 s.
- A call is forgotten when both ends have reported and the reports are written.
- Verbs and events come from the event loop; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from callcore import causes
from callcore.compat import ticks_add, ticks_diff
from tincall.leg import CN, DEVICE, IN, OUT, PHONE, CallOffer, Leg, LegObserver, Media, Sink
from tincall.logs import get
from tincall.relay.bridge import Bridge, Flow
from tincall.relay.cdr import NO_FRAMES, Frames
from tincall.relay.device_leg import RELAY, DeviceLeg
from tincall.relay.ledger import Ledger
from tincall.relay.tap import Tap

DIALLING = "dialling"  # the phone's leg is being made, or its party invited
RINGING = "ringing"
ANSWERED = "answered"
ENDED = "ended"

NEXT = {
    DIALLING: {"ring": RINGING, "answer": ANSWERED, "end": ENDED},
    RINGING: {"answer": ANSWERED, "end": ENDED},
    ANSWERED: {"end": ENDED},
    ENDED: {},
}

LAST_WORD_MS = 1_500  # how long the board's last word waits for the disk
FORGET_MS = 15_000  # what a worker may take to report, with room; then the call is forgotten without it

# an `ended` on the wire has no room for more; six days
LONGEST_MS = 0x1FFFFFFF


class PhoneLeg(Protocol):
    """A leg that can also be the calling party: the worker's."""

    observer: LegObserver
    sink: Sink | None
    facts: dict[str, Any]

    @property
    def codecs(self) -> Sequence[str]:
        """Names of the codecs it can speak."""
        ...

    def invite(self, call: CallOffer) -> None:
        """Ring the phone; see `Leg.invite`."""
        ...

    def place(self, call: CallOffer) -> None:
        """Let the phone call; it waits for `ringing`, `answer` or `release`."""
        ...

    def ringing(self) -> None:
        """See `Leg.ringing`."""
        ...

    def answer(self, media: Media) -> None:
        """See `Leg.answer`."""
        ...

    def release(self, cause: int, released_by: str, duration_ms: int) -> None:
        """See `Leg.release`."""
        ...

    def send_media(self, packet: bytes) -> bool:
        """See `Leg.send_media`."""
        ...


class LiveCall:
    """A call from its first moment to its last report; the observer of both its legs.

    Args:
        call_id: unique in the relay.
        direction: `OUT` (the board calls) or `IN`.
        sn: serial number of the board.
        phone_id: contact id of the phone.
        device: the board's leg.
        ledger: writer of the call's record.
        now_ms: time of the ring of 2^30 ms.
        allotted_ms: the longest talk.
        changed: told when the time of the next tick may have changed.
        forgotten: told once, when nothing more will come.
        is_recorded: the call's record is begun already.
    """

    def __init__(
        self,
        call_id: str,
        direction: str,
        sn: str,
        phone_id: str,
        device: DeviceLeg,
        ledger: Ledger,
        now_ms: Callable[[], int],
        allotted_ms: int,
        changed: Callable[[], None],
        forgotten: Callable[[LiveCall], None],
        is_recorded: bool = False,
    ) -> None:
        self.call_id = call_id
        self.direction = direction
        self.sn = sn
        self.phone_id = phone_id
        self.device = device
        self.phone: PhoneLeg | None = None
        self.state = DIALLING
        self.codec = ""
        self.cause = 0
        self.released_by = ""
        self.duration_ms = 0
        self._ledger = ledger
        self._now_ms = now_ms
        self._allotted_ms = allotted_ms
        self._changed = changed
        self._forgotten = forgotten
        self._bridge: Bridge | None = None
        self._taps: dict[str, Tap] = {}
        self._answered_ms = 0
        self._word_due_ms: int | None = None
        self._forget_due_ms: int | None = None
        self._reports: dict[str, dict[str, Any]] = {}
        self._is_settled = False
        self._log = get("relay.call").bind(call=call_id, sn=sn, phone=phone_id, direction=direction)
        device.observer = self
        if not is_recorded:
            ledger.opened(sn, phone_id, direction, self._opened)
        self._log.info("call begins")

    def join(self, phone: PhoneLeg, media: Media, ring_ms: int, board_name: str, phone_name: str) -> None:
        """Take the phone's leg and let the callee ring; a call that has ended meanwhile gives the leg back.

        Args:
            phone: idle.
            media: what the board shall speak.
            ring_ms: how long the callee may ring.
            board_name: for the phone's display.
            phone_name: for the board's display.
        """
        if self.state is ENDED:
            phone.release(self.cause, self.released_by, 0)
            return
        self.phone = phone
        phone.observer = self
        to_phone = CallOffer(self.call_id, self.direction, self.sn, board_name, media.mirrored(), ring_ms)
        if self.direction == OUT:
            phone.invite(to_phone)
        else:
            phone.place(to_phone)
            self.device.invite(CallOffer(self.call_id, IN, self.phone_id, phone_name, media, ring_ms))
        self._changed()

    # -- what the legs say -------------------------------------------------------------------------------------------

    def leg_ringing(self, leg: Leg) -> None:
        """The callee rings: tell the caller."""
        caller = self._other(leg)
        if caller is None or "ring" not in NEXT[self.state]:
            return
        self.state = NEXT[self.state]["ring"]
        caller.ringing()
        self._ledger.ringing()
        self._changed()

    def leg_answered(self, leg: Leg, media: Media) -> None:
        """The callee answered: join the media, then tell the caller."""
        caller = self._other(leg)
        phone = self.phone
        if caller is None or phone is None or "answer" not in NEXT[self.state]:
            return
        if not self._suits(leg, media):
            self.end(causes.INCOMPATIBLE, leg.name)
            return
        self.state = NEXT[self.state]["answer"]
        self.codec = media.codec
        self._answered_ms = self._now_ms()
        self._bridge = Bridge(self.device, phone, self._answered_ms, self._allotted_ms)
        caller.answer(media.mirrored())
        self._ledger.answered(media.codec)
        self._log.info("call answered", codec=media.codec, ptime=media.ptime)
        self._changed()

    def leg_released(self, leg: Leg, cause: int) -> None:
        """A party ended, refused or was lost."""
        self.end(cause, leg.released_by)

    def leg_reported(self, leg: Leg, report: dict[str, Any]) -> None:
        """A far end's figures are in, or will never come."""
        self._reports[leg.name] = report
        self._settle()

    # -- the end -----------------------------------------------------------------------------------------------------

    def end(self, cause: int, released_by: str) -> None:
        """End the call, whatever its state; after the first time it does nothing.

        Args:
            cause: a number of `callcore.causes`.
            released_by: `device`, `phone` or `relay`.
        """
        if "end" not in NEXT[self.state]:
            return
        now_ms = self._now_ms()
        if self.state is ANSWERED:
            self.duration_ms = min(max(0, ticks_diff(now_ms, self._answered_ms)), LONGEST_MS)
        self.state = NEXT[self.state]["end"]
        self.cause, self.released_by = cause, released_by
        self._word_due_ms = ticks_add(now_ms, LAST_WORD_MS)
        self._forget_due_ms = ticks_add(now_ms, FORGET_MS)
        if self._bridge is not None:
            self._bridge.close()
        for tap in self._taps.values():
            tap.end()
        if self.phone is not None:
            self.phone.release(cause, released_by, self.duration_ms)
        else:
            self._reports[PHONE] = {}
            if self.direction == IN:  # the board has not heard of it yet
                self._reports[DEVICE] = {}
        self._ledger.ended(cause, released_by, self.duration_ms, *self._frames(), self._recorded)
        self._log.info("call ended", cause=causes.name(cause), released_by=released_by, duration_ms=self.duration_ms)
        self._changed()

    def _opened(self, is_new: bool) -> None:
        if not is_new:
            self._log.warning("the call's id was used before")
            self.end(causes.PROTOCOL_ERROR, RELAY)

    def _recorded(self, is_done: bool) -> None:
        self._say_last_word()

    def _say_last_word(self) -> None:
        if self._word_due_ms is None:
            return
        self._word_due_ms = None
        self.device.release(self.cause, self.released_by, self.duration_ms)
        self._settle()
        self._changed()

    def _settle(self) -> None:
        """When both ends have reported and the last word is said, write the reports and be forgotten."""
        if self.state is ENDED and self._word_due_ms is None and len(self._reports) == 2 and not self._is_settled:
            self._is_settled = True
            self._forget_due_ms = None
            counters = self.counters()
            worker = self._reports[PHONE]
            if self.phone is not None and self.phone.facts:
                worker = {**worker, "platform": self.phone.facts}
            self._ledger.reported(self._reports[DEVICE], worker, *self._frames(), lambda _: self._forgotten(self))
            self._log.info("call accounted for", **counters)

    # -- time --------------------------------------------------------------------------------------------------------

    def tick(self, now_ms: int) -> None:
        """Let time pass; see `next_wake_ms`."""
        self.device.tick(now_ms)
        if self._bridge is not None and self.state is ANSWERED:
            cause = self._bridge.tick(now_ms)
            if cause:
                self.end(cause, RELAY)
        if self._word_due_ms is not None and ticks_diff(now_ms, self._word_due_ms) >= 0:
            self._log.error("the call's record takes too long; the board is not kept waiting")
            self._say_last_word()
        if self._forget_due_ms is not None and ticks_diff(now_ms, self._forget_due_ms) >= 0:
            for name in (DEVICE, PHONE):
                self._reports.setdefault(name, {})
            self._settle()

    def next_wake_ms(self) -> int | None:
        """Say when `tick` is wanted, in the ring of 2^30 ms; None: not now."""
        wakes = [self.device.next_wake_ms(), self._word_due_ms, self._forget_due_ms]
        if self._bridge is not None and self.state is ANSWERED:
            wakes.append(self._bridge.next_wake_ms())
        now_ms = self._now_ms()
        due = [wake for wake in wakes if wake is not None]
        return min(due, key=lambda wake: ticks_diff(wake, now_ms), default=None)

    # -- what operators see ------------------------------------------------------------------------------------------

    def counters(self) -> dict[str, dict[str, int]]:
        """Give the packets of both directions so far."""
        empty = Flow(_refuse).counters()
        return self._bridge.counters() if self._bridge is not None else {"up": empty, "down": dict(empty)}

    def tap(self, party: str) -> Tap | None:
        """Listen to one party; who listened to it before hears no more.

        Args:
            party: `device` or `phone`.

        Returns:
            None when nobody talks.
        """
        leg = self.device if party == DEVICE else self.phone
        if self.state is not ANSWERED or leg is None:
            return None
        if party in self._taps:
            self._taps[party].close()
        self._taps[party] = Tap(leg)
        self._log.warning("an operator listens", party=party)
        return self._taps[party]

    def _frames(self) -> tuple[Frames, Frames]:
        if self._bridge is None:
            return NO_FRAMES, NO_FRAMES
        up, down = self._bridge.up, self._bridge.down
        return (
            Frames(up.received, up.forwarded, up.dropped),
            Frames(down.received, down.forwarded, down.dropped),
        )

    def _other(self, leg: Leg) -> DeviceLeg | PhoneLeg | None:
        return self.phone if leg is self.device else self.device

    def _suits(self, leg: Leg, media: Media) -> bool:
        """Tell whether the board can speak what the phone has chosen; what the board chose was offered to it."""
        if leg is self.device:
            return True
        offer = self.device.offer
        has_noise = CN in offer["codecs"] or not media.cn
        return media.codec in offer["codecs"] and media.ptime in offer["ptimes"] and has_noise


def _refuse(packet: bytes) -> bool:
    return False
