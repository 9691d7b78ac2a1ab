"""What is kept of a call: every number as it came, and durations that add up."""

from callcore import causes
from tincall.wechat.facts import MAX_STATUSES, Facts
from tincall.wechat.vocabulary import PlatformError, Reason


def test_rung_talked_and_billed_follow_from_the_numbers():
    facts = Facts()
    for number, at_ms in ((0, 300), (1, 500), (2, 4500), (6, 64500)):
        facts.status(number, at_ms)
    facts.close(64500)
    assert facts.durations() == {"ring_ms": 4000, "talk_ms": 60000, "billed_ms": 60000}
    assert facts.record["statuses"][1] == {"at_ms": 500, "number": 1, "name": "CALLING"}
    assert [status["number"] for status in facts.record["statuses"]] == [0, 1, 2, 6]


def test_what_was_never_answered_is_not_billed():
    facts = Facts()
    facts.status(1, 500)
    facts.status(9, 60500)
    facts.close(60500)
    assert facts.durations() == {"ring_ms": 60000, "talk_ms": 0, "billed_ms": 0}


def test_a_call_of_the_phone_rings_until_the_board_answers():
    facts = Facts()
    facts.rings(0)
    facts.rings_no_more(3000)
    facts.status(2, 3400)
    facts.close(5400)
    assert facts.durations() == {"ring_ms": 3000, "talk_ms": 2000, "billed_ms": 2000}


def test_a_phone_that_was_never_rung_has_no_time_of_ringing():
    facts = Facts()
    facts.close(10_000)
    assert facts.durations() == {"talk_ms": 0, "billed_ms": 0}


def test_the_first_time_counts():
    facts = Facts()
    facts.note_ms("push_ms", 5)
    facts.note_ms("push_ms", 9)
    for at_ms in (10, 20):
        facts.status(1, at_ms)
        facts.status(2, at_ms + 5)
    facts.close(115)
    assert facts.durations() == {"push_ms": 5, "ring_ms": 5, "talk_ms": 100, "billed_ms": 100}


def test_errors_and_reasons_are_kept():
    facts = Facts()
    facts.error(PlatformError("no consent (call 9)", api="call", number=9, cause=causes.BARRED))
    facts.reason(Reason.TIMEOUT)
    assert facts.record == {"error": {"number": 9, "detail": "no consent (call 9)"}, "reason": 10}


def test_a_room_end_gone_mad_does_not_fill_the_record():
    facts = Facts()
    for at_ms in range(1000):
        facts.status(77, at_ms)
    assert len(facts.record["statuses"]) == MAX_STATUSES
