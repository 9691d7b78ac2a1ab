"""The runner's end of `control.sock`: reads requests, has them done, answers, and passes events on; see `control`.

A reader of events that does not keep up is cut off: what it missed it could not be given back in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from tincall.emulator.control import socket_address
from tincall.emulator.folder import BoardFolder
from tincall.emulator.speaker import Recording
from tincall.errors import OperatorError

# a request is a line of a few names; a megabyte of unread events is a reader that died
_REQUEST_BYTES = 65536
_UNREAD_BYTES = 1 << 20
# how long the last words to a reader may take
_FAREWELL_S = 1.0

Request = dict[str, Any]


class Machine(Protocol):
    """What a request can ask of the running board; every verb raises OperatorError when it cannot be done."""

    def press(self, button: str, ms: int) -> None: ...

    def play(self, file: str) -> dict[str, Any]: ...

    def silence(self) -> None: ...

    def record(self, file: str) -> Recording: ...

    def stop_recording(self, recording: Recording) -> dict[str, Any]: ...

    def unplug(self, keeps_power: bool, after_bytes: int) -> None: ...

    def plug(self) -> None: ...

    def status(self) -> dict[str, Any]: ...

    def stop(self) -> None: ...


class Desk:
    """Serves requests.

    Args:
        folder: the board's folder, taken.
        machine: who does them.
    """

    def __init__(self, folder: BoardFolder, machine: Machine) -> None:
        self._folder = folder
        self._machine = machine
        self._server: asyncio.Server | None = None
        self._readers: set[asyncio.StreamWriter] = set()
        self._visits: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; only the owner of the folder may connect."""
        self._folder.socket.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with socket_address(self._folder.socket) as address:
                listener.bind(address)
            os.chmod(self._folder.socket, 0o600)
            self._server = await asyncio.start_unix_server(self._visit, sock=listener, limit=_REQUEST_BYTES)
        except BaseException:
            listener.close()
            raise

    async def close(self) -> None:
        """Hang up on everybody and listen no more."""
        if self._server:
            self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        self._folder.socket.unlink(missing_ok=True)

    def publish(self, line: bytes) -> None:
        """Pass one event, a line, on to everybody who subscribed."""
        for writer in list(self._readers):
            if writer.transport.get_write_buffer_size() > _UNREAD_BYTES:
                self._readers.discard(writer)
                writer.transport.abort()
            else:
                writer.write(line)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visits.add(task)
        held: list[Recording] = []
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line, held, writer)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # it went away, or sent a line without end: in both cases there is nobody to tell
        except asyncio.CancelledError:
            pass  # the board is being switched off
        finally:
            self._visits.discard(task)
            self._readers.discard(writer)
            for recording in held:
                self._machine.stop_recording(recording)
            await _hang_up(writer)

    def _answer(self, line: bytes, held: list[Recording], writer: asyncio.StreamWriter) -> Request:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("not an object")
            return {"ok": True, **self._do(request, held, writer)}
        except OperatorError as error:
            return {"ok": False, "error": error.message, "hint": error.hint}
        except (ValueError, KeyError, TypeError) as error:
            return {"ok": False, "error": f"the request is wrong: {error!r}", "hint": "See tincall.emulator.control."}

    def _do(self, request: Request, held: list[Recording], writer: asyncio.StreamWriter) -> Request:
        verb = request["do"]
        if verb == "events":
            self._readers.add(writer)
        elif verb == "record":
            held.append(self._machine.record(str(request["file"])))
        elif verb == "stop_recording":
            if not held:
                raise OperatorError("this connection records nothing", "Start a recording first.")
            return self._machine.stop_recording(held.pop())
        else:
            return self._simple(verb)(request) or {}
        return {}

    def _simple(self, verb: str) -> Callable[[Request], Request | None]:
        machine = self._machine
        verbs: dict[str, Callable[[Request], Request | None]] = {
            "press": lambda request: machine.press(str(request["button"]), int(request["ms"])),
            "play": lambda request: machine.play(str(request["file"])),
            "unplug": lambda request: machine.unplug(bool(request["keeps_power"]), int(request["after_bytes"])),
            "plug": lambda request: machine.plug(),
            "silence": lambda request: machine.silence(),
            "status": lambda request: machine.status(),
            "stop": lambda request: machine.stop(),
        }
        if verb not in verbs:
            raise OperatorError(f"a board cannot {verb!r}", "It can: events, record, " + ", ".join(verbs) + ".")
        return verbs[verb]


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection after what was written to it is out, or when that takes too long."""
    writer.close()
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
