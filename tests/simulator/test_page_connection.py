"""A page on the wire: the order of what it is told, silence at the start, and a page that takes nothing."""

import asyncio
import json

import pytest

from tincall.simulator import page_connection
from tincall.simulator.page_connection import Connection


class Socket:
    """A WebSocket that says what it is given, and may stop taking anything."""

    def __init__(self, *said):
        self.said = list(said)
        self.sent = []
        self.code = None
        self.is_stuck = False
        self._more = asyncio.Event()

    async def receive(self):
        while not self.said:
            await self._more.wait()
        return self.said.pop(0)

    def leave(self):
        self.said.append({"type": "websocket.disconnect", "code": 1000})
        self._more.set()

    async def send_text(self, text):
        await self._take(json.loads(text)["t"])

    async def send_bytes(self, pcm):
        await self._take(pcm)

    async def _take(self, what):
        if self.is_stuck:
            await asyncio.Event().wait()
        self.sent.append(what)

    async def close(self, code=1000, reason=""):
        self.code = code


class Phone:
    """A phone with something to send."""

    def __init__(self, texts=(), frames=()):
        self.texts = [json.dumps({"t": text}).encode() for text in texts]
        self.frames = list(frames)
        self.heard = []
        self.figures = 0
        self.on = True

    def next_text(self):
        return self.texts.pop(0) if self.texts else None

    def next_frame(self):
        return self.frames.pop(0) if self.frames else None

    def hear_frame(self, pcm):
        self.heard.append(pcm)

    async def hear(self, message):
        self.heard.append(message)

    def is_on(self):
        return self.on

    def tell_figures(self):
        self.figures += 1


class Gate:
    def __init__(self, phone):
        self.phone = phone
        self.lefts = 0

    def enter(self, connection, token):
        connection.wake()
        return self.phone

    def left(self, connection):
        self.lefts += 1


def text(**message):
    return {"type": "websocket.receive", "text": json.dumps(message)}


HELLO = text(t="hello", v=1, token="t")


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - whatever it is
            await asyncio.sleep(0)


def test_messages_go_before_sound():
    async def scene():
        socket, phone = Socket(HELLO), Phone(["welcome", "ring"], [b"1", b"2"])

        async def then():
            await until(lambda: len(socket.sent) == 4)
            socket.leave()

        task = asyncio.create_task(Connection(socket, Gate(phone)).serve())
        await then()
        await task
        return socket

    assert asyncio.run(scene()).sent == ["welcome", "ring", b"1", b"2"]


def test_what_the_page_says_reaches_the_phone_in_order():
    phone = Phone()
    frame = {"type": "websocket.receive", "bytes": b"pcm"}
    gone = {"type": "websocket.disconnect", "code": 1000}

    async def scene():
        gate = Gate(phone)
        await Connection(Socket(HELLO, text(t="ping", n=1), frame, gone), gate).serve()
        return gate

    gate = asyncio.run(scene())
    assert phone.heard == [{"t": "ping", "n": 1}, b"pcm"] and gate.lefts == 1


def test_a_page_that_says_nothing_is_closed(monkeypatch):
    monkeypatch.setattr(page_connection, "HELLO_S", 0.01)

    async def scene():
        socket, gate = Socket(), Gate(Phone())
        await Connection(socket, gate).serve()
        return socket

    assert asyncio.run(scene()).code == 1008


def test_a_page_that_takes_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(page_connection, "SEND_S", 0.01)

    async def scene():
        socket, gate = Socket(HELLO), Gate(Phone(["welcome"]))
        socket.is_stuck = True
        async with asyncio.timeout(10):
            await Connection(socket, gate).serve()
        return gate

    assert asyncio.run(scene()).lefts == 1


@pytest.mark.parametrize("on", [True, False])
def test_once_a_second_figures_are_told_and_the_line_is_looked_at(monkeypatch, on):
    monkeypatch.setattr(page_connection, "FIGURES_S", 0.01)

    async def scene():
        socket, phone = Socket(HELLO), Phone()
        phone.on = on
        task = asyncio.create_task(Connection(socket, Gate(phone)).serve())
        await until(lambda: phone.figures > 0)
        if on:
            socket.leave()
        await task
        return socket

    socket = asyncio.run(scene())
    assert (socket.sent, socket.code) == ([], None) if on else (["moved"], 4001)
