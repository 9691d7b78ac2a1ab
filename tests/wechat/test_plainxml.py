"""The platform's XML: fields come out, and everything else that XML can do is refused."""

import pytest
from support.envelopes import EVENT, event_xml

from tincall.wechat.plainxml import DEPTH_MAX, FIELDS_MAX, flat_xml

BOMB = b'<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><A>&b;</A></xml>'


def test_the_fields_of_an_event_come_out():
    assert flat_xml(event_xml(EVENT)) == {name: str(value) for name, value in EVENT.items()}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("<xml/>", {}),
        ("<xml><A/><B></B></xml>", {"A": "", "B": ""}),
        ("<xml>\n  <A>1</A>\n</xml>\n", {"A": "1"}),
        ("<xml><A>a &amp; b<![CDATA[ <&> ]]>c</A></xml>", {"A": "a & b <&> c"}),
        ("<xml><A x='1'>\u4f60\u597d</A></xml>", {"A": "\u4f60\u597d"}),
        ('<?xml version="1.0" encoding="utf-8"?><xml><A>1</A></xml>', {"A": "1"}),
        # a list, as other events of a mini program have one: left out, and the rest is read
        ("<xml><List><item>1</item></List><A>2</A></xml>", {"A": "2"}),
    ],
)
def test_what_is_text_is_given(text, fields):
    assert flat_xml(text.encode()) == fields


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<xml>",
        b"<xml></lmx>",
        b"<html></html>",
        b"<xml/><xml/>",
        b"<xml><A>&a;</A></xml>",
        b"<xml><A>\xff</A></xml>",
        b"<xml><A>\x00</A></xml>",
        b"<xml><A>1</A><A>2</A></xml>",
        b"<!DOCTYPE xml><xml/>",
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>',
        b'<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><A>&a;</A></xml>',
        b'<!DOCTYPE xml [<!ENTITY % p SYSTEM "http://127.0.0.1/p">%p;]><xml/>',
        BOMB,
        b"<xml>" + b"<A>" * DEPTH_MAX + b"</A>" * DEPTH_MAX + b"</xml>",
        b"<xml>" + b"".join(b"<A%d/>" % n for n in range(FIELDS_MAX + 1)) + b"</xml>",
        '<?xml version="1.0" encoding="utf-16"?><xml><A>1</A></xml>'.encode("utf-16"),
    ],
)
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError):
        flat_xml(data)


def test_as_much_as_is_allowed_is_read():
    flat_xml(b"<xml>" + b"<A>" * (DEPTH_MAX - 1) + b"</A>" * (DEPTH_MAX - 1) + b"</xml>")
    assert len(flat_xml(b"<xml>" + b"".join(b"<A%d/>" % n for n in range(FIELDS_MAX)) + b"</xml>")) == FIELDS_MAX
