"""A child process whose end is told by its pidfd, the same way in every event loop.

Not `asyncio.create_subprocess_exec`: uvloop hands a child whatever the parent holds open and inheritable at that moment,
the sockets of a worker that is just being started among it, and the end of a worker is learnt from the end of a socket.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence


class Child:
    """A running child process.

    Args:
        command: program and arguments.
        pass_fds: descriptors it inherits under their numbers, besides the standard error output; all others are closed.
        environment: its variables.
        stdin: descriptor of its standard input; nothing to read if missing.
        stdout: descriptor of its standard output; thrown away if missing.

    Attributes:
        pid: its process id.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        pass_fds: Sequence[int],
        environment: Mapping[str, str],
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        # some ms in the loop, as every way of starting a process takes
        self._popen = subprocess.Popen(
            command,
            pass_fds=pass_fds,
            stdin=stdin,
            stdout=stdout,
            # a terminal's Ctrl-C is for the relay, which then ends its workers in order
            start_new_session=True,
            env=environment,
        )
        self.pid = self._popen.pid
        self._ended: asyncio.Future[int] = self._loop.create_future()
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except OSError:
            # no descriptor left: nobody would learn of its end
            self._popen.kill()
            self._popen.wait()
            raise
        self._loop.add_reader(self._pidfd, self._reap)

    async def wait(self) -> int:
        """Wait until it has ended and is reaped; give its exit status, negative for a signal."""
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        """Kill it if it still runs."""
        self._popen.kill()

    def _reap(self) -> None:
        status = self._popen.wait()
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        if not self._ended.done():
            self._ended.set_result(status)
