"""The few HTTP requests before a link, without I/O: bytes in, whole requests out, answers to bytes, everything bounded.

Rules of this file: h11 parses, we bound. One request is open at a time; what a client sends ahead waits unread behind it
(`busy` tells the shell to stop reading), so answers keep their order. A refusal is a `Problem` (RFC 9457); one that leaves the
stream unreadable ends the connection. After `switch` nothing here may be used.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus

import h11

from callcore.compat import ticks_add, ticks_diff
from callcore.errors import LocalError
from tincall.relay.limits import Limits


class Problem(Exception):
    """A request is refused.

    Args:
        status: HTTP status, 400 to 599.
        reason: one word for machines, of the list in docs/protocol.md.
        detail: one sentence for people; carries nothing that the client sent.
        headers: further headers of the answer.
        ends: whether the connection ends with this answer.
    """

    def __init__(
        self, status: int, reason: str, detail: str, headers: dict[str, str] | None = None, ends: bool = False
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers or {}
        self.ends = ends

    def body(self) -> bytes:
        """Write it as RFC 9457 JSON."""
        title = HTTPStatus(self.status).phrase
        members = {"type": "about:blank", "title": title, "status": self.status, "reason": self.reason}
        return json.dumps({**members, "detail": self.detail}).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request.

    Args:
        method: as sent, such as `POST`.
        path: the target without its query.
        headers: by lower-case name; a name that stands twice has its values joined with `, ` (RFC 9110 section 5.3).
        body: at most `Limits.body_bytes`.
    """

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class HttpServer:
    """The server's side of one connection until it becomes a link.

    Args:
        limits: bounds of sizes and times.
        now_ms: time of the ring of 2^30 ms.

    Attributes:
        busy: a request is being answered; the shell stops reading.
        closed: the last answer has been given, or the peer has gone; the shell closes.
    """

    def __init__(self, limits: Limits, now_ms: int) -> None:
        self._limits = limits
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._begun = True  # a newcomer has as long to speak as a request has to end
        self._deadline_ms = ticks_add(now_ms, limits.request_ms)
        self.busy = False
        self.closed = False

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take bytes of the stream; empty means that the peer will send no more.

        Raises:
            Problem: it sends ahead more than a request may be long.
        """
        if not self._begun and not self.busy:
            self._begun = True
            self._deadline_ms = ticks_add(now_ms, self._limits.request_ms)
        try:
            self._parser.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise self._refusal(error) from None
        if self.busy and len(self._parser.trailing_data[0]) > self._limits.head_bytes + self._limits.body_bytes:
            self.closed = True
            raise Problem(400, "bad_request", "More was sent ahead than a request may be long.", ends=True)

    def next_request(self) -> Request | None:
        """Find the next whole request; None: not yet. The caller answers it before the next is given.

        Raises:
            Problem: the bytes are no request within the limits; answer it, then the connection is over.
        """
        if self.busy or self.closed:
            return None
        try:
            return self._read()
        except h11.RemoteProtocolError as error:
            raise self._refusal(error) from None

    def _read(self) -> Request | None:
        while True:
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                return None
            if isinstance(event, h11.Request):
                self._head = self._judged(event)
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > self._limits.body_bytes:
                    raise self._too_large()
            elif isinstance(event, h11.EndOfMessage):
                return self._whole()
            else:  # the peer closed, or h11 waits for an answer that was given and ended the connection
                self.closed = True
                return None

    def _judged(self, head: h11.Request) -> h11.Request:
        """Hold a head against the limits that h11 only keeps while the head is incomplete."""
        sizes = sum(len(name) + len(value) + 4 for name, value in head.headers) + len(head.target)
        if len(head.headers) > self._limits.headers or sizes > self._limits.head_bytes:
            raise Problem(431, "too_large", "The head of the request is too large.", ends=True)
        names = [name for name, _ in head.headers]
        if b"transfer-encoding" in names and b"content-length" in names:
            # two lengths are how requests are smuggled past a proxy (RFC 9112 section 6.1)
            raise Problem(400, "bad_request", "A request has one length, not two.", ends=True)
        for name, value in head.headers:
            if name == b"content-length" and int(value) > self._limits.body_bytes:
                raise self._too_large()
        return head

    def _too_large(self) -> Problem:
        return Problem(413, "too_large", f"A body has at most {self._limits.body_bytes} bytes.", ends=True)

    def _whole(self) -> Request:
        head = self._head
        if head is None:
            raise LocalError("h11 ended a request that it had not begun")
        headers: dict[str, str] = {}
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        path = head.target.decode("ascii").partition("?")[0]
        request = Request(head.method.decode("ascii"), path, headers, bytes(self._body))
        self._head = None
        self._body.clear()
        self.busy = True
        return request

    def _refusal(self, error: h11.RemoteProtocolError) -> Problem:
        """Translate h11's error; its text is about syntax and never quotes what was sent at length."""
        status = error.error_status_hint
        if status == 431:
            return Problem(431, "too_large", "The head of the request is too large.", ends=True)
        return Problem(status, "bad_request", "This is not an HTTP/1.1 request.", ends=True)

    def wants_go_ahead(self) -> bytes:
        """Give the `100 Continue` that a client with a large body may wait for; empty when it does not."""
        if self._parser.they_are_waiting_for_100_continue and not self.busy:
            return self._parser.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
        return b""

    def answer(self, body: bytes, now_ms: int, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
        """Answer the open request with JSON.

        Returns:
            The bytes to send; afterwards the next request may be taken, or `closed` says that there is none.
        """
        media_type = "application/json" if status < 400 else "application/problem+json"
        fields = {"Server": "tincall", "Content-Type": media_type, "Content-Length": str(len(body))}
        fields |= {"Cache-Control": "no-store", **(headers or {})}
        data = self._send(h11.Response(status_code=status, headers=list(fields.items())))
        data += self._send(h11.Data(data=body)) + self._send(h11.EndOfMessage())
        self.busy = False
        if self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE:
            self._parser.start_next_cycle()
            self._begun = bool(self._parser.trailing_data[0])
            wait_ms = self._limits.request_ms if self._begun else self._limits.idle_ms
            self._deadline_ms = ticks_add(now_ms, wait_ms)
        else:
            self.closed = True
        return data

    def refuse(self, problem: Problem, now_ms: int) -> bytes:
        """Answer with a problem, also where no request could be read; gives the bytes to send."""
        headers = dict(problem.headers)
        if problem.ends:
            headers["Connection"] = "close"
        if self._parser.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.closed = True
            return b""
        data = self.answer(problem.body(), now_ms, problem.status, headers)
        self.closed = self.closed or problem.ends
        return data

    def switch(self, headers: list[tuple[str, str]]) -> tuple[bytes, bytes]:
        """Accept the open request's upgrade.

        Returns:
            The `101` to send, and the bytes that the peer sent behind its request.
        """
        data = self._send(h11.InformationalResponse(status_code=101, headers=headers))
        return data, bytes(self._parser.trailing_data[0])

    def _send(self, event: h11.Event) -> bytes:
        return self._parser.send(event) or b""

    def tick(self, now_ms: int) -> bytes:
        """Look at the time: a request that takes too long is answered 408, an idle or mute connection just ends."""
        if self.busy or self.closed or ticks_diff(now_ms, self._deadline_ms) < 0:
            return b""
        data = b""
        if self._begun and (self._head is not None or self._parser.trailing_data[0]):
            late = Problem(408, "timeout", "The request did not arrive in time.", ends=True)
            data = self.refuse(late, now_ms)
        self.closed = True
        return data

    def next_wake_ms(self) -> int | None:
        """Say when `tick` is wanted, in the ring of 2^30 ms; None while a request is being answered."""
        return None if self.busy or self.closed else self._deadline_ms
