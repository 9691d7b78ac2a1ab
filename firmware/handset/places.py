"""The two places in which a board keeps a copy of each record: a file of littlefs, and a blob of the chip's own storage (NVS).

A place keeps blobs by name; a name has at most 15 characters, a blob at most 4,000 bytes. `read` gives the blob, empty when
there is none; what `write` wrote and `remove` removed is so for good when they return. All of them raise OSError. If power
fails during one of them, a reader finds the old blob, the new one, or damage, which the record's seal tells.
"""

import errno
import os

from callcore import record
from callcore.compat import const
from callcore.errors import StoreError

_NOT_FOUND = const(-4354)  # ESP_ERR_NVS_NOT_FOUND


class Folder:
    """Blobs as files of a folder.

    Args:
        path: a folder that is there.

    Attributes:
        where: what a blob is called for people, with `%s` for its name; here the path of its file.
    """

    def __init__(self, path):
        self.where = path.rstrip("/") + "/%s.bin"

    def read(self, name):
        """Give a blob, or nothing."""
        try:
            with open(self.where % name, "rb") as file:
                return file.read(record.MAX_BYTES + 1)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return b""
            raise

    def write(self, name, blob):
        """Replace a blob; littlefs makes it last, whole, when the file is closed."""
        with open(self.where % name, "wb") as file:
            file.write(blob)

    def remove(self, name):
        """Take a blob away, if it is there."""
        try:
            os.remove(self.where % name)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise


class Nvs:
    """Blobs in the ESP32's non-volatile storage.

    Args:
        namespace: at most 15 characters.

    Attributes:
        where: as in `Folder`.
    """

    def __init__(self, namespace):
        self.where = "NVS " + namespace + "/%s"
        self._namespace = namespace
        self._opened = None

    def read(self, name):
        """Give a blob, or nothing."""
        buf = bytearray(record.MAX_BYTES)
        try:
            return bytes(buf[: self._nvs().get_blob(name, buf)])
        except OSError as error:
            if error.errno == _NOT_FOUND:
                return b""
            raise

    def write(self, name, blob):
        """Replace a blob."""
        nvs = self._nvs()
        nvs.set_blob(name, blob)
        nvs.commit()

    def remove(self, name):
        """Take a blob away, if it is there."""
        nvs = self._nvs()
        try:
            nvs.erase_key(name)
        except OSError as error:
            if error.errno != _NOT_FOUND:
                raise
        nvs.commit()

    def _nvs(self):
        """Open it when it is first used, so that a store that fails is a place that fails."""
        if self._opened is None:
            import esp32

            self._opened = esp32.NVS(self._namespace)
        return self._opened


def open_places(board):
    """Give the places of a board, the folder made if need be; without NVS there is one only.

    Args:
        board: its data, of which `FLASH` and `NVS` are used.

    Raises:
        StoreError: `storage`: the flash is formatted as FAT, which loses files when power fails.
    """
    if file_system(board.FLASH) == "<VfsFat>":
        raise StoreError("storage", "%s is FAT, which a power cut can ruin; format it as littlefs" % board.FLASH)
    try:
        os.mkdir(board.FLASH)
    except OSError:
        pass  # it is there; if it could not be made, the first save says so
    places = [Folder(board.FLASH)]
    try:
        import esp32  # noqa: F401 - whether there is one

        places.insert(0, Nvs(board.NVS))
    except ImportError:
        pass
    return places


def has_file(path):
    """Tell whether there is a file of that name, and a file system that tells."""
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def file_system(path):
    """Name the file system under `path`, such as `<VfsLfs2>`; `os.statvfs` looks the same on all. Empty: not MicroPython's."""
    try:
        import vfs
    except ImportError:
        return ""
    path = (os.getcwd() if path.startswith(".") else path) + "/"
    found = longest = ""
    for system, at in vfs.mount():
        if path.startswith(at) and len(at) > len(longest):
            found, longest = str(system), at
    return found
