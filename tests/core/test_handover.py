"""What the relay reads of a claim in the field and how it answers; what both sides agree on is in test_claim.py."""

import json

from callcore import claim, evidence, handover, verify
from callcore.errors import AttestError

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/claim.json") as file:
    VECTORS = json.load(file)


def data(text):
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])


def reason_of(text):
    try:
        handover.parse(text)
    except AttestError as error:
        assert error.detail
        return error.reason
    return ""


def test_golden_requests():
    for case in VECTORS["requests"]:
        assert reason_of(case["text"].encode()) == case["reason"], case["text"]
    assert reason_of(b"\xff") == "bad_request"


def test_golden_answers():
    for case in VECTORS["claims"]:
        secret, th = data(case["secret"]), data(case["th"])
        said = handover.answer(secret, th, case["kv"], data(case["key"]))
        assert claim.granted(secret, th, said) == (case["kv"], data(case["key"]))
        assert handover.check_proof(secret, th, data(case["proof"]))
        assert not handover.check_proof(secret, th, data(case["sproof"]))


def test_a_claim_comes_back_as_it_was_written():
    begin = evidence.Begin("S" * 128, "m" * 128, 1, b"u" * 16, b"d" * 16, "f" * 64)
    _, said = claim.request(b"s" * 16, begin, "c" * 128, b"b" * 32)
    assert len(json.dumps(said)) < verify.MAX_REQUEST_BYTES
    for form in (said, json.dumps(said).encode()):
        asked = handover.parse(form)
        read = asked.begin
        assert (read.sn, read.uid, read.dn, read.fw) == ("S" * 128, b"u" * 16, b"d" * 16, "f" * 64)
        assert asked.cb == b"b" * 32 and len(asked.proof) == 32
