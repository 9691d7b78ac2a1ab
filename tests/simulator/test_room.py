"""One room: every way a call goes, seen by both sides, on a clock that stands still."""

import itertools

import pytest
from sim import FRAME, EndWitness, PhoneWitness

from callcore.compat import ticks_add
from tincall.leg import IN, OUT
from tincall.simulator import numbers
from tincall.simulator.numbers import RoomError
from tincall.simulator.room import ENDS, MADE, OVER, PICKED_UP, RINGING, TABLE, TALKING, Keys, Order, Room, Times

# near the end of the ring of times
START_MS = (1 << 30) - 700
TIMES = Times(1000, 400, 200)


class Scene:
    """A room with a phone and a room end, and its time."""

    def __init__(self, direction=OUT, **order):
        self.now_ms = START_MS
        keys = Keys("room-1", "session-key", "server-token")
        self.room = Room(keys, Order(direction, "wx1", "o1", "sn", "m", "pay", **order), TIMES, self.now_ms)
        self.phone = self.room.phone = PhoneWitness()
        self.end = EndWitness()

    def pass_ms(self, delta_ms):
        self.now_ms = ticks_add(self.now_ms, delta_ms)
        self.room.tick(self.now_ms)

    def ring(self):
        self.room.ring(self.now_ms)
        return self

    def join(self):
        self.room.join(self.end, self.now_ms)
        return self

    def pick_up(self):
        assert self.room.pick_up(self.now_ms)
        return self

    def talk(self):
        self.ring().join()
        if self.room.is_out:
            self.pick_up()
        assert self.room.state == TALKING
        return self


def test_both_ways_into_a_talk_tell_the_same():
    before = Scene().join().ring().pick_up()
    assert before.end.statuses == [numbers.IDLE, numbers.CALLING, numbers.TALKING]
    between = Scene().ring().join().pick_up()
    assert between.end.statuses == [numbers.CALLING, numbers.TALKING]
    after = Scene().ring().pick_up().join()
    assert after.end.statuses == [numbers.TALKING]
    for scene in (before, between, after):
        assert (scene.room.state, scene.phone.told) == (TALKING, ["rings", "talks"])


@pytest.mark.parametrize(
    ("act", "why", "final"),
    [
        (lambda s: s.room.reject(s.now_ms), "rejected", numbers.REJECTED),
        (lambda s: s.room.occupied(s.now_ms), "busy", numbers.BUSY),
        (lambda s: s.pass_ms(1000), "timeout", numbers.TIMEOUT),
        (lambda s: s.room.hang_up(1, s.now_ms), "cancelled", numbers.CANCELED),
        (lambda s: s.room.refuse(s.now_ms), "refused", numbers.CANCELED),
    ],
)
def test_a_ringing_phone_stops_for_each_reason(act, why, final):
    scene = Scene().ring().join()
    act(scene)
    assert (scene.room.state, scene.room.why, scene.room.final) == (OVER, why, final)
    assert scene.end.statuses == [numbers.CALLING, final]
    assert scene.phone.told == ["rings", why]
    assert why in ENDS


@pytest.mark.parametrize(
    ("direction", "by_phone", "by_device"),
    [
        (OUT, numbers.HANGUP_BY_CALLEE, numbers.HANGUP_BY_CALLER),
        (IN, numbers.HANGUP_BY_CALLER, numbers.HANGUP_BY_CALLEE),
    ],
)
def test_who_hung_up_is_said_from_the_callers_side(direction, by_phone, by_device):
    scene = Scene(direction).talk()
    assert scene.room.phone_leaves(scene.now_ms)
    assert scene.end.statuses[-1] == by_phone
    scene = Scene(direction).talk()
    assert scene.room.hang_up(1, scene.now_ms)
    assert scene.end.statuses[-1] == by_device
    assert scene.phone.told[-1] == "hung_up_by_device"


def test_picked_up_and_nobody_comes():
    scene = Scene().ring().pick_up()
    assert scene.room.state == PICKED_UP
    scene.pass_ms(399)
    assert scene.room.state == PICKED_UP
    scene.pass_ms(1)
    assert (scene.room.why, scene.room.final) == ("peer_wait_timeout", numbers.ABORTED)


def test_the_ring_time_ends_with_the_answer():
    scene = Scene().ring().join().pick_up()
    for _ in range(20):
        scene.room.frame_from_end(FRAME, scene.now_ms)
        scene.room.frame_from_phone(FRAME, scene.now_ms)
        scene.pass_ms(150)
    assert scene.room.state == TALKING


@pytest.mark.parametrize("side", ["end", "phone"])
def test_a_side_that_sends_nothing_ends_the_talk(side):
    scene = Scene().talk()
    for _ in range(3):
        if side == "end":
            scene.room.frame_from_phone(FRAME, scene.now_ms)
        else:
            scene.room.frame_from_end(FRAME, scene.now_ms)
        scene.pass_ms(66)
    assert scene.room.state == TALKING
    scene.pass_ms(2)
    assert (scene.room.why, scene.end.statuses[-1]) == ("aborted", numbers.ABORTED)


def test_the_time_limit_counts_from_the_talk():
    scene = Scene(IN, time_limit_ms=300)
    scene.ring().pass_ms(900)
    scene.join()
    for _ in range(2):
        scene.pass_ms(149)
        scene.room.frame_from_end(FRAME, scene.now_ms)
        scene.room.frame_from_phone(FRAME, scene.now_ms)
        assert scene.room.state == TALKING
    scene.pass_ms(2)
    assert scene.room.why == "time_limit"
    assert scene.room.facts()["talk_ms"] == 300


def test_a_lost_push_ends_with_the_ring_time():
    scene = Scene()
    scene.pass_ms(1000)
    assert (scene.room.why, scene.phone.told) == ("timeout", ["timeout"])
    assert not scene.room.facts()["rang"]


def test_a_phones_call_waits_for_yes_and_for_the_room_end():
    early = Scene(IN).join()
    assert (early.room.state, early.end.statuses) == (MADE, [numbers.IDLE])
    early.ring()
    assert early.end.statuses == [numbers.IDLE, numbers.TALKING]
    late = Scene(IN).ring()
    assert late.room.state == RINGING and late.phone.told == []
    late.join()
    assert late.phone.told == ["talks"]


def test_a_phone_cannot_answer_its_own_call():
    scene = Scene(IN).ring()
    assert not scene.room.pick_up(scene.now_ms)
    assert not scene.room.reject(scene.now_ms)


@pytest.mark.parametrize(("reason", "why", "final"), [(11, "rejected", 3), (9, "busy", 8), (10, "timeout", 9)])
def test_a_phones_call_is_declined_without_a_session(reason, why, final):
    scene = Scene(IN).ring()
    scene.room.listener_hang_up("pay", reason, scene.now_ms)
    assert (scene.room.why, scene.room.final, scene.phone.told) == (why, final, [why])


def test_declining_wants_the_right_room_in_the_right_state():
    wrong = [
        (Scene(OUT).ring(), "pay", 11, numbers.INVALID_ARGUMENT),
        (Scene(IN).ring(), "other", 11, numbers.INVALID_ARGUMENT),
        (Scene(IN).ring(), "pay", 5, numbers.INVALID_ARGUMENT),
        (Scene(IN).ring().join(), "pay", 11, numbers.FAILED_PRECONDITION),
    ]
    for scene, payload, reason, number in wrong:
        before = scene.room.state
        with pytest.raises(RoomError) as caught:
            scene.room.listener_hang_up(payload, reason, scene.now_ms)
        assert (caught.value.number, scene.room.state) == (number, before)


def test_a_refusal_comes_too_late_for_a_talk():
    scene = Scene().talk()
    assert not scene.room.refuse(scene.now_ms)
    assert scene.room.state == TALKING


def test_frames_count_only_while_talking():
    scene = Scene().ring().join()
    assert not scene.room.frame_from_end(FRAME, scene.now_ms)
    assert not scene.room.frame_from_phone(FRAME, scene.now_ms)
    scene.pick_up()
    assert scene.room.frame_from_end(FRAME, scene.now_ms)
    assert scene.room.frame_from_phone(FRAME, scene.now_ms)
    with pytest.raises(RoomError):
        scene.room.frame_from_end(FRAME + b"x", scene.now_ms)
    facts = scene.room.facts()
    assert (facts["frames_up"], facts["frames_down"]) == (1, 1)


def test_the_facts_hold_times_and_no_secrets():
    scene = Scene().ring()
    scene.pass_ms(300)
    scene.join().pick_up()
    scene.pass_ms(100)
    scene.room.phone_leaves(scene.now_ms)
    facts = scene.room.facts()
    assert (facts["ring_ms"], facts["talk_ms"], facts["statuses"]) == (300, 100, [1, 2, 6])
    assert "session-key" not in str(facts) and "server-token" not in str(facts)
    assert "session-key" not in repr(scene.room.keys)


def test_a_room_end_that_comes_back_hears_how_it_stands():
    scene = Scene().talk()
    scene.room.lose(scene.end)
    again = EndWitness()
    scene.room.join(again, scene.now_ms)
    assert again.statuses == [numbers.TALKING]
    newer = EndWitness()
    scene.room.join(newer, scene.now_ms)
    assert again.statuses == [numbers.TALKING, numbers.ABORTED]
    assert scene.room.state == TALKING


def test_every_sequence_of_events_ends_at_most_once():
    """Whatever four things happen in whatever order, the table holds and each side hears one end."""
    verbs = [
        lambda s: s.room.ring(s.now_ms),
        lambda s: s.room.refuse(s.now_ms),
        lambda s: s.room.pick_up(s.now_ms),
        lambda s: s.room.join(s.end, s.now_ms),
        lambda s: s.room.hang_up(1, s.now_ms),
        lambda s: s.room.phone_leaves(s.now_ms),
        lambda s: s.room.reject(s.now_ms),
        lambda s: s.pass_ms(1000),
    ]
    for direction in (OUT, IN):
        for chosen in itertools.product(verbs, repeat=4):
            scene = Scene(direction)
            for verb in chosen:
                verb(scene)
            ends = [word for word in scene.phone.told if word in ENDS]
            assert len(ends) == (1 if scene.room.state == OVER else 0)
            live = [number for number in scene.end.statuses if number > numbers.TALKING]
            # each time it joins a room that is over it is told so again
            assert len(set(live)) <= 1


def test_the_table_leads_nowhere_from_the_end():
    assert all(state != OVER for state, _ in TABLE)
    assert set(TABLE.values()) <= {RINGING, PICKED_UP, TALKING, OVER}
