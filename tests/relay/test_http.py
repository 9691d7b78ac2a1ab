"""Requests before the link: bounds, order, refusals; whatever bytes come, the answer is a request or a problem."""

import json

import pytest

from callcore.compat import ticks_diff
from tincall.relay.http import HttpServer, Problem, Request
from tincall.relay.limits import Limits

LIMITS = Limits()
GOOD = b"POST /v1/verify/begin?x=1 HTTP/1.1\r\nHost: relay\r\nContent-Length: 2\r\n\r\n{}"


def server(now_ms: int = 0, **limits: int) -> HttpServer:
    return HttpServer(Limits(**limits), now_ms)


def refused(data: bytes, http: HttpServer | None = None) -> Problem:
    http = http or server()
    with pytest.raises(Problem) as caught:
        http.receive(data, 0)
        http.next_request()
    return caught.value


def test_a_request_comes_out_whole_however_it_was_cut() -> None:
    for size in (1, 2, 7, len(GOOD)):
        http = server()
        found: list[Request] = []
        for i in range(0, len(GOOD), size):
            assert not found
            http.receive(GOOD[i : i + size], 0)
            request = http.next_request()
            if request:
                found.append(request)
        assert found == [
            Request("POST", "/v1/verify/begin", {"host": "relay", "content-length": "2"}, b"{}"),
        ]


def test_answers_keep_the_order_of_requests_sent_ahead() -> None:
    http = server()
    http.receive(GOOD + GOOD.replace(b"begin", b"finish"), 0)
    first = http.next_request()
    assert first and first.path == "/v1/verify/begin"
    assert http.busy and http.next_request() is None
    assert b"HTTP/1.1 200" in http.answer(b"{}", 0)
    second = http.next_request()
    assert second and second.path == "/v1/verify/finish"


def test_what_is_sent_ahead_is_bounded() -> None:
    http = server()
    http.receive(GOOD, 0)
    assert http.next_request()
    with pytest.raises(Problem):
        for _ in range(10):
            http.receive(b"x" * 8192, 0)
    assert http.closed


def test_an_answer_is_json_with_its_length() -> None:
    http = server()
    http.receive(GOOD, 0)
    http.next_request()
    head, _, body = http.answer(b'{"a":1}', 0).partition(b"\r\n\r\n")
    assert body == b'{"a":1}'
    lines = head.lower().split(b"\r\n")
    assert b"content-type: application/json" in lines
    assert b"content-length: 7" in lines
    assert b"cache-control: no-store" in lines
    assert not http.closed


def test_a_problem_is_rfc_9457_and_keeps_a_good_connection() -> None:
    http = server()
    http.receive(GOOD, 0)
    http.next_request()
    answer = http.refuse(Problem(404, "not_found", "There is nothing.", {"X-Kept": "yes"}), 0)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404")
    assert b"application/problem+json" in head and b"X-Kept: yes" in head
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "reason": "not_found",
        "detail": "There is nothing.",
    }
    http.receive(GOOD, 0)
    assert http.next_request()


def test_connection_close_is_obeyed() -> None:
    http = server()
    http.receive(GOOD.replace(b"Host: relay", b"Host: relay\r\nConnection: close"), 0)
    http.next_request()
    http.answer(b"{}", 0)
    assert http.closed and http.next_request() is None


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(64)) + b"\r\n", 431),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16385\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n" + b"x" * 0x4001, 413),
    ],
)
def test_what_is_no_request_within_the_limits_is_refused_and_ends(data: bytes, status: int) -> None:
    http = server()
    problem = refused(data, http)
    assert problem.status == status
    answer = http.refuse(problem, 0)
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert b"Connection: close" in answer
    assert http.closed


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    http = server()
    http.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16384\r\n\r\n" + b"x" * 16384, 0)
    request = http.next_request()
    assert request and len(request.body) == 16384


def test_a_problem_never_repeats_what_was_sent() -> None:
    assert b"canary" not in refused(b"canary-secret\r\n\r\n").body()


def test_half_a_request_is_told_so_in_time_and_drips_do_not_help() -> None:
    http = server()
    for i in range(9):
        http.receive(b"G"[:1] if i == 0 else b"E", i * 1000)
        assert http.tick(i * 1000) == b"" and not http.closed
    assert http.tick(LIMITS.request_ms).startswith(b"HTTP/1.1 408")
    assert http.closed


def test_half_a_body_is_told_so_in_time() -> None:
    http = server()
    http.receive(GOOD[:-1], 9000)
    assert http.next_request() is None
    assert http.tick(10_000).startswith(b"HTTP/1.1 408")


def test_a_mute_connection_just_ends() -> None:
    http = server()
    assert http.next_wake_ms() == 10_000
    assert http.tick(10_000) == b"" and http.closed


def test_an_idle_connection_ends_later_and_a_new_request_gets_its_whole_time() -> None:
    http = server()
    http.receive(GOOD, 0)
    http.next_request()
    assert http.next_wake_ms() is None
    http.answer(b"{}", 5000)
    assert http.next_wake_ms() == 65_000
    assert http.tick(64_999) == b"" and not http.closed
    http.receive(GOOD[:5], 64_999)
    wake = http.next_wake_ms()
    assert wake is not None and ticks_diff(wake, 64_999) == 10_000


def test_an_idle_connection_is_closed_without_a_word() -> None:
    http = server()
    http.receive(GOOD, 0)
    http.next_request()
    http.answer(b"{}", 0)
    assert http.tick(60_000) == b"" and http.closed


def test_the_end_of_the_stream_closes() -> None:
    http = server()
    http.receive(b"", 0)
    assert http.next_request() is None and http.closed


def test_a_careful_client_hears_continue() -> None:
    http = server()
    http.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", 0)
    assert http.next_request() is None
    assert http.wants_go_ahead().startswith(b"HTTP/1.1 100")
    http.receive(b"{}", 0)
    assert http.next_request()


def test_an_upgrade_hands_over_what_was_sent_behind_it() -> None:
    http = server()
    http.receive(b"GET /v1/link HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes", 0)
    assert http.next_request()
    answer, rest = http.switch([("Upgrade", "websocket"), ("Connection", "Upgrade")])
    assert answer.startswith(b"HTTP/1.1 101")
    assert rest == b"frames"


def test_a_refused_upgrade_leaves_a_good_connection() -> None:
    http = server()
    http.receive(b"GET /v1/link HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 0)
    assert http.next_request()
    http.refuse(Problem(401, "auth_failed", "No."), 0)
    http.receive(GOOD, 0)
    assert http.next_request()
