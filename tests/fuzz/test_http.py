"""Any bytes into the requests before a link: a request within the limits, a problem, or the end; nothing else."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tincall.relay.handshake import judge, upgrade
from tincall.relay.http import HttpServer, Problem
from tincall.relay.limits import Limits

LIMITS = Limits(head_bytes=512, body_bytes=256, headers=8)
# what makes almost-HTTP far more often than chance does
PIECES = st.sampled_from(
    [
        b"GET ", b"POST ", b"/v1/link", b"/v1/verify/begin", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n", b"\n",
        b"Host: a\r\n", b"Content-Length: 3\r\n", b"Content-Length: 999999\r\n", b"Transfer-Encoding: chunked\r\n",
        b"3\r\nabc\r\n", b"0\r\n\r\n",
        b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n", b"Sec-WebSocket-Version: 13\r\n", b"Expect: 100-continue\r\n",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"Sec-WebSocket-Protocol: tincall.v1\r\n", b"Origin: x\r\n",
        b"Authorization: Bearer x\r\n", b"X: " + b"y" * 300 + b"\r\n", b"abc", b" folded\r\n", b"\x00", b"\xff",
    ]
)  # fmt: skip
STREAMS = st.lists(PIECES | st.binary(max_size=40), max_size=30).map(b"".join)


@given(stream=STREAMS, cuts=st.lists(st.integers(1, 64), min_size=1, max_size=8))
def test_requests_or_problems(stream: bytes, cuts: list[int]) -> None:
    http = HttpServer(LIMITS, 0)
    off = turn = 0
    while off < len(stream) and not http.closed:
        size = cuts[turn % len(cuts)]
        turn += 1
        try:
            http.receive(stream[off : off + size], turn)
            request = http.next_request()
        except Problem as problem:
            answer = http.refuse(problem, turn)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 %d " % problem.status)
            assert http.closed
            continue
        off += size
        if request is not None:
            assert len(request.body) <= LIMITS.body_bytes and len(request.headers) <= LIMITS.headers
            answer_as_the_port_does(http, request, turn)
    assert http.tick(1_000_000) == b"" or http.closed


def answer_as_the_port_does(http: HttpServer, request, now_ms: int) -> None:
    try:
        judge(request)
        upgrade(request)
    except Problem as problem:
        assert json.loads(problem.body())["status"] == problem.status
        assert http.refuse(problem, now_ms).startswith(b"HTTP/1.1 %d " % problem.status)
    else:
        assert http.answer(b"{}", now_ms).startswith(b"HTTP/1.1 200 ")
