"""The gate: who gets the page, whose session it is, one page a person, and phones that outlive a gap."""

import json

import httpx
import pytest
from page_stage import PATIENCE_S, opened
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tincall.clock import ManualClock
from tincall.simulator.phone_gate import SESSION_S, SESSIONS_MAX, Sessions


@pytest.fixture(scope="module")
def shared():
    with opened() as stage:
        yield stage


@pytest.fixture
def stage(shared):
    """Give the gate with nobody in it."""
    shared.until(lambda: not shared.rooms.live(), "the end of all calls")
    return shared


class Page:
    """A page without a browser."""

    def __init__(self, stage, openid="oAnna", token=None, **options):
        self.token = token or session(stage, openid).json()["token"]
        url = stage.url.replace("http://", "ws://").replace("/phone/", "/sim/phone")
        self._connecting = connect(url, proxy=None, open_timeout=PATIENCE_S, **options)
        self.frames = []

    def __enter__(self):
        self.socket = self._connecting.__enter__()
        return self

    def __exit__(self, *exception):
        self._connecting.__exit__(*exception)

    def say(self, word, **fields):
        self.socket.send(json.dumps({"t": word, **fields}))

    def hello(self):
        self.say("hello", v=1, token=self.token)
        return self.next("welcome")

    def next(self, word):
        """Give the next message of a name."""
        while True:
            message = self.socket.recv(timeout=PATIENCE_S)
            if isinstance(message, bytes):
                self.frames.append(message)
                continue
            fields = json.loads(message)
            if fields["t"] == word:
                return fields

    def closed(self):
        """Wait for the end; gives its code."""
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                self.socket.recv(timeout=PATIENCE_S)
        return ended.value.rcvd.code


def session(stage, openid, **headers):
    return httpx.post(stage.url + "session", json={"openid": openid}, headers=headers, trust_env=False)


def get(stage, path, **headers):
    return httpx.get(stage.url + path, headers=headers, trust_env=False)


def test_the_page_comes_with_its_policy(stage):
    answer = get(stage, "")
    assert answer.status_code == 200 and "Whose phone is this?" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_address_without_its_slash_leads_to_the_page(stage):
    answer = httpx.get(stage.url.rstrip("/"), trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "/phone/")


@pytest.mark.parametrize("path", ["nothing.js", "..%2Fphone_gate.py", "%2e%2e/phone_gate.py", "main.js/x"])
def test_no_other_file_is_served(stage, path):
    assert get(stage, path).status_code == 404


@pytest.mark.parametrize("path", ["", "main.js", "people"])
def test_another_host_name_gets_nothing(stage, path):
    assert get(stage, path, host="evil.example").status_code == 421


def test_people_are_listed(stage):
    listed = get(stage, "people").json()
    assert [one["name"] for one in listed["people"]] == ["Anna Berg", "Bo Lindqvist"]
    assert listed["app"] == "Tincall at home"


def test_sessions_are_for_people_who_are_there(stage):
    assert session(stage, "oAnna").status_code == 200
    assert session(stage, "oNobody").status_code == 404
    assert session(stage, "").status_code == 422


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"origin": "null"}])
def test_no_session_for_another_page(stage, headers):
    assert session(stage, "oAnna", **headers).status_code in (403, 421)


def test_a_form_cannot_open_a_session(stage):
    answer = httpx.post(
        stage.url + "session", content='{"openid":"oAnna"}', headers={"content-type": "text/plain"}, trust_env=False
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_no_connection_for_another_page(stage, origin):
    with pytest.raises(InvalidStatus), Page(stage, origin=origin):
        raise AssertionError("it was let in")


def test_a_phone_rings_talks_and_is_hung_up(stage):
    with Page(stage) as page:
        assert page.hello()["name"] == "Anna Berg"
        board = stage.ring()
        room = page.next("ring")["call"]["room"]
        page.say("answer", room=room)
        page.next("talk")
        page.socket.send(bytes([7]) * 640)
        stage.until(lambda: bytes([7]) * 640 in board.heard, "the page's frame")
        page.next("figures")
        assert len(page.frames) > 10
        stage.run(board.hang_up)
        assert page.next("over")["why"] == "hung_up_by_device"


def test_ping_comes_back(stage):
    with Page(stage) as page:
        page.hello()
        page.say("ping", n=12)
        assert page.next("pong")["n"] == 12


def test_an_unknown_token_is_told_apart(stage):
    with Page(stage, token="no-such-token") as page:
        page.say("hello", v=1, token=page.token)
        assert page.closed() == 4003


@pytest.mark.parametrize("first", ['{"t":"ping","n":1}', "no json", b"\0" * 640, '{"t":"hello","v":1}', "x" * 3000])
def test_anything_but_hello_ends_the_connection(stage, first):
    with Page(stage) as page:
        page.socket.send(first)
        assert page.closed() == 1008


@pytest.mark.parametrize("later", ['{"t":"fly"}', b"short", b"\0" * 641, '{"t":"welcome"}', "[" * 2000])
def test_nonsense_ends_the_connection_and_not_the_gate(stage, later):
    with Page(stage) as page:
        page.hello()
        page.socket.send(later)
        assert page.closed() == 1008
    with Page(stage) as page:
        assert page.hello()


def test_a_newer_page_of_the_same_person_takes_over_with_the_call(stage):
    with Page(stage) as older:
        older.hello()
        board = stage.ring()
        older.say("answer", room=older.next("ring")["call"]["room"])
        older.next("talk")
        with Page(stage) as newer:
            assert newer.hello()["call"]["state"] == "talking"
            assert older.next("moved") and older.closed() == 4001
            stage.run(board.hang_up)
            assert newer.next("over")


def test_two_people_have_two_phones(stage):
    with Page(stage, "oAnna") as anna, Page(stage, "oBo") as bo:
        anna.hello()
        bo.hello()
        board = stage.ring("oBo")
        assert bo.next("ring")
        anna.say("ping", n=1)
        anna.next("pong")
        stage.run(board.hang_up)
        bo.next("over")


def test_consent_is_asked_on_an_open_page(stage):
    assert stage.run(lambda: stage.gate.ask("oNobody", "sn-2")) is False
    with Page(stage) as page:
        page.hello()
        assert stage.run(lambda: stage.gate.ask("oAnna", "sn-9")) is False
        assert stage.run(lambda: stage.gate.ask("oAnna", "sn-2")) is True
        assert page.next("ask")["device"]["name"] == "Workshop"


def test_changes_are_shown_on_all_pages(stage):
    with Page(stage, "oAnna") as anna, Page(stage, "oBo") as bo:
        anna.hello()
        bo.hello()
        stage.run(stage.gate.changed)
        assert anna.next("devices") and bo.next("devices")


def test_a_phone_is_on_for_a_while_without_its_page_and_then_off():
    with opened(away_s=0.2) as stage:
        with Page(stage) as page:
            page.hello()
            assert stage.run(stage.rooms.phones) == ["oAnna"]
        stage.until(lambda: not stage.rooms.phones(), "the phone's being off")
        assert stage.run(lambda: stage.gate.phone("oAnna")) is None


def test_a_call_outlives_a_broken_connection(stage):
    with Page(stage) as page:
        page.hello()
        board = stage.ring()
        page.say("answer", room=page.next("ring")["call"]["room"])
        page.next("talk")
        page.socket.close()
    with Page(stage, token=page.token) as again:
        assert again.hello()["call"]["state"] == "talking"
        again.next("figures")
        stage.run(board.hang_up)


def test_another_phone_under_the_openid_is_noticed(stage):
    class Other:
        def rings(self, room): ...

    with Page(stage) as page:
        page.hello()
        line = stage.run(lambda: stage.rooms.attach("oAnna", Other()))
        assert page.next("moved") and page.closed() == 4001
        stage.run(line.leave)


def test_sessions_are_bounded_in_number_and_time():
    clock = ManualClock()
    count = iter(range(1000))
    sessions = Sessions(clock, lambda length: next(count).to_bytes(length, "big"))
    first = sessions.open("a")
    assert sessions.who(first) == "a" and sessions.who("x") is None
    later = [sessions.open("b") for _ in range(SESSIONS_MAX)]
    assert sessions.who(first) is None and sessions.who(later[0]) == "b"
    clock.advance(SESSION_S * 1000 + 1)
    assert sessions.who(later[-1]) is None
