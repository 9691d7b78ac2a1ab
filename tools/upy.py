#!/usr/bin/env python3
"""Get MicroPython's unix ports and human speech from Debian without root, and run tests on every interpreter.

    tools/upy.py get [--quiet]                fetch, check, unpack, try out; the second time without a network
    tools/upy.py path unix|unix32             print the launcher
    tools/upy.py run FILES... [--on LIST]     run test files on cpython, unix and unix32

What was fetched is kept in `.cache/upy/debs` with its sha256 in `.cache/upy/lock.json`; all else there is made from
these files and can be made again. A launcher starts the package's own loader and libraries, nothing of the machine's.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "host"), str(ROOT / "tools")]

import debs  # noqa: E402 - found by the line above
import speech  # noqa: E402

from tincall.emulator.interpreters import BOARDS, LAUNCHERS, Interpreter, find, probe, require  # noqa: E402
from tincall.errors import STATUS_USAGE, OperatorError  # noqa: E402

CACHE = ROOT / ".cache"
ARCHITECTURES = {"unix": "amd64", "unix32": "i386"}
TRIPLETS = {"amd64": "x86_64-linux-gnu", "i386": "i386-linux-gnu"}
_FILE_TIMEOUT_S = 300
PACKAGES = ("micropython", "libfaketime")
# a board with a clock of its own is started with libfaketime, which has to be loaded by the package's own loader
_LAUNCHER = """\
#!/bin/sh
# made by tools/upy.py
here=$(cd "$(dirname "$0")" && pwd) || exit 127
lib="$here/{arch}/usr/lib/{triplet}"
exec "$here/{arch}/{loader}" ${{FAKETIME_TIMESTAMP_FILE:+--preload "$lib/faketime/libfaketime.so.1"}} \\
    --library-path "$lib" "$here/{arch}/usr/bin/micropython" "$@"
"""


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Depot:
    """What was fetched and what was made of it, in one folder.

    If power fails at any moment a reader finds the old files with the old lock or, when the lock does not match, fetches
    again: the lock is replaced last and in one step.

    Args:
        cache: the folder; `upy` and `speech` are made in it.
        quiet: print nothing that is not an error.
    """

    def __init__(self, cache: Path = CACHE, quiet: bool = False) -> None:
        self.folder = cache / "upy"
        self.speech = cache / "speech"
        self.debs = self.folder / "debs"
        self.lock_file = self.folder / "lock.json"
        self._quiet = quiet

    def say(self, text: str) -> None:
        """Tell the person at the keyboard how far we are."""
        if not self._quiet:
            print(f"upy: {text}", flush=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other runs of this program out of the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "busy", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.say("waiting for another run to end")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def lock(self) -> dict[str, dict[str, str]]:
        """Give what is on record: package file name to its architecture and sha256; empty when there is no record."""
        try:
            packages = json.loads(self.lock_file.read_text())["packages"]
            return {
                str(name): {"arch": str(one["arch"]), "sha256": str(one["sha256"])} for name, one in packages.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            self.say(f"{self.lock_file} is damaged and counts for nothing")
            return {}

    def sound(self) -> bool:
        """Tell whether every package on record is here, byte for byte."""
        lock = self.lock()
        for name, one in lock.items():
            path = self.debs / name
            if not path.is_file():
                self.say(f"{name} is missing")
                return False
            if _digest(path) != one["sha256"]:
                self.say(f"{name} is not what was fetched (its sha256 differs)")
                return False
        return bool(lock)

    def complete(self) -> bool:
        """Tell whether all that is wanted today is on record; an older version of this program wanted less."""
        known = {(name.split("_")[0], one["arch"]) for name, one in self.lock().items()}
        return all((package, arch) in known for package in PACKAGES for arch in ARCHITECTURES.values())

    def fetch(self) -> None:
        """Fetch all packages anew and put them on record.

        Raises:
            OperatorError: it cannot be done here, or a package changed under the same name.
        """
        debs.require_debian_tools()
        source = debs.debian_source(debs.source_files())
        private = self.folder / "apt"
        fresh = self.folder / "debs.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        try:
            apt = debs.PrivateApt(private, source)
            self.say(f"reading what Debian {debs.SUITE} has")
            apt.update()
            wanted = [speech.PACKAGE]
            for arch in ARCHITECTURES.values():
                needed = [*PACKAGES, *debs.dependencies(apt.show(f"micropython:{arch}"))]
                wanted += [f"{name}:{arch}" for name in needed]
            self.say(f"fetching {len(wanted)} packages")
            apt.download(wanted, fresh)
            self._record(fresh)
        finally:
            shutil.rmtree(private, ignore_errors=True)
            shutil.rmtree(fresh, ignore_errors=True)

    def _record(self, fresh: Path) -> None:
        old = self.lock()
        packages = {}
        for path in sorted(fresh.glob("*.deb")):
            # files are named name_version_architecture.deb
            packages[path.name] = {"arch": path.stem.rsplit("_", 1)[1], "sha256": _digest(path)}
            if path.name in old and old[path.name] != packages[path.name]:
                raise OperatorError(
                    f"{path.name} came with another sha256 than the first time, though its version is the same",
                    f"If you trust the mirror, remove {self.lock_file} and try again.",
                )
            self.say(f"  {path.name} {path.stat().st_size // 1024} KB sha256 {packages[path.name]['sha256'][:16]}")
        shutil.rmtree(self.debs, ignore_errors=True)
        fresh.rename(self.debs)
        written = self.lock_file.with_suffix(".new")
        written.write_text(json.dumps({"suite": debs.SUITE, "packages": packages}, indent=1) + "\n")
        written.replace(self.lock_file)

    def _made_of(self, arch: str) -> tuple[list[Path], str]:
        """Give the package files of one architecture and a mark that names exactly these."""
        chosen = {name: one["sha256"] for name, one in sorted(self.lock().items()) if one["arch"] == arch}
        mark = hashlib.sha256(json.dumps(chosen).encode()).hexdigest()
        return [self.debs / name for name in chosen], mark

    def _unpack(self, arch: str, into: Path) -> None:
        """Unpack one architecture unless the folder has been made of these very packages."""
        files, mark = self._made_of(arch)
        marker = into / ".made-of"
        if marker.is_file() and marker.read_text() == mark:
            return
        fresh = into.with_name(into.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        if arch == "all":
            unpacked = self.folder / "speech.unpacked"
            debs.unpack(files, unpacked)
            clips = speech.collect(unpacked, fresh)
            shutil.rmtree(unpacked)
            self.say(f"{len(clips)} clips of speech in {into}")
        else:
            debs.unpack(files, fresh)
        (fresh / ".made-of").write_text(mark)
        shutil.rmtree(into, ignore_errors=True)
        fresh.rename(into)

    def launcher(self, board: str) -> Path:
        """Say where the launcher of a board's interpreter is."""
        return self.folder / LAUNCHERS[board].name

    def _write_launcher(self, board: str) -> None:
        arch = ARCHITECTURES[board]
        triplet = TRIPLETS[arch]
        loaders = sorted((self.folder / arch / "usr/lib" / triplet).glob("ld-linux*.so.*"))
        if not loaders:
            raise OperatorError(f"the C library of {arch} has no loader where it used to be", "Report this.")
        loader = loaders[0].relative_to(self.folder / arch)
        written = self.launcher(board).with_suffix(".new")
        written.write_text(_LAUNCHER.format(arch=arch, triplet=triplet, loader=loader))
        written.chmod(0o755)
        written.replace(self.launcher(board))

    def prepare(self, board: str) -> Interpreter:
        """Make the interpreter of a board from the packages and try it out.

        Raises:
            OperatorError: it does not run here, or is not what it should be.
        """
        arch = ARCHITECTURES[board]
        command = (str(self.launcher(board)),)
        self._unpack(arch, self.folder / arch)
        self._write_launcher(board)
        try:
            probe.cache_clear()
            return require(board, command)
        except OperatorError as error:
            self.say(f"{error.message}; unpacking again")
        shutil.rmtree(self.folder / arch)
        self._unpack(arch, self.folder / arch)
        probe.cache_clear()
        return require(board, command)

    def get(self) -> list[OperatorError]:
        """Have both interpreters and the speech ready.

        Returns:
            What failed, one error for each board whose interpreter does not run on this machine.

        Raises:
            OperatorError: nothing could be had.
        """
        with self.alone():
            if not self.sound() or not self.complete():
                self.fetch()
            self._unpack("all", self.speech)
            failed = []
            for board in ARCHITECTURES:
                try:
                    found = self.prepare(board)
                    self.say(f"{board}: MicroPython {found.version}, {found.word_bits}-bit words")
                except OperatorError as error:
                    failed.append(OperatorError(f"board {board}: {error.message}", error.hint))
            return failed


def _test_files(paths: list[str]) -> list[Path]:
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files += sorted(path.glob("test_*.py"))
        elif path.is_file():
            files.append(path)
        else:
            raise OperatorError(f"{path} is neither a file nor a folder", "Name test files.", STATUS_USAGE)
    return [file.resolve() for file in files]


def _run_file(board: str, command: list[str], file: Path) -> tuple[int, int]:
    """Run one test file in a process of its own and give how many tests passed and failed."""
    folders = f"{ROOT / 'firmware'}:{file.parent}"
    if board == "cpython":
        environment = {**os.environ, "PYTHONPATH": folders, "PYTHONDONTWRITEBYTECODE": "1"}
    else:
        # a test reads whole vector files; what fits a board is measured by tests of its own
        command = [*command, "-X", "heapsize=16m"]
        environment = {**os.environ, "MICROPYPATH": f"{folders}:.frozen"}
    command = [*command, str(ROOT / "tools/upy_runner.py"), str(file)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_FILE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"FAILED {file.name} on {board}: still running after {_FILE_TIMEOUT_S} s", flush=True)
        return 0, 1
    output = done.stdout.decode(errors="replace").rstrip()
    summary = re.search(r"^(\d+) passed, (\d+) failed$", output.rsplit("\n", 1)[-1])
    passed, failed = (int(summary[1]), int(summary[2])) if summary else (0, 0)
    if not failed and (done.returncode or not summary):
        # it crashed, left early, or has no test
        output += f"\nFAILED {file.name}: exit status {done.returncode}"
        failed = 1
    if failed:
        print(f"--- {file.name} on {board}\n{output}", flush=True)
    return passed, failed


def run_tests(paths: list[str], boards: list[str], strict: bool) -> int:
    """Run test files on several interpreters and print `N passed, N failed` for each.

    Args:
        paths: test files, or folders of them.
        boards: members of `BOARDS`.
        strict: an interpreter that is not there is a failure; otherwise a notice.

    Returns:
        Exit status: 0 when every test passed and at least one ran on each interpreter.
    """
    files = _test_files(paths)
    bad = False
    for board in boards:
        try:
            command = find(board)
        except OperatorError as error:
            print(f"{board}: not run: {error.message}\n  {error.hint}", flush=True)
            bad = bad or strict
            continue
        counts = [_run_file(board, command, file) for file in files]
        passed, failed = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
        print(f"{board}: {passed} passed, {failed} failed", flush=True)
        bad = bad or failed > 0 or passed == 0
    return 1 if bad else 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="MicroPython's unix ports: get them, find them, run tests on them.")
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("get", help="fetch what is not there yet, check it, try it out")
    get.add_argument("--quiet", action="store_true", help="print errors only")
    path = commands.add_parser("path", help="print the launcher of an interpreter")
    path.add_argument("board", choices=list(ARCHITECTURES))
    run = commands.add_parser("run", help="run test files on the interpreters")
    run.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER")
    run.add_argument("--on", metavar="LIST", help="of cpython,unix,unix32 (default: all that are there; in CI all)")
    return parser.parse_args(argv)


def _perform(options: argparse.Namespace) -> int:
    if options.command == "get":
        failed = Depot(quiet=options.quiet).get()
        for error in failed:
            print(f"upy: {error.message}\n  {error.hint}", file=sys.stderr)
        return 1 if failed else 0
    if options.command == "path":
        print(find(options.board)[0])
        return 0
    boards = options.on.split(",") if options.on else ["cpython", "unix", "unix32"]
    unknown = [board for board in boards if board not in BOARDS]
    if unknown:
        raise OperatorError(f"no interpreter {unknown[0]!r}", "Choose from " + ", ".join(BOARDS) + ".", STATUS_USAGE)
    return run_tests(options.paths, boards, strict=bool(options.on or os.environ.get("CI")))


def main(argv: list[str] | None = None) -> int:
    """Do what the command line asks for and give the exit status."""
    try:
        return _perform(_arguments(argv))
    except OperatorError as error:
        print(f"upy: {error.message}\n  {error.hint}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
