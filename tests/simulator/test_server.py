"""The simulator's port: free ports, TLS, signals left alone, nothing left after the end."""

import asyncio
import datetime
import signal
import socket
import ssl

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from sim import run

from tincall.errors import OperatorError
from tincall.relay import authority
from tincall.settings import DataFolder
from tincall.simulator.server import SimulatorServer


def app():
    made = FastAPI()

    @made.get("/hello")
    async def hello() -> dict[str, bool]:
        return {"hello": True}

    @made.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())

    return made


def served(scene, **options):
    async def main():
        server = await SimulatorServer.open(app(), **options)
        try:
            return await scene(server)
        finally:
            await server.close()

    return run(main())


def test_it_serves_on_a_free_port_and_tells_little_of_itself():
    async def scene(server):
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{server.url}/hello")
        assert answer.json() == {"hello": True} and "server" not in answer.headers
        assert server.url == f"http://127.0.0.1:{server.port}"
        return server.port

    port = served(scene)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()


def test_it_serves_over_tls_with_a_given_certificate(tmp_path):
    folder = DataFolder(tmp_path)
    authority.make(folder, [], datetime.datetime.now(datetime.UTC))

    async def scene(server):
        trust = ssl.create_default_context(cafile=folder.ca)
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            assert server.url.startswith("https://")
            return (await client.get(f"{server.url}/hello")).json()

    assert served(scene, certificate=folder.server, key=folder.server_key) == {"hello": True}


def test_signals_stay_with_the_owner_of_the_loop():
    def mine(number, frame):
        pass

    before = signal.signal(signal.SIGTERM, mine)

    async def scene(server):
        return signal.getsignal(signal.SIGTERM)

    try:
        assert served(scene) is mine
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_port_in_use_is_told():
    async def never(server):
        pytest.fail("opened")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OperatorError, match="cannot be opened"):
            served(never, port=taken.getsockname()[1])


def test_an_open_websocket_does_not_hold_up_the_end():
    from websockets.asyncio.client import connect

    async def main():
        server = await SimulatorServer.open(app())
        async with connect(f"ws://127.0.0.1:{server.port}/echo", proxy=None) as one:
            async with asyncio.timeout(8):
                await server.close()
            with pytest.raises(Exception, match="1012|going away|restart|close"):
                await one.recv()

    run(main())
