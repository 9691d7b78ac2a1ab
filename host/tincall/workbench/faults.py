"""Foreign errors made into what a person can act on: those of the operating system, of pyserial, of mpremote and of a board."""

from __future__ import annotations

import errno
import re

from tincall.errors import OperatorError

AGAIN = "Plug it in and run the same command again; it goes on where it stopped."
_BOOTING = re.compile(rb"rst:0x|ets Jul|Guru Meditation|MicroPython v\d|\"ev\": \"boot\"")
_SHOWN_CHARS = 60


class OnBoardError(OperatorError):
    """A program of ours failed on the board.

    Attributes:
        errno: the number of the OSError it was, else 0.
    """

    def __init__(self, message: str, hint: str, number: int = 0) -> None:
        super().__init__(message, hint)
        self.errno = number


class GoneError(OperatorError):
    """There is nobody any more to ask anything else."""


def opening(path: str, error: OSError) -> OperatorError:
    """Say why a port cannot be opened.

    Args:
        path: the port.
        error: what the operating system or pyserial said; pyserial tells a lock of another program in its text alone.
    """
    text = str(error)
    if "lock" in text or error.errno in (errno.EBUSY, errno.EAGAIN):
        return OperatorError(
            f"{path} is in use by another program.",
            "Close it there: another `tincall monitor` or `install`, mpremote, an editor with a serial console.",
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return OperatorError(f"there is no port {path}.", "`tincall ports` lists those that are there.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return OperatorError(
            f"no permission to open {path}.",
            'It belongs to a group, mostly `dialout`: sudo usermod -aG dialout "$USER", then log in again.',
        )
    if error.errno in (errno.ENOTTY, errno.EISDIR, errno.EINVAL) or "configure port" in text:
        return OperatorError(f"{path} is no serial port.", "`tincall ports` lists those that are there.")
    return OperatorError(f"{path} cannot be opened: {text}.", "`tincall ports` lists the ports that are there.")


def lost(path: str) -> OperatorError:
    """Say that the port went away while it was in use."""
    return GoneError(f"the connection to {path} was lost: unplugged, switched off, or reset.", AGAIN)


def silent(path: str) -> OperatorError:
    """Say that an answer is overdue from a board that answered before."""
    return GoneError(f"the board on {path} has stopped answering.", "Press its reset button and run the same again.")


def no_prompt(path: str, heard: bytes) -> OperatorError:
    """Say what is there instead of MicroPython's prompt.

    Args:
        path: the port.
        heard: what came from it while it was asked.
    """
    if len(_BOOTING.findall(heard)) > 2:
        return OperatorError(
            f"the board on {path} starts over and over; it says {_shown(heard)}.",
            "Put the interpreter on it again, which erases what makes it fail: tincall flash BOARD --port " + path,
        )
    if not heard:
        return OperatorError(
            f"nothing answers on {path}.",
            "Is it the right port, and is MicroPython on the board? `tincall flash` puts it there.",
        )
    return OperatorError(
        f"what is on {path} does not answer as MicroPython does; it says {_shown(heard)}.",
        "Is it the right port and speed, and is MicroPython on the board? `tincall flash` puts it there.",
    )


def on_board(path: str, traceback: str) -> OnBoardError:
    """Say what failed on the board, by the last line of its traceback."""
    last = (traceback.strip().splitlines() or ["nothing was said"])[-1].strip()
    number = int(found[1]) if (found := re.match(r"OSError: (?:\[Errno )?(\d+)", last)) else 0
    if number == errno.ENOSPC or "ENOSPC" in last:
        return OnBoardError(
            f"the flash of the board on {path} is full.", "Remove files that you do not need.", errno.ENOSPC
        )
    if last.startswith("MemoryError"):
        return OnBoardError(f"the board on {path} ran out of memory.", "Press its reset button and run the same again.")
    if last.startswith("KeyboardInterrupt"):
        return OnBoardError(f"the board on {path} was interrupted.", "Another program wrote to its port; run it again.")
    return OnBoardError(
        f"the board on {path} failed: {last}.", "Press its reset button and run the same again.", number
    )


def _shown(heard: bytes) -> str:
    """Quote the last line that came, without what would do something to a terminal."""
    lines = [line for line in heard.decode("ascii", "replace").splitlines() if line.strip()] or [""]
    text = "".join(c if c.isprintable() and c != "\ufffd" else "?" for c in lines[-1].strip())
    return repr(text[:_SHOWN_CHARS])
