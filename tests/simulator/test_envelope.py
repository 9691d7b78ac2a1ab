"""The push envelope against the platform's published samples, its flaws on demand, and the reading of answers."""

import base64
import hashlib
import json
import secrets
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tincall.simulator.envelope import FLAWS, BadAnswer, Envelope, verdict, write

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "push.json").read_text())
KEY = "MDEyMzQ1Njc4OWFiY2RlZkdISUpLTE1OT1BRUlNUVVY"
APPID = "wx0123456789abcdef"


def envelope(random=secrets.token_bytes, **other):
    return Envelope(**{"token": "relayToken7", "aes_key": KEY, "appid": APPID, **other}, random=random)


@pytest.mark.parametrize("vector", VECTORS["signatures"])
def test_signatures_are_the_published_ones(vector):
    token, *parts = vector["parts"]
    assert envelope(token=token).sign(*parts) == vector["signature"]


@pytest.mark.parametrize("vector", VECTORS["sealed"])
def test_sealing_gives_the_published_bytes(vector):
    random = vector["random"].encode()
    box = envelope(lambda count: random, aes_key=vector["aes_key"], appid=vector["appid"])
    assert box.seal(vector["message"].encode()) == vector["encrypt"]
    assert box.open(vector["encrypt"]) == vector["message"].encode()


def test_the_platforms_own_sample_of_an_answer():
    """From the platform's page, typed in here a second time."""
    box = Envelope("AAAAA", "A" * 43, "wxba5fad812f8e6fb9", lambda count: b"707722b803182950")
    sealed = box.seal(b'{"demo_resp":"good luck"}')
    assert sealed == "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="
    assert box.sign("1713424427", "415670741", sealed) == "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"


def test_a_full_block_of_padding():
    box = envelope(lambda count: b"abcdefghijklmnop")
    sealed = base64.b64decode(box.seal(b"x" * 26))
    assert len(sealed) == 96
    assert box.open(base64.b64encode(sealed).decode()) == b"x" * 26


def test_every_length_comes_back():
    box = envelope()
    for length in range(0, 70):
        message = secrets.token_bytes(length)
        assert box.open(box.seal(message)) == message


@pytest.mark.parametrize("flaw", [flaw for flaw in FLAWS if flaw not in ("wrong_signature", "replayed")])
def test_a_flawed_envelope_does_not_open(flaw):
    box = envelope()
    message = b"m" * 50
    sealed = box.seal(message, flaw)
    try:
        opened = box.open(sealed)
    except BadAnswer:
        return
    pytest.fail(f"{flaw} opened as {opened!r}")


def test_a_wrong_signature_is_one_digit_off():
    box = envelope()
    good = box.query("1", "2", "sealed")["msg_signature"]
    wrong = box.query("1", "2", "sealed", "wrong_signature")["msg_signature"]
    assert good == hashlib.sha1("".join(sorted(["relayToken7", "1", "2", "sealed"])).encode()).hexdigest()
    assert sum(a != b for a, b in zip(good, wrong, strict=True)) == 1
    assert "msg_signature" not in box.query("1", "2")


@pytest.mark.parametrize("sealed", ["", "AAAA", "no base64!", base64.b64encode(bytes(32)).decode()])
def test_nonsense_does_not_open(sealed):
    with pytest.raises(BadAnswer):
        envelope().open(sealed)


def test_documents_in_both_forms():
    fields = {"ToUserName": "gh_1", "CreateTime": 7, "Payload": "a<b]]>c&"}
    assert json.loads(write(fields, "json")) == fields
    text = write(fields, "xml")
    assert text.startswith(b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><CreateTime>7</CreateTime>")
    root = ElementTree.fromstring(text.decode())
    assert root.findtext("Payload") == "a<b]]>c&"


def answer(box, fields, nonce="n", **other):
    sealed = box.seal(json.dumps(fields).encode())
    told = {"Encrypt": sealed, "MsgSignature": box.sign("5", nonce, sealed), "TimeStamp": 5, "Nonce": nonce, **other}
    return json.dumps(told).encode()


OK = {"errcode": 0, "errmsg": "ok"}


def test_a_clear_answer_is_read():
    box = envelope()
    assert verdict(b'{"errcode":0,"errmsg":"ok"}', "clear", box, "n") == 0
    assert verdict(b' {"errcode":7,"errmsg":""}\n', "either", box, "n") == 7
    assert verdict(b"<xml><errcode>0</errcode><errmsg><![CDATA[ok]]></errmsg></xml>", "clear", box, "n") == 0


def test_an_encrypted_answer_is_read_where_it_is_expected():
    box = envelope()
    assert verdict(answer(box, OK), "encrypted", box, "n") == 0
    assert verdict(answer(box, {**OK, "errcode": 3}), "either", box, "n") == 3
    with pytest.raises(BadAnswer, match="encrypted"):
        verdict(answer(box, OK), "clear", box, "n")
    with pytest.raises(BadAnswer, match="clear"):
        verdict(json.dumps(OK).encode(), "encrypted", box, "n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"success",
        b"[]",
        b"0",
        b'{"errcode":"0","errmsg":"ok"}',
        b'{"errcode":true,"errmsg":"ok"}',
        b'{"errcode":0}',
        b"<xml><errcode>x</errcode></xml>",
        b"<xml>",
        b"\xff\xfe",
    ],
)
def test_an_answer_that_says_nothing_is_none(body):
    with pytest.raises(BadAnswer):
        verdict(body, "either", envelope(), "n")


@pytest.mark.parametrize("other", [{"Nonce": "x"}, {"MsgSignature": "x"}, {"TimeStamp": "5"}, {"Encrypt": 5}])
def test_an_encrypted_answer_is_checked(other):
    box = envelope()
    with pytest.raises(BadAnswer):
        verdict(answer(box, OK, **other), "encrypted", box, "n")


def test_a_key_of_another_length_is_no_key():
    with pytest.raises(ValueError, match="43"):
        envelope(aes_key="A" * 42)
