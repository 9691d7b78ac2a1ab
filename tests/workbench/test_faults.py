"""Foreign errors as a person gets them: one line what, one line what to do, nothing that would act on a terminal."""

import errno

import pytest

from tincall.workbench import faults


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("Could not exclusively lock port /dev/x: [Errno 11] Resource"), "in use by another program"),
        (OSError(errno.EBUSY, "busy"), "in use by another program"),
        (OSError(errno.ENOENT, "No such file"), "there is no port"),
        (OSError(errno.EACCES, "Permission denied"), "no permission"),
        (OSError(errno.ENOTTY, "Inappropriate ioctl"), "is no serial port"),
        (OSError(errno.EIO, "odd"), "odd"),
    ],
)
def test_why_a_port_cannot_be_opened(error: OSError, said: str) -> None:
    problem = faults.opening("/dev/x", error)
    assert said in problem.message and "/dev/x" in problem.message
    assert problem.hint and problem.status == 1


def test_permission_says_which_group_and_how() -> None:
    assert "usermod -aG dialout" in faults.opening("/dev/x", OSError(errno.EACCES, "")).hint


def test_what_is_there_instead_of_a_prompt() -> None:
    loop = b"rst:0xc (SW_CPU_RESET)\r\nGuru Meditation Error\r\n" * 3
    assert "starts over and over" in faults.no_prompt("P", loop).message
    assert "nothing answers" in faults.no_prompt("P", b"").message
    garbage = faults.no_prompt("P", b"$GPGGA,1\x1b[2J\xff\r\n")
    assert "does not answer as MicroPython does" in garbage.message
    assert "\x1b" not in garbage.message and "$GPGGA,1" in garbage.message


@pytest.mark.parametrize(
    ("last", "said", "number"),
    [
        ("OSError: 28", "is full", errno.ENOSPC),
        ("OSError: [Errno 28] ENOSPC", "is full", errno.ENOSPC),
        ("OSError: [Errno 2] ENOENT", "ENOENT", errno.ENOENT),
        ("MemoryError: memory allocation failed", "out of memory", 0),
        ("KeyboardInterrupt: ", "interrupted", 0),
        ("ValueError: odd", "ValueError: odd", 0),
    ],
)
def test_what_failed_on_the_board_is_the_last_line_of_its_traceback(last: str, said: str, number: int) -> None:
    problem = faults.on_board("P", f"Traceback (most recent call last):\r\n  File\r\n{last}\r\n")
    assert said in problem.message and problem.errno == number and problem.hint
    assert faults.on_board("P", "").message
