"""Runs on a board: what the setup page makes of datagrams, forms and names, and when it does not open."""

import asyncio
import json

from handset import diag, setup_page, wlan
from handset.places import Folder
from handset.setup_page import escaped, form, resolved, word
from handset.store import Store

IP = b"\xc0\xa8\x04\x01"
ASKED = b"\x12\x34\x01\x00\0\1\0\0\0\0\0\0" + b"\x07captive\x05apple\x03com\0" + b"\0\1\0\1"


def test_every_name_is_here():
    answer = resolved(ASKED, IP)
    assert answer[:12] == b"\x12\x34\x85\x80\0\1\0\1\0\0\0\0"
    assert answer[12 : len(ASKED)] == ASKED[12:]
    assert answer[len(ASKED) :] == b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + IP


def test_what_follows_a_question_is_left_out_and_other_types_have_no_answer():
    assert resolved(ASKED[:10] + b"\0\1" + ASKED[12:] + b"\0\0\x29\x02\0\0\0\0\0\0\0", IP) == resolved(ASKED, IP)
    answer = resolved(ASKED[:-3] + b"\x1c\0\1", IP)
    assert answer[6:8] == b"\0\0" and len(answer) == len(ASKED)


def test_what_is_no_question_gets_nothing():
    for cut in range(len(ASKED)):
        assert resolved(ASKED[:cut], IP) is None, cut
    response = bytearray(ASKED)
    response[2] = 0x81
    many = bytearray(ASKED)
    many[5] = 2
    pointer = ASKED[:12] + b"\xc0\x0c" + ASKED[14:]
    for asked in (bytes(response), bytes(many), pointer, bytes(512), b"\xff" * 512):
        assert resolved(asked, IP) is None


def test_forms_are_read():
    assert form(b"s=My+Net&k=p%26ss%3Dw%25rd&n=00") == {"s": "My Net", "k": "p&ss=w%rd", "n": "00"}
    assert form("s=%E5%A5%B6".encode()) == {"s": "奶"}
    assert form(b"") == {"": ""} and form(b"k") == {"k": ""}


def test_what_is_no_form_has_no_fields():
    for body in (b"s=%zz", b"s=%f", b"s=%ff", b"s=\xff\xfe", b"\xff=1", b"s=%C3"):
        assert form(body) == {}, body


def test_a_name_cannot_be_markup():
    assert escaped('<b a="1">&') == "&lt;b a=&quot;1&quot;&gt;&amp;"


def test_the_word_is_drawn_once_and_kept_with_the_networks():
    store = Store([Folder(".")])
    store.forget(wlan.NETWORKS)
    drawn = word(store)
    assert len(drawn) == 10 and min(drawn) >= "2" and word(store) == drawn
    wlan.store_trial(store, "a", "password")
    assert word(store) == drawn and wlan.read(store)["trial"] == ["a", "password"]
    words = set()
    for _ in range(20):
        store.forget(wlan.NETWORKS)
        words.add(word(store))
    assert len(words) == 20
    store.forget(wlan.NETWORKS)


def test_a_board_without_a_word_opens_nothing():
    said = []
    real, diag.print = diag.print if hasattr(diag, "print") else print, lambda text: said.append(json.loads(text))
    store = Store([Folder(".")])
    store.forget(wlan.NETWORKS)
    try:
        assert asyncio.run(setup_page.run(wlan.Wlan(store), store, (0, 0))) is False
    finally:
        diag.print = real
    assert said[0]["step"] == "setup" and "provision" in said[0]["detail"]
    assert not wlan.network.WLAN(wlan.network.AP_IF).active()
