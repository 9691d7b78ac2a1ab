"""One board's line: its link, what it said in `hello`, and which of its calls a message belongs to.

Rules of this file: a board is in one call at a time; a second one is busy, whichever side asks. A call that is over keeps
its leg until the board's last figures are in. What a board says about a call that is long over is late, not wrong.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Protocol

from callcore import causes
from callcore.errors import LocalError, MessageError
from callcore.messages import FROM_RELAY, encode
from tincall.clock import Clock
from tincall.logs import get
from tincall.relay.device_leg import RELAY, DeviceLeg
from tincall.relay.events import FEATURE, Events
from tincall.relay.session import CLOSE_VERIFY, READY, Session

# calls whose late messages are still recognised: at the most one a second ends, and nothing is later than some seconds
REMEMBERED_CALLS = 16

log = get("relay.line")


class Desk(Protocol):
    """Who is asked about the board's calls; the switchboard."""

    ring_ms: int
    events: Events | None

    def contacts(self, sn: str) -> list[dict[str, str]]:
        """Give whom the board may call: `id` and `name` each."""
        ...

    def dialled(self, line: Line, leg: DeviceLeg, phone_id: str) -> None:
        """Hear that the board calls; the leg waits for ringing, answer or release."""
        ...

    def unplugged(self, line: Line) -> None:
        """Hear that the link is gone."""
        ...


class Line:
    """A verified board while it is connected; the owner of its session.

    Args:
        sn: serial number.
        session: the link.
        address: the far end's network address, for operators.
        desk: the switchboard.
        clock: the time.
    """

    def __init__(self, sn: str, session: Session, address: str, desk: Desk, clock: Clock) -> None:
        self.sn = sn
        self.session = session
        self.address = address
        self.since_ms = clock.unix_ms()
        self.said: dict[str, Any] = {}
        self._desk = desk
        self._clock = clock
        self._legs: dict[str, DeviceLeg] = {}
        self._is_renewing = False
        self._over: deque[str] = deque(maxlen=REMEMBERED_CALLS)
        self._is_storing = False

    @property
    def is_ready(self) -> bool:
        """Whether the board has been welcomed and its link is open."""
        return self.session.state is READY

    @property
    def current(self) -> DeviceLeg | None:
        """The leg of the call that the board is in, if any."""
        for leg in self._legs.values():
            if not leg.is_over:
                return leg
        return None

    def leg(self, call_id: str, ring_ms: int) -> DeviceLeg:
        """Make the leg of a new call and send it what the board says about that call."""
        leg = DeviceLeg(self.session, call_id, self._clock.now_ms, ring_ms, self._forget)
        self._legs[call_id] = leg
        return leg

    def hello(self, message: dict[str, Any]) -> dict[str, Any]:
        """Welcome the board; with as many contacts as fit into one message."""
        self.said = message
        return self._with_contacts(
            {
                "t": "welcome",
                "v": 1,
                "now": self._clock.unix_ms() // 1000,
                "heartbeat_ms": self.session.heartbeat_ms,
                "settings": {"ring_ms": self._desk.ring_ms},
                "features": [FEATURE] if self._takes_events else [],
            }
        )

    def tell_contacts(self) -> None:
        """Tell the board whom it may call now; one that was not welcomed yet hears it in its welcome."""
        if self.is_ready:
            self.session.send_message(self._with_contacts({"t": "contacts"}))

    def renew(self) -> None:
        """Close the link so that the board verifies itself anew (4401): now, or once its call and its figures are in."""
        self._is_renewing = True
        self._renew_if_idle()

    def heard(self, message: dict[str, Any], now_ms: int) -> None:
        """Hand a message to the leg it is for; see `session.Owner.heard`."""
        if message["t"] == "event":
            self._keep(message)
            return
        call_id = message["call"]
        if message["t"] == "invite":
            self._dial(call_id, message, now_ms)
        elif call_id in self._legs:
            self._legs[call_id].heard(message, now_ms)
        elif call_id not in self._over and message["t"] != "stats":
            raise MessageError(f"there is no call {call_id}", kind=message["t"])

    def gone(self, now_ms: int) -> None:
        """End everything that hung on the link; see `session.Owner.gone`."""
        for leg in list(self._legs.values()):
            leg.lost(now_ms)
        self._desk.unplugged(self)

    @property
    def _takes_events(self) -> bool:
        return self._desk.events is not None and FEATURE in self.said["features"]

    def _keep(self, message: dict[str, Any]) -> None:
        """Store an event of the board and acknowledge it; one at a time, so that no board fills the database's queue."""
        if self._desk.events is None or not self._takes_events:
            raise MessageError("events were not agreed on", kind="event")
        if self._is_storing:
            raise MessageError("the last event is not acknowledged yet", kind="event")
        self._is_storing = True
        self._desk.events.take(self.sn, message, self._kept)

    def _kept(self, number: int) -> None:
        self._is_storing = False
        self.session.send_message({"t": "event_ok", "n": number})

    def _dial(self, call_id: str, message: dict[str, Any], now_ms: int) -> None:
        if call_id in self._legs or call_id in self._over:
            raise MessageError(f"there was a call {call_id} already", kind="invite")
        is_busy = self.current is not None
        leg = self.leg(call_id, self._desk.ring_ms)
        leg.heard(message, now_ms)
        if is_busy:
            leg.release(causes.BUSY, RELAY, 0)
            self._forget(leg)
        else:
            self._desk.dialled(self, leg, message["to"])

    def _with_contacts(self, message: dict[str, Any]) -> dict[str, Any]:
        """Put as many contacts into a message as fit."""
        contacts = [{"id": one["id"], "name": one["name"]} for one in self._desk.contacts(self.sn)]
        message["contacts"] = contacts
        while contacts and not _is_sound(message):
            contacts.pop()
            log.warning(
                "a contact does not fit into the message", sn=self.sn, message=message["t"], contacts=len(contacts)
            )
        return message

    def _forget(self, leg: DeviceLeg) -> None:
        if self._legs.pop(leg.call_id, None) is not None:
            self._over.append(leg.call_id)
            self._renew_if_idle()

    def _renew_if_idle(self) -> None:
        if self._is_renewing and not self._legs:
            self.session.close(CLOSE_VERIFY, "verify anew")


def _is_sound(message: dict[str, Any]) -> bool:
    try:
        encode(message, FROM_RELAY)
    except LocalError:
        return False
    return True
