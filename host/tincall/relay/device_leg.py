"""The board's half of one call: a leg over a session, with callcore's call machine in between.

Rules of this file:

- The call machine decides; here its actions become messages and its states become a leg's events.
- The machine's `ended`, the last word, is held back until `release`, since the board may take it for a receipt: the
  switchboard says `release` when the call's record is on disk.
- Packets are taken until the board's last `stats`, because it counts what it sent until it has heard the last word; a board
  that does not send them within `REPORT_MS` is not waited for.
- Events are told from `heard`, `tick` and `lost`, which the event loop calls, and never from inside a verb.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from callcore import causes
from callcore.authority import Authority
from callcore.call import ANSWERED, DIALLING, ENDED, IDLE, RINGBACK
from callcore.compat import ticks_add, ticks_diff
from callcore.errors import LocalError, MessageError, PeerError
from callcore.media import PAYLOAD_TYPE, codec
from tincall.leg import DEVICE, CallOffer, Leg, LegObserver, Media
from tincall.relay.session import Session
from tincall.relay.traffic import NOTHING

RELAY = "relay"  # who says a last word that no party caused
REPORT_MS = 2_000  # the last statistics come one way of the network after the last word; two seconds are a bad network


class DeviceLeg(Leg):
    """One call of one board.

    Args:
        session: the board's link, READY.
        call_id: the call's name on the link.
        now_ms: the time, in the ring of 2^30 ms.
        ring_ms: how long the call may ring; an invite of the board brings its own.
        forget: told once, when the leg needs no more messages.
        observer: who is told the events.

    Attributes:
        offer: `codecs` and `ptimes` of the board that calls, in its order of preference; empty when it is called.
        ring_ms: how long this call may ring.
        stats: the board's newest figures of this call, of `up` and `down` together; empty before the first.
    """

    def __init__(
        self,
        session: Session,
        call_id: str,
        now_ms: Callable[[], int],
        ring_ms: int,
        forget: Callable[[DeviceLeg], None] | None = None,
        observer: LegObserver | None = None,
    ) -> None:
        super().__init__(DEVICE, observer)
        self.call_id = call_id
        self.offer: dict[str, Any] = {}
        self.ring_ms = ring_ms
        self.stats: dict[str, Any] = {}
        self._session = session
        self._now_ms = now_ms
        self._machine = Authority(call_id, now_ms(), ring_ms)
        self._forget = forget
        self._media: Media | None = None
        self._is_talking = False
        self._has_talked = False
        self._last_word: dict[str, Any] | None = None
        self._due_ms: int | None = None
        self._is_reported = False
        self._carried = NOTHING

    def __repr__(self) -> str:
        return f"<device leg {self.call_id} {self._machine.state}>"

    @property
    def is_over(self) -> bool:
        """Whether this half of the call has ended; its last word and its report may still be to come."""
        return bool(self._machine.state == ENDED)

    @property
    def released_by(self) -> str:
        """Who ended this half: `device`, or `relay` when it only rang out."""
        return str(self._machine.released_by)

    # -- verbs -------------------------------------------------------------------------------------------------------

    def invite(self, call: CallOffer) -> None:
        """Ring the board; see `Leg.invite`."""
        person = {"id": call.peer_id, "name": call.peer_name or call.peer_id}
        self._machine.dial({"from": person, "media": call.media.fields()}, self._now_ms())
        self._media = call.media
        self._drain()

    def ringing(self) -> None:
        """Tell the board, which calls, that the phone rings; see `Leg.ringing`."""
        self._machine.ring(self._now_ms())
        self._drain()

    def answer(self, media: Media) -> None:
        """Tell the board, which calls, that the phone answered; see `Leg.answer`."""
        self._machine.answer(media.fields(), self._now_ms())
        self._media = media
        self._drain()

    def release(self, cause: int, released_by: str, duration_ms: int) -> None:
        """End this half of the call, or say its last word if it is over; see `Leg.release`."""
        now_ms = self._now_ms()
        was_idle = self._machine.state == IDLE
        self._machine.finish(cause, released_by, now_ms)
        self._drain()
        word, self._last_word = self._last_word, None
        if word is not None:
            # the record's words, which may say more than this half could know
            self._session.send_message(
                {**word, "cause": cause, "released_by": released_by, "duration_ms": max(0, duration_ms)}
            )
            self._wait_for_report(now_ms)
        elif was_idle:
            self._finish({}, tell=False)

    def send_media(self, packet: bytes) -> bool:
        """Hand one packet to the board; see `Leg.send_media`."""
        if self._is_talking and self._session.send_media(packet):
            self.counters.sent += 1
            return True
        self.counters.dropped += 1
        return False

    # -- what the board says -----------------------------------------------------------------------------------------

    def heard(self, message: dict[str, Any], now_ms: int) -> None:
        """Take a message that names this call.

        Raises:
            MessageError: the board may not say that now; nothing has changed.
        """
        kind = message["t"]
        if kind == "stats":
            self._figures(message)
            return
        before = self._machine.state
        if kind == "answer" and self._is_misfit(message["media"]):
            self._machine.finish(causes.INCOMPATIBLE, DEVICE, now_ms)
            self._after(now_ms, before)
            return
        try:
            self._machine.received(message, now_ms)
        except PeerError as error:
            raise MessageError(error.detail, kind=kind) from None
        if kind == "invite":
            self.offer = message["media"]
            self.ring_ms = message.get("ring_ms", self.ring_ms)
        elif kind == "answer" and before != self._machine.state:
            self._choose(message["media"])
        self._after(now_ms, before)

    def tick(self, now_ms: int) -> None:
        """Let time pass; see `next_wake_ms`."""
        before = self._machine.state
        self._machine.tick(now_ms)
        self._after(now_ms, before)
        if self._due_ms is not None and ticks_diff(now_ms, self._due_ms) >= 0:
            self._finish({})

    def next_wake_ms(self) -> int | None:
        """Say when `tick` is wanted, in the ring of 2^30 ms; None: not now."""
        return self._machine.next_wake_ms() if self._due_ms is None else self._due_ms

    def lost(self, now_ms: int) -> None:
        """Hear that the link is gone: nothing more can be said or will come."""
        before = self._machine.state
        self._machine.lost(now_ms)
        self._last_word = None
        self._after(now_ms, before)
        self._finish({})

    # -- inside ------------------------------------------------------------------------------------------------------

    def _is_misfit(self, choice: dict[str, Any]) -> bool:
        """Tell whether the board answers with another codec than the one it was offered."""
        if self._media is None or self._machine.state not in (DIALLING, RINGBACK):
            return False
        return bool(choice["codec"] != self._media.codec)

    def _choose(self, choice: dict[str, Any]) -> None:
        if self._media is None:
            raise LocalError("a board answered a call that was not offered to it")
        self._media = replace(self._media, codec=choice["codec"], ptime=choice["ptime"])

    def _drain(self) -> None:
        for action in self._machine.actions():
            if action[0] == "send":
                if action[1]["t"] == "ended":
                    self._last_word = action[1]
                else:
                    self._session.send_message(action[1])
            elif action[0] == "media":
                self._talk(action[1])

    def _talk(self, is_on: bool) -> None:
        self._is_talking = is_on
        if is_on and self._media is not None:
            self._has_talked = True
            self._carried = self._session.traffic()
            payload_type = codec(self._media.codec)[PAYLOAD_TYPE]
            self._session.expect(self._packet, payload_type, self._media.ssrc, self._media.cn)

    def _packet(self, packet: bytes) -> None:
        self.counters.received += 1
        if self.sink is not None:
            self.sink(packet)

    def _after(self, now_ms: int, before: str = "") -> None:
        """Carry out what the machine wants and tell what it came to."""
        self._drain()
        state = self._machine.state
        if state == before:
            return
        if state == RINGBACK:
            self.observer.leg_ringing(self)
        elif state == ANSWERED and self._media is not None:
            self.observer.leg_answered(self, self._media)
        elif state == ENDED:
            self._wait_for_report(now_ms)
            self.observer.leg_released(self, self._machine.cause)

    def _wait_for_report(self, now_ms: int) -> None:
        if not self._is_reported:
            # without talk there is nothing to report; the next tick says so
            self._due_ms = ticks_add(now_ms, REPORT_MS) if self._has_talked else now_ms

    def _figures(self, stats: dict[str, Any]) -> None:
        self.stats = {**stats["up"], **stats["down"]}
        if "rssi" in stats:
            self.stats["rssi"] = stats["rssi"]
        if stats["final"] and self.is_over:
            up, down = self._session.traffic()
            carried = {"link_bytes_up": up - self._carried[0], "link_bytes_down": down - self._carried[1]}
            self._finish({**self.stats, **carried})

    def _finish(self, report: dict[str, Any], tell: bool = True) -> None:
        if self._is_reported:
            return
        self._is_reported = True
        self._due_ms = None
        self._session.forget(self._packet)
        self.report = report
        if self._forget is not None:
            self._forget(self)
        if tell:
            self.observer.leg_reported(self, report)
