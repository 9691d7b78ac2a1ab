"""A board gets all that its manifest names, compiled, under the paths it imports it from."""

import json
from pathlib import Path

import build
import bundle
import pytest

from tincall import shipped
from tincall.errors import OperatorError
from tincall.workbench import firmware

BOARD = "ESP32S3_INMP441_MAX98357A"


def test_a_board_gets_the_firmware_and_its_own_data() -> None:
    files = firmware.files("xtensawin", BOARD)
    wanted = {"/lib/" + str(path.relative_to(build.FIRMWARE).with_suffix(".mpy")) for path in build.sources()}
    assert set(files) == (wanted - {"/lib/main.mpy"}) | {"/main.py", "/lib/board.mpy"}
    assert files["/main.py"] == (build.FIRMWARE / "main.py").read_bytes()
    assert all(content[:1] == b"M" for path, content in files.items() if path.endswith(".mpy"))
    assert BOARD.encode() in files["/lib/board.mpy"]


def test_each_architecture_has_its_own_machine_code() -> None:
    made = {arch: firmware.files(arch, "EMULATED")["/lib/callcore/g711.mpy"] for arch in ("x64", "rv32imc")}
    assert made["x64"] != made["rv32imc"]
    assert firmware.arches() == bundle.ARCHES and firmware.version() == bundle.version()


@pytest.mark.parametrize(("arch", "board"), [("z80", BOARD), ("x64", "NOSUCH")])
def test_what_there_is_none_of_is_told_with_what_there_is(arch: str, board: str) -> None:
    with pytest.raises(OperatorError, match="there is no") as told:
        firmware.files(arch, board)
    assert told.value.status == 2 and ("xtensawin" in told.value.hint or BOARD in told.value.hint)


def test_a_compiler_that_is_not_there_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.symlink_to("/usr/bin/env")  # ends with a word and a status, as a tool that fails
    monkeypatch.setattr(firmware.sys, "executable", str(python))
    with pytest.raises(OperatorError, match="cannot be compiled") as told:
        firmware.files("x64", "EMULATED")
    assert "\n" not in told.value.message


def test_a_package_gives_what_it_carries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x64").mkdir()
    (tmp_path / "x64/main.py").write_bytes(b"print()")
    (tmp_path / "x64" / firmware.INDEX).write_text(json.dumps({"boards": {"ONE": {"/main.py": "main.py"}}}))
    monkeypatch.setattr(shipped, "compiled", lambda: tmp_path)
    monkeypatch.setattr(shipped, "checkout", lambda: None)
    assert firmware.files("x64", "ONE") == {"/main.py": b"print()"}
    with pytest.raises(OperatorError, match="not whole"):
        firmware.files("x86", "ONE")
