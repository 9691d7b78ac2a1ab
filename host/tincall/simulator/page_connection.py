"""One page on the wire: the WebSocket `/sim/phone` as messages and frames; who may come in is the gate's business.

The first message is `hello` within `HELLO_S`. Messages go before sound. A page that takes nothing for `SEND_S` is cut
off; what is wrong in what it says ends the connection with 1008.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from fastapi import WebSocket, WebSocketDisconnect

from callcore.errors import MessageError
from tincall.logs import get
from tincall.simulator.page_phone import PagePhone
from tincall.simulator.page_words import (
    CLOSE_MOVED,
    CLOSE_NO_SESSION,
    CLOSE_WRONG,
    GATE,
    PAGE,
    PAGE_TEXT_MAX_BYTES,
    WORDS,
)

HELLO_S = 5.0
# a page that takes nothing for so long is gone, or as good as gone
SEND_S = 5.0
FIGURES_S = 1.0

log = get("simulator.page")


class Phones(Protocol):
    """Where a page finds the phone that it is."""

    def enter(self, connection: Connection, token: str) -> PagePhone | None:
        """Let a page be the phone that its token says; None: no such token."""

    def left(self, connection: Connection) -> None:
        """Notice that a page is gone."""


class Connection:
    """One page on the wire.

    Args:
        socket: accepted.
        gate: knows the phones.
    """

    def __init__(self, socket: WebSocket, gate: Phones) -> None:
        self._socket = socket
        self._gate = gate
        self._filled = asyncio.Event()
        self._is_moved = False
        self._phone: PagePhone | None = None

    def wake(self) -> None:
        """Notice that there is something to send."""
        self._filled.set()

    def move(self) -> None:
        """End, since the phone is elsewhere now."""
        self._is_moved = True
        self._filled.set()

    async def serve(self) -> None:
        """Serve until the page is gone."""
        try:
            async with asyncio.timeout(HELLO_S):
                message = await self._next()
            if message is None:
                return
            if isinstance(message, bytes) or message["t"] != "hello":
                raise MessageError("the first message is hello")
            self._phone = self._gate.enter(self, message["token"])
            if self._phone is None:
                await self._end(CLOSE_NO_SESSION, "no such session")
                return
            await self._both_ways(self._phone)
        except TimeoutError:
            await self._end(CLOSE_WRONG, f"nothing came within {HELLO_S:g} s")
        except MessageError as error:
            log.warning("phone's page refused", reason=str(error))
            await self._end(CLOSE_WRONG, str(error)[:120])
        finally:
            self._gate.left(self)

    async def _both_ways(self, phone: PagePhone) -> None:
        """Run both directions until one ends."""
        tasks = [asyncio.create_task(self._read(phone)), asyncio.create_task(self._write(phone))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, phone: PagePhone) -> None:
        while True:
            message = await self._next()
            if message is None or self._is_moved:
                return
            if isinstance(message, bytes):
                phone.hear_frame(message)
            else:
                await phone.hear(message)

    async def _next(self) -> dict[str, Any] | bytes | None:
        """Give the page's next message, or its next frame; None: it is gone.

        Raises:
            MessageError: it is neither.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        pcm = message.get("bytes")
        if pcm is not None:
            return bytes(pcm)
        data = message["text"].encode()
        if len(data) > PAGE_TEXT_MAX_BYTES:
            raise MessageError(f"a message of {len(data)} bytes; at most {PAGE_TEXT_MAX_BYTES} are allowed")
        return WORDS.decode(data, PAGE)

    async def _write(self, phone: PagePhone) -> None:
        """Send what there is, messages before sound, and the figures once a second."""
        loop = asyncio.get_running_loop()
        figures_at_s = loop.time() + FIGURES_S
        while True:
            try:
                async with asyncio.timeout_at(figures_at_s):
                    await self._filled.wait()
            except TimeoutError:
                figures_at_s = loop.time() + FIGURES_S
                self._is_moved = self._is_moved or not phone.is_on()
                phone.tell_figures()
            self._filled.clear()
            try:
                async with asyncio.timeout(SEND_S):
                    if await self._send(phone):
                        return
            except (WebSocketDisconnect, RuntimeError, TimeoutError):
                # it went away while something was on its way to it, or it takes nothing
                return

    async def _send(self, phone: PagePhone) -> bool:
        """Send what is there now; True: that was the end."""
        if self._is_moved:
            await self._socket.send_text(WORDS.encode({"t": "moved"}, GATE).decode())
            await self._socket.close(CLOSE_MOVED)
            return True
        while (text := phone.next_text()) is not None:
            await self._socket.send_text(text.decode())
        while not self._is_moved and (pcm := phone.next_frame()) is not None:
            await self._socket.send_bytes(pcm)
        return False

    async def _end(self, code: int, reason: str) -> None:
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):
            return
