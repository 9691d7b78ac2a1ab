"""The JSON objects of a verification: what is taken, what is refused, and that nothing is shown."""

import json

from callcore import evidence
from callcore.errors import AttestError

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/attest.json") as file:
    VECTORS = json.load(file)


def reason_of(call, *args):
    try:
        call(*args)
    except AttestError as error:
        assert error.detail
        return error.reason
    return ""


def test_golden_requests():
    for parse, cases in ((evidence.parse_begin, VECTORS["begin"]), (evidence.parse_finish, VECTORS["finish"])):
        for case in cases:
            assert reason_of(parse, case["text"].encode()) == case["reason"], case["text"]


def test_bytes_that_are_not_utf8_are_refused():
    for data in (b"\xff", b'{"v":1,"sn":"\xff"}', b"\xef\xbb\xbf{}"):
        assert reason_of(evidence.parse_begin, data) == "bad_request"
        assert reason_of(evidence.parse_challenge, data) == "bad_answer"


def test_requests_come_back_as_they_were_written():
    begin = evidence.Begin("SN-0001", "model-x", 3, b"\x01\xfe", b"d" * 16, "0.1.0")
    for form in (begin.to_json(), json.dumps(begin.to_json()).encode()):
        read = evidence.parse_begin(form)
        assert (read.sn, read.model_id, read.kv, read.uid) == ("SN-0001", "model-x", 3, b"\x01\xfe")
        assert (read.dn, read.fw) == (b"d" * 16, "0.1.0")
    finish = evidence.Finish("S1", 2**53 - 1, b"c" * 32, b"p" * 32)
    for form in (finish.to_json(), json.dumps(finish.to_json()).encode()):
        back = evidence.parse_finish(form)
        assert (back.sid, back.ctr, back.cb, back.proof) == ("S1", 2**53 - 1, b"c" * 32, b"p" * 32)


def test_the_longest_requests_fit():
    begin = evidence.Begin("s" * 128, "m" * 128, 0xFFFFFFFF, b"u" * 16, b"d" * 16, "f" * 64)
    assert len(json.dumps(begin.to_json())) < evidence.MAX_REQUEST_BYTES
    evidence.parse_begin(json.dumps(begin.to_json()).encode())
    finish = evidence.Finish("s" * 128, evidence.MAX_INTEGER, b"c" * 32, b"p" * 32)
    assert len(json.dumps(finish.to_json())) < evidence.MAX_REQUEST_BYTES


def test_a_challenge():
    assert evidence.parse_challenge(evidence.challenge("S1", b"n" * 32, 30)) == ("S1", b"n" * 32)
    for key, value in (("sid", ""), ("sid", "a b"), ("nonce", "AAAA"), ("ttl", 0), ("ttl", 3601), ("ttl", None)):
        answer = evidence.challenge("S1", b"n" * 32, 30)
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
    body = evidence.grant_body("tok-EN_1", 3600, 1790000000, 12, "/v1/link", b"\x5e" * 32)
    granted = evidence.parse_grant_body(body)
    assert granted["token"] == "tok-EN_1" and granted["exp"] == 3600 and granted["now"] == 1790000000
    assert granted["epoch"] == 12 and granted["ws"] == "/v1/link" and granted["seed"] == b"\x5e" * 32


def test_the_body_of_a_grant_keeps_what_later_versions_add():
    more = json.loads(evidence.grant_body("t", 1, 0, 0, "/", bytes(32)))
    more["rotate"] = {"kv": 2}
    assert evidence.parse_grant_body(json.dumps(more))["rotate"] == {"kv": 2}


def test_the_body_of_a_grant_is_held_to_its_rules():
    good = json.loads(evidence.grant_body("t", 3600, 1790000000, 12, "/v1/link", b"\x5e" * 32))
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
    body = json.loads(evidence.grant_body("t", 1, 0, 0, "/", bytes(32)))
    body["token"] = "SECRET TOKEN"
    try:
        evidence.parse_grant_body(json.dumps(body))
    except AttestError as error:
        assert "SECRET" not in error.detail and "token" in error.detail
        return
    raise AssertionError("not refused")


def test_serial_numbers():
    for good in ("S", "SN-0001", "0_-aZ", "x" * 128):
        assert evidence.is_serial_number(good), good
    for bad in ("", "x" * 129, "a b", "a\n", "a.b", "\u00e9", None, 1, b"SN"):
        assert not evidence.is_serial_number(bad), bad
