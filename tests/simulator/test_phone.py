"""The scripted phone: settings, and every way a call goes, without a clock."""

import pytest
from pydantic import ValidationError

from callcore import causes
from callcore.errors import LocalError
from tincall.simulator.phone import ANSWERED, OVER, TABLE, Action, PhoneMachine, PhoneScript

RING_MS = 5000
# near the end of the ring of times, so that alarms wrap
START_MS = (1 << 30) - 500


def phone(**script):
    return PhoneMachine(PhoneScript(id="mum", **script), RING_MS)


def at(delay_ms):
    return (START_MS + delay_ms) % (1 << 30)


def live(machine, until_ms):
    """Let time pass by the machine's own wakes; give what it did and when."""
    done, now_ms = [], 0
    while (wait_ms := machine.next_wake_ms(at(now_ms))) is not None and now_ms + wait_ms <= until_ms:
        now_ms += wait_ms
        done += [(now_ms, action) for action in machine.tick(at(now_ms))]
    return done


def test_a_rung_phone_rings_and_answers_after_its_time():
    machine = phone(answer_after_ms=800)
    assert machine.rung(at(0)) == [Action("ringing")]
    assert machine.tick(at(799)) == []
    assert live(machine, 10_000) == [(800, Action("answer"))]
    assert machine.state == ANSWERED


def test_an_answer_at_once_still_rings_first():
    machine = phone(answer_after_ms=0)
    assert machine.rung(at(0)) == [Action("ringing")]
    assert machine.tick(at(0)) == [Action("answer")]


def test_it_declines_after_its_time():
    machine = phone(outcome="reject", answer_after_ms=300)
    assert machine.rung(at(0)) == [Action("ringing")]
    assert live(machine, 10_000) == [(300, Action("release", causes.REJECTED))]
    assert machine.state == OVER


def test_busy_is_said_at_once_without_ringing():
    machine = phone(outcome="busy")
    assert machine.rung(at(0)) == [Action("release", causes.BUSY)]
    assert machine.next_wake_ms(at(0)) is None


@pytest.mark.parametrize(("outcome", "first"), [("no_answer", [Action("ringing")]), ("silent", [])])
def test_it_lets_the_caller_give_up(outcome, first):
    machine = phone(outcome=outcome)
    assert machine.rung(at(0)) == first
    assert machine.next_wake_ms(at(0)) is None
    machine.far_hangs_up(at(100))
    assert machine.state == OVER


def test_it_hangs_up_after_its_time_of_talk():
    machine = phone(answer_after_ms=100, hangup_after_ms=2000)
    machine.rung(at(0))
    assert live(machine, 10_000) == [(100, Action("answer")), (2100, Action("release", causes.NORMAL))]


def test_it_hangs_up_some_time_after_its_clip_and_only_the_first_end_counts():
    machine = phone(answer_after_ms=0, hangup_after_clip_ms=500)
    machine.rung(at(0))
    machine.tick(at(0))
    assert machine.clip_spoken(at(1000)) == []
    assert machine.clip_spoken(at(1400)) == []
    assert machine.next_wake_ms(at(1400)) == 100
    assert machine.tick(at(1500)) == [Action("release", causes.NORMAL)]


def test_the_earlier_of_two_reasons_to_hang_up_wins():
    machine = phone(answer_after_ms=0, hangup_after_ms=1000, hangup_after_clip_ms=2000)
    machine.rung(at(0))
    machine.tick(at(0))
    machine.clip_spoken(at(100))
    assert live(machine, 10_000) == [(1000, Action("release", causes.NORMAL))]


def test_a_clip_that_ends_outside_a_talk_means_nothing():
    machine = phone(hangup_after_clip_ms=0)
    machine.rung(at(0))
    assert machine.clip_spoken(at(10)) == [] and machine.next_wake_ms(at(10)) == 990


def test_a_calling_phone_waits_for_the_answer():
    machine = phone(hangup_after_ms=700)
    assert machine.calls(at(0)) == []
    assert machine.far_rings(at(50)) == []
    assert machine.far_answers(at(900)) == []
    assert machine.state == ANSWERED
    assert machine.next_wake_ms(at(900)) == 700
    assert machine.tick(at(1600)) == [Action("release", causes.NORMAL)]


@pytest.mark.parametrize("rings", [True, False])
def test_a_calling_phone_gives_up_after_its_ring_time(rings):
    machine = phone()
    machine.calls(at(0))
    if rings:
        machine.far_rings(at(20))
    assert live(machine, 10_000) == [(RING_MS, Action("release", causes.NO_ANSWER))]


def test_a_calling_phone_may_change_its_mind():
    machine = phone(cancel_after_ms=400)
    machine.calls(at(0))
    assert live(machine, 10_000) == [(400, Action("release", causes.ORIGINATOR_CANCEL))]


def test_a_mind_is_not_changed_after_the_answer():
    machine = phone(cancel_after_ms=400)
    machine.calls(at(0))
    machine.far_answers(at(300))
    assert machine.next_wake_ms(at(300)) is None and machine.tick(at(400)) == []


def test_once_over_it_does_nothing():
    machine = phone(answer_after_ms=100, hangup_after_ms=100)
    machine.rung(at(0))
    machine.far_hangs_up(at(50))
    assert live(machine, 10_000) == [] and machine.tick(at(9000)) == []
    machine.far_hangs_up(at(60))
    assert machine.far_answers(at(70)) == [] and machine.state == OVER


@pytest.mark.parametrize("state", sorted({state for state, _ in TABLE} - {OVER}))
def test_it_may_break_at_any_time_and_says_so_once(state):
    machine = phone()
    machine.state = state
    assert machine.breaks() == [Action("release", causes.TEMPORARY_FAILURE)]
    with pytest.raises(LocalError):
        machine.breaks()


# events that are verbs of the same name
EVENTS = ("rung", "calls", "far_rings", "far_answers", "far_hangs_up")
STATES = sorted({state for state, _ in TABLE})
ILLEGAL = [(state, verb) for state in STATES for verb in EVENTS if (state, verb) not in TABLE]


@pytest.mark.parametrize(("state", "verb"), ILLEGAL)
def test_what_the_table_does_not_have_raises_and_changes_nothing(state, verb):
    machine = phone()
    machine.state = state
    with pytest.raises(LocalError, match=f"the phone is {state}"):
        getattr(machine, verb)(at(0))
    assert machine.state == state and machine.next_wake_ms(at(0)) is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("id", "", "String should match"),
        ("id", "mum and dad", "String should match"),
        ("outcome", "explode", "Input should be 'answer'"),
        ("answer_after_ms", -1, "greater than or equal to 0"),
        ("answer_after_ms", "soon", "valid integer"),
        ("ring_ms", 0, "greater than or equal to 1000"),
        ("speak", "/nowhere/clip.wav", "does not point to a file"),
        ("record", "x" * 2000, "more than 1024 characters"),
        ("colour", "red", "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_named(field, value, sentence):
    with pytest.raises(ValidationError, match=sentence) as caught:
        PhoneScript.model_validate({"id": "mum", field: value})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_a_script_goes_through_json(tmp_path):
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"")
    script = PhoneScript(id="mum", speak=clip, record=tmp_path, repeat=True)
    assert PhoneScript.model_validate(script.model_dump(mode="json")) == script
