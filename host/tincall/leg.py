"""The contract of a leg: one party's half of a call, seen from the relay.

Rules of the contract, held by `tests/contracts/leg_contract.py` against every implementation:

- A leg lives for one call. It is born idle (`invite` makes its party the callee) or already calling (its party asked
  for the call: the callee-only and caller-only verbs below follow from that).
- Verbs go towards the party, events come from the party. A verb never tells the observer an event of its own making,
  with one exception: `leg_reported`, which always comes last.
- Events come in the order ringing, answered, released, reported; none twice; the first two may be missing.
  `leg_released` is told exactly once unless `release` came first, then never. `leg_reported` is told exactly once for
  every leg that was ever invited or calling, after it is over, also when the far end died (the report is then empty).
- A switchboard calls `release` on every leg in the end, also on one that told `leg_released`: its party may wait for the
  last word, and some report only after it.
- Observers are told from the event loop, never from inside a verb, so a switchboard may call any verb on any leg
  from any event.
- Media is not an event. The bridge sets `sink`; the leg calls it with every RTP packet of its party from `answered`
  until `leg_reported`, the ones included that were under way when the call ended. Packets are borrowed for the
  duration of the call of `sink`.
- A verb that the state does not allow raises `callcore.errors.LocalError` and changes nothing. `release` and
  `send_media` are allowed in every state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

DEVICE = "device"
PHONE = "phone"

# direction of a call, seen from the board: it calls out, or it is called
OUT = "out"
IN = "in"

# what says in a list of codecs that its owner understands comfort noise (RFC 3389)
CN = "CN"

Sink = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Media:
    """What one party speaks in a call, as the relay chose it.

    Args:
        codec: name of `callcore.media.CODECS`, such as "PCMA".
        ptime: milliseconds of audio in one packet, 20 or 40.
        ssrc: the SSRC this party writes into its packets, 0 to 2**32 - 1 (RFC 3550 section 8).
        remote_ssrc: the SSRC this party will see.
        cn: whether both parties may send comfort noise (RFC 3389) while they are silent.
    """

    codec: str
    ptime: int
    ssrc: int
    remote_ssrc: int
    cn: bool = False

    def mirrored(self) -> Media:
        """Give the same media as the other party sees it: the two SSRCs change places."""
        return Media(self.codec, self.ptime, self.remote_ssrc, self.ssrc, self.cn)

    def fields(self) -> dict[str, Any]:
        """Give it as messages carry it, both to the board and to a worker; `cn` only when it is true."""
        fields: dict[str, Any] = {"codec": self.codec, "ptime": self.ptime}
        fields |= {"ssrc": self.ssrc, "remote_ssrc": self.remote_ssrc}
        return {**fields, "cn": True} if self.cn else fields


@dataclass(frozen=True, slots=True)
class CallOffer:
    """What a party hears about a call before it answers.

    Args:
        call_id: the call's name, unique in the relay, at most 64 characters.
        direction: `OUT` (the board calls a phone) or `IN` (a phone calls the board).
        peer_id: who is on the other side: contact id of the phone or serial number of the board.
        peer_name: the same for people, may be empty.
        media: what this party shall speak.
        ring_ms: how long the callee may ring, above 0.
    """

    call_id: str
    direction: str
    peer_id: str
    peer_name: str
    media: Media
    ring_ms: int


@dataclass(slots=True)
class MediaCounters:
    """RTP packets of one leg, in plain integers because they are counted per packet.

    `received` came from the party, `sent` were handed over towards it, `dropped` were refused by `send_media`
    (no room, or the leg was not answered or was over). Every `send_media` counts in exactly one of the last two.
    """

    received: int = 0
    sent: int = 0
    dropped: int = 0


class LegObserver(Protocol):
    """Who hears what a leg's party does; the switchboard."""

    def leg_ringing(self, leg: Leg) -> None:
        """The party, a callee, is being rung."""

    def leg_answered(self, leg: Leg, media: Media) -> None:
        """The party, a callee, took the call; `media` is its final choice, seen from the party."""

    def leg_released(self, leg: Leg, cause: int) -> None:
        """The party ended, refused or lost the call; the leg is over. `cause` is a number of `callcore.causes`."""

    def leg_reported(self, leg: Leg, report: dict[str, Any]) -> None:
        """The far end's own figures are in (`leg.report`), or will never come (empty); counters move no more."""


class Nobody:
    """The observer of a leg that nobody observes yet; ignores every event."""

    def leg_ringing(self, leg: Leg) -> None:
        """Ignore it."""

    def leg_answered(self, leg: Leg, media: Media) -> None:
        """Ignore it."""

    def leg_released(self, leg: Leg, cause: int) -> None:
        """Ignore it."""

    def leg_reported(self, leg: Leg, report: dict[str, Any]) -> None:
        """Ignore it."""


class Leg(ABC):
    """One party's half of a call; see the rules at the head of this file.

    Attributes:
        name: `DEVICE` or `PHONE`; also the word of `released_by`.
        observer: who is told the events; replaced by the switchboard before the first verb.
        sink: what gets every RTP packet of the party, or None (packets are then only counted).
        counters: packets so far; exact once `leg_reported` was told.
        report: the far end's own figures, empty until `leg_reported`.
        facts: what the party's network told of the call, for its record; empty where it tells nothing.
    """

    def __init__(self, name: str, observer: LegObserver | None = None) -> None:
        self.name = name
        self.observer: LegObserver = observer or Nobody()
        self.sink: Sink | None = None
        self.counters = MediaCounters()
        self.report: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}

    @property
    def released_by(self) -> str:
        """Who ended this half of the call, once `leg_released` was told: its own party, unless the leg knows better."""
        return self.name

    @abstractmethod
    def invite(self, call: CallOffer) -> None:
        """Ring the party: it becomes the callee.

        Raises:
            LocalError: the leg is not idle.
        """

    @abstractmethod
    def ringing(self) -> None:
        """Tell the party, a caller, that the far end rings.

        Raises:
            LocalError: the party is not a caller waiting for it.
        """

    @abstractmethod
    def answer(self, media: Media) -> None:
        """Tell the party, a caller, that the far end took the call; media flows from here.

        Args:
            media: the final choice, seen from this party.

        Raises:
            LocalError: the party is not a caller waiting for it.
        """

    @abstractmethod
    def release(self, cause: int, released_by: str, duration_ms: int) -> None:
        """End this half of the call in the way its state asks (cancel, reject or bye); the leg is over afterwards.

        Idempotent: on a leg that is over it does nothing but say the last word where the party waits for one.

        Args:
            cause: why, a number of `callcore.causes`.
            released_by: `DEVICE`, `PHONE` or "relay".
            duration_ms: milliseconds from answer to end, 0 when nobody answered.
        """

    @abstractmethod
    def send_media(self, packet: bytes) -> bool:
        """Hand one RTP packet towards the party; never blocks, never raises.

        Args:
            packet: at most 2,048 bytes; borrowed for the duration of this call.

        Returns:
            Whether it was handed over; False: it was dropped and counted.
        """
