"""The counting port: bytes both ways, and one turn for each answer that follows a question."""

from tincall.workbench.wire import Traffic, Wire


class Echo:
    """A port that gives back what was written."""

    def __init__(self) -> None:
        self.kept = b""

    @property
    def in_waiting(self) -> int:
        return len(self.kept)

    def write(self, data: bytes) -> int:
        self.kept += data
        return len(data)

    def read(self, size: int) -> bytes:
        data, self.kept = self.kept[:size], self.kept[size:]
        return data


def test_what_went_over_it_is_counted() -> None:
    traffic = Traffic()
    wire = Wire(Echo(), traffic)
    assert wire.write(b"abc") == 3 and wire.write(b"de") == 2 and wire.inWaiting() == 5
    assert [wire.read(1), wire.read(9), wire.read(1)] == [b"a", b"bcde", b""]
    wire.write(b"f")
    wire.read()
    assert traffic == Traffic(6, 6, 2)
