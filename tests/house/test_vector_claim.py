"""The golden claims: other words than those of a verification, and all kinds of bad requests."""

import vector_claim


def test_each_field_and_its_length_counts() -> None:
    known, _, shifted = vector_claim.build()["claims"]
    assert known["th"] != shifted["th"] and known["proof"] != shifted["proof"]
    assert len({known["proof"], known["sproof"], known["hidden"], known["key"]}) == 4


def test_requests_are_good_and_bad_in_every_way() -> None:
    reasons = {case["reason"] for case in vector_claim.build()["requests"]}
    assert reasons == {"", "bad_request", "version_unsupported", "too_large"}
