"""What both sides of a claim in the field compute, against golden vectors, and what the board accepts as an answer."""

import json

from callcore import attest, claim, evidence
from callcore.errors import AttestError

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/claim.json") as file:
    CLAIMS = json.load(file)["claims"]


def data(text):
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])


def asked(case):
    begin = evidence.Begin(case["sn"], case["model_id"], 1, data(case["uid"]), data(case["dn"]), "0.1.0")
    return claim.request(data(case["secret"]), begin, case["claim_id"], data(case["cb"]))


def answer(case):
    return {"body": case["body"], "sproof": evidence.base64(data(case["sproof"]))}


def reason_of(case, said):
    try:
        claim.granted(data(case["secret"]), data(case["th"]), said)
    except AttestError as error:
        return error.reason
    return ""


def test_golden_claims():
    for case in CLAIMS:
        th, said = asked(case)
        assert th == data(case["th"])
        assert said["proof"] == evidence.base64(data(case["proof"])) and said["v"] == 1
        assert (said["sn"], said["uid"], said["claim_id"]) == (case["sn"], case["uid"], case["claim_id"])
        for form in (answer(case), json.dumps(answer(case)).encode()):
            assert claim.granted(data(case["secret"]), th, form) == (case["kv"], data(case["key"]))


def test_the_key_is_not_in_the_answer_and_comes_back():
    case = CLAIMS[0]
    key = data(case["key"])
    hidden = claim.hidden(data(case["secret"]), data(case["th"]), key)
    assert hidden == data(case["hidden"]) != key
    assert claim.hidden(data(case["secret"]), data(case["th"]), hidden) == key


def test_no_claim_is_a_verification():
    """The two transcripts begin with different words, so that no proof of the one is a proof of the other."""
    case = CLAIMS[0]
    begin = attest.Begin(case["sn"], case["model_id"], 1, data(case["uid"]), data(case["dn"]), "1")
    assert attest.transcript(begin, b"", case["claim_id"], 1, data(case["cb"])) != data(case["th"])


def test_every_field_counts():
    case = CLAIMS[0]
    seen = {asked(case)[0]}
    for name, other in (
        ("sn", "SN-0002"),
        ("model_id", "model-y"),
        ("uid", "010203040507"),
        ("dn", "d1" * 16),
        ("claim_id", "C2"),
        ("cb", "01" * 32),
    ):
        seen.add(asked(dict(case, **{name: other}))[0])
    assert len(seen) == 7


def test_a_server_without_the_secret_hands_nothing_over():
    case = CLAIMS[0]
    good = answer(case)
    for said in (
        dict(good, body=case["body"].replace('"kv": 1', '"kv": 2')),
        dict(good, sproof=evidence.base64(bytes(32))),
        answer(CLAIMS[2]),
    ):
        assert reason_of(case, said) == "server_not_proved"
    assert reason_of(case, good) == ""


def test_what_is_no_answer_is_told_so():
    case = CLAIMS[0]
    for said in (b"", b"<html>", None, {}, {"body": case["body"]}):
        assert reason_of(case, said) == "bad_answer"
    for body in ("[]", "{}", '{"kv": 1}', '{"key": 1, "kv": 1}', '{"kv": 1, "key": "AA=="}', "<html>"):
        proved = claim.server_proof(data(case["secret"]), data(case["th"]), body)
        assert reason_of(case, {"body": body, "sproof": evidence.base64(proved)}) == "bad_answer", body
