"""Writing small files that must never be found half: keys, certificates, settings, an emulated board's records."""

import os
from pathlib import Path


def write(path: Path, data: bytes, mode: int = 0o600) -> Path:
    """Write a file whole or not at all, with its mode from the first moment on; gives back `path`.

    If power fails, a reader finds the old file (or none) or the new one.

    Args:
        path: where; its folder is there.
        data: what.
        mode: who may read it; its owner alone if not given.

    Raises:
        OSError: it cannot be written; the old file stands.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)
    return path


def sync_folder(folder: Path) -> None:
    """Make renames in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
