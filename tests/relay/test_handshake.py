"""Routes and upgrades: who gets further, and the named answer for everybody else."""

import pytest

from tincall.relay.handshake import LINK, VERIFY_BEGIN, Upgrade, accept_value, judge, upgrade
from tincall.relay.http import Problem, Request

HEADERS = {
    "host": "relay",
    "connection": "keep-alive, Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "tincall.v1",
    "authorization": "Bearer tok-en",
}


def wish(**changes: str | None) -> Request:
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    headers = {name: value for name, value in {**HEADERS, **changed}.items() if value is not None}
    return Request("GET", LINK, headers)


def refused(request: Request) -> Problem:
    with pytest.raises(Problem) as caught:
        judge(request)
        upgrade(request)
    return caught.value


def test_the_rfcs_own_example_is_accepted() -> None:
    assert upgrade(wish()) == Upgrade("tok-en", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    assert ("Sec-WebSocket-Protocol", "tincall.v1") in upgrade(wish()).headers()


def test_the_token_is_hidden_from_logs() -> None:
    assert "tok-en" not in repr(upgrade(wish()))


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"origin": "https://example.org"}, 403, "browser"),
        ({"upgrade": None}, 426, "bad_request"),
        ({"connection": "keep-alive"}, 426, "bad_request"),
        ({"sec_websocket_version": "8"}, 426, "version_unsupported"),
        ({"sec_websocket_version": None}, 426, "version_unsupported"),
        ({"sec_websocket_protocol": "chat"}, 400, "version_unsupported"),
        ({"sec_websocket_protocol": None}, 400, "version_unsupported"),
        ({"sec_websocket_key": None}, 400, "bad_request"),
        ({"sec_websocket_key": "AAAA"}, 400, "bad_request"),
        ({"sec_websocket_key": "no base64 \u00e9"}, 400, "bad_request"),
        ({"authorization": None}, 401, "auth_failed"),
        ({"authorization": "Basic dG9rLWVu"}, 401, "auth_failed"),
        ({"authorization": "Bearer "}, 401, "auth_failed"),
    ],
)
def test_a_wrong_wish_gets_its_own_answer(change: dict[str, str | None], status: int, reason: str) -> None:
    problem = refused(wish(**change))
    assert (problem.status, problem.reason) == (status, reason)


def test_a_refused_version_names_the_right_one() -> None:
    assert refused(wish(sec_websocket_version="8")).headers == {"Sec-WebSocket-Version": "13"}


def test_routes() -> None:
    assert judge(Request("POST", VERIFY_BEGIN)) == VERIFY_BEGIN
    assert judge(Request("GET", LINK)) == LINK
    assert refused(Request("GET", "/")).status == 404
    wrong = refused(Request("GET", VERIFY_BEGIN))
    assert (wrong.status, wrong.headers) == (405, {"Allow": "POST"})


def test_no_extension_is_taken_compression_least_of_all() -> None:
    names = {name.lower() for name, _ in upgrade(wish(sec_websocket_extensions="permessage-deflate")).headers()}
    assert names == {"upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol"}


def test_a_token_in_the_address_opens_nothing() -> None:
    assert refused(Request("GET", LINK + "?access_token=tok-en")).status == 404
    assert refused(wish(authorization=None)).status == 401


def test_a_key_must_be_sixteen_bytes() -> None:
    with pytest.raises(Problem):
        accept_value("")
