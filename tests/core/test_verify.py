"""What the relay reads of a verification and how it judges it; what both sides agree on is in test_attest.py."""

import json

from callcore import evidence, verify
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


def finish(sid, ctr, cb, proof):
    """A finish request, as a board writes it."""
    return {"v": 1, "sid": sid, "ctr": ctr, "cb": evidence.base64(cb), "proof": evidence.base64(proof)}


def test_golden_requests():
    for parse, cases in ((verify.parse_begin, VECTORS["begin"]), (verify.parse_finish, VECTORS["finish"])):
        for case in cases:
            assert reason_of(parse, case["text"].encode()) == case["reason"], case["text"]


def test_golden_keys_of_certificates():
    for case in VECTORS["certified"]:
        assert verify.certified_key(bytes.fromhex(case["secret"])).hex() == case["key"]


def test_a_grant_with_the_longest_certificate_fits():
    cert = b"\x30" * 750
    body = verify.grant_body("t" * 43, 3600, 1 << 31, 1 << 31, "/v1/link", b"s" * 32, (9, b"k" * 32, cert))
    assert len(body) <= evidence.MAX_GRANT_CHARS
    rotate = evidence.parse_grant_body(body)["rotate"]
    assert (rotate["kv"], rotate["k"], rotate["cert"]) == (9, b"k" * 32, evidence.base64(cert))


def test_bytes_that_are_not_utf8_are_refused():
    for data in (b"\xff", b'{"v":1,"sn":"\xff"}', b"\xef\xbb\xbf{}"):
        assert reason_of(verify.parse_begin, data) == "bad_request"
        assert reason_of(verify.parse_finish, data) == "bad_request"


def test_requests_come_back_as_they_were_written():
    begin = evidence.Begin("SN-0001", "model-x", 3, b"\x01\xfe", b"d" * 16, "0.1.0")
    for form in (begin.to_json(), json.dumps(begin.to_json()).encode()):
        read = verify.parse_begin(form)
        assert (read.sn, read.model_id, read.kv, read.uid) == ("SN-0001", "model-x", 3, b"\x01\xfe")
        assert (read.dn, read.fw) == (b"d" * 16, "0.1.0")
    shown = finish("S1", 2**53 - 1, b"c" * 32, b"p" * 32)
    for form in (shown, json.dumps(shown).encode()):
        back = verify.parse_finish(form)
        assert (back.sid, back.ctr, back.cb, back.proof) == ("S1", 2**53 - 1, b"c" * 32, b"p" * 32)


def test_the_longest_requests_fit():
    begin = evidence.Begin("s" * 128, "m" * 128, 0xFFFFFFFF, b"u" * 16, b"d" * 16, "f" * 64)
    assert len(json.dumps(begin.to_json())) < verify.MAX_REQUEST_BYTES
    verify.parse_begin(json.dumps(begin.to_json()).encode())
    shown = finish("s" * 128, evidence.MAX_INTEGER, b"c" * 32, b"p" * 32)
    assert len(json.dumps(shown)) < verify.MAX_REQUEST_BYTES


def test_serial_numbers():
    for good in ("S", "SN-0001", "0_-aZ", "x" * 128):
        assert verify.is_serial_number(good), good
    for bad in ("", "x" * 129, "a b", "a\n", "a.b", "\u00e9", None, 1, b"SN"):
        assert not verify.is_serial_number(bad), bad


def test_the_published_key_is_known():
    assert verify.is_published_test_key(bytes(range(32)))
    assert not verify.is_published_test_key(b"\x77" * 32)
    assert not verify.is_published_test_key(b"")
