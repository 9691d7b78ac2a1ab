"""The web port inside our own loop: it serves over TLS, leaves signals alone, and ends when told."""

import asyncio
import datetime
import signal
import socket
import ssl

import httpx
import pytest
from fastapi import FastAPI, Request

from tincall.cli.web_server import WebServer
from tincall.errors import OperatorError
from tincall.relay import authority, tls
from tincall.settings import DataFolder


@pytest.fixture
def folder(tmp_path):
    made = DataFolder(tmp_path)
    authority.make(made, [], datetime.datetime.now(datetime.UTC))
    return made


def run(folder, test, host="127.0.0.1", port=0, proxies=()):
    app = FastAPI()

    @app.get("/who")
    async def who(request: Request) -> dict[str, str]:
        return {"who": request.client.host}

    @app.get("/hello")
    async def hello() -> dict[str, bool]:
        return {"hello": True}

    @app.get("/slow")
    async def slow() -> dict[str, str]:
        await asyncio.sleep(0.5)
        return {"slow": "x" * 100_000}

    async def go():
        context = tls.server_context(folder.server, folder.server_key)
        web = await WebServer.open(app, host, port, folder.server, folder.server_key, context, proxies)
        try:
            return await test(web)
        finally:
            await web.close()

    return asyncio.run(go())


def test_it_serves_over_tls_and_tells_little_of_itself(folder):
    async def go(web):
        trust = ssl.create_default_context(cafile=folder.ca)
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            return await client.get(f"https://127.0.0.1:{web.port}/hello")

    answer = run(folder, go)
    assert answer.json() == {"hello": True}
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("proxies", "said", "who"),
    [
        ([], "192.0.2.1", "127.0.0.1"),
        (["192.0.2.9"], "192.0.2.1", "127.0.0.1"),
        (["127.0.0.1"], "192.0.2.1", "192.0.2.1"),
        (["127.0.0.1"], "203.0.113.5, 192.0.2.1", "192.0.2.1"),
        (["127.0.0.1"], None, "127.0.0.1"),
    ],
)
def test_only_a_named_proxy_is_believed(folder, proxies, said, who):
    async def go(web):
        trust = ssl.create_default_context(cafile=folder.ca)
        headers = {"X-Forwarded-For": said} if said else {}
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            return await client.get(f"https://127.0.0.1:{web.port}/who", headers=headers)

    assert run(folder, go, proxies=proxies).json() == {"who": who}


def test_signals_stay_with_the_relay(folder):
    def mine(number, frame):
        pass

    before = signal.signal(signal.SIGTERM, mine)

    async def go(web):
        return signal.getsignal(signal.SIGTERM)

    try:
        assert run(folder, go) is mine
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_nothing_listens_after_the_end(folder):
    async def go(web):
        return web.port

    port = run(folder, go)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()


def test_a_port_in_use_and_a_foreign_address_are_told(folder):
    async def never(web):
        pytest.fail("opened")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OperatorError, match="web port 127.0.0.1"):
            run(folder, never, port=taken.getsockname()[1])
    with pytest.raises(OperatorError, match="192.0.2.1"):
        run(folder, never, host="192.0.2.1")


def test_a_client_that_only_waits_does_not_hold_up_the_end(folder):
    async def go(web):
        trust = ssl.create_default_context(cafile=folder.ca)
        client = httpx.AsyncClient(verify=trust, trust_env=False)
        assert (await client.get(f"https://127.0.0.1:{web.port}/hello")).status_code == 200
        began_s = asyncio.get_running_loop().time()
        await web.close()
        took_s = asyncio.get_running_loop().time() - began_s
        await client.aclose()
        return took_s

    assert run(folder, go) < 1.5  # the server looks each 0.1 s; it used to take its whole time limit


def test_what_is_being_answered_is_answered_before_the_end(folder):
    async def go(web):
        trust = ssl.create_default_context(cafile=folder.ca)
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            answering = asyncio.create_task(client.get(f"https://127.0.0.1:{web.port}/slow"))
            await asyncio.sleep(0.2)
            await web.close()
            return (await answering).json()

    assert run(folder, go) == {"slow": "x" * 100_000}
