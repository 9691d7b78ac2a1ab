"""The archive is the same each time, whole by its own sums, and what mpremote installs from it is what the board needs."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import build
import bundle
import pytest
import release
from support.wired import wired

from tincall.workbench import firmware, flash_image

NAME = f"tincall-firmware-{bundle.version()}"


@pytest.fixture(scope="module")
def held() -> dict[str, bytes]:
    """Give the contents of the archive."""
    return release.contents(build.find_compiler())


def test_two_runs_give_the_same_bytes_whatever_the_clock_and_the_order(
    held: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert release.main(["--out", str(tmp_path)]) == 0
    made = (tmp_path / f"{NAME}.tar.gz").read_bytes()
    assert release.archive(dict(reversed(held.items())), NAME, release._EPOCH_S) == made
    assert (tmp_path / "SHA256SUMS").read_text() == f"{hashlib.sha256(made).hexdigest()}  {NAME}.tar.gz\n"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert release.main(["--out", str(tmp_path)]) == 0
    with tarfile.open(tmp_path / f"{NAME}.tar.gz") as tar:
        for entry in tar:
            told = (entry.mtime, entry.mode, entry.uid, entry.gid, entry.uname, entry.gname)
            assert told == (1700000000, 0o644, 0, 0, "", "") and entry.isfile()


def test_an_epoch_that_is_no_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "now")
    assert release.main(["--out", str(tmp_path)]) == 1
    assert "release:" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_every_file_is_in_the_sums_and_every_board_in_the_index(held: dict[str, bytes]) -> None:
    sums = dict(reversed(line.split("  ")) for line in held["SHA256SUMS"].decode().splitlines())
    assert sums == {path: hashlib.sha256(data).hexdigest() for path, data in held.items() if path != "SHA256SUMS"}
    for board in bundle.boards():
        assert f"boards/{board}/board.json" in held and f"xtensawin/{board}.json" in held
        package = json.loads(held[f"mip/package/6/{board.lower()}/latest.json"])
        for _, digest in package["hashes"]:
            assert hashlib.sha256(held[f"mip/file/{digest[:2]}/{digest}"]).hexdigest() == digest
    here = str(build.ROOT).encode()
    assert not [path for path, data in held.items() if here in data or path.endswith("callcore/call.py")]


@pytest.mark.parametrize("way", [pytest.param("package", marks=pytest.mark.long), "index"])
def test_mpremote_installs_all_that_a_board_needs(held: dict[str, bytes], way: str, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(release.archive(held, NAME, release._EPOCH_S))) as tar:
        tar.extractall(tmp_path, filter="data")
    there = tmp_path / NAME
    named = [f"{there}/x64/EMULATED.json"] if way == "package" else ["--index", f"{there}/mip", "emulated"]
    with wired(tmp_path / "board") as live:
        live.mpremote("mip", "install", *named, "+", "fs", "cp", f"{there}/x64/main.py", ":main.py")
        if way == "index":
            assert "Installing: " not in live.mpremote("mip", "install", *named), "nothing is copied twice"
        said = live.mpremote("exec", "import handset.app, board; print(board.NAME)")
    assert said.strip() == "EMULATED"
    image = (tmp_path / "board/flash.img").read_bytes()
    found = flash_image.contents(image, len(image))
    wanted = firmware.files("x64", "EMULATED")
    assert {path: found.get(path) for path in wanted} == wanted
