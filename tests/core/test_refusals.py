"""The list of reasons, and refusals as they travel."""

import json

from callcore import refusals, verify
from callcore.errors import AttestError


def test_every_reason_has_a_sentence_and_a_status_that_fits():
    for reason, (status, wait_s, sentence) in refusals.REASONS.items():
        assert status == 0 or 400 <= status <= 599, reason
        assert wait_s >= refusals.RETRY_NEVER, reason
        assert sentence.endswith(".") and sentence[0].isupper(), reason


def test_a_refusal_says_the_sentence_and_what_was_wrong():
    error = refusals.refusal("auth_failed")
    assert isinstance(error, AttestError)
    assert error.reason == "auth_failed" and "serial number" in error.detail
    assert refusals.refusal("bad_request", "Field x.").detail.endswith(". Field x.")


def test_the_board_reads_what_the_relay_says_as_its_own_sentence():
    for reason in refusals.REASONS:
        status = verify.status_of(reason)
        if status:
            problem = {"status": status, "reason": reason, "detail": "You have won a prize"}
            for answer in (problem, json.dumps(problem).encode()):
                error = refusals.from_problem(status, answer)
                assert error.reason == reason
                assert error.detail == refusals.REASONS[reason][2]


def test_what_is_no_refusal_of_ours_is_a_bad_answer_with_its_status():
    good = {"reason": "auth_failed"}
    for status, answer in (
        (502, None),
        (500, "auth_failed"),
        (400, good),
        (401, {"reason": "made_up"}),
        (401, {"reason": ["auth_failed"]}),
        (401, {}),
        (401, [good]),
        (401, b"<html>"),
        (401, b"\xff\xfe"),
        (0, {"reason": "server_not_proved"}),
    ):
        error = refusals.from_problem(status, answer)
        assert error.reason == "bad_answer", (status, answer)
        assert str(status) in error.detail


def test_waiting_times():
    assert refusals.retry_s("cb_mismatch") == 900
    assert refusals.retry_s("sn_conflict") == 600
    assert refusals.retry_s("suspended") == 3600
    assert refusals.retry_s("revoked") == refusals.RETRY_NEVER
    assert refusals.retry_s("auth_failed") == refusals.RETRY_BACKOFF
    assert refusals.retry_s("made_up") == refusals.RETRY_BACKOFF
