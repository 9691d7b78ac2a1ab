"""A backup's file: a tar that any tool can list, whose first member says what the others are, with their SHA-256.

Reading is strict: plain names of plain files that the list names, each whole and unchanged, or nothing is taken.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from tincall.errors import OperatorError
from tincall.files import sync_folder

FORMAT = 1
LIST = "backup.json"
LIST_MAX_BYTES = 65_536
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
BLOCK_BYTES = 1 << 20
ANOTHER = "Take another backup."


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a backup."""

    schema: str  # of its database
    tincall: str  # version that made it
    made_s: int  # seconds since 1970
    files: dict[str, str] = field(default_factory=dict)  # SHA-256 in hex, by name
    missing: list[str] = field(default_factory=list)  # what a relay needs beside them
    format: int = FORMAT


def write(target: Path, contents: Contents, places: Mapping[str, Path]) -> Contents:
    """Write a backup, on the disk before it has its name.

    If power fails at any moment, a reader finds no `target` or a whole one; a half one is called `target.part`, and the
    next backup of that name removes it.

    Args:
        target: not there yet; readable for its owner alone.
        contents: without `files`.
        places: where each file is, by its name in the backup.

    Returns:
        The contents with their files.

    Raises:
        OSError: no room, or not to be written.
    """
    named = Contents(
        contents.schema, contents.tincall, contents.made_s, {n: digest(p) for n, p in places.items()}, contents.missing
    )
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                _add_list(tar, named)
                for name, place in places.items():
                    _add(tar, name, place, named.made_s)
            file.flush()
            os.fsync(file.fileno())
        with part.open("rb") as file:
            _take(file, part, None)
        part.replace(target)
        sync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return named


def read(source: Path, folder: Path | None) -> Contents:
    """Read a backup to its end and check all of it.

    Args:
        source: the backup.
        folder: empty, where its files go; None: they are only checked.

    Raises:
        OperatorError: not there, no backup, damaged, or of a newer format.
        OSError: no room in the folder.
    """
    try:
        file = source.open("rb")
    except OSError as error:
        raise OperatorError(f"The backup {source} cannot be read: {error.strerror}.", "Give its path.", 2) from None
    with file:
        return _take(file, source, folder)


def digest(path: Path) -> str:
    """Give the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add_list(tar: tarfile.TarFile, contents: Contents) -> None:
    text = json.dumps(asdict(contents), indent=1).encode()
    info = _info(LIST, len(text), contents.made_s)
    tar.addfile(info, io.BytesIO(text))


def _add(tar: tarfile.TarFile, name: str, place: Path, made_s: int) -> None:
    with place.open("rb") as file:
        tar.addfile(_info(name, os.fstat(file.fileno()).st_size, made_s), file)


def _info(name: str, size: int, made_s: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, made_s, 0o600
    return info


def _take(file: IO[bytes], source: Path, folder: Path | None) -> Contents:
    """Go through a backup; files are only written where a folder is given."""
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            contents = _list(tar, source)
            left = dict(contents.files)
            for info in tar:
                if info.name == LIST:
                    continue
                if not info.isreg() or info.name not in left:
                    raise OperatorError(f"The backup {source} holds {info.name!r}, which its list does not.", ANOTHER)
                if _copied(tar, info, folder) != left.pop(info.name):
                    raise OperatorError(f"The backup {source} is damaged: {info.name} has changed.", ANOTHER)
    except (tarfile.TarError, EOFError):
        raise OperatorError(f"The backup {source} is damaged, or no backup.", ANOTHER) from None
    if left:
        raise OperatorError(f"The backup {source} is damaged: {next(iter(left))} is missing.", ANOTHER)
    return contents


def _list(tar: tarfile.TarFile, source: Path) -> Contents:
    """Read the list of contents.

    Raises:
        OperatorError: it is none of ours, or of a newer format.
    """
    info = tar.next()
    no_backup = OperatorError(f"{source} is not a backup of a relay.", "Give a file that `tincall backup` made.")
    if info is None or info.name != LIST or not info.isreg() or info.size > LIST_MAX_BYTES:
        raise no_backup
    piece = tar.extractfile(info)
    try:
        found = json.loads(piece.read() if piece else b"")
        if found["format"] > FORMAT:
            why = f"The backup {source} was written by a newer Tincall ({found['tincall']})."
            raise OperatorError(why, "Install that version.", 2)
        contents = Contents(**found)
        named = contents.files.items()
        is_plain = all(NAME.fullmatch(name) and name != LIST and isinstance(sha, str) for name, sha in named)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise no_backup from None
    if not is_plain:
        raise no_backup
    return contents


def _copied(tar: tarfile.TarFile, info: tarfile.TarInfo, folder: Path | None) -> str:
    """Give the SHA-256 of a member, and write it into the folder if there is one."""
    piece = tar.extractfile(info)
    if piece is None:
        raise tarfile.ReadError("no data")
    if folder is None:
        return _pumped(piece, None)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(folder / info.name, flags, 0o600), "wb") as target:
        found = _pumped(piece, target)
        target.flush()
        os.fsync(target.fileno())
    return found


def _pumped(piece: IO[bytes], target: IO[bytes] | None) -> str:
    hashed = hashlib.sha256()
    while block := piece.read(BLOCK_BYTES):
        hashed.update(block)
        if target is not None:
            target.write(block)
    return hashed.hexdigest()
