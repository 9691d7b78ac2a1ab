"""Records what SQLite does to its files, in order, under the code under test; and makes of that what a power cut can leave.

The recorder stands between SQLite and the operating system: the default VFS (sqlite.org/vfs.html) is copied, and in the copy
the methods that change a file note what they do. Nothing of the code under test knows of it.

`states` is the disk's side. What was synced is there; of what was not, each write is there, not there, or torn at 512 bytes,
whatever became of the others. The shared-memory index is never there, since it is no file to SQLite. Creating and removing a
file is taken to be durable at once: directory syncs are not modelled.
"""

import _sqlite3
import ctypes
import random
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path

SECTOR_BYTES = 512
DATA_FILES = 0x100 | 0x800 | 0x80000  # SQLITE_OPEN_MAIN_DB, _MAIN_JOURNAL, _WAL

# names are plain addresses: SQLite keeps them, and a bytes object would be gone by then
Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
Delete = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)
Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class Vfs(Structure):
    """The head of sqlite3_vfs, and as many further pointers as its third version has."""

    _fields_ = [
        ("version", c_int), ("file_bytes", c_int), ("path_max", c_int), ("next", c_void_p), ("name", c_char_p),
        ("app_data", c_void_p), ("open", Open), ("delete", Delete), ("more", c_void_p * 13),
    ]  # fmt: skip


class Methods(Structure):
    """sqlite3_io_methods."""

    _fields_ = [
        ("version", c_int), ("close", c_void_p), ("read", c_void_p), ("write", Write), ("truncate", Truncate),
        ("sync", Sync), ("more", c_void_p * 13),
    ]  # fmt: skip


class Recorder:
    """What was done, in order: (`write`, name, offset, bytes), (`truncate`, name, size), (`sync`, name), (`delete`, name),
    (`ack`, value), the last by the test.
    """

    def __init__(self) -> None:
        self.done: list[tuple] = []

    def acknowledged(self, value: object) -> None:
        """Note that somebody was told that something is stored."""
        self.done.append(("ack", value))


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record what every database does that is opened from now on, until the end."""
    library = ctypes.CDLL(_sqlite3.__file__)  # finds the very SQLite that the interpreter uses
    library.sqlite3_vfs_find.restype = POINTER(Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    library.sqlite3_vfs_register.argtypes = [POINTER(Vfs), c_int]
    library.sqlite3_vfs_unregister.argtypes = [POINTER(Vfs)]
    first = library.sqlite3_vfs_find(None)
    recorder = Recorder()
    ours = _copied(first.contents, recorder)
    library.sqlite3_vfs_register(ctypes.byref(ours), 1)
    try:
        yield recorder
    finally:
        library.sqlite3_vfs_unregister(ctypes.byref(ours))
        library.sqlite3_vfs_register(first, 1)


def _copied(first: Vfs, recorder: Recorder) -> Vfs:
    ours = Vfs()
    ctypes.memmove(ctypes.byref(ours), ctypes.byref(first), ctypes.sizeof(Vfs))
    names: dict[int, str] = {}
    tables: dict[int, Methods] = {}
    note = recorder.done.append
    # the originals, by the addresses that they have now
    open_, delete = Open(_address(first.open)), Delete(_address(first.delete))

    def opened(vfs, name, file, flags, out):
        status = open_(vfs, name, file, flags, out)
        if status == 0 and name and flags & DATA_FILES:
            names[file] = _name(name)
            slot = ctypes.cast(file, POINTER(c_void_p))
            if slot[0] not in tables:
                tables[slot[0]] = table(slot[0])
            slot[0] = ctypes.addressof(tables[slot[0]])
        return status

    def deleted(vfs, name, sync_folder):
        note(("delete", _name(name)))
        return delete(vfs, name, sync_folder)

    def table(address):
        theirs = Methods.from_address(address)
        mine = Methods()
        ctypes.memmove(ctypes.byref(mine), address, ctypes.sizeof(Methods))
        write, truncate, sync = (
            Write(_address(theirs.write)),
            Truncate(_address(theirs.truncate)),
            Sync(_address(theirs.sync)),
        )

        def on_write(file, data, size, offset):
            note(("write", names[file], offset, ctypes.string_at(data, size)))
            return write(file, data, size, offset)

        def on_truncate(file, size):
            note(("truncate", names[file], size))
            return truncate(file, size)

        def on_sync(file, flags):
            status = sync(file, flags)
            note(("sync", names[file]))
            return status

        mine.write, mine.truncate, mine.sync = Write(on_write), Truncate(on_truncate), Sync(on_sync)
        return mine

    ours.name = b"recording"
    ours.open, ours.delete = Open(opened), Delete(deleted)
    ours.kept = (opened, deleted, tables)
    return ours


def _name(address: int) -> str:
    return Path(ctypes.string_at(address).decode()).name


def _address(function: object) -> int:
    return ctypes.cast(function, c_void_p).value or 0


class Disk:
    """One file's bytes: what is durable, and what was done since."""

    def __init__(self) -> None:
        self.durable = b""
        self.pending: list[tuple] = []

    def after(self, dice: random.Random | None) -> bytes:
        """Give the file with its pending changes: all of them, or by dice each kept, dropped or torn."""
        data = bytearray(self.durable)
        for change in self.pending:
            fate = dice.choice(("kept", "dropped", "torn")) if dice else "kept"
            if fate == "dropped":
                continue
            if change[0] == "truncate":
                del data[change[1] :]
                continue
            _, offset, piece = change
            if fate == "torn" and len(piece) > SECTOR_BYTES:
                piece = piece[: dice.randrange(len(piece) // SECTOR_BYTES) * SECTOR_BYTES]
            if len(data) < offset:
                data.extend(bytes(offset - len(data)))
            data[offset : offset + len(piece)] = piece
        return bytes(data)


def states(done: list[tuple], variants: int, seed: int = 1) -> Iterator[tuple[int, dict[str, bytes], list]]:
    """Give what a power cut after each operation can leave.

    Args:
        done: of a recorder that was there from the first byte.
        variants: how many random fates each moment gets, besides the one where every write was kept.
        seed: of the dice.

    Yields:
        The number of operations done, the files, and all that was acknowledged by then.
    """
    dice = random.Random(seed)
    disks: dict[str, Disk] = {}
    acknowledged: list = []
    for number, (what, *more) in enumerate(done, 1):
        if what == "ack":
            acknowledged.append(more[0])
        elif what == "delete":
            disks.pop(more[0], None)
        else:
            disk = disks.setdefault(more[0], Disk())
            if what == "sync":
                disk.durable, disk.pending = disk.after(None), []
            else:
                disk.pending.append((what, *more[1:]))
        for variant in range(1 + variants):
            yield number, {n: d.after(dice if variant else None) for n, d in disks.items()}, acknowledged
