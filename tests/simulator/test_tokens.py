"""Access tokens and quotas: the same token, its renewal, its ends, its limits."""

import pytest
from sim import counted

from tincall.clock import ManualClock
from tincall.simulator import tokens as tokens_file
from tincall.simulator.numbers import Refused
from tincall.simulator.tokens import EXPIRED, REPLACED, Quotas, Tokens


@pytest.fixture
def books():
    clock = ManualClock()
    return Tokens(clock, counted()), clock


def refusal(number, function, *arguments):
    with pytest.raises(Refused) as caught:
        function(*arguments)
    assert caught.value.number == number


def test_the_stable_token_is_the_same_until_five_minutes_before_its_end(books):
    tokens, clock = books
    first, seconds = tokens.stable("wx1", False)
    assert seconds == 7200 and len(first) <= 512
    clock.advance(6_899_000)
    assert tokens.stable("wx1", False) == (first, 301)
    clock.advance(1000)
    second, seconds = tokens.stable("wx1", False)
    assert second != first and seconds == 7200
    # the older lives to its end
    assert tokens.check(first) == "wx1"
    clock.advance(300_000)
    refusal(42001, tokens.check, first)
    assert tokens.check(second) == "wx1"


def test_a_forced_token_kills_the_older_at_once(books):
    tokens, clock = books
    first, _ = tokens.stable("wx1", False)
    second, _ = tokens.stable("wx1", True)
    refusal(40001, tokens.check, first)
    assert tokens.check(second) == "wx1"
    clock.advance(29_999)
    refusal(45011, tokens.stable, "wx1", True)
    assert tokens.stable("wx1", False)[0] == second


def test_forcing_is_limited_to_twenty_a_day(books):
    tokens, clock = books
    for _ in range(20):
        tokens.stable("wx1", True)
        clock.advance(30_000)
    refusal(45009, tokens.stable, "wx1", True)
    clock.advance(86_400_000)
    tokens.stable("wx1", True)


def test_plain_tokens_replace_each_other_with_an_overlap(books):
    tokens, clock = books
    stable, _ = tokens.stable("wx1", False)
    first, _ = tokens.plain("wx1")
    second, _ = tokens.plain("wx1")
    assert tokens.check(first) == tokens.check(second) == tokens.check(stable) == "wx1"
    clock.advance(300_000)
    refusal(42001, tokens.check, first)
    assert tokens.check(second) == tokens.check(stable) == "wx1"


def test_tokens_die_on_demand(books):
    tokens, _ = books
    text, _ = tokens.stable("wx1", False)
    tokens.kill(text, EXPIRED)
    refusal(42001, tokens.check, text)
    newer, _ = tokens.stable("wx1", False)
    tokens.kill(newer, REPLACED)
    refusal(40001, tokens.check, newer)
    assert tokens.stable("wx1", False)[0] not in (text, newer)
    tokens.kill("nothing", REPLACED)
    refusal(40014, tokens.check, "nothing")
    refusal(41001, tokens.check, "")


def test_apps_have_their_own_and_the_store_is_bounded(books, monkeypatch):
    tokens, _ = books
    assert tokens.stable("wx1", False) != tokens.stable("wx2", False)
    monkeypatch.setattr(tokens_file, "KNOWN_MAX", 2)
    first, _ = tokens.plain("wx1")
    tokens.plain("wx1")
    tokens.plain("wx1")
    refusal(40014, tokens.check, first)


def test_a_day_and_a_minute_are_counted_apart(monkeypatch):
    monkeypatch.setattr(tokens_file, "STABLE_A_MINUTE", 3)
    clock = ManualClock()
    quotas = Quotas(clock, daily=5)
    for _ in range(3):
        quotas.count("wx1", "/a")
    refusal(45011, quotas.count, "wx1", "/a")
    quotas.count("wx1", "/b")
    clock.advance(60_000)
    quotas.count("wx1", "/a")
    quotas.count("wx1", "/a")
    refusal(45009, quotas.count, "wx1", "/a")
    assert quotas.state("wx1", "/a") == {"daily_limit": 5, "used": 5, "remain": 0}
    assert quotas.state("wx2", "/a")["used"] == 0
    clock.advance(86_400_000)
    quotas.count("wx1", "/a")
    quotas.clear("wx1")
    assert quotas.state("wx1", "/a")["used"] == 0
