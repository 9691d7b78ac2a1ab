"""`esp32` of the emulated board: non-volatile storage in a file beside the board's flash.

What is set is lost unless `commit` is called, which is stricter than the chip and so finds what forgets it. If power fails
during `commit` a reader finds all of the old entries or all of the new ones: the file is replaced in one step. What was
replaced or erased stays readable in `nvs.old`, as on the chip until the page is erased, which `Partition` does.
"""

import binascii
import json
import os

from lines import outside

_NOT_FOUND = -4354
_TYPE_MISMATCH = -4355
_NOT_ENOUGH_SPACE = -4357
_INVALID_NAME = -4358
_KEY_TOO_LONG = -4361
_INVALID_LENGTH = -4364
_VALUE_TOO_LONG = -4366
_KEY_CHARACTERS = 15

# a page of 4,096 bytes holds 126 entries of 32; of six pages one stays free, so that what is left of another fits there
_ENTRY_BYTES = 32
_PAGE_ENTRIES = 126
_PAGES = 6
_MAX_ENTRIES = (_PAGES - 1) * _PAGE_ENTRIES
_MAX_BLOB_BYTES = _PAGES * 4096 * 976 // 1000 - 4000


def _path():
    return (os.getenv("TINCALL_BOARD") or "..") + "/nvs.json"


def _load():
    try:
        with outside.open(_path(), "r") as file:
            return json.load(file)
    except OSError:
        return {}


def _entries(entry):
    """Count the entries that a value takes: of a blob an index, and a head for each page it is spread over."""
    if entry[0] != "blob":
        return 1
    used = (len(entry[1]) // 2 + _ENTRY_BYTES - 1) // _ENTRY_BYTES
    return 1 + used + max(1, (used + _PAGE_ENTRIES - 2) // (_PAGE_ENTRIES - 1))


def _used(every):
    """Count the entries in use; each name space takes one, too."""
    return sum(1 + sum(_entries(entry) for entry in names.values()) for names in every.values())


def erase_if_full():
    """Erase everything if there is no free page, as the port does at power-up."""
    if _used(_load()) > _MAX_ENTRIES:
        Partition().ioctl(6, 0)


class NVS:
    """A name space of entries.

    Args:
        namespace: 1 to 15 characters.

    Raises:
        OSError: ESP-IDF's error number, negative, and its name, as on the chip.
    """

    def __init__(self, namespace):
        if not 1 <= len(namespace) <= _KEY_CHARACTERS:
            raise OSError(_INVALID_NAME, "ESP_ERR_NVS_INVALID_NAME")
        self._namespace = namespace
        # what was set or erased since the last commit: key to [type, text or number], None for erased
        self._changes = {}

    def set_i32(self, key, value):
        """Set a signed 32-bit integer."""
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError("value does not fit 32 bits")
        self._change(key, ["i32", value])

    def get_i32(self, key):
        """Give a signed 32-bit integer."""
        return self._find(key, "i32")

    def set_blob(self, key, value):
        """Set bytes."""
        self._change(key, ["blob", binascii.hexlify(value).decode()])

    def get_blob(self, key, buf):
        """Copy bytes into `buf`, which must be long enough; gives their number."""
        blob = binascii.unhexlify(self._find(key, "blob"))
        if len(blob) > len(buf):
            raise OSError(_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buf[: len(blob)] = blob
        return len(blob)

    def erase_key(self, key):
        """Take an entry away."""
        self._entry(key)
        self._changes[key] = None

    def commit(self):
        """Make every change since the last commit lasting."""
        every = _load()
        mine = every.setdefault(self._namespace, {})
        with outside.open(_path()[:-4] + "old", "a") as file:
            for key in self._changes:
                if key in mine:
                    file.write(json.dumps([self._namespace, key, mine[key]]) + "\n")
        for key, entry in self._changes.items():
            if entry is None:
                mine.pop(key, None)
            else:
                mine[key] = entry
        with outside.open(_path() + ".new", "w") as file:
            file.write(json.dumps(every))
        outside.rename(_path() + ".new", _path())
        self._changes = {}

    def _change(self, key, entry):
        if not 1 <= len(key) <= _KEY_CHARACTERS:
            raise OSError(_KEY_TOO_LONG, "ESP_ERR_NVS_KEY_TOO_LONG")
        if entry[0] == "blob" and len(entry[1]) // 2 > _MAX_BLOB_BYTES:
            raise OSError(_VALUE_TOO_LONG, "ESP_ERR_NVS_VALUE_TOO_LONG")
        # the old value goes only once the new one is there
        waiting = [other for name, other in self._changes.items() if other and name != key]
        every = _load()
        every.setdefault(self._namespace, {})
        if _used(every) + sum(_entries(other) for other in waiting) + _entries(entry) > _MAX_ENTRIES:
            raise OSError(_NOT_ENOUGH_SPACE, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        self._changes[key] = entry

    def _entry(self, key):
        entry = self._changes[key] if key in self._changes else _load().get(self._namespace, {}).get(key)
        if entry is None:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return entry

    def _find(self, key, kind):
        entry = self._entry(key)
        if entry[0] != kind:
            raise OSError(_TYPE_MISMATCH, "ESP_ERR_NVS_TYPE_MISMATCH")
        return entry[1]


class Partition:
    """A part of the flash; there is the one of the non-volatile storage, in pages of 4,096 bytes.

    Erasing any page erases all: which entry stands where is the chip's affair.
    """

    TYPE_APP = 0
    TYPE_DATA = 1

    @staticmethod
    def find(type=0, subtype=255, label=None):
        """Give the partitions of that type and label."""
        return [Partition()] if type == Partition.TYPE_DATA and label in (None, "nvs") else []

    def ioctl(self, op, arg):
        """Give the number of blocks (4) or their size (5), or erase one (6)."""
        if op == 6:
            for path in (_path(), _path()[:-4] + "old"):
                try:
                    outside.remove(path)
                except OSError:
                    pass  # erased before
        return {4: 6, 5: 4096}.get(op, 0)
