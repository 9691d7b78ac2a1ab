"""`sys` and `os` say what the interpreter is, or what it pretends to be."""

from support.wired import execute, raw, wired

from tincall.emulator.troubles import Troubles

ASK = b"import sys, os\nprint(sys.implementation[1][:2], sys.implementation._machine, os.uname().release, sys.platform)"


def test_a_board_says_what_it_is_and_can_pretend(tmp_path):
    with wired(tmp_path / "b") as live, live.open() as port:
        raw(port)
        said = execute(port, ASK)[0].decode()
        assert "Emulated board with" in said and said.endswith(" linux\r\n")
        assert execute(port, b"import sys; print(sys.path)")[0] == b"['', '.frozen', '/lib']\r\n"
        assert execute(port, b"sys.exit")[1] == b""
    troubles = Troubles(version="1.20.0", machine="toaster", platform="esp32")
    with wired(tmp_path / "b", troubles) as live, live.open() as port:
        raw(port)
        assert execute(port, ASK) == (b"(1, 20) toaster 1.20.0 esp32\r\n", b"")
