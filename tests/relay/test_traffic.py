"""The kernel's counters of a connection: exact on loopback, zero where there are none."""

import asyncio

import pytest

from tincall.relay.traffic import NOTHING, tcp_bytes


def test_counts_what_went_both_ways():
    async def work() -> tuple[int, int]:
        counted = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readexactly(1000)
            writer.write(bytes(300))
            await writer.drain()
            await reader.read(1)  # the far end's last byte acknowledges ours
            counted.set_result(tcp_bytes(writer.transport))
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(bytes(1000))
        await reader.readexactly(300)
        writer.write(b"x")
        found = await counted
        writer.close()
        server.close()
        return found

    received, acknowledged = asyncio.run(work())
    assert received == 1001
    assert acknowledged in (300, 301)  # the kernel counts the opening SYN as one


@pytest.mark.parametrize("sock", [None, "closed"])
def test_a_connection_without_counters_has_none(sock):
    class Closed:
        def getsockopt(self, *_: int) -> bytes:
            raise OSError("closed")

    class Transport:
        def get_extra_info(self, name: str) -> object:
            return Closed() if sock else None

    assert tcp_bytes(Transport()) == NOTHING
