"""A transport that answers as it is told, where only what is made of its answers and errors matters."""

from typing import Any


class FakePort:
    """The serial port of a transport.

    Attributes:
        said: what can be read.
        error: is raised on reading once nothing is left.
    """

    def __init__(self, said: bytes = b"", error: Exception | None = None) -> None:
        self.said = said
        self.error = error
        self.timeout = 1.0
        self.closed = False

    @property
    def in_waiting(self) -> int:
        return len(self.said)

    def read(self, size: int) -> bytes:
        if not self.said and self.error:
            raise self.error
        data, self.said = self.said[:size], self.said[size:]
        return data


class FakeTransport:
    """Stands for mpremote's transport.

    Args:
        answers: of one program each: (printed, traceback), or an exception.
        entering: exceptions of entering the raw REPL, None where it goes well.
    """

    def __init__(self, answers: list[Any] | None = None, entering: list[Any] | None = None) -> None:
        self.serial: Any = FakePort()
        self.port = self.serial
        self.answers = answers or []
        self.entering = entering or []
        self.in_raw_repl = False
        self.ran: list[str] = []

    def enter_raw_repl(self, timeout_overall: float) -> None:
        error = self.entering.pop(0) if self.entering else None
        if error:
            print(b"\xffrst:0x1 ")
            raise error
        self.in_raw_repl = True

    def exec_raw(self, code: str, timeout: float) -> tuple[bytes, bytes]:
        self.ran.append(code)
        answer = self.answers.pop(0) if self.answers else (b"", b"")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def exec_raw_no_follow(self, code: str) -> None:
        self.exec_raw(code, 0)

    def close(self) -> None:
        self.port.closed = True
        raise OSError(5, "gone")
