"""A time server on loopback for tests: it answers as the test says, each question or none."""

import socket
import struct
import threading
from collections.abc import Callable

TO_1970_S = 2_208_988_800


def reply(question: bytes, unix_s: int, first: int = 0x24, stratum: int = 2) -> bytes:
    """Give the good answer to a question."""
    seconds = (unix_s + TO_1970_S) % (1 << 32)
    return bytes([first, stratum]) + bytes(22) + question[40:48] + bytes(8) + struct.pack(">II", seconds, 0)


class TimeServer:
    """Listens until closed; a context manager.

    Args:
        answer: gives the datagrams to send for a question.

    Attributes:
        port: where.
        asked: the questions.
    """

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.asked: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        while True:
            question, address = self._socket.recvfrom(512)
            if not question:
                return
            self.asked.append(question)
            for datagram in self._answer(question):
                self._socket.sendto(datagram, address)

    def __enter__(self) -> "TimeServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()
