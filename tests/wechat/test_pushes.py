"""The envelope of pushes: the platform's own samples, every kind of refusal, and another implementation as the judge."""

import base64
import json
import random
from pathlib import Path

import pytest
from support.envelopes import (
    APPID,
    ENCODING_KEY,
    EVENT,
    EVENT_TEXT,
    KEYS,
    NONCE,
    TIMESTAMP,
    TOKEN,
    as_json,
    as_xml,
    encrypted,
    event_xml,
    query,
    sealed,
    signed,
)
from wechatpy.crypto import WeChatCrypto

from callcore.errors import LocalError
from tincall.wechat.plainxml import flat_xml
from tincall.wechat.pushes import (
    BODY_MAX_BYTES,
    FRESH_S,
    PushKeys,
    PushRefused,
    check_url,
    decode_aes_key,
    open_push,
    seal,
    seal_answer,
    signature,
    unseal,
)

VECTORS = json.loads((Path(__file__).parent.parent / "vectors/push.json").read_text())
JSON = "application/json"
GOOD = sealed(EVENT_TEXT.encode())


def refused(given, body=None, content_type=JSON, keys=KEYS, now_s=None):
    with pytest.raises(PushRefused) as caught:
        open_push(given, as_json(GOOD) if body is None else body, content_type, keys, now_s)
    assert 400 <= caught.value.status < 500
    assert str(caught.value).endswith(".")
    return caught.value.reason


def case_keys(case):
    return PushKeys(case["appid"], case["token"], decode_aes_key(case["aes_key"]))


@pytest.mark.parametrize("case", VECTORS["signatures"], ids=lambda case: case["signature"][:8])
def test_signatures_of_the_vectors(case):
    assert signature(*case["parts"]) == case["signature"]
    assert signature(*reversed(case["parts"])) == case["signature"]


@pytest.mark.parametrize("case", VECTORS["sealed"], ids=lambda case: case["appid"])
def test_messages_of_the_vectors_are_sealed_and_opened(case):
    text = seal(case["message"].encode(), case_keys(case), lambda n: case["random"].encode())
    assert text == case["encrypt"]
    assert unseal(text, case_keys(case)) == case["message"].encode()


def test_a_message_that_is_aligned_gets_a_whole_block_of_padding():
    assert len(base64.b64decode(VECTORS["sealed"][2]["encrypt"])) == 96


@pytest.mark.parametrize("body_of", [as_json, as_xml])
@pytest.mark.parametrize("case", VECTORS["pushes"], ids=lambda case: case["appid"])
def test_pushes_of_the_vectors_are_opened(case, body_of):
    names = ("timestamp", "nonce", "msg_signature")
    given = {"encrypt_type": "aes", **{name: case[name] for name in names}}
    assert open_push(given, body_of(case["encrypt"]), "", case_keys(case)) == json.loads(case["message"])


def test_the_url_check_of_the_page():
    given = {
        "signature": "f464b24fc39322e44b38aa78f5edd27bd1441696",
        "timestamp": "1714036504",
        "nonce": "1514711492",
        "echostr": "4375120948345356249",
    }
    assert check_url(given, "AAAAA") == "4375120948345356249"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"signature": "f" * 40}, "bad_signature"),
        ({"signature": "\u00e9" * 40}, "bad_signature"),
        ({"signature": "\ud800"}, "bad_signature"),
        ({"signature": ""}, "bad_query"),
        ({"timestamp": "1"}, "bad_signature"),
        ({"nonce": "x" * 300}, "bad_query"),
        ({"echostr": ""}, "bad_query"),
        ({"echostr": "<script> </script>"}, "bad_query"),
        ({"echostr": "\u00e9"}, "bad_query"),
        ({"echostr": "x" * 257}, "bad_query"),
    ],
)
def test_another_url_check_is_refused(change, reason):
    given = {"signature": signed(TOKEN, "12", "34"), "timestamp": "12", "nonce": "34", "echostr": "abc"}
    assert check_url(given, TOKEN) == "abc"
    with pytest.raises(PushRefused) as caught:
        check_url(given | change, TOKEN)
    assert caught.value.reason == reason


@pytest.mark.parametrize("body_of", [as_json, as_xml])
@pytest.mark.parametrize("message", [EVENT_TEXT.encode(), event_xml(EVENT)], ids=["json", "xml"])
@pytest.mark.parametrize(
    "content_type", [JSON, "text/xml; charset=utf-8", "text/plain", "", "application/octet-stream"]
)
def test_both_formats_give_the_same_event_whatever_the_type_says(body_of, message, content_type):
    text = sealed(message)
    assert open_push(query(text), body_of(text), content_type, KEYS) == EVENT


def test_a_byte_order_mark_and_blanks_do_not_matter():
    assert open_push(query(GOOD), b"\xef\xbb\xbf" + as_json(GOOD), JSON, KEYS) == EVENT
    assert open_push(query(GOOD), b" \r\n\t" + as_json(GOOD) + b"\n", JSON, KEYS) == EVENT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"msg_signature": "f" * 40}, "bad_signature"),
        # the console's signature of the query alone, which says nothing about the body
        ({"msg_signature": signed(TOKEN, str(TIMESTAMP), NONCE)}, "bad_signature"),
        ({"msg_signature": query(GOOD)["msg_signature"].upper()}, "bad_signature"),
        ({"msg_signature": "\u00e9"}, "bad_signature"),
        ({"msg_signature": ""}, "bad_query"),
        ({"timestamp": "1760000002"}, "bad_signature"),
        ({"nonce": "987654320"}, "bad_signature"),
        ({"nonce": ""}, "bad_query"),
        ({"nonce": "9" * 300}, "bad_query"),
        ({"encrypt_type": "raw"}, "plain_mode"),
        ({"encrypt_type": ""}, "plain_mode"),
    ],
)
def test_another_query_is_refused(change, reason):
    assert refused(query(GOOD) | change) == reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "bad_body"),
        (b"[]", "bad_body"),
        (b"null", "bad_body"),
        (b'{"Encrypt":', "bad_body"),
        (b'{"Encrypt":1}', "bad_body"),
        (b'{"Encrypt":["a"]}', "bad_body"),
        (b'{"Encrypt":"a","Encrypt":"b"}', "bad_body"),
        (b'{"a":NaN}', "bad_body"),
        (b"\xff\xfe", "bad_body"),
        (b"[" * 60_000, "bad_body"),
        (b'{"Encrypt":"\\ud800"}', "bad_signature"),
        (b"<xml>", "bad_body"),
        (b"<!DOCTYPE xml [<!ENTITY a 'b'>]><xml><Encrypt>&a;</Encrypt></xml>", "bad_body"),
        (b" " * (BODY_MAX_BYTES + 1), "too_large"),
        (EVENT_TEXT.encode(), "plain_mode"),
        (event_xml(EVENT), "plain_mode"),
        (json.dumps({**EVENT, "Encrypt": GOOD}).encode(), "compatible_mode"),
        (event_xml({**EVENT, "Encrypt": GOOD}), "compatible_mode"),
        (as_json(GOOD[:-4]), "bad_signature"),
    ],
)
def test_another_body_is_refused(body, reason):
    assert refused(query(GOOD), body) == reason


def test_the_modes_of_the_console_are_named():
    with pytest.raises(PushRefused, match="plain mode; set it to security mode in the console"):
        open_push({}, EVENT_TEXT.encode(), JSON, KEYS)
    with pytest.raises(PushRefused, match="compatible mode; set it to security mode in the console"):
        open_push(query(GOOD), json.dumps({**EVENT, "Encrypt": GOOD}).encode(), JSON, KEYS)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "image/png"]
)
def test_another_kind_of_document_is_refused(content_type):
    assert refused(query(GOOD), content_type=content_type) == "wrong_type"


CLEAR = b"abcdefghijklmnop" + len(EVENT_TEXT).to_bytes(4, "big") + EVENT_TEXT.encode() + APPID.encode()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sealed(EVENT_TEXT.encode(), appid="wx0123456789abcdee"), "wrong_appid"),
        (sealed(EVENT_TEXT.encode(), appid=APPID + "x"), "wrong_appid"),
        (sealed(EVENT_TEXT.encode(), appid=""), "wrong_appid"),
        (sealed(EVENT_TEXT.encode(), pad=0), "bad_cipher"),
        (sealed(EVENT_TEXT.encode(), pad=33), "bad_cipher"),
        (sealed(EVENT_TEXT.encode(), pad=1), "wrong_appid"),
        (encrypted(CLEAR + b"\x17" * 22 + b"\x16" + b"\x17"[:0]), "bad_cipher"),
        # whole and consistent, but more than a block of padding
        (encrypted(CLEAR + bytes([39]) * 39), "bad_cipher"),
        (encrypted(bytes(15) + b"\x01"), "bad_cipher"),
        (encrypted(bytes([32]) * 32), "bad_cipher"),
        (encrypted(bytes(16) + b"\xff\xff\xff\xff" + bytes([12]) * 12), "bad_cipher"),
        (encrypted(CLEAR + bytes([23]) * 23, key=bytes(32)), "bad_cipher"),
        ("", "bad_cipher"),
        ("AAAA", "bad_cipher"),
        ("not base64!", "bad_cipher"),
        ("\u00e9", "bad_cipher"),
        (sealed(b"[]"), "bad_message"),
        (sealed(b""), "bad_message"),
        (sealed(b"\xff"), "bad_message"),
        (sealed(b"<xml>"), "bad_message"),
        (sealed(b"[" * 40_000), "bad_message"),
    ],
)
def test_a_message_that_is_signed_and_wrong_is_refused(text, reason):
    assert refused(query(text), as_json(text)) == reason


def test_nothing_is_decrypted_before_the_signature_is_right(monkeypatch):
    monkeypatch.setattr("tincall.wechat.pushes._cipher", lambda keys: pytest.fail("decrypted"))
    assert refused(query(GOOD) | {"msg_signature": "f" * 40}) == "bad_signature"


@pytest.mark.parametrize("age_s", [FRESH_S, -FRESH_S, 0])
def test_a_fresh_push_is_taken(age_s):
    assert open_push(query(GOOD), as_json(GOOD), JSON, KEYS, TIMESTAMP + age_s) == EVENT


@pytest.mark.parametrize("age_s", [FRESH_S + 1, -FRESH_S - 1, 1e9])
def test_an_old_push_is_refused(age_s):
    assert refused(query(GOOD), now_s=TIMESTAMP + age_s) == "stale"


@pytest.mark.parametrize("timestamp", ["soon", "1e9", "\u0661\u0667", "9" * 20])
def test_a_time_that_is_none_is_refused(timestamp):
    given = query(GOOD) | {"timestamp": timestamp, "msg_signature": signed(TOKEN, timestamp, NONCE, GOOD)}
    assert refused(given, now_s=TIMESTAMP) == "stale"


def test_the_43rd_character_may_have_bits_that_mean_nothing():
    last = ENCODING_KEY[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    group = alphabet.index(last) // 4 * 4
    for other in alphabet[group : group + 4]:
        assert decode_aes_key(ENCODING_KEY[:-1] + other) == KEYS.aes_key
    assert decode_aes_key(ENCODING_KEY[:-1] + alphabet[(group + 4) % 64]) != KEYS.aes_key


@pytest.mark.parametrize(
    "text", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "-", "A" * 42 + "\n", "\u00e9" * 43]
)
def test_a_key_that_is_none_is_refused_and_not_shown(text):
    with pytest.raises(ValueError, match="43 letters and digits$"):
        decode_aes_key(text)


def test_keys_are_not_shown():
    assert repr(KEYS) == f"PushKeys(appid='{APPID}')"


def test_the_answer_of_the_page():
    case = VECTORS["sealed"][0]
    body = seal_answer(
        case["message"], case_keys(case), "415670741", 1713424427, random=lambda n: case["random"].encode()
    )
    assert json.loads(body) == {
        "Encrypt": case["encrypt"],
        "MsgSignature": "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",
        "TimeStamp": 1713424427,
        "Nonce": "415670741",
    }


def test_a_sealed_answer_can_be_opened_by_the_other_side_in_both_formats():
    for as_xml_too in (False, True):
        body = seal_answer("success", KEYS, NONCE, TIMESTAMP, as_xml_too)
        found = _fields(body) if as_xml_too else json.loads(body)
        given = {"timestamp": str(found["TimeStamp"]), "nonce": found["Nonce"], "msg_signature": found["MsgSignature"]}
        assert signed(TOKEN, given["timestamp"], given["nonce"], found["Encrypt"]) == given["msg_signature"]
        assert unseal(found["Encrypt"], KEYS) == b"success"


def _fields(body):
    return flat_xml(body.encode())


def test_a_nonce_cannot_break_out_of_xml():
    with pytest.raises(LocalError):
        seal_answer("success", KEYS, "]]><x/>", TIMESTAMP, as_xml=True)


def test_two_answers_are_never_the_same():
    assert seal(b"x", KEYS) != seal(b"x", KEYS)


def messages(count):
    """Make random messages of all lengths and scripts."""
    source = random.Random(20260101)
    scripts = ["abcXYZ019 {}\"':,", "\u4f60\u597d\u95e8\u94c3", "\u00e9\u00df\u20ac", "\U0001f514\U0001f4de"]
    for _ in range(count):
        yield "".join(source.choice(source.choice(scripts)) for _ in range(source.randint(1, 700)))


def test_another_implementation_reads_what_we_seal():
    judge = WeChatCrypto(TOKEN, ENCODING_KEY, APPID)
    for number, message in enumerate(messages(1000)):
        nonce = str(number)
        body = seal_answer(message, KEYS, nonce, TIMESTAMP + number, as_xml=bool(number % 2))
        found = _fields(body) if number % 2 else json.loads(body)
        whole = body if number % 2 else found
        assert judge.decrypt_message(whole, found["MsgSignature"], str(TIMESTAMP + number), nonce) == message


def test_we_read_what_another_implementation_seals():
    judge = WeChatCrypto(TOKEN, ENCODING_KEY, APPID)
    for number, message in enumerate(messages(1000)):
        event = json.dumps({"Event": message}, ensure_ascii=bool(number % 3))
        found = _fields(judge.encrypt_message(event, str(number), str(TIMESTAMP)))
        given = {
            "encrypt_type": "aes",
            "timestamp": found["TimeStamp"],
            "nonce": found["Nonce"],
            "msg_signature": found["MsgSignature"],
        }
        body = as_xml(found["Encrypt"]) if number % 2 else as_json(found["Encrypt"])
        assert open_push(given, body, JSON, KEYS, TIMESTAMP) == {"Event": message}
