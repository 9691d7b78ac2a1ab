"""The golden verifications: the published known answer is among them, and all kinds of bad requests."""

import vector_attest


def test_the_first_session_is_the_published_one() -> None:
    known = vector_attest.build()["sessions"][0]
    assert known["th"] == "a042fe906f1db99a309817dad8408c5ea2e0db30577f83192080dd193e394351"
    assert known["proof"] == "17c690bdea43eed41751cffde718b5c994cc8582c03f475e27a1cd6da83640d3"
    assert known["sproof"] == "5ec68167dc9c611b9cecc291cace3ab62c9fcb4aef9e0e097e10599b260e037e"


def test_the_first_certified_key_is_the_published_one() -> None:
    known = vector_attest.build()["certified"][0]
    assert known["key"] == "6a993b9ad323043f32ebde4b793582a842847ac3229883c6b1d3cd77b85a4d7d"


def test_requests_are_good_and_bad_in_every_way() -> None:
    built = vector_attest.build()
    assert {case["reason"] for case in built["begin"]} == {"", "bad_request", "version_unsupported", "too_large"}
    assert {case["reason"] for case in built["finish"]} == {"", "bad_request", "version_unsupported"}
