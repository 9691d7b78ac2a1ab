"""Refusals as boards read them (RFC 9457)."""

from callcore import refusals
from tincall.relay.answer import rate_limited, refuse


def test_a_refusal_is_a_problem_with_its_reason():
    answer = refuse(refusals.refusal("claim_bound"))
    assert answer.status == 409 and answer.headers == {}
    assert answer.body == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": refusals.REASONS["claim_bound"][2],
        "reason": "claim_bound",
    }
    assert refusals.from_problem(answer.status, answer.body).reason == "claim_bound"
    assert "detail" not in repr(answer)


def test_who_is_too_quick_hears_how_long_to_wait():
    assert rate_limited(2.1).headers == {"Retry-After": "3"}
    assert rate_limited(0.01).body["retry_after"] == 1
