"""Who takes too long at the web port is ended, who is being answered never is, and nobody holds all places (T-AS-03)."""

import asyncio
import contextlib
import datetime
import socket
import ssl
import types

import httpx
import pytest
from fastapi import FastAPI, Request

from tincall.cli import web_patience, web_server
from tincall.cli.web_patience import BODY_S, HEAD_S, PER_ADDRESS, Patience
from tincall.cli.web_server import WebServer
from tincall.relay import authority, tls
from tincall.settings import DataFolder


class Connection:
    """As uvicorn has them, as far as they are looked at."""

    def __init__(self, address="192.0.2.1"):
        self.client = (address, 1)
        self.cycle = None
        self.is_ended = False
        self.transport = types.SimpleNamespace(abort=self._abort)

    def _abort(self):
        self.is_ended = True

    def asks(self, more_body):
        self.cycle = Cycle(more_body)


class Cycle:
    """One request; each is equal to itself alone, as uvicorn's are."""

    def __init__(self, more_body):
        self.response_complete = False
        self.more_body = more_body


def test_half_a_head_is_ended_in_time_and_a_new_request_has_its_own():
    one = Connection()
    patience = Patience({one})
    patience.look(0)
    patience.look(HEAD_S - 0.1)
    assert not one.is_ended
    one.asks(more_body=False)
    patience.look(HEAD_S + 1)
    one.cycle.response_complete = True
    patience.look(100)
    patience.look(100 + HEAD_S - 0.1)
    assert not one.is_ended
    patience.look(100 + HEAD_S)
    assert one.is_ended


def test_who_asks_again_and_again_between_two_looks_may_stay():
    one = Connection()
    patience = Patience({one})
    for now_s in range(0, int(HEAD_S) * 5, 2):
        one.asks(more_body=False)
        one.cycle.response_complete = True  # and waits, as it did at the look before, after another request
        patience.look(now_s)
    assert not one.is_ended


def test_half_a_body_is_ended_in_time():
    one = Connection()
    one.asks(more_body=True)
    patience = Patience({one})
    patience.look(0)
    patience.look(BODY_S - 0.1)
    assert not one.is_ended
    patience.look(BODY_S)
    assert one.is_ended


def test_who_is_being_answered_has_all_the_time():
    one = Connection()
    one.asks(more_body=False)
    patience = Patience({one})
    for now_s in range(0, 10_000, 100):
        patience.look(now_s)
    assert not one.is_ended


def test_of_too_many_that_only_wait_the_oldest_go_and_proxies_may():
    first = [Connection() for _ in range(10)]
    other, proxied = Connection("192.0.2.2"), [Connection("192.0.2.9") for _ in range(PER_ADDRESS + 5)]
    there = [*first, other, *proxied]
    patience = Patience(there, ["192.0.2.9"])
    patience.look(0)
    there += [Connection() for _ in range(PER_ADDRESS)]
    patience.look(1)
    assert all(one.is_ended for one in first)
    assert not any(one.is_ended for one in there if one not in first)


def test_those_that_left_are_forgotten():
    there = {Connection() for _ in range(3)}
    patience = Patience(there)
    patience.look(0)
    there.clear()
    patience.look(1)
    assert patience._since == {}


def test_a_connection_without_a_transport_does_no_harm():
    one = Connection()
    one.transport = one.client = None
    patience = Patience({one})
    patience.look(0)
    patience.look(HEAD_S)


@pytest.fixture
def web(tmp_path, monkeypatch):
    """Run a test against a real web port with little patience."""
    folder = DataFolder(tmp_path)
    authority.make(folder, [], datetime.datetime.now(datetime.UTC))
    monkeypatch.setattr(web_patience, "LOOK_S", 0.05)
    monkeypatch.setattr(web_patience, "ALLOWED_S", {"waiting": 0.5, "sending": 0.5})
    monkeypatch.setattr(web_server, "HANDSHAKE_S", 0.5)
    app = FastAPI()

    @app.post("/length")
    async def length(request: Request) -> dict[str, int]:
        return {"length": len(await request.body())}

    def go(test):
        async def opened():
            context = tls.server_context(folder.server, folder.server_key)
            web = await WebServer.open(app, "127.0.0.1", 0, folder.server, folder.server_key, context)
            try:
                async with asyncio.timeout(30):
                    await test(web.port, ssl.create_default_context(cafile=folder.ca))
            finally:
                await web.close()

        asyncio.run(opened())

    return go


@pytest.mark.parametrize(
    "said", [b"", b"POST /len", b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"]
)
def test_a_real_connection_that_stops_half_way_is_closed(web, said):
    async def go(port, trust):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="127.0.0.1")
        writer.write(said)
        with contextlib.suppress(OSError):
            assert await reader.read() == b""
        writer.transport.abort()
        await asyncio.sleep(0)

    web(go)


def test_a_handshake_that_never_ends_is_given_up(web):
    async def go(port, trust):
        plain = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
        plain.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.to_thread(plain.recv, 1) == b""
        plain.close()

    web(go)


def test_a_good_client_is_served_beside_a_hundred_slow_ones(web):
    async def go(port, trust):
        slow = [
            await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="127.0.0.1") for _ in range(100)
        ]
        for _, writer in slow:
            writer.write(b"POST /length HT")
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            for _ in range(3):
                answer = await client.post(f"https://127.0.0.1:{port}/length", content=b"abc")
                assert answer.json() == {"length": 3}
        for _, writer in slow:
            writer.transport.abort()
        await asyncio.sleep(0)

    web(go)
