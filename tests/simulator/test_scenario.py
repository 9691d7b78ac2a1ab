"""Every scenario on the model relay, which passes; and on it with one rule broken, which does not."""

import asyncio

import pytest
from play import play
from sim import run

from tincall.errors import OperatorError
from tincall.simulator import scenario
from tincall.simulator.scenario import Scenario

# rows of the platform's facts that a simulator must be able to play, each by the name of its scenario
ROWS = [
    "answered",
    "rejected",
    "busy",
    "no_answer",
    "user_cancel",
    "consent_missing",
    "not_approved",
    "out_of_credit",
    "other_apps_openid",
    "wrong_openid",
    "token_replaced",
    "token_expired",
    "quota",
    "not_onboarded",
    "busy_system",
    "push_first",
    "push_during",
    "push_late",
    "push_lost",
    "push_repeated_1",
    "push_repeated_2",
    "push_repeated_3",
    "push_repeated_concurrently",
    "xml_pushes",
    "wrong_appid",
    "wrong_padding",
    "wrong_signature",
    "replayed_push",
    "peer_wait_timeout",
    "kicked_out",
    "jittery_frames",
    "encrypted_answer_expected",
    "rings_at_call",
    "rings_before_push",
]


def test_every_row_has_its_scenario():
    assert set(ROWS) <= set(scenario.names())


# most of a scenario is waiting, so eight wait together
@pytest.mark.parametrize("first", range(0, len(scenario.names()), 8))
def test_a_good_relay_passes(first):
    batch = scenario.names()[first : first + 8]

    async def main():
        return await asyncio.gather(*(play(scenario.load(name)) for name in batch))

    for name, (complaints, ledger) in zip(batch, run(main()), strict=True):
        assert complaints == [], (name, ledger["facts"])


@pytest.mark.parametrize(
    ("name", "rule", "complaint"),
    [
        ("answered", "forces", "forced_refresh"),
        ("answered", "mute", "the relay sent no sound"),
        ("answered", "absent", "they never talked"),
        ("answered", "vague", "nothing rang"),
        ("answered", "slow", "slow_answer"),
        ("wrong_signature", "unsigned", "took_forgery"),
        ("push_repeated_1", "forgets", "answers_differ"),
        ("in_strange_payload", "trusts", "the relay wrote 1 calls"),
    ],
)
def test_a_relay_that_breaks_a_rule_is_caught(name, rule, complaint):
    one = scenario.load(name)
    # what only a broken relay runs into must not take the platform's whole patience
    times = one.times.model_copy(update={"ring_ms": 1000, "peer_wait_ms": 500, "silence_ms": 500})
    quick = {"times": times, "time_limit_ms": 500}
    complaints, _ = run(play(one.model_copy(update=quick), broken=(rule,)))
    assert any(complaint in one for one in complaints), complaints


def test_a_scenario_that_is_not_there_and_one_that_is_wrong_are_told(tmp_path):
    with pytest.raises(OperatorError, match="no scenario 'x'"):
        scenario.load("x")
    file = tmp_path / "s.toml"
    file.write_text("about = 1")
    with pytest.raises(OperatorError, match="`about` is wrong"):
        scenario.read(file)
    file.write_text("about = ")
    with pytest.raises(OperatorError, match="is not TOML"):
        scenario.read(file)
    with pytest.raises(OperatorError, match="cannot be read"):
        scenario.read(tmp_path / "none.toml")


def test_the_judge_wants_every_figure():
    one = Scenario.model_validate(
        {
            "about": "one call as it must be",
            "phones": [{"id": "alice"}],
            "expect": {"cause": [16], "released_by": ["phone"], "why": ["hung_up_by_phone"]},
        }
    )
    room = {"room_id": "r", "why": "hung_up_by_phone", "rang": True, "talked": True, "joined": True}
    room |= {"statuses": [1, 2, 6], "frames_up": 9}
    ledger = {"facts": [{"kind": "api", "path": scenario.cloud.CALL}], "remarks": [], "rooms": [room], "live": 0}
    records = [{"cause": 16, "released_by": "phone"}]
    assert scenario.judge(one, ledger, records) == []

    def complaint(records=records, **other):
        return scenario.judge(one, {**ledger, **other}, records)[0]

    assert "2 requests" in complaint(facts=ledger["facts"] * 2)
    assert "the simulator itself" in complaint(facts=[*ledger["facts"], {"kind": "failure"}])
    assert "0 rooms" in complaint(rooms=[])
    assert "not over" in complaint(live=1)
    assert "broken rule" in complaint(remarks=[{"rule": "joined_twice"}])
    assert "wrote 0 calls" in complaint(records=[])
    assert "cause is 17" in complaint(records=[{"cause": 17, "released_by": "phone"}])
    assert "released_by is relay" in complaint(records=[{"cause": 16, "released_by": "relay"}])
    assert "ended as 'busy'" in complaint(rooms=[{**room, "why": "busy"}])
    assert "nothing rang" in complaint(rooms=[{**room, "rang": False}])
    assert "never talked" in complaint(rooms=[{**room, "talked": False}])
    assert "no sound" in complaint(rooms=[{**room, "frames_up": 0}])
    assert "did not stay" in complaint(rooms=[{**room, "statuses": [1, 2]}])
