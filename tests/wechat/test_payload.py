"""The call token: what was made is read, and nothing else, down to the last bit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcore.errors import LocalError, PeerError
from tincall import ids
from tincall.leg import IN, OUT
from tincall.wechat import payload
from tincall.wechat.payload import VIDEO, VOICE, BadPayload, CallToken, derive_key, make, read

KEY = derive_key(bytes(range(32)))
CALL_IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)
TOKENS = st.builds(CallToken, CALL_IDS, st.sampled_from([OUT, IN]), st.sampled_from([VOICE, VIDEO]))


def reason(text, key=KEY):
    with pytest.raises(BadPayload) as caught:
        read(key, text)
    assert isinstance(caught.value, PeerError)
    return caught.value.reason


def test_the_layout_is_as_it_is_written_down():
    text = make(KEY, CallToken("aaaabbbbccccddddeeee", IN, VIDEO))
    assert text.startswith("AQEBYWFhYWJiYmJjY2NjZGRkZGVlZWU")
    assert len(text) == 47


@given(TOKENS)
def test_what_was_made_is_read(token):
    text = make(KEY, token)
    assert read(KEY, text) == token
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,127}", text)


@given(TOKENS, st.data())
def test_every_flipped_bit_is_refused(token, data):
    text = make(KEY, token).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    flipped = bytearray(text)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    assert reason(flipped.decode("latin-1"))


def test_every_other_byte_at_every_place_is_refused():
    text = make(KEY, CallToken(ids.call_id(), OUT))
    for at in range(len(text)):
        for other in range(256):
            if chr(other) != text[at]:
                assert reason(text[:at] + chr(other) + text[at + 1 :])


@given(TOKENS, st.data())
def test_a_cut_or_longer_text_is_refused(token, data):
    text = make(KEY, token)
    assert reason(text[: data.draw(st.integers(0, len(text) - 1))])
    assert reason(text + data.draw(st.sampled_from(["=", "A", "AA", "AAAA", " ", "\n", "\0"])))


@given(st.text(max_size=200))
def test_anything_else_is_refused_with_a_reason(text):
    assert reason(text)


def test_the_reasons():
    good = make(KEY, CallToken("call", OUT))
    assert reason("") == "missing"
    assert reason("A" * 128) == "too_long"
    assert reason("no base64!") == "not_base64"
    assert reason("\u00e9" * 24) == "not_base64"
    assert reason("AQAAYQ") == "too_short"
    assert reason("AA" + good[2:]) == "version"
    assert reason(good[:-1] + ("A" if good[-1] != "A" else "Q")) in ("forged", "not_base64")
    assert reason(good, derive_key(bytes(32))) == "forged"


@pytest.mark.parametrize("head", [b"\x01\x02\x00a", b"\x01\x00\x02a", b"\x01\x00\x00 ", b"\x01\x00\x00\xff"])
def test_what_is_signed_but_no_token_is_refused(head):
    assert reason(payload._text(head + payload._mac(KEY, head))) == "not_a_token"


@pytest.mark.parametrize(
    "token",
    [
        CallToken("", OUT),
        CallToken("a" * 65, OUT),
        CallToken("a b", OUT),
        CallToken("\u00e9", OUT),
        CallToken("a", "sideways"),
        CallToken("a", OUT, "smell"),
    ],
)
def test_no_payload_is_made_of_nonsense(token):
    with pytest.raises(LocalError):
        make(KEY, token)


def test_the_key_is_for_payloads_only():
    assert derive_key(bytes(32)) not in (bytes(32), KEY)
    assert len(KEY) == 32


def test_the_longest_token_fits():
    assert len(make(KEY, CallToken("x" * 64, OUT))) == 106
