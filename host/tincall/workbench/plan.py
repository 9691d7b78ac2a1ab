"""What an install has to do, decided from what the board shall hold and what it holds; nothing is done here.

Ours on a board are `/main.py`, `/lib/board.*`, `/lib/tincall.json`, and in `/lib/callcore`, `/lib/handset` and `/lib/chips` all
that a Python program is made of. Everything else is somebody's, and is neither read nor changed.

A file on its way is called `NAME.SET.new`, where SET begins the hash over the whole set of files it belongs to: files of two
firmwares that were both cut short cannot be taken for one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from tincall.errors import OperatorError

MAIN = "/main.py"
MARKER = "/lib/tincall.json"
FINISH = "/main.py.finish.new"
FOLDERS = ("/lib/callcore", "/lib/handset", "/lib/chips")
# `import board` finds the .py before the .mpy
_FILES = (MAIN, MARKER, "/lib/board.mpy", "/lib/board.py")
_OURS = (".mpy", ".py", ".new")
_ON_ITS_WAY = re.compile(r"(.+)\.(?:[0-9a-f]{8}|finish)\.new")
# what littlefs takes beside the files: two blocks a folder, and room to write the names anew
_FOLDER_BLOCKS = 2
_SPARE_BLOCKS = 6
# littlefs keeps up to this much of each block of a file that has several
_BLOCK_OVERHEAD_BYTES = 8

Tree = dict[str, tuple[int, str]]
# what `SerialBoard.tree` has to be asked for
LOOKED_AT = [("", ("main.py",)), ("/lib", ("board.", "tincall.json")), *((folder, ("",)) for folder in FOLDERS)]


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Args:
        suffix: what a file on its way has after its name.
        copy: what is written under its name and the suffix, by its name; main.py, the last, says that all is there.
        switch: what then gets its own name: `copy`, and what an install that was cut short has left whole.
        keep: what is there already.
        clean: rests of an earlier install, which go first, so that they take no room.
        remove: what does not belong there any more.
        blocks: how many blocks all of it takes at most, while old and new are both there.
    """

    suffix: str
    copy: dict[str, bytes]
    switch: list[str]
    keep: list[str]
    clean: list[str]
    remove: list[str]
    blocks: int

    @property
    def is_done(self) -> bool:
        """Tell whether there is nothing to do."""
        return not (self.switch or self.clean or self.remove)

    @property
    def folders(self) -> list[str]:
        """Name the folders that must be there, each after those above it."""
        parts = [path.split("/")[1:-1] for path in self.copy]
        return sorted({"/" + "/".join(part[: depth + 1]) for part in parts for depth in range(len(part))})


def marked(files: dict[str, bytes], version: str, board: str, arch: str) -> dict[str, bytes]:
    """Give the files, and with them the one that says what they are; its `set` is the same for the same files alone."""
    told = {"version": version, "board": board, "arch": arch, "files": len(files), "set": _set(files)}
    return {**files, MARKER: json.dumps(told, sort_keys=True).encode() + b"\n"}


def make(wanted: dict[str, bytes], found: Tree, block_bytes: int) -> Plan:
    """Decide what is to be done.

    Args:
        wanted: all that belongs on the board; with `MAIN`.
        found: what is there, as far as `LOOKED_AT` asks for it.
        block_bytes: of the board's file system.

    Raises:
        OperatorError: something of `wanted` is source that the board would have to compile, or has no place there.
    """
    _check(wanted)
    suffix = f".{_set(wanted)[:8]}.new"
    hashes = {path: _sha256(content) for path, content in wanted.items()}
    have = {path: digest for path, (_, digest) in found.items()}
    keep = {path for path in wanted if have.get(path) == hashes[path]}
    remove = sorted(path for path in found if path not in wanted and _is_ours(path) and not path.endswith(".new"))
    if remove or keep != wanted.keys():
        # it is what ends an install, and the last to get its name
        keep.discard(MAIN)
    ready = {path for path in wanted.keys() - keep if have.get(path + suffix) == hashes[path]}
    copy = {path: wanted[path] for path in sorted(wanted.keys() - keep - ready, key=_main_last)}
    rests = {path for path in found if path.endswith(".new") and _is_ours(path)} - {path + suffix for path in ready}
    if copy:
        # an older main.py on its way would say that all is there
        copy |= {MAIN: wanted[MAIN]} if MAIN in ready else {}
        rests |= {MAIN + suffix} if MAIN in ready else set()
    clean = sorted(rests, key=lambda path: (not path.startswith(MAIN), path))
    # one for the program that ends the install
    blocks = 1 + _SPARE_BLOCKS + _FOLDER_BLOCKS * (len(FOLDERS) + 1)
    blocks += sum(_blocks(len(content), block_bytes) for content in copy.values())
    blocks -= sum(_blocks(found[path][0], block_bytes) for path in clean)
    switch = sorted({*copy, *ready}, key=_main_last)
    return Plan(suffix, copy, switch, sorted(keep), clean, remove, max(0, blocks))


def _main_last(path: str) -> tuple[bool, bool, str]:
    """Order paths: what says which set it is goes at the end, and what starts it last of all."""
    return path == MAIN, path == MARKER, path


def _is_ours(path: str) -> bool:
    """Tell whether a path is one where only we put something."""
    folder = path.rpartition("/")[0]
    name = found[1] if (found := _ON_ITS_WAY.fullmatch(path)) else path
    return name in _FILES or (folder in FOLDERS and path.endswith(_OURS))


def _blocks(size: int, block_bytes: int) -> int:
    return 1 if size <= block_bytes else -(-size // (block_bytes - _BLOCK_OVERHEAD_BYTES))


def _check(wanted: dict[str, bytes]) -> None:
    for path in wanted:
        if not _is_ours(path) or path.endswith(".new"):
            raise OperatorError(f"{path} has no place on a board.", "Install tincall again.")
        if path.endswith(".py") and path != MAIN:
            raise OperatorError(
                f"{path} is source, which the board would compile itself, and wrongly where its compiler has faults.",
                "Install tincall again.",
            )


def _set(files: dict[str, bytes]) -> str:
    """Give one hash over paths and contents."""
    return _sha256("".join(f"{path} {_sha256(content)}\n" for path, content in sorted(files.items())).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
