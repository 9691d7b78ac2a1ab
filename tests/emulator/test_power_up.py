"""Power-up leaves the names of a board in `__main__` and the fakes loaded, and nothing of its own."""

from support.wired import execute, raw, wired


def test_the_console_begins_as_on_a_board(tmp_path):
    with wired(tmp_path / "b") as live, live.open() as port:
        raw(port)
        names = execute(port, b"print(__name__, sorted(n for n in dir() if n[0] != '_' or n == '_power_up'))")
        assert names == (b"__main__ []\r\n", b"")
        said, trouble = execute(port, b"import machine, network, esp32\nprint(len(machine.unique_id()), esp32.NVS)")
        assert said.startswith(b"6 ") and trouble == b""
