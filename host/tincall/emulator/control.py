"""Asks a running emulated board for things: press a button, play and record sound, tell how it is, report what happens.

The board listens on `control.sock` in its folder: a Unix stream socket, one JSON object a line each way. A request names
what to `do`; the answer has `ok`, and `error` and `hint` when it is false. A recording belongs to the connection that asked
for it and ends with it. After `{"do": "events"}` the connection carries events only.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError

# long enough for two looks of the firmware at its buttons, 20 ms apart, on a machine that is very busy
PRESS_MS = 250
# a Unix socket's name holds 108 bytes; longer ones are reached through the folder's descriptor
_NAME_BYTES = 100
_CHUNK_BYTES = 65536


@contextlib.contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """Give a name for a Unix socket that is short enough, good inside the `with` block.

    Raises:
        OperatorError: the path is too long and this system has no other way.
    """
    if len(os.fsencode(path)) <= _NAME_BYTES:
        yield str(path)
        return
    if not Path("/proc/self/fd").is_dir():
        raise OperatorError(f"{path} is too long a name for a socket", "Use a folder with a shorter path.")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class BoardControl:
    """A connection to the board that runs in a folder.

    Args:
        folder: the board's folder.
        timeout_s: how long an answer may take.

    Raises:
        OperatorError: no board runs there.
    """

    def __init__(self, folder: str | Path, timeout_s: float = 5.0) -> None:
        self._folder = BoardFolder(folder)
        self._timeout_s = timeout_s
        self._buffer = b""
        self._socket = self._connect()

    @classmethod
    def wait(cls, folder: str | Path, within_s: float = 10.0) -> BoardControl:
        """Connect as soon as a board runs in the folder.

        Raises:
            OperatorError: none does within the time.
        """
        until_s = time.monotonic() + within_s
        while True:
            try:
                return cls(folder)
            except OperatorError:
                if time.monotonic() >= until_s:
                    raise
            time.sleep(0.02)

    def __enter__(self) -> BoardControl:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave; a recording of this connection ends."""
        self._socket.close()

    def press(self, button: str = "call", ms: int = PRESS_MS) -> None:
        """Hold a button down for a while; returns when it is down.

        Args:
            button: `call` or `end`.
            ms: how long, 1 to 10,000.
        """
        self._ask({"do": "press", "button": button, "ms": ms})

    def play(self, file: str | Path) -> dict[str, Any]:
        """Play a WAV file into the microphone, now or 200 ms after it opens next.

        Returns:
            `started`, whether it plays now, and `seconds`, how long it is.
        """
        return self._ask({"do": "play", "file": str(Path(file).absolute())}, 60.0)

    def silence(self) -> None:
        """Stop what plays and forget a clip that waits."""
        self._ask({"do": "silence"})

    def record(self, file: str | Path) -> None:
        """Write what the speaker plays from now on to a WAV file, until `stop_recording` or `close`."""
        self._ask({"do": "record", "file": str(Path(file).absolute())})

    def stop_recording(self) -> dict[str, Any]:
        """End the recording of this connection.

        Returns:
            `t0_ns`, `rate_hz`, `samples`, `underruns`, `lost_samples`; as in the JSON file beside the WAV.
        """
        return self._ask({"do": "stop_recording"})

    def unplug(self, *, keeps_power: bool = False, after_bytes: int = 0) -> None:
        """Pull the cable of a board that runs behind a serial port.

        Args:
            keeps_power: whether the board runs on; it has no other power if not given.
            after_bytes: how many more bytes the host may send before.
        """
        self._ask({"do": "unplug", "keeps_power": keeps_power, "after_bytes": after_bytes})

    def plug(self) -> None:
        """Put the cable in again; the port's path may be another one then."""
        self._ask({"do": "plug"})

    def status(self) -> dict[str, Any]:
        """Tell how the board is.

        Returns:
            `board`, `port` (path, of a board behind one), `pid`, `lives`, `lamp`, `talking`, `mic` and `speaker` (`open`,
            counters), and `last`, the firmware's last event of each name.
        """
        return self._ask({"do": "status"})

    def stop(self) -> None:
        """Switch the board off; its runner ends."""
        self._ask({"do": "stop"})

    def events(self, timeout_s: float | None = None) -> Iterator[dict[str, Any]]:
        """Subscribe, and give everything that happens from now on until the board is switched off.

        Each has `source` (`firmware`, `board` or `emulator`), `ev` and `t_ns`. The subscription stands when this returns. Uses
        this connection up.

        Args:
            timeout_s: longest silence; None for any.

        Raises:
            OperatorError: nothing happened for that long.
        """
        self._ask({"do": "events"})
        self._socket.settimeout(timeout_s)
        return self._events(timeout_s)

    def _events(self, timeout_s: float | None) -> Iterator[dict[str, Any]]:
        while True:
            try:
                line = self._line()
            except TimeoutError as error:
                raise OperatorError(
                    f"the board in {self._folder.path} was silent for {timeout_s} s", f"Look into {self._folder.log}."
                ) from error
            if line is None:
                return
            yield json.loads(line)

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._timeout_s)
            with socket_address(self._folder.socket) as address:
                connection.connect(address)
        except OSError as error:
            connection.close()
            raise OperatorError(
                f"no board runs in {self._folder.path}",
                f"Start one in another terminal: tincall emulate --folder {self._folder.path}",
            ) from error
        return connection

    def _ask(self, request: dict[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        try:
            self._socket.settimeout(timeout_s or self._timeout_s)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._line()
        except OSError as error:  # a time-out is one of them
            raise OperatorError(
                f"the board in {self._folder.path} does not answer: {error}", "Is its runner stopped or very busy?"
            ) from error
        if line is None:
            raise OperatorError(f"the board in {self._folder.path} was switched off", "Start it again.")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise OperatorError(answer["error"], answer.get("hint", ""))
        return answer

    def _line(self) -> bytes | None:
        """Give one line without its end; None when the connection ended."""
        while b"\n" not in self._buffer:
            try:
                data = self._socket.recv(_CHUNK_BYTES)
            except ConnectionError:
                return None
            if not data:
                return None
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line
