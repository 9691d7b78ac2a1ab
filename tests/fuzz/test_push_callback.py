"""Whatever is sent to the push callback over HTTP: what is not authentic gets a 4xx and has no effect at all."""

import asyncio

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st
from support.envelopes import EVENT, EVENT_TEXT, KEYS, TIMESTAMP, as_json, as_xml, query, sealed

from tincall.clock import ManualClock
from tincall.relay.api import Api, build
from tincall.wechat.notify import Answer
from tincall.wechat.web import BODIES, PATH, PushRoutes

SEALED = sealed(EVENT_TEXT.encode())
NAMES = st.sampled_from(["signature", "timestamp", "nonce", "encrypt_type", "msg_signature", "echostr", "openid", "x"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
QUERIES = st.dictionaries(NAMES, TEXT, max_size=6) | st.just(query(SEALED))
BODIES_SENT = st.binary(max_size=3000) | st.sampled_from([as_json(SEALED), as_xml(SEALED), EVENT_TEXT.encode()])
TYPES = st.sampled_from(
    ["application/json", "text/xml", "multipart/form-data; boundary=x", "", "text/plain; charset=x"]
)


class Clock(ManualClock):
    """Stands at the time of the envelopes."""

    def unix_ms(self):
        return TIMESTAMP * 1000


class Judge:
    """Remembers what came through."""

    def __init__(self):
        self.events = []

    async def take(self, event):
        self.events.append(event)
        return Answer(0, "ok", "room-1")

    def answered(self, answer):
        pass


JUDGE = Judge()
APP = build(
    Api(None, None, None, lambda: []),
    "operator-token-operator-token-0001",
    [PushRoutes(KEYS, JUDGE, Clock()).router()],
    BODIES,
)


def sent(method, asked, body, kind):
    """Send a request; gives the status and the events that came of it."""
    JUDGE.events.clear()

    async def main():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="https://relay.example") as client:
            headers = {"content-type": kind} if kind else {}
            return (await client.request(method, PATH, params=asked, content=body, headers=headers)).status_code

    return asyncio.run(main()), list(JUDGE.events)


@settings(deadline=None)
@given(st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS"]), QUERIES, BODIES_SENT, TYPES)
def test_anything_sent_is_refused_or_authentic(method, asked, body, kind):
    status, events = sent(method, asked, body, kind)
    if events:
        assert (status, events, asked) == (200, [EVENT], query(SEALED))
    else:
        assert 400 <= status < 500


@settings(deadline=None)
@given(st.sampled_from([as_json(SEALED), as_xml(SEALED)]), st.data())
def test_a_changed_push_brings_nothing_new(body, data):
    changed, asked = bytearray(body), dict(query(SEALED))
    if data.draw(st.booleans()):
        for _ in range(data.draw(st.integers(1, 3))):
            changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    else:
        asked[data.draw(st.sampled_from(["timestamp", "nonce", "msg_signature"]))] = data.draw(TEXT)
    status, events = sent("POST", asked, bytes(changed), "")
    assert (status == 200 and events == [EVENT]) or (400 <= status < 500 and events == [])


@settings(deadline=None)
@given(st.binary(max_size=900))
def test_what_the_platform_signs_and_makes_no_sense_is_no_fault_of_ours(message):
    text = sealed(message)
    status, events = sent("POST", query(text), as_json(text), "application/json")
    assert status in (200, 400) and len(events) == (status == 200)
