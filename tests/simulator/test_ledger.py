"""The ledger: order, times, bounds, and remarks that stay."""

from tincall.clock import ManualClock
from tincall.simulator import ledger
from tincall.simulator.ledger import Ledger


def test_facts_come_in_order_with_their_times():
    clock = ManualClock()
    book = Ledger(clock)
    book.note("api", path="/a", number=0)
    clock.advance(5)
    book.note("api", path="/b", number=9)
    assert [fact["path"] for fact in book.facts] == ["/a", "/b"]
    assert book.facts[1]["at_ms"] - book.facts[0]["at_ms"] == 5
    assert [fact["path"] for fact in book.of("api", number=9)] == ["/b"]
    assert book.of("push") == []


def test_a_remark_is_a_fact_too_and_outlives_the_others():
    book = Ledger(ManualClock())
    book.remark("joined_twice", room_id="r")
    for number in range(ledger.FACTS_MAX):
        book.note("api", number=number)
    assert len(book.facts) == ledger.FACTS_MAX and book.of("remark") == []
    assert [remark["rule"] for remark in book.remarks] == ["joined_twice"]
