#!/usr/bin/env python3
"""Make the release archive of the firmware, the same bytes wherever and whenever it is made from the same sources.

    tools/release.py [--out FOLDER]      FOLDER/tincall-firmware-VERSION.tar.gz and FOLDER/SHA256SUMS; dist by default

In the archive: for each architecture a folder with everything compiled, and in it a package for mip per board (BOARD.json,
paths relative to it); the boards' descriptions; an index for mip in `mip/`; SHA256SUMS of every file. Times are those of
SOURCE_DATE_EPOCH, or the beginning of 2020 where it is not set; owners and modes are fixed. docs/release.md says which way is
for whom.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "host")]

import build  # noqa: E402 - found by the line above
import bundle  # noqa: E402

from tincall import files as safely  # noqa: E402
from tincall.workbench import boards  # noqa: E402

_EPOCH_S = 1577836800  # 2020-01-01
# version of the format of .mpy files, as boards tell it to mip in the lowest byte of `sys.implementation._mpy`
_MPY_VERSION = 6
# an emulated board's interpreter, unless it is the one with 32-bit words
_EMULATED_ARCH = "x64"
_LIB = "/lib/"


def contents(compiler: Path) -> dict[str, bytes]:
    """Give every file of the archive by its path in it, SHA256SUMS included.

    Args:
        compiler: mpy-cross.

    Raises:
        build.BuildError: something does not compile.
    """
    found = {"LICENSE": (ROOT / "LICENSE").read_bytes(), "README.md": (ROOT / "docs/release.md").read_bytes()}
    for arch in bundle.ARCHES:
        folder = bundle.cached(arch, compiler)
        for path in folder.rglob("*"):
            if path.is_file():
                found[f"{arch}/{path.relative_to(folder)}"] = path.read_bytes()
        index = json.loads((folder / bundle.INDEX).read_text())["boards"]
        for board, paths in index.items():
            found[f"{arch}/{board}.json"] = _json({"version": bundle.version(), "urls": _libraries(paths)})
    for board in boards.names():
        for path in (ROOT / "boards" / board).iterdir():
            if path.is_file():
                found[f"boards/{board}/{path.name}"] = path.read_bytes()
        _add_to_index(found, board)
    sums = [f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(found.items())]
    return {**found, "SHA256SUMS": "".join(sums).encode()}


def _libraries(paths: dict[str, str]) -> list[list[str]]:
    """Give what mip may install, which is what goes into the folder of libraries: [path there, file]."""
    return [[path.removeprefix(_LIB), name] for path, name in sorted(paths.items()) if path.startswith(_LIB)]


def _add_to_index(found: dict[str, bytes], board: str) -> None:
    """Put a board into the index: mip finds it by its name, the files by their hashes."""
    arch = boards.load(board).arch or _EMULATED_ARCH
    package = json.loads(found[f"{arch}/{board}.json"])
    hashes = []
    for target, name in package["urls"]:
        data = found[f"{arch}/{name}"]
        digest = hashlib.sha256(data).hexdigest()
        hashes.append([target, digest])
        found[f"mip/file/{digest[:2]}/{digest}"] = data
    for version in ("latest", package["version"]):
        told = {"v": 1, "version": package["version"], "hashes": hashes}
        found[f"mip/package/{_MPY_VERSION}/{board.lower()}/{version}.json"] = _json(told)


def _json(document: dict[str, object]) -> bytes:
    return (json.dumps(document, indent=1) + "\n").encode()


def archive(held: dict[str, bytes], name: str, epoch_s: int) -> bytes:
    """Pack files, so that the same files give the same bytes.

    Args:
        held: contents by path.
        name: of the folder that they unpack into.
        epoch_s: time of every file, seconds since 1970.
    """
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in sorted(held.items()):
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mtime, entry.mode = len(data), epoch_s, 0o644
            tar.addfile(entry, io.BytesIO(data))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=epoch_s) as zipped:
        zipped.write(raw.getvalue())
    return packed.getvalue()


def main(arguments: list[str]) -> int:
    """Do what the command line asks for and give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument("--mpy-cross", type=Path, default=build.find_compiler(), metavar="FILE", dest="compiler")
    given = parser.parse_args(arguments)
    try:
        epoch_s = int(os.environ.get("SOURCE_DATE_EPOCH") or _EPOCH_S)
        name = f"tincall-firmware-{bundle.version()}"
        packed = archive(contents(given.compiler), name, epoch_s)
        given.out.mkdir(parents=True, exist_ok=True)
        file = safely.write(given.out / f"{name}.tar.gz", packed, 0o644)
        safely.write(given.out / "SHA256SUMS", f"{hashlib.sha256(packed).hexdigest()}  {file.name}\n".encode(), 0o644)
    except (build.BuildError, OSError, ValueError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
