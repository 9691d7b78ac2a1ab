#!/usr/bin/env python3
"""Compile the firmware and every board's data for one architecture, and write down which file goes where on which board.

    tools/bundle.py ARCH            into .cache/firmware, unless it is there already; prints the folder
    tools/bundle.py ARCH --out F    into the folder F, which must not be there

`files.json` in the folder names, for each board of boards/, the paths on the board and the files for them, as the board's own
manifest has it: modules go to /lib, main.py to the root. The folder in .cache carries the hash of everything it was made from,
so that it is right for as long as it is found. If power fails, a reader finds it whole or not at all.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import build  # noqa: E402 - found by the line above
import slim  # noqa: E402

ARCHES = ("xtensawin", "rv32imc", "x64", "x86")
INDEX = "files.json"
CACHE = ROOT / ".cache" / "firmware"
# folders of one architecture that are kept: this one, and those a process may still be reading
_KEPT = 4


def boards(root: Path = ROOT) -> dict[str, Path]:
    """Give the manifest of each board by its name."""
    return {file.parent.name: file.parent / "manifest.py" for file in sorted((root / "boards").glob("*/board.json"))}


def plan(root: Path = ROOT) -> dict[str, dict[str, Path]]:
    """Give, for each board, the source of each path on it."""
    found = {}
    for name, manifest in boards(root).items():
        named = build.manifest(manifest)
        found[name] = {
            f"/{path}" if path == build.MAIN else "/lib/" + path.removesuffix(".py") + ".mpy": source
            for path, source in named.items()
        }
    return found


def fingerprint(arch: str, compiler: Path) -> str:
    """Name all that a bundle depends on: the sources, where they go, the tools and the compiler."""
    digest = hashlib.sha256(f"{arch} {build.version(compiler)} {version()}".encode())
    for board, files in plan().items():
        for path, source in sorted(files.items()):
            digest.update(f"{board}{path}".encode() + hashlib.sha256(source.read_bytes()).digest())
    for tool in (Path(__file__), Path(build.__file__), Path(slim.__file__)):
        digest.update(tool.read_bytes())
    return digest.hexdigest()[:16]


def bundle(arch: str, folder: Path, compiler: Path) -> Path:
    """Compile everything into a folder, whole or not at all.

    Args:
        arch: architecture of the machine code.
        folder: where to; it is not there, or another run has just made the same.
        compiler: mpy-cross.

    Raises:
        build.BuildError: a file does not compile.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _fill(fresh, arch, compiler)
        fresh.chmod(0o755)
        try:
            fresh.rename(folder)
        except OSError:
            if not (folder / INDEX).is_file():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _fill(folder: Path, arch: str, compiler: Path) -> None:
    index: dict[str, dict[str, str]] = {}
    made: dict[str, Path] = {}
    for board, files in plan().items():
        index[board] = {}
        for path, source in sorted(files.items()):
            name = path.removeprefix("/lib").lstrip("/")
            if path == "/lib/board.mpy" or made.get(name, source) != source:
                # of this board alone
                name = f"boards/{board}/{name}"
            index[board][path] = name
            if name in made:
                continue
            made[name] = source
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if path == f"/{build.MAIN}":
                # boards start the source by that name; it is compiled all the same, to be judged
                build.compile_file(source, arch, folder / "main.mpy", compiler)
                (folder / "main.mpy").unlink()
                shutil.copyfile(source, target)
            else:
                build.compile_file(source, arch, target, compiler)
    about = {"version": version(), "arch": arch, "compiler": build.version(compiler), "boards": index}
    (folder / INDEX).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


def version() -> str:
    """Give the version of the project."""
    scope: dict[str, str] = {}
    exec((ROOT / "host/tincall/__init__.py").read_text(), scope)  # our own file
    return scope["__version__"]


def cached(arch: str, compiler: Path) -> Path:
    """Give the bundle of the sources as they are now, made anew when there is none; older ones go."""
    folder = CACHE / f"{arch}-{fingerprint(arch, compiler)}"
    if (folder / INDEX).is_file():
        os.utime(folder)
        return folder
    bundle(arch, folder, compiler)
    kept = sorted(CACHE.glob(f"{arch}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in kept[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arch", choices=ARCHES, metavar="ARCH", help=", ".join(ARCHES))
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--mpy-cross", type=Path, default=build.find_compiler(), metavar="FILE", dest="compiler")
    given = parser.parse_args(arguments)
    try:
        if given.out is None:
            print(cached(given.arch, given.compiler))
        elif given.out.exists():
            raise build.BuildError(f"{given.out} is there already; name another folder by --out")
        else:
            print(bundle(given.arch, given.out, given.compiler))
    except (build.BuildError, OSError) as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
