"""A push with any one bit changed, in body or query: refused with 4xx, or the very event it was before."""

import pytest
from support.envelopes import EVENT, EVENT_TEXT, KEYS, as_json, as_xml, query, sealed

from tincall.wechat.pushes import PushRefused, open_push

TEXT = sealed(EVENT_TEXT.encode())
QUERY = query(TEXT)


def outcome(asked, body):
    """Give the event, or None for a refusal; anything else that is raised fails the test."""
    try:
        return open_push(asked, body, "", KEYS)
    except PushRefused as refusal:
        assert 400 <= refusal.status < 500
        return None


@pytest.mark.parametrize("body", [as_json(TEXT), as_xml(TEXT)], ids=["json", "xml"])
def test_every_flipped_bit_of_a_body(body):
    assert outcome(QUERY, body) == EVENT
    start = body.index(TEXT.encode())
    strange, opened = [], []
    for bit in range(len(body) * 8):
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        found = outcome(QUERY, bytes(changed))
        if found not in (None, EVENT):
            strange.append(bit)
        if found is not None and start <= bit // 8 < start + len(TEXT):
            opened.append(bit)
    assert strange == [] and opened == [], "what is sealed opens only whole"
    assert len(body) * 8 >= 4000


def test_every_flipped_bit_of_what_is_signed():
    for name in ("timestamp", "nonce", "msg_signature"):
        for at, character in enumerate(QUERY[name]):
            for bit in range(7):
                value = QUERY[name][:at] + chr(ord(character) ^ 1 << bit) + QUERY[name][at + 1 :]
                assert outcome(QUERY | {name: value}, as_json(TEXT)) is None, (name, at, bit)
