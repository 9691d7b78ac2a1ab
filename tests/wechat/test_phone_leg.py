"""What is particular to a phone met through the platform; what every leg does is in tests/contracts."""

import asyncio
from dataclasses import replace

import pytest
from contracts.wechat_party import CALL_OF_PHONE, ROOM, Platform, WeChatParty
from support.legs import MEDIA, OFFER, Witness, until

from callcore import causes
from callcore.errors import LocalError
from tincall.clock import ManualClock
from tincall.wechat import phone_leg
from tincall.wechat.phone_leg import NEXT, Patience
from tincall.wechat.vocabulary import PlatformError, Reason, Status

SHORT = Patience(push_ms=60, ring_ms=60, peer_ms=60)
LONG = Patience()
NO_CONSENT = PlatformError("no consent", api="call", number=9, cause=causes.BARRED)
NO_ANSWER_CAME = PlatformError("slow", api="call", cause=causes.TIMER_EXPIRED, maybe_done=True)


class Scene:
    """A leg and its witness; `async with`."""

    def __init__(self, role="callee", pushes=False, patience=LONG, clock=None):
        self.platform = Platform(pushes)
        self._made = (role, patience, clock)

    async def __aenter__(self):
        role, patience, clock = self._made
        self.party = await WeChatParty.make(role, None, self.platform, patience, clock)
        self.leg = self.party.leg
        self.witness = Witness(self.leg)
        return self

    async def __aexit__(self, *_):
        await self.party.close()

    async def invited(self):
        """Invite, and let the platform answer."""
        self.leg.invite(OFFER)
        await until(lambda: "asked_ms" in self.leg.facts or not self.platform.asked.is_set() or self.platform.pushes)

    def push(self):
        """Let the push come and be stored at once."""
        is_wanted = self.leg.claim()
        if is_wanted:
            self.leg.enter(ROOM)
        return is_wanted

    def last_status(self):
        """Give the newest number that the leg has noted."""
        return noted[-1]["number"] if (noted := self.leg.facts.get("statuses")) else None

    async def heard(self, word):
        """Wait for a control message to the worker, and give it."""
        await until(lambda: any(message["t"] == word for message in self.party.messages), word)
        return next(message for message in self.party.messages if message["t"] == word)

    async def over(self):
        """Let the worker report, and the leg be over."""
        self.leg.release(causes.NORMAL, "relay", 0)
        await self.party.report({"sent": 0})
        await self.witness.until("reported")
        assert self.platform.expected == [] and self.leg._timer is None


# a call of the board: the push and the answer in any order


@pytest.mark.parametrize("order", ["push before", "push during", "push after"])
async def test_the_push_may_come_at_any_time(order):
    async with Scene() as scene:
        if order != "push after":
            scene.platform.asked.clear()
        await scene.invited()
        assert scene.platform.expected == [scene.leg]
        if order == "push during":
            await until(lambda: scene.platform.told == ["ask"])
        assert scene.push() and not scene.push(), "one push is wanted"
        room = (await scene.heard("room"))["room"]
        assert (room["room_id"], room["server_token"], room["sn"]) == ("room-1", "server", "board-1")
        scene.platform.asked.set()
        await scene.party.ring()
        await scene.witness.until("ringing")
        await scene.party.answer()
        await scene.witness.until("answered")
        assert scene.witness.names == ["ringing", "answered"]
        await scene.over()
        assert scene.platform.told[-1] == "over"


async def test_an_error_before_the_push_ends_it_and_the_push_is_refused():
    async with Scene() as scene:
        scene.platform.fault = NO_CONSENT
        scene.leg.invite(OFFER)
        assert await scene.witness.until("released") == ("released", causes.BARRED)
        assert scene.leg.released_by == "relay" and scene.platform.told == ["ask", "refused 9"]
        assert not scene.push() and scene.platform.expected == []
        assert scene.leg.facts["error"] == {"number": 9, "detail": "no consent"}
        await scene.over()
        assert "over" not in scene.platform.told and "abandon" not in scene.platform.told, "there was no room"


async def test_an_error_after_the_push_changes_nothing():
    async with Scene() as scene:
        scene.platform.asked.clear()
        scene.platform.fault = PlatformError("busy", api="call", number=-1, cause=causes.TEMPORARY_FAILURE)
        await scene.invited()
        assert scene.push()
        scene.platform.asked.set()
        await until(lambda: "error" in scene.leg.facts)
        await scene.party.ring()
        await scene.witness.until("ringing")
        assert scene.witness.names == ["ringing"]
        await scene.over()


async def test_when_no_answer_came_the_push_tells():
    async with Scene() as scene:
        scene.platform.fault = NO_ANSWER_CAME
        scene.leg.invite(OFFER)
        await until(lambda: "error" in scene.leg.facts)
        assert scene.witness.events == [] and scene.push()
        await scene.party.ring()
        await scene.witness.until("ringing")
        await scene.over()


async def test_without_answer_and_without_push_the_answers_fault_is_the_cause():
    async with Scene(patience=SHORT) as scene:
        scene.platform.fault = NO_ANSWER_CAME
        scene.leg.invite(OFFER)
        assert await scene.witness.until("released") == ("released", causes.TIMER_EXPIRED)
        await scene.over()


async def test_no_push_in_time():
    async with Scene(patience=SHORT) as scene:
        await scene.invited()
        assert await scene.witness.until("released") == ("released", causes.NO_RESPONSE)
        assert not scene.push()
        await scene.over()


async def test_a_push_that_could_not_be_stored_may_come_again():
    async with Scene() as scene:
        await scene.invited()
        assert scene.leg.claim()
        scene.leg.give_back()
        assert scene.push()
        await scene.heard("room")
        await scene.over()


async def test_the_wait_goes_on_while_a_push_is_stored():
    async with Scene(patience=SHORT) as scene:
        await scene.invited()
        assert scene.leg.claim()
        assert await scene.witness.until("released") == ("released", causes.NO_RESPONSE)
        scene.leg.enter(ROOM)
        assert scene.platform.told[-1] == "abandon", "its room is hung up by another worker"
        await scene.over()
        assert scene.platform.told.count("abandon") == 1


# a call of the board: cancelled at every stage


async def test_cancelled_before_the_push():
    async with Scene() as scene:
        scene.platform.asked.clear()
        await scene.invited()
        scene.leg.release(causes.ORIGINATOR_CANCEL, "device", 0)
        assert not scene.push() and scene.platform.expected == []
        assert "reason" not in await scene.heard("release"), "there is nothing to hang up"
        await scene.over()
        assert scene.witness.names == ["reported"] and scene.leg._asking.done()


async def test_cancelled_while_the_push_is_stored():
    async with Scene() as scene:
        await scene.invited()
        assert scene.leg.claim()
        scene.leg.release(causes.ORIGINATOR_CANCEL, "device", 0)
        scene.leg.enter(ROOM)
        assert scene.platform.told[-1] == "abandon"
        await scene.over()


@pytest.mark.parametrize("stage", ["joining", "ringing"])
async def test_cancelled_when_there_is_a_room(stage):
    async with Scene() as scene:
        await scene.invited()
        scene.push()
        if stage == "ringing":
            await scene.party.ring()
            await scene.witness.until("ringing")
        scene.leg.release(causes.ORIGINATOR_CANCEL, "device", 0)
        release = await scene.heard("release")
        assert (release["cause"], release["reason"]) == (causes.ORIGINATOR_CANCEL, Reason.MANUAL)
        await scene.over()
        assert scene.leg.facts["reason"] == Reason.MANUAL and scene.platform.told[-1] == "over"


# a call of the board: how it ends


@pytest.mark.parametrize(
    ("status", "cause", "released_by"),
    [
        (Status.REJECTED, causes.REJECTED, "phone"),
        (Status.BUSY, causes.BUSY, "phone"),
        (Status.TIMEOUT, causes.NO_ANSWER, "phone"),
        (Status.HANGUP_BY_CALLEE, causes.NORMAL, "phone"),
        (Status.HANGUP_BY_CALLER, causes.NORMAL, "device"),
        (Status.CANCELED, causes.ORIGINATOR_CANCEL, "device"),
        (Status.ABORTED, causes.TEMPORARY_FAILURE, "relay"),
        (42, causes.INTERWORKING, "relay"),
    ],
)
async def test_the_platforms_number_says_why_and_who(status, cause, released_by):
    async with Scene(pushes=True) as scene:
        scene.leg.invite(OFFER)
        await scene.party.ring()
        await scene.witness.until("ringing")
        await scene.party.status(status)
        await scene.party.say({"t": "release", "cause": causes.INTERWORKING})
        assert await scene.witness.until("released") == ("released", cause)
        assert scene.leg.released_by == released_by
        await scene.over()
        assert [one["number"] for one in scene.leg.facts["statuses"]] == [1, status]


async def test_a_phone_that_does_not_answer_is_given_up():
    async with Scene(pushes=True, patience=SHORT) as scene:
        scene.leg.invite(OFFER)
        await scene.party.ring()
        assert await scene.witness.until("released") == ("released", causes.NO_ANSWER)
        assert (await scene.heard("release"))["reason"] == Reason.TIMEOUT
        await scene.over()


async def test_the_call_may_ring_shorter_than_the_relay_lets_it():
    async with Scene(pushes=True) as scene:
        scene.leg.invite(replace(OFFER, ring_ms=50))
        await scene.party.ring()
        assert await scene.witness.until("released") == ("released", causes.NO_ANSWER)
        await scene.over()


async def test_a_worker_that_does_not_get_into_the_room():
    async with Scene(pushes=True, patience=SHORT) as scene:
        scene.leg.invite(OFFER)
        assert await scene.witness.until("released") == ("released", causes.TIMER_EXPIRED)
        await scene.over()


async def test_an_answered_call_has_no_timer():
    async with Scene(pushes=True, patience=SHORT) as scene:
        scene.leg.invite(OFFER)
        await scene.party.ring()
        await scene.heard("start")
        await scene.party.answer()
        await scene.witness.until("answered")
        assert scene.leg._timer is None
        await scene.over()


@pytest.mark.parametrize("knows_end", [False, True])
async def test_what_a_dead_worker_leaves_is_hung_up_unless_it_was_over(knows_end):
    async with Scene(pushes=True) as scene:
        scene.leg.invite(OFFER)
        await scene.party.ring()
        if knows_end:
            await scene.party.status(Status.REJECTED)
        await scene.party.vanish()
        await scene.witness.until("reported")
        assert scene.platform.told[-1] == ("over" if knows_end else "abandon")
        assert [one["number"] for one in scene.leg.facts["statuses"]] == [1, *([3] if knows_end else [])]


async def test_a_worker_that_could_not_hang_up_leaves_it_to_another():
    async with Scene(pushes=True) as scene:
        scene.leg.invite(OFFER)
        await scene.heard("room")
        scene.leg.release(causes.NORMAL, "device", 0)
        await scene.party.report({"error": "join: 14"})
        await scene.witness.until("reported")
        assert scene.platform.told[-1] == "abandon"


# a call of the phone


async def test_the_board_answers_and_the_worker_joins():
    async with Scene("caller") as scene:
        scene.leg.ringing()
        scene.leg.answer(MEDIA)
        assert scene.platform.told == ["joined"]
        await scene.party.status(Status.TALKING)
        await until(lambda: scene.leg.state == phone_leg.TALKING)
        await scene.party.hang_up(causes.NORMAL)
        assert await scene.witness.until("released") == ("released", causes.NORMAL)
        assert scene.leg.released_by == "phone", "the caller of this call is the phone"
        await scene.over()
        assert scene.platform.told == ["joined", "over"]


async def test_a_phone_that_is_not_there_any_more_when_the_board_answers():
    async with Scene("caller", patience=SHORT) as scene:
        scene.leg.answer(MEDIA)
        assert await scene.witness.until("released") == ("released", causes.TIMER_EXPIRED)
        await scene.over()


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (causes.REJECTED, Reason.REJECT),
        (causes.BUSY, Reason.REJECT),
        (causes.NO_ANSWER, Reason.TIMEOUT),
        (causes.ORIGINATOR_CANCEL, Reason.MANUAL),
    ],
)
async def test_the_board_does_not_take_it(cause, reason):
    async with Scene("caller") as scene:
        scene.leg.ringing()
        scene.leg.release(cause, "device", 0)
        assert (await scene.heard("release"))["reason"] == reason
        await scene.over()
        assert scene.platform.told == ["over"]


async def test_a_leg_that_never_came_into_its_call_has_its_room_hung_up():
    async with Scene() as scene:
        worker = scene.party.worker
        leg = phone_leg.WeChatLeg(worker, scene.platform, ManualClock(), LONG, room=CALL_OF_PHONE)
        leg.release(causes.ORIGINATOR_CANCEL, "phone", 0)
        leg.release(causes.ORIGINATOR_CANCEL, "phone", 0)
        assert scene.platform.told == ["abandon"] and worker.done.done()


async def test_a_leg_is_for_one_direction():
    async with Scene() as scene:
        with pytest.raises(LocalError):
            scene.leg.place(OFFER)
        assert scene.leg.state == phone_leg.IDLE


# what is kept


async def test_durations_are_those_that_the_platform_told():
    clock = ManualClock()
    async with Scene(clock=clock) as scene:
        await scene.invited()
        clock.advance(1000)
        scene.push()
        for number, wait_ms in ((Status.CALLING, 300), (Status.TALKING, 4000)):
            clock.advance(wait_ms)
            await scene.party.status(number)
            await until(lambda number=number: scene.last_status() == number)
        await scene.party.say({"t": "answer", "media": scene.party.messages[0]["media"]})
        await scene.witness.until("answered")
        clock.advance(7000)
        scene.leg.release(causes.NORMAL, "device", 7000)
        await scene.over()
        facts = scene.leg.facts
        assert {name: value for name, value in facts.items() if name != "statuses"} == {
            "asked_ms": 0, "push_ms": 1000, "ring_ms": 4000, "talk_ms": 7000, "billed_ms": 7000, "reason": 1,
        }  # fmt: skip
        assert [(one["at_ms"], one["number"]) for one in facts["statuses"]] == [(1300, 1), (5300, 2)]


def test_every_live_state_can_end_in_every_way():
    live = {state for state, _ in NEXT} - {phone_leg.IDLE, phone_leg.RELEASED}
    for state in live:
        assert NEXT[state, "release"] == NEXT[state, "ends"] == phone_leg.RELEASED
    waits = {state for state, event in NEXT if event == "late"}
    assert waits == set(phone_leg._LATE) and phone_leg.TALKING not in waits and phone_leg.WAITING not in waits


async def test_a_fault_in_the_question_is_met_by_the_timer():
    async with Scene(patience=SHORT) as scene:
        scene.platform.fault = RuntimeError("a bug")
        scene.leg.invite(OFFER)
        assert await scene.witness.until("released") == ("released", causes.NO_RESPONSE)
        await scene.over()
        with pytest.raises(RuntimeError):
            scene.leg._asking.result()
        await asyncio.sleep(0)
