"""The pseudo-terminal: bytes both ways, any number of openings, nobody there, pulled out."""

import asyncio
import os

import pytest
import serial

from tincall.emulator.pty_port import PtyPort


def test_bytes_go_both_ways_over_any_number_of_openings():
    async def run():
        came = asyncio.Queue()
        port = PtyPort(came.put_nowait)
        for n in range(3):
            with serial.Serial(port.device, timeout=30) as host:
                host.write(bytes(range(256)))
                got = b""
                while len(got) < 256:
                    got += await came.get()
                assert got == bytes(range(256))
                port.write(bytes(range(256)) + b"%d" % n)
                assert await asyncio.to_thread(host.read, 257) == bytes(range(256)) + b"%d" % n
        port.close()

    asyncio.run(run())


def test_much_is_not_lost_on_a_host_that_reads():
    async def run():
        port = PtyPort(lambda data: None)
        with serial.Serial(port.device, timeout=30) as host:
            port.write(b"z" * 300_000)
            assert len(await asyncio.to_thread(host.read, 300_000)) == 300_000
        port.close()

    asyncio.run(run())


def test_a_board_that_nobody_reads_writes_on_and_is_heard_by_who_comes():
    async def run():
        port = PtyPort(lambda data: None)
        for _ in range(30):
            port.write(b"n" * 10_000)
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.6)
        port.write(b"n")
        assert len(port._waiting) < 2
        with serial.Serial(port.device, timeout=30) as host:
            host.reset_input_buffer()
            await asyncio.sleep(0.1)
            host.reset_input_buffer()
            port.write(b"here")
            assert (await asyncio.to_thread(host.read_until, b"here")).endswith(b"here")
        port.close()

    asyncio.run(run())


def test_a_cable_pulled_out_is_an_error_for_the_host():
    async def run():
        port = PtyPort(lambda data: None)
        host = serial.Serial(port.device, timeout=30)
        port.close()
        port.close()
        port.write(b"nobody")
        with pytest.raises((serial.SerialException, OSError)):
            host.read(1)
        host.close()
        return port.device

    assert not os.path.exists(asyncio.run(run()))


def test_a_slow_line_takes_its_time():
    async def run():
        came = asyncio.Queue()
        port = PtyPort(came.put_nowait, baud=100_000)
        loop = asyncio.get_running_loop()
        with serial.Serial(port.device, timeout=30) as host:
            began_s = loop.time()
            host.write(b"s" * 2_000)
            left = 2_000
            while left:
                left -= len(await came.get())
            assert loop.time() - began_s > 0.15  # 200 ms by the count of its bits, less a beat
        port.close()

    asyncio.run(run())
