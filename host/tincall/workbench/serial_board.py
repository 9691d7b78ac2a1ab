"""A board on a serial port: one connection, over which programs run on it and files go to it.

mpremote's transport speaks the raw REPL; here are the deadlines, the errors and what we ask of a board. Opening leaves a
running firmware alone; the first question interrupts it and soft-resets the interpreter: boot.py has run then, main.py has not.
Every foreign error becomes an `OperatorError` (see faults.py). Nothing of what a board holds is changed but by `put`, `rename`,
`remove` and `make_folders`; files are written to the name that is given, and it is up to the caller what a reader finds there.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from tincall.errors import OperatorError
from tincall.workbench import facts, faults, on_board
from tincall.workbench.wire import Traffic, Wire

BAUD = 115_200
RUN_S = 10.0
# one piece of a file: 4,096 characters of base64 and the program that holds them are no burden for the smallest heap
PIECE_BYTES = 3072
# how long the answer to a Ctrl-C may take, each time it is sent: a board that is just starting misses the first, and a TLS
# handshake holds the interpreter 1.7 s
_PROMPT_S = (1.0, 1.0, 2.0, 4.0, 4.0)
_READ_S = 4.0
# memory that a board needs to make data as large as it was: 1 KB
_WINDOW_BITS = 10
# a board that takes no byte for so long is gone
_WRITE_S = 10.0
# a line longer than this is cut
_LINE_BYTES = 16384
_LISTEN_S = 0.5
_log = logging.getLogger(__name__)


class SerialBoard:
    """One connection to a board; `open` makes it, and it is a context manager.

    Args:
        transport: mpremote's `SerialTransport`, or what does the same.
        path: the port, for people.
    """

    def __init__(self, transport: Any, path: str) -> None:
        self.path = path
        self.traffic = Traffic()
        self._transport = transport
        self._port = transport.serial
        self._has_tools = False
        self._inflates = False
        self._is_running = False
        transport.serial = Wire(self._port, self.traffic)

    @classmethod
    def open(cls, path: str, baud: int = BAUD) -> Self:
        """Open a port, for this program alone.

        Args:
            path: a device, a link to one, or a URL of pyserial.
            baud: the line's speed; boards with USB of their own do not care.

        Raises:
            OperatorError: no such port, in use, no permission, or no serial port.
        """
        transport_serial = require("mpremote.transport_serial")
        try:
            transport = transport_serial.SerialTransport(path, baudrate=baud, timeout=_READ_S)
        except transport_serial.TransportError:
            raise _why_not(path) from None
        except (OSError, ValueError) as error:
            raise faults.opening(path, error if isinstance(error, OSError) else OSError(str(error))) from None
        # where a port is a pseudo-terminal, mpremote waits without end for the single byte, unless told that it can look first
        transport.is_pty = False
        # a URL of pyserial may be to something without it
        with contextlib.suppress(OSError, NotImplementedError, ValueError):
            transport.serial.write_timeout = _WRITE_S
        return cls(transport, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the port back; a board that was asked something stays at the raw prompt until it is reset."""
        self._transport.serial = self._port
        # the port may be gone, which is what is wanted; termios' own error is no OSError
        try:
            self._transport.close()
        except Exception as error:
            _log.debug("closing %s: %s", self.path, error)

    def run(self, code: str, timeout_s: float = RUN_S, data: bytes | None = None) -> str:
        """Run a program on the board and give what it printed.

        Args:
            code: may use what `on_board.TOOLS` defines.
            timeout_s: how long it may print nothing.
            data: is there as `data`.

        Raises:
            OperatorError: the connection is lost, the board does not answer, or the program failed there (`OnBoardError`).
        """
        self._take()
        if not self._has_tools:
            self._inflates = self._exec(on_board.TOOLS, timeout_s).strip() == "1"
            self._has_tools = True
        return self._exec(self._given(data) + code, timeout_s)

    def _given(self, data: bytes | None) -> str:
        """Write the line by which a program gets its data; compiled code loses a third of its size on the way."""
        if data is None:
            return ""
        small = zlib.compressobj(9, zlib.DEFLATED, _WINDOW_BITS)
        packed = small.compress(data) + small.flush()
        if self._inflates and len(packed) < len(data):
            return f"data=_inflate(a2b_base64({base64.b64encode(packed)!r}))\n"
        return f"data=a2b_base64({base64.b64encode(data)!r})\n"

    def facts(self) -> facts.Facts:
        """Ask what the board is and what is on it.

        Raises:
            OperatorError: as `run`, or the answer is none.
        """
        told: facts.Facts = self._answer(facts.decode, on_board.FACTS)
        return told

    def serial_number(self) -> str:
        """Ask for the serial number of the identity that is on the board; empty when there is none."""
        return str(self._answer(json.loads, on_board.SERIAL_NUMBER))

    def tree(self, folders: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[int, str]]:
        """Give size and SHA-256 (hex) of files.

        Args:
            folders: each with how names in it must begin; the root is the empty one.
        """
        found: dict[str, list[Any]] = self._answer(json.loads, on_board.TREE % (list(folders),), 60.0)
        return {path: (int(size), str(digest)) for path, (size, digest) in found.items()}

    def hashes(self, paths: Iterable[str]) -> dict[str, str]:
        """Give the SHA-256 (hex) of those of some files that are there."""
        return dict(self._answer(json.loads, on_board.HASHES % (list(paths),), 60.0))

    def put(self, path: str, content: bytes, progress: Callable[[int], object] = lambda _: None) -> str:
        """Write a file.

        Args:
            path: on the board; is replaced. If the power or the cable goes, a reader finds part of it.
            content: what it shall hold.
            progress: is called with the number of bytes that were written just now.

        Returns:
            The SHA-256 (hex) of what the board reads from it now.

        Raises:
            OperatorError: as `run`; the flash is full.
        """
        begin = f"_f=open({path!r},'wb')\n"
        for at in range(0, len(content), PIECE_BYTES):
            piece = content[at : at + PIECE_BYTES]
            self.run(begin + "_f.write(data)\ndel data", data=piece)
            begin = ""
            progress(len(piece))
        return self.run(begin + f"_f.close()\nprint(_sha({path!r}))").strip()

    def make_folders(self, paths: Iterable[str]) -> None:
        """Make folders that are not there, each after those above it."""
        self.run(on_board.MAKE_FOLDERS % (list(paths),))

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; a file of that name is replaced, and a reader finds either, whole."""
        self.run(on_board.RENAME % (old, new))

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files; one that is not there is as good."""
        self.run(on_board.REMOVE % (list(paths),), 30.0)

    def free(self) -> int:
        """Give the bytes that are free in the file system at `/`."""
        return int(self._answer(json.loads, "s=os.statvfs('/')\nprint(s[0]*s[3])"))

    def reset(self) -> None:
        """Reset the chip, and end the connection; the firmware starts as at power-up."""
        self._take()
        # with it goes a USB port of the chip's own, mostly before the last answer
        with contextlib.suppress(OperatorError, _NoAnswerError), self._translated():
            self._transport.exec_raw_no_follow(on_board.RESET)
        self.close()

    def restart(self) -> None:
        """Reset the chip if it was asked anything, so that what was interrupted starts again; a lost connection is nothing."""
        if not self._transport.in_raw_repl:
            return
        if self._is_running:
            # interrupted in the middle: the prompt has to be asked for anew
            self._transport.in_raw_repl = False
        with contextlib.suppress(OperatorError):
            self.reset()

    def follow(self) -> Iterator[bytes]:
        """Give what the board says, line by line, without asking it anything; an empty one each time nothing comes for a while.

        Raises:
            OperatorError: the connection is lost.
        """
        self._port.timeout = _LISTEN_S
        rest = b""
        while True:
            with self._translated():
                data = self._transport.serial.read(1)
                if data:
                    data += self._transport.serial.read(self._transport.serial.inWaiting())
            *lines, rest = (rest + data).split(b"\n")
            if len(rest) > _LINE_BYTES:
                lines, rest = [*lines, rest], b""
            yield from (line.rstrip(b"\r") for line in lines)
            if not data:
                yield b""

    def _take(self) -> None:
        """Interrupt what runs, and have the interpreter for ourselves from a soft reset on.

        Raises:
            OperatorError: there is no prompt of MicroPython.
        """
        if self._transport.in_raw_repl:
            return
        heard = b""
        for patience_s in _PROMPT_S:
            said = io.StringIO()
            try:
                # mpremote prints what it got instead of the prompt
                with self._translated(), contextlib.redirect_stdout(said):
                    self._transport.enter_raw_repl(timeout_overall=patience_s)
                return
            except _NoAnswerError:
                heard += _unquoted(said.getvalue())
        raise faults.no_prompt(self.path, heard)

    def _exec(self, code: str, timeout_s: float) -> str:
        self._is_running = True
        try:
            with self._translated(), contextlib.redirect_stdout(io.StringIO()):
                said, failed = self._transport.exec_raw(code, timeout=timeout_s)
        except _NoAnswerError:
            # nobody would hear that it is to start again
            self._transport.in_raw_repl = False
            raise faults.silent(self.path) from None
        self._is_running = False
        if failed:
            raise faults.on_board(self.path, failed.decode("utf-8", "replace"))
        return str(said.decode("utf-8", "replace"))

    def _answer(self, read: Callable[[str], Any], code: str, timeout_s: float = RUN_S) -> Any:
        said = self.run(code, timeout_s)
        try:
            return read(said)
        except ValueError:
            raise faults.no_prompt(self.path, said.encode()) from None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Make of an error of the port that it is lost, and of one of the raw REPL's protocol that nobody answers."""
        import struct

        from mpremote.transport import TransportError

        try:
            yield
        except (TransportError, struct.error):
            # struct: mpremote takes two bytes apart that did not come
            raise _NoAnswerError from None
        except OSError:
            raise faults.lost(self.path) from None


class _NoAnswerError(Exception):
    """The raw REPL's answer did not come, or was another."""


def require(module: str) -> Any:
    """Load a module that only those need who have boards on serial ports.

    Raises:
        OperatorError: it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise OperatorError(f"{error.name} is not installed.", "pip install 'tincall[boards]'") from None


def _why_not(path: str) -> OperatorError:
    """Find out why a port cannot be opened; mpremote keeps it to itself."""
    import serial

    try:
        serial.serial_for_url(path, exclusive=True, timeout=0).close()
    except OSError as error:
        return faults.opening(path, error)
    return faults.opening(path, OSError("it could not be opened a moment ago"))


def _unquoted(printed: str) -> bytes:
    """Take bytes out of what `print` made of them."""
    import ast

    found = b""
    for line in printed.splitlines():
        with contextlib.suppress(ValueError, SyntaxError):
            value = ast.literal_eval(line)
            found += value if isinstance(value, bytes) else b""
    return found
