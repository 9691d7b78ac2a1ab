"""Installing over a cable, on a board with its own flash: whole after any interruption, and never a mixture."""

import dataclasses
import hashlib
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import bench
import pytest
from support.wired import wired

from tincall.emulator.troubles import Troubles
from tincall.errors import OperatorError
from tincall.workbench import boards, facts, firmware, installer, plan
from tincall.workbench.serial_board import SerialBoard

OLD, NEW = bench.firmware(1), bench.firmware(2)
OLD_SAYS, NEW_SAYS = (f"runs {' '.join([str(v)] * (bench.MODULES + 1))}" for v in (1, 2))


def is_whole(found: plan.Tree, wanted: dict[str, bytes]) -> bool:
    return plan.make(wanted, found, 4096).is_done and found.keys() - {"/lib/callcore/notes.txt"} == wanted.keys()


@pytest.fixture(scope="module")
def old_flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the flash of a board with the old firmware and things of its owner's."""
    folder = tmp_path_factory.mktemp("old") / "b"
    with wired(folder) as live:
        with SerialBoard.open(live.port) as board:
            board.make_folders(["/store", "/lib", "/lib/callcore"])
            for path in ("/store/identity.bin", "/boot.py", "/lib/callcore/notes.txt", "/lib/other.py"):
                board.put(path, b"# kept")
        since = (folder / "board.log").stat().st_size
        bench.install(live.port, OLD)
        assert bench.started(live, since) == OLD_SAYS
    return folder / "flash.img"


def board_with(flash: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(flash, folder / "flash.img")
    return folder


def test_new_replaces_old_and_a_second_time_nothing_is_copied(old_flash: Path, tmp_path: Path) -> None:
    with wired(board_with(old_flash, tmp_path / "b")) as live:
        done = bench.install(live.port, NEW)
        assert set(done.copied) == {path for path in NEW if NEW[path] != OLD.get(path)} | {plan.MAIN}
        assert done.removed == ["/lib/handset/only1.mpy"]
        again = bench.install(live.port, NEW)
        assert (again.copied, again.removed, len(again.kept)) == ([], [], len(NEW))
        assert is_whole(bench.on_board(live.port), NEW)
        with SerialBoard.open(live.port) as board:
            own = ["/store/identity.bin", "/boot.py", "/lib/callcore/notes.txt", "/lib/other.py"]
            assert sorted(board.hashes(own)) == sorted(own)
            assert board.facts().firmware == "0.0.2"


def cut_and_again(old_flash: Path, folder: Path, after: int, keeps_power: bool) -> str:
    """Pull the cable after so many bytes, look what starts then, and install again; gives what started."""
    board_with(old_flash, folder)
    with wired(folder, Troubles(unplug_after_bytes=after, keeps_power=keeps_power)) as live:
        path = live.port
        with pytest.raises(OperatorError) as cut:
            bench.install(path, NEW)
        assert cut.value.hint
    log = folder / "board.log"
    with wired(folder) as live:
        since = log.read_bytes().rfind(b'"ev": "start"')
        says = bench.started(live, since)
        bench.install(live.port, NEW)
        assert is_whole(bench.on_board(live.port), NEW)
    return says


@pytest.fixture(scope="module")
def whole_bytes(old_flash: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """Count the bytes that go to the board in an install that is not cut."""
    with (
        wired(board_with(old_flash, tmp_path_factory.mktemp("whole") / "b")) as live,
        SerialBoard.open(live.port) as board,
    ):
        installer.install(board, board.facts(), NEW, lambda *_: None)
        return board.traffic.sent_bytes


def test_cut_at_any_byte_it_starts_old_or_new_and_goes_on(old_flash: Path, whole_bytes: int, tmp_path: Path) -> None:
    dice = random.Random(6)
    for number in range(10):
        after = dice.randrange(1, whole_bytes)
        says = cut_and_again(old_flash, tmp_path / str(number), after, dice.random() < 0.5)
        assert says in (OLD_SAYS, NEW_SAYS), after


@pytest.mark.long
def test_cut_at_many_bytes(old_flash: Path, whole_bytes: int, tmp_path: Path) -> None:
    dice = random.Random()
    # most in the last bytes, where names change
    cuts = [dice.randrange(1, whole_bytes) for _ in range(25)]
    cuts += [dice.randrange(whole_bytes - 3000, whole_bytes) for _ in range(25)]
    for number, after in enumerate(cuts):
        says = cut_and_again(old_flash, tmp_path / str(number), after, dice.random() < 0.5)
        assert says in (OLD_SAYS, NEW_SAYS), after


def test_power_that_fails_while_names_change_is_made_up_for_at_power_up(old_flash: Path, tmp_path: Path) -> None:
    folder = board_with(old_flash, tmp_path / "b")
    with wired(folder) as live, SerialBoard.open(live.port) as board:
        todo = plan.make(NEW, board.tree(plan.LOOKED_AT), board.facts().block_bytes)
        for path, content in todo.copy.items():
            board.put(path + todo.suffix, content)
        board.put(plan.MAIN, installer.finishing(todo))
        some = list(todo.copy)[:4]
        for path in some:
            board.rename(path + todo.suffix, path)
    with wired(folder) as live:
        assert bench.started(live, (folder / "board.log").read_bytes().rfind(b'"ev": "start"')) == NEW_SAYS
        assert is_whole(bench.on_board(live.port), NEW)


def test_after_two_cut_installs_a_board_says_so_rather_than_start_a_mixture(old_flash: Path, tmp_path: Path) -> None:
    folder = board_with(old_flash, tmp_path / "b")
    with wired(folder) as live, SerialBoard.open(live.port) as board:
        todo = plan.make(NEW, board.tree(plan.LOOKED_AT), 4096)
        # somebody took away what was to be put in place
        board.put(plan.MAIN, installer.finishing(todo))
    with wired(folder) as live:
        assert "not whole" in bench.started(live, (folder / "board.log").read_bytes().rfind(b'"ev": "start"'))
        bench.install(live.port, NEW)
        assert is_whole(bench.on_board(live.port), NEW)


def test_somebodys_own_main_py_is_kept(tmp_path: Path) -> None:
    with wired(tmp_path / "b") as live:
        with SerialBoard.open(live.port) as board:
            board.put("/main.py", b"print('mine')")
        assert bench.install(live.port, NEW).own_main == installer.OWN_MAIN
        with SerialBoard.open(live.port) as board:
            assert board.run(f"print(open({installer.OWN_MAIN!r}).read())").strip() == "print('mine')"
            board.put("/main.py", b"print('mine, too')")
        assert bench.install(live.port, NEW).own_main == "/main.own_.py"


def test_a_full_flash_is_refused_before_the_first_byte(tmp_path: Path) -> None:
    with wired(tmp_path / "b", Troubles(flash_bytes=32 * 4096)) as live, SerialBoard.open(live.port) as board:
        board.put("/big", b"b" * 50_000)
        with pytest.raises(OperatorError, match="too full: [0-9,]+ bytes are needed, [0-9,]+ are free"):
            installer.install(board, board.facts(), NEW, lambda *_: None)
        assert board.tree(plan.LOOKED_AT) == {}
        assert "lib" not in board.run("print(os.listdir('/'))")


def test_the_whole_firmware_and_again(tmp_path: Path) -> None:
    wanted = plan.marked(firmware.files("x64", "EMULATED"), firmware.version(), "EMULATED", "x64")
    seen: list[tuple[int, int]] = []
    with wired(tmp_path / "b") as live, SerialBoard.open(live.port) as board:
        told = board.facts()
        installer.judge(told, live.port, "EMULATED", "emulated")
        first = installer.install(board, told, wanted, lambda done, total, _: seen.append((done, total)))
        assert first.bytes == sum(map(len, wanted.values())) and seen[-1] == (first.bytes, first.bytes)
        # base64 and the protocol are not to make of it what would take long on a slow line
        assert board.traffic.sent_bytes < 1.2 * first.bytes
        again = installer.install(board, board.facts(), wanted, lambda *_: None)
        assert not again.copied and len(again.kept) == len(wanted)


class Flash:
    """Names of files and what is in them, for a program that asks for `os`; power fails before a given change."""

    def __init__(self, files: dict[str, bytes], changes: int) -> None:
        self.files = dict(files)
        self.left = changes

    def _change(self, path: str) -> None:
        if path not in self.files:
            raise OSError(2, path)
        if not self.left:
            raise PowerError
        self.left -= 1

    def stat(self, path: str) -> None:
        if path not in self.files:
            raise OSError(2, path)

    def rename(self, old: str, new: str) -> None:
        self._change(old)
        self.files[new] = self.files.pop(old)

    def remove(self, path: str) -> None:
        self._change(path)
        del self.files[path]


class PowerError(Exception):
    """Power has failed."""


def power_up(flash: Flash, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run main.py if it is the program that ends an install."""
    monkeypatch.setitem(sys.modules, "os", flash)
    try:
        exec(flash.files[plan.MAIN], {"__name__": ""})
    finally:
        monkeypatch.undo()


def test_whenever_power_fails_main_py_is_the_program_that_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    todo = plan.make(NEW, {path: (len(content), digest(content)) for path, content in OLD.items()}, 4096)
    ready = OLD | {path + todo.suffix: content for path, content in todo.copy.items()}
    ready[plan.MAIN] = installer.finishing(todo)
    for changes in range(len(todo.switch) + len(todo.remove)):
        flash = Flash(ready, changes)
        with pytest.raises(PowerError):
            power_up(flash, monkeypatch)
        assert flash.files[plan.MAIN] == ready[plan.MAIN], changes
        flash.left = 1000
        power_up(flash, monkeypatch)
        assert flash.files == NEW, changes


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FACTS = facts.Facts(
    version=(1, 25, 0), platform="esp32", machine="Generic ESP32S3 module with ESP32S3", mpy=10 << 10 | 3 << 8 | 6,
    bits=32, uid="", block_bytes=4096, free_bytes=1 << 20, total_bytes=2 << 20, file_system="littlefs", firmware="",
    board="", main="", shadow="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"version": (1, 26, 0)}, ""),
        ({"version": (1, 24, 1)}, "runs MicroPython 1.24.1; 1.25 is the oldest"),
        ({"machine": "ESP32C3 module with ESP32C3"}, "the chip of the board on P is esp32c3"),
        ({"machine": "Raspberry Pi Pico with RP2040", "platform": "rp2"}, "Pico with RP2040"),
        ({"mpy": 3 << 8 | 6}, "loads no machine code"),
        ({"mpy": 10 << 10 | 2 << 8 | 6}, "loads no machine code"),
        ({"shadow": "callcore/__init__.py"}, "elsewhere, too"),
    ],
)
def test_boards_on_which_it_cannot_run_are_refused(changes: dict[str, Any], said: str) -> None:
    found = dataclasses.replace(FACTS, **changes)
    if not said:
        installer.judge(found, "P", "SOME_S3", "esp32s3")
        return
    with pytest.raises(OperatorError, match=said) as refused:
        installer.judge(found, "P", "SOME_S3", "esp32s3")
    assert refused.value.hint and refused.value.status == 1


def test_every_file_of_every_board_has_its_place() -> None:
    for name in boards.names():
        arch = boards.load(name).arch or "x64"
        wanted = plan.marked(firmware.files(arch, name), firmware.version(), name, arch)
        assert len(plan.make(wanted, {}, 4096).copy) == len(wanted)
