"""A LittleFS image of a board's files, as MicroPython's `VfsLfs2` mounts it on an ESP32.

Files are written while the file system is as small as they allow, and then it is told its full size: what is to be written to
the chip is a few hundred kilobytes instead of megabytes, and the rest of the partition may hold anything.
"""

from pathlib import PurePosixPath
from typing import Any

from tincall.errors import OperatorError

BLOCK_BYTES = 4096
# what every littlefs since 2.0 mounts; MicroPython's own goes on with it
_DISK_VERSION = 0x00020000
_PROGRAM_BYTES = 32
# blocks that the file system itself takes: superblock and the pairs of a few folders, with room for their changes
_SPARE_BLOCKS = 24


def make(files: dict[str, bytes], partition_bytes: int) -> bytes:
    """Make the image.

    Args:
        files: contents by path, such as `/lib/board.mpy`.
        partition_bytes: size of the partition; a multiple of 4,096.

    Returns:
        The beginning of the partition, as far as it is used; the same for the same files.

    Raises:
        OperatorError: the files are too large for it, or littlefs-python is not installed.
    """
    littlefs = _library()
    blocks = partition_bytes // BLOCK_BYTES
    folders = {str(folder) for path in files for folder in PurePosixPath(path).parents} - {"/"}
    # a file takes whole blocks, with one pointer or two to others in each
    needed = sum(1 + len(content) // (BLOCK_BYTES - 8) for content in files.values()) + 2 * len(folders) + _SPARE_BLOCKS
    if needed > blocks:
        have, want = partition_bytes // 1024, needed * BLOCK_BYTES // 1024
        raise OperatorError(f"the files need {want} KiB, and the board has {have} KiB for them", "Is it this board?")
    context = littlefs.UserContext(needed * BLOCK_BYTES)
    system = littlefs.LittleFS(context=context, mount=False, disk_version=_DISK_VERSION, **_geometry(needed))
    system.format()
    system.mount()
    for folder in sorted(folders):
        system.mkdir(folder)
    for path, content in sorted(files.items()):
        with system.open(path, "wb") as file:
            file.write(content)
    system.fs_grow(blocks)
    system.unmount()
    return bytes(context.buffer)


def contents(image: bytes, partition_bytes: int) -> dict[str, bytes]:
    """Read an image back.

    Args:
        image: its beginning, as `make` gives it.
        partition_bytes: size of the partition.

    Returns:
        Contents by path.

    Raises:
        OperatorError: it is no image, or littlefs-python is not installed.
    """
    littlefs = _library()
    context = littlefs.UserContext(partition_bytes)
    context.buffer[: len(image)] = image
    system = littlefs.LittleFS(context=context, mount=False, **_geometry(partition_bytes // BLOCK_BYTES))
    try:
        system.mount()
    except littlefs.LittleFSError:
        raise OperatorError("the image holds no LittleFS of this size", "Make it anew.") from None
    found = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            path = str(PurePosixPath(folder) / name)
            with system.open(path, "rb") as file:
                found[path] = file.read()
    return found


def _geometry(blocks: int) -> dict[str, Any]:
    return {
        "block_size": BLOCK_BYTES,
        "block_count": blocks,
        "read_size": _PROGRAM_BYTES,
        "prog_size": _PROGRAM_BYTES,
        "lookahead_size": _PROGRAM_BYTES,
    }


def _library() -> Any:
    try:
        import littlefs
    except ImportError:
        hint = "Install it: pip install 'tincall[boards]'"
        raise OperatorError("images are made with littlefs-python, which is not installed", hint) from None
    return littlefs
