"""What stands before the routes: bounded bodies, read whole, and answers that nobody keeps."""

import asyncio
import json

import pytest

from tincall.relay.web_guard import BODY_MAX_BYTES, Guard, problem


def serve(*messages, kind="http", path="/v1/calls", bodies=None):
    """Run the guard over an application that echoes; gives the application's view and what was sent."""
    seen, sent = [], []
    waiting = list(messages)

    async def app(scope, receive, send):
        seen.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app, bodies)({"type": kind, "path": path}, receive, send))
    return seen, sent


def chunk(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_pieces_arrives_whole():
    seen, sent = serve(chunk(b"a" * 10, True), chunk(b"", True), chunk(b"b"))
    assert seen == [chunk(b"a" * 10 + b"b")]
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
    assert (b"x", b"y") in sent[0]["headers"]


@pytest.mark.parametrize("pieces", [[BODY_MAX_BYTES], [1, BODY_MAX_BYTES - 1]])
def test_the_longest_body_passes(pieces):
    messages = [chunk(b"x" * size, number < len(pieces) - 1) for number, size in enumerate(pieces)]
    assert len(serve(*messages)[0][0]["body"]) == BODY_MAX_BYTES


@pytest.mark.parametrize("pieces", [[BODY_MAX_BYTES + 1], [BODY_MAX_BYTES, 1]])
def test_a_longer_body_is_refused_and_the_routes_never_see_it(pieces):
    seen, sent = serve(*(chunk(b"x" * size, True) for size in pieces))
    assert seen == []
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["reason"] == "too_large"
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_client_that_leaves_half_way_is_not_served():
    assert serve(chunk(b"x", True))[0] == []


def test_what_is_no_request_goes_past():
    seen, sent = serve({"type": "lifespan.startup"}, kind="lifespan")
    assert seen == [{"type": "lifespan.startup"}]
    assert sent[0]["headers"] == [(b"x", b"y")]


def test_a_problem_has_its_members_and_a_hint_only_if_there_is_one():
    assert problem(404, "unknown", "Not here.") == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "reason": "unknown",
        "detail": "Not here.",
    }
    assert problem(503, "busy", "No.", "Wait.")["hint"] == "Wait."


def test_a_path_may_have_a_bound_of_its_own():
    bodies = {"/push": BODY_MAX_BYTES + 1, "/short": 5}
    longer, long = chunk(b"x" * (BODY_MAX_BYTES + 1)), chunk(b"x" * BODY_MAX_BYTES)
    assert serve(longer, path="/push", bodies=bodies)[0] == [longer]
    assert serve(longer, path="/push/more", bodies=bodies)[0] == []
    assert serve(long, path="/v1/calls", bodies=bodies)[0] == [long]
    assert serve(chunk(b"123456"), path="/short", bodies=bodies)[0] == []
    refused = serve(chunk(b"x" * (BODY_MAX_BYTES + 2)), path="/push", bodies=bodies)[1]
    assert str(BODY_MAX_BYTES + 1) in json.loads(refused[1]["body"])["detail"]
