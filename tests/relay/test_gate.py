"""The port: who is let in, who is kept out, and how it closes."""

import socket

import pytest
from structlog.testing import capture_logs
from support.device_port import FakeVerifier, port

from tincall.errors import OperatorError
from tincall.relay.gate import serve
from tincall.relay.tls import server_context


async def test_more_connections_than_one_address_may_have(loop_factory, authority, certificate):
    async with port(authority, certificate, connections_per_address=2) as here:
        links = [await here.link("board-1"), await here.link("board-2")]
        with capture_logs() as lines, pytest.raises((OSError, EOFError)):
            await here.client()
        assert [line["event"] for line in lines] == ["connection refused"]
        await links[0].close()
        await here.until(lambda: here.gate.connections == 1)
        await here.link("board-3")


async def test_the_newest_link_of_a_board_wins(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        older = await here.link()
        newer = await here.link()
        await older.ended()
        assert older.close_code == 4409
        newer.say({"t": "ping", "id": 1})
        await newer.until(lambda: newer.heard("pong"))


async def test_stopping_says_goodbye_to_everybody(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        link = await here.link()
        idle = await here.client()
        reader, writer = await here.raw()
        await here.gate.close()
        await link.ended()
        await idle.ended()
        assert link.close_code == 1001 and here.gate.connections == 0
        with pytest.raises(OSError):
            await here.raw()
        writer.close()


async def test_draining_keeps_links_and_takes_no_newcomers(loop_factory, authority, certificate):
    async with port(authority, certificate) as here:
        link = await here.link()
        await here.gate.drain()
        with pytest.raises(OSError):
            await here.raw()
        link.say({"t": "ping", "id": 1})
        await link.until(lambda: link.heard("pong"))


async def test_a_port_in_use_is_one_clear_error(loop_factory, authority, certificate):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(OperatorError) as caught:
            await serve("127.0.0.1", number, server_context(*certificate), FakeVerifier(), None)
    assert str(number) in caught.value.message and caught.value.hint
