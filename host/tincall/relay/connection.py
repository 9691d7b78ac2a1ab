"""One TLS connection of the device port until it is a link: requests in, answers out, and the upgrade.

Rules of this file: `HttpServer` decides, this moves. A connection that ends is read and forgotten for
`Limits.linger_ms` before it is closed: closing with unread bytes in the kernel would reset the connection and take our last
words with it (RFC 1122 section 4.2.2.13). Whoever does not read answers is not asked for more requests: answers would pile up
in our memory. The time for the next request goes on meanwhile, so that this cannot hold a place either.
"""

from __future__ import annotations

import asyncio
import json

from tincall import logs
from tincall.relay.handshake import CLAIM, LINK, VERIFY_BEGIN, judge, no_token, upgrade
from tincall.relay.http import HttpServer, Problem, Request
from tincall.relay.issuer import fingerprint
from tincall.relay.link_connection import House, LinkConnection
from tincall.relay.reading import Reader, let_go
from tincall.relay.waker import Waker

log = logs.get("relay.gate")

# signalling fits, so do 20 packets of media; what is more is late
WRITE_HIGH_BYTES = 4096


class HttpConnection(Reader):
    """A connection until it becomes a link.

    Args:
        house: the gate.
        address: the far end's network address, for caps and logs.
    """

    def __init__(self, house: House, address: str) -> None:
        super().__init__(house.room)
        self._house = house
        self._address = address
        self._transport: asyncio.Transport | None = None
        self._early = bytearray()
        self._shown = b""
        self._served = 0
        self._is_over = False
        self._is_full = False
        self._http = HttpServer(house.limits, house.clock.now_ms())
        self._waker = Waker(house.loop, house.clock, self._tick, self._http.next_wake_ms)

    def secured(self, transport: asyncio.Transport) -> None:
        """Begin: the TLS handshake is done, `transport` is the inner one. Bytes may have come before this call."""
        transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES, low=0)
        self._transport = transport
        # what it showed in the handshake, if anything; one that is not good has ended the handshake
        self._shown = fingerprint(_certificate(transport))
        self._waker.follow()
        early = bytes(self._early)
        self._early.clear()
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        """Hear bytes."""
        if self._is_over:
            return
        if self._transport is None:
            self._early += data
            return
        try:
            self._http.receive(data, self._house.clock.now_ms())
        except Problem as problem:
            self._refuse(problem)
            return
        self._serve()

    def pause_writing(self) -> None:
        """Hear that the far end does not read what it is answered."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Hear that it reads again: the next request may come."""
        self._is_full = False
        if not self._is_over and not self._http.busy:
            self._resume_reading()
            self._serve_soon()

    def _serve(self) -> None:
        """Take up the next request, if there is a whole one, none is being answered, and answers are read."""
        if self._is_over or self._is_full:
            return
        try:
            request = self._http.next_request()
        except Problem as problem:
            self._refuse(problem)
            return
        if request is None:
            self._write(self._http.wants_go_ahead())
            self._after()
            return
        try:
            route = judge(request)
            if route == LINK:
                self._become_link(request)
            else:
                self._pause_reading()
                self._house.keep(self._house.loop.create_task(self._verify(route, request)))
        except Problem as problem:
            self._refuse(problem)

    async def _verify(self, route: str, request: Request) -> None:
        """Let the verifier answer, in its own time; the peer may be gone by then."""
        verifier = self._house.verifier
        if route == CLAIM:
            answering = verifier.claimer.claim(request.body, self._address)
        elif route == VERIFY_BEGIN:
            answering = verifier.begin(request.body, self._address)
        else:
            answering = verifier.finish(request.body, self._address, self._shown)
        try:
            async with asyncio.timeout(self._house.limits.answer_ms / 1000):
                answer = await answering
        except TimeoutError:
            log.error("verification takes too long", route=route)
            self._refuse(Problem(503, "unavailable", "The relay cannot verify boards at the moment."))
        else:
            self._answer(json.dumps(answer.body).encode(), answer.status, answer.headers)

    def _answer(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        if self._is_over:
            return
        self._write(self._http.answer(body, self._house.clock.now_ms(), status, headers))
        self._next()

    def _refuse(self, problem: Problem) -> None:
        if self._is_over:
            return
        log.info("request refused", address=self._address, status=problem.status, reason=problem.reason)
        self._write(self._http.refuse(problem, self._house.clock.now_ms()))
        self._next()

    def _next(self) -> None:
        """Go on after an answer."""
        self._served += 1
        if self._http.closed:
            self._resume_reading()
            self._after()
        elif self._is_full:
            self._pause_reading()  # a request that was refused at once had not stopped it
            self._waker.follow()
        else:
            self._resume_reading()
            self._serve_soon()

    def _serve_soon(self) -> None:
        """Let others have their turn first: hundreds of requests that are refused at once may lie in one read."""
        self._house.loop.call_soon(self._serve)

    def _after(self) -> None:
        """Follow the machine: set the timer, or end."""
        if self._http.closed:
            self._linger()
        else:
            self._waker.follow()

    def _become_link(self, request: Request) -> None:
        wish = upgrade(request)
        grant = self._house.verifier.token(wish.token, self._shown)
        if grant is None:
            raise no_token()
        transport = self._transport
        assert transport is not None
        answer, rest = self._http.switch(wish.headers())
        transport.write(answer)
        self._is_over = True
        self._transport = None
        self._waker.stop()
        link = LinkConnection(self._house, transport, grant.sn, self._address)
        transport.set_protocol(link)
        self._house.became(self, link)
        if rest:
            link.data_received(rest)

    def _tick(self, now_ms: int) -> None:
        self._write(self._http.tick(now_ms))
        if self._http.closed:
            if not self._served:
                log.info("connection ended without a request", address=self._address)
            self._linger()

    def _linger(self) -> None:
        if not self._is_over and self._transport is not None:
            self._is_over = True
            self._waker.stop()
            self._resume_reading()
            self._house.loop.call_later(self._house.limits.linger_ms / 1000, self._transport.close)

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def _pause_reading(self) -> None:
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()

    def end(self) -> None:
        """Close now, since the relay stops."""
        self._is_over = True
        self._waker.stop()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Break the connection off."""
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Hear that the connection is gone."""
        self._is_over = True
        if self._transport is not None:
            let_go(self._transport)
        self._transport = None
        self._waker.stop()
        self._house.left(self, self._address)


def _certificate(transport: asyncio.Transport) -> bytes:
    """Give the certificate (DER) that the far end has shown; empty: none."""
    tls = transport.get_extra_info("ssl_object")
    return (tls and tls.getpeercert(True)) or b""
