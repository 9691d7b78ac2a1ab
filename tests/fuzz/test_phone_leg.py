"""Whatever platform, worker, clock and switchboard do in whatever order: a leg ends once, and no room is left."""

import asyncio

from contracts.wechat_party import CALL_OF_PHONE, ROOM, Platform
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.legs import MEDIA, OFFER, Witness

from callcore import causes
from callcore.errors import LocalError
from tincall.clock import ManualClock
from tincall.leg import PHONE, Leg
from tincall.wechat.phone_leg import Patience, WeChatLeg
from tincall.wechat.vocabulary import PlatformError

EVENTS = st.one_of(
    st.sampled_from(["claim", "give back", "enter", "api error", "api doubt", "late", "ringing", "answer", "release"]),
    st.sampled_from(["worker rings", "worker answers", "worker ends", "worker dies"]),
    st.tuples(st.just("status"), st.integers(0, 12)),
)


class Worker(Leg):
    """A worker's leg by the rules of `worker.leg.HEARD`, driven by the test."""

    codecs = ("PCMA",)

    def __init__(self):
        super().__init__(PHONE)
        self.state = "idle"
        self.on_status = None

    def invite(self, call):
        self.state = "invited"

    def place(self, call):
        self.state = "calling"

    def ringing(self):
        if self.state != "calling":
            raise LocalError("ringing")
        self.state = "ringback"

    def answer(self, media):
        if self.state not in ("calling", "ringback"):
            raise LocalError("answer")
        self.state = "answered"

    def room(self, room):
        if self.state != "invited":
            raise LocalError("room")

    def release(self, cause, released_by, duration_ms, reason=None):
        if self.state == "idle":
            self.state = "reported"
        elif self.state != "reported":
            self.state = "released"

    def send_media(self, packet):
        return False

    def does(self, event):
        """Let the worker do something, if the rules let it."""
        live = self.state not in ("idle", "released", "reported")
        if event == "worker rings" and self.state == "invited":
            self.state = "rings"
            self.observer.leg_ringing(self)
        elif event == "worker answers" and self.state in ("invited", "rings"):
            self.state = "answered"
            self.observer.leg_answered(self, MEDIA)
        elif event == "worker ends" and live:
            self.state = "released"
            self.observer.leg_released(self, causes.INTERWORKING)
        elif event == "worker dies" and (live or self.state == "released"):
            self.state = "reported"
            if live:
                self.observer.leg_released(self, causes.DESTINATION_OUT_OF_ORDER)
            self.observer.leg_reported(self, {})
        elif isinstance(event, tuple) and (live or self.state == "released"):
            self.on_status(event[1])


class Story:
    """One leg's life; counts the rooms that came to it."""

    def __init__(self, role):
        self.platform = Platform(pushes=False)
        self.worker = Worker()
        is_caller = role == "caller"
        self.leg = WeChatLeg(
            self.worker, self.platform, ManualClock(), Patience(), "mum", CALL_OF_PHONE if is_caller else None
        )
        self.witness = Witness(self.leg)
        self.rooms = int(is_caller)
        self.claimed = False
        self.verb_first = False
        (self.leg.place if is_caller else self.leg.invite)(OFFER)

    def play(self, event):
        leg = self.leg
        if event == "claim":
            self.claimed = leg.claim() or self.claimed
        elif event == "give back" and self.claimed:
            self.claimed = False
            leg.give_back()
        elif event == "enter" and self.claimed:
            self.claimed = False
            self.rooms += 1
            leg.enter(ROOM)
        elif event == "api error":
            leg._refused(PlatformError("no", api="call", number=9, cause=causes.BARRED))
        elif event == "api doubt":
            leg._refused(PlatformError("slow", api="call", cause=causes.TIMER_EXPIRED, maybe_done=True))
        elif event == "late" and leg._timer is not None:
            leg._late()
        elif event in ("ringing", "answer"):
            try:
                leg.ringing() if event == "ringing" else leg.answer(MEDIA)
            except LocalError:
                pass
        elif event == "release":
            self.release()
        else:
            self.worker.does(event)

    def release(self):
        told = len(self.witness.events)
        self.verb_first = self.verb_first or "released" not in self.witness.names
        self.leg.release(causes.NORMAL, "relay", 0)
        assert len(self.witness.events) == told, "an event was told from inside a verb"

    def end(self):
        self.release()
        if self.worker.state != "reported":
            self.worker.state = "reported"
            self.worker.observer.leg_reported(self.worker, {"sent": 0})
        if self.claimed:
            self.play("enter")


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["callee", "caller"]), st.lists(EVENTS, max_size=25))
@example("callee", ["claim", "worker rings", "enter"])
def test_any_order_of_events_ends_once(role, events):
    async def main():
        story = Story(role)
        for event in events:
            story.play(event)
            await asyncio.sleep(0)
        story.end()
        await asyncio.sleep(0)
        names = story.witness.names
        assert names.count("released") == (0 if story.verb_first else 1), names
        assert names.count("reported") == 1 and names[-1] == "reported", names
        assert names.count("answered") <= 1 and names.count("ringing") <= 1
        assert story.leg._timer is None and story.platform.expected == []
        told = story.platform.told
        assert told.count("over") + told.count("abandon") == story.rooms, "each room is ended once"
        facts = story.leg.facts
        assert facts["billed_ms"] == facts["talk_ms"] >= 0

    asyncio.run(main())
