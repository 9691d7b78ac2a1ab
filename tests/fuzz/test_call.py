"""Any sequence of verbs, messages and times into a call machine: legal, or the named error and nothing changed."""

from hypothesis import given
from hypothesis import strategies as st

from callcore import causes
from callcore.authority import Authority
from callcore.call import ANSWERED, CLOSING, DEVICE, ENDED, IDLE, PHONE, RELAY, STATES, CallMachine
from callcore.compat import ticks_add, ticks_diff
from callcore.errors import LocalError, PeerError
from callcore.messages import FROM_BOARD, FROM_RELAY, decode, encode

AGREED = {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2}
CHOICE = {"codec": "PCMA", "ptime": 20}
OFFER = {"codecs": ["PCMA"], "ptimes": [20]}
CAUSES = st.integers(causes.LOWEST, causes.HIGHEST)
BY = st.sampled_from((DEVICE, PHONE, RELAY))
STEPS_MS = st.sampled_from((0, 1, 20, 2999, 3000, 29999, 30000, 33000, 3600000))
EVENTS = st.one_of(
    st.tuples(st.sampled_from(("dial", "ring", "answer", "hangup", "tick", "lost"))),
    st.tuples(st.just("finish"), CAUSES, BY),
    st.tuples(st.sampled_from(("<invite", "<ringing", "<answer", "<cancel"))),
    st.tuples(st.sampled_from(("<reject", "<bye")), CAUSES),
    st.tuples(st.just("<ended"), CAUSES, BY),
)
RUNS = st.lists(st.tuples(EVENTS, STEPS_MS), max_size=14)


def message(event: tuple[object, ...], from_relay: bool) -> dict[str, object]:
    made: dict[str, object] = {"t": str(event[0])[1:], "call": "c1"}
    if event[0] == "<invite":
        made["media"] = AGREED if from_relay else OFFER
    if event[0] == "<answer":
        made["media"] = AGREED if from_relay else CHOICE
    if len(event) > 1:
        made["cause"] = event[1]
    if event[0] == "<ended":
        made.update(released_by=event[2], duration_ms=1)
    return made


def apply(machine: CallMachine, event: tuple[object, ...], now_ms: int) -> None:
    name = str(event[0])
    if name[0] == "<":
        machine.received(message(event, not machine.authority), now_ms)
    elif name == "dial" and machine.authority:
        machine.dial({"from": {"id": "c2", "name": "Ada"}, "media": AGREED}, now_ms)
    elif name == "dial":
        machine.dial({"to": "c2", "media": OFFER}, now_ms)
    elif name == "answer":
        machine.answer(AGREED if machine.authority else CHOICE, now_ms)
    elif name == "finish":
        if not isinstance(machine, Authority):
            raise LocalError("no board has the last word")
        machine.finish(event[1], event[2], now_ms)  # type: ignore[arg-type]
    else:
        getattr(machine, name)(now_ms)


def snapshot(machine: CallMachine) -> dict[str, object]:
    return {name: list(value) if isinstance(value, list) else value for name, value in vars(machine).items()}


@given(st.booleans(), st.integers(0, (1 << 30) - 1), RUNS)
def test_any_run(authority: bool, now_ms: int, run: list[tuple[tuple[object, ...], int]]) -> None:
    machine = (Authority if authority else CallMachine)("c1", now_ms, 30000)
    done: list[tuple[object, ...]] = []
    for event, step_ms in run:
        now_ms = ticks_add(now_ms, step_ms)
        before = snapshot(machine)
        try:
            apply(machine, event, now_ms)
        except (LocalError, PeerError) as error:
            assert isinstance(error, PeerError) == (str(event[0])[0] == "<")
            assert snapshot(machine) == before
        done += machine.actions()
        agree(machine, done, now_ms)
    for action in done:
        if action[0] == "send":
            sender = FROM_RELAY if authority else FROM_BOARD
            decode(encode(action[1], sender), sender)  # type: ignore[arg-type]


def agree(machine: CallMachine, done: list[tuple[object, ...]], now_ms: int) -> None:
    """Check what must hold after every step."""
    assert machine.state in STATES
    names = [action[0] for action in done]
    media = [action[1] for action in done if action[0] == "media"]
    assert media in ([], [True], [True, False])
    assert (media == [True]) == (machine.state == ANSWERED)
    assert names.count("ended") == (machine.state == ENDED)
    assert (machine.cause != 0) == (machine.state in (CLOSING, ENDED)) == (machine.released_by != "")
    if machine.state == ENDED:
        assert done[-1] == ("ended", machine.cause, machine.released_by, machine.duration_ms)
    if machine.state in (IDLE, ANSWERED, ENDED):
        assert machine.next_wake_ms() is None
    else:
        assert ticks_diff(machine.next_wake_ms() or 0, now_ms) <= 33000
    last_words = [action for action in done if action[0] == "send" and action[1]["t"] == "ended"]  # type: ignore[index]
    assert len(last_words) <= (1 if machine.authority else 0)


@given(st.booleans(), RUNS)
def test_time_alone_brings_every_call_to_an_end_unless_people_talk(
    authority: bool, run: list[tuple[tuple[object, ...], int]]
) -> None:
    machine = (Authority if authority else CallMachine)("c1", 0, 30000)
    now_ms = 0
    for event, step_ms in run:
        now_ms = ticks_add(now_ms, step_ms)
        try:
            apply(machine, event, now_ms)
        except (LocalError, PeerError):
            continue
    for _ in range(2):
        wake_ms = machine.next_wake_ms()
        if wake_ms is not None:
            machine.tick(wake_ms)
    assert machine.state in (IDLE, ANSWERED, ENDED)
