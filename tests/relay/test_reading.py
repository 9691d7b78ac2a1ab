"""What is read of TLS connections, in both event loops, arrives whole and apart although it shares one room."""

import asyncio
import gc
import ssl
import weakref

from support.legs import until

from tincall.relay import reading
from tincall.relay.tls import server_context

MUCH = 300_000  # bytes; several rooms, and more than the loops read at once


class Listener(reading.Reader):
    """Keeps what it hears."""

    def __init__(self, room, told):
        super().__init__(room)
        self.heard = []
        self.is_gone = asyncio.Event()
        told.append(self)

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard.append(data)

    def connection_lost(self, error):
        reading.let_go(self.transport)
        self.is_gone.set()


async def opened(certificate, told):
    loop, room = asyncio.get_running_loop(), reading.room()
    return await loop.create_server(lambda: Listener(room, told), "127.0.0.1", 0, ssl=server_context(*certificate))


async def client(server, authority):
    trust = ssl.create_default_context(cafile=str(authority.anchor))
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=trust)
    return writer


async def test_more_than_the_room_holds_comes_in_pieces(loop_factory, authority, certificate):
    told, sent = [], bytes(range(250)) * (MUCH // 250)
    async with await opened(certificate, told) as server:
        writer = await client(server, authority)
        writer.write(sent)
        await writer.drain()
        writer.close()
        await told[0].is_gone.wait()
    assert b"".join(told[0].heard) == sent
    assert max(map(len, told[0].heard)) <= reading.ROOM_BYTES


async def test_two_connections_do_not_hear_each_other(loop_factory, authority, certificate):
    told = []
    async with await opened(certificate, told) as server:
        writers = [await client(server, authority) for _ in range(2)]
        for turn in range(100):
            for number, writer in enumerate(writers):
                writer.write(b"%d:%03d " % (number, turn))
            await asyncio.sleep(0)
        for writer in writers:
            writer.close()
        for one in told:
            await one.is_gone.wait()
    heard = {b"".join(one.heard) for one in told}
    assert heard == {b"".join(b"%d:%03d " % (number, turn) for turn in range(100)) for number in range(2)}


async def test_who_let_go_is_forgotten_at_once(loop_factory, authority, certificate):
    told = []
    async with await opened(certificate, told) as server:
        writer = await client(server, authority)
        writer.write(b"x")
        await writer.drain()
        writer.close()
        await told[0].is_gone.wait()
        await asyncio.sleep(0)
        transport, gone = told[0].transport, weakref.ref(told.pop())
        gc.disable()
        try:
            await asyncio.sleep(0)
            assert gone() is None and transport is not None
        finally:
            gc.enable()


async def test_who_was_closed_twice_may_be_let_go(loop_factory, authority, certificate):
    told = []
    async with await opened(certificate, told) as server:
        writer = await client(server, authority)
        writer.write(b"x")
        await until(lambda: told[0].heard)
        told[0].transport.close()
        told[0].transport.close()
        writer.close()
        await told[0].is_gone.wait()
