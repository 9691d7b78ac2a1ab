"""The JSON objects of a verification: what is taken, what is refused, and that nothing is shown."""

import json

from callcore import evidence, verify
from callcore.errors import AttestError


def reason_of(call, *args):
    try:
        call(*args)
    except AttestError as error:
        assert error.detail
        return error.reason
    return ""


def test_bytes_that_are_not_utf8_are_refused():
    for data in (b"\xff", b'{"sid":"S1","nonce":"\xff"}', b"\xef\xbb\xbf{}"):
        assert reason_of(evidence.parse_challenge, data) == "bad_answer"


def test_a_challenge():
    assert evidence.parse_challenge(verify.challenge("S1", b"n" * 32, 30)) == ("S1", b"n" * 32)
    for key, value in (("sid", ""), ("sid", "a b"), ("nonce", "AAAA"), ("ttl", 0), ("ttl", 3601), ("ttl", None)):
        answer = verify.challenge("S1", b"n" * 32, 30)
        answer[key] = value
        assert reason_of(evidence.parse_challenge, answer) == "bad_answer", key
        del answer[key]
        assert reason_of(evidence.parse_challenge, answer) == "bad_answer", key


def test_a_grant():
    assert evidence.parse_grant({"body": "{}", "sproof": evidence.base64(b"s" * 32)}) == ("{}", b"s" * 32)
    for answer in (None, [], {}, {"body": "{}"}, {"body": {}, "sproof": evidence.base64(b"s" * 32)}):
        assert reason_of(evidence.parse_grant, answer) == "bad_answer"
    long = {"body": "x" * 2049, "sproof": evidence.base64(b"s" * 32)}
    assert reason_of(evidence.parse_grant, long) == "bad_answer"


def test_the_body_of_a_grant():
    body = verify.grant_body("tok-EN_1", 3600, 1790000000, 12, "/v1/link", b"\x5e" * 32)
    granted = evidence.parse_grant_body(body)
    assert granted["token"] == "tok-EN_1" and granted["exp"] == 3600 and granted["now"] == 1790000000
    assert granted["epoch"] == 12 and granted["ws"] == "/v1/link" and granted["seed"] == b"\x5e" * 32


def test_the_body_of_a_grant_keeps_what_later_versions_add():
    more = json.loads(verify.grant_body("t", 1, 0, 0, "/", bytes(32)))
    more["later"] = {"a": 2}
    assert evidence.parse_grant_body(json.dumps(more))["later"] == {"a": 2}


def test_the_next_key_in_the_body_of_a_grant():
    body = json.loads(verify.grant_body("t", 1, 0, 0, "/", bytes(32), (2, b"k" * 32)))
    assert evidence.parse_grant_body(json.dumps(body))["rotate"] == {"kv": 2, "k": b"k" * 32}
    good = body["rotate"]
    wrong = [None, [], "k", {}, {"kv": 2}, {"k": good["k"]}]
    wrong += [{"kv": kv, "k": good["k"]} for kv in (0, 1, -2, 2**32, "2", 2.5, True, None)]
    wrong += [
        {"kv": 2, "k": k} for k in ("", evidence.base64(b"k" * 31), evidence.base64(b"k" * 33), good["k"][:-1], 7)
    ]
    for rotate in wrong:
        body["rotate"] = rotate
        assert reason_of(evidence.parse_grant_body, json.dumps(body)) == "bad_answer", rotate


def test_the_body_of_a_grant_is_held_to_its_rules():
    good = json.loads(verify.grant_body("t", 3600, 1790000000, 12, "/v1/link", b"\x5e" * 32))
    for key, wrong in (
        ("token", ("", "a b", "a\r\nb", "t" * 257, 1)),
        ("exp", (0, 3601, "3600")),
        ("now", (-1, 1.5, None)),
        ("epoch", (-1, "12")),
        ("ws", ("", "v1/link", "/v1 link", "/v1\r\n", "/" * 129, "http://x/")),
        ("seed", ("", evidence.base64(b"s" * 31))),
    ):
        for value in wrong:
            bad = dict(good)
            bad[key] = value
            assert reason_of(evidence.parse_grant_body, json.dumps(bad)) == "bad_answer", (key, value)
        bad = dict(good)
        del bad[key]
        assert reason_of(evidence.parse_grant_body, json.dumps(bad)) == "bad_answer", key


def test_no_error_shows_a_value():
    body = json.loads(verify.grant_body("t", 1, 0, 0, "/", bytes(32)))
    body["token"] = "SECRET TOKEN"
    try:
        evidence.parse_grant_body(json.dumps(body))
    except AttestError as error:
        assert "SECRET" not in error.detail and "token" in error.detail
        return
    raise AssertionError("not refused")


def test_the_authorities_in_the_body_of_a_grant():
    pem = "-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"
    body = json.loads(verify.grant_body("t", 1, 0, 0, "/", bytes(32), ca=pem))
    assert evidence.parse_grant_body(json.dumps(body))["ca"] == pem
    longest = "-" * evidence.MAX_ANCHOR_CHARS
    whole = verify.grant_body(
        "t" * 43, 3600, 2**40, 2**50, "/v1/link", bytes(32), (2**32 - 1, bytes(32)), "\n" * 40 + longest[40:]
    )
    assert len(whole) <= evidence.MAX_GRANT_CHARS
    for wrong in (None, "", [], 7, "-\tb", "x", "-\u00e9", "-\x7f", longest + "x"):
        body["ca"] = wrong
        assert reason_of(evidence.parse_grant_body, json.dumps(body)) == "bad_answer", wrong
