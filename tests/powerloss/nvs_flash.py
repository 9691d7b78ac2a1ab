"""The ESP32's non-volatile storage on a flash whose power can be cut, as far as blobs go: pages of 126 entries of 32 bytes.

Written after the published description of ESP-IDF's NVS. A blob is a header entry and its bytes, in one or several pieces, and
after them an index entry; only then the old index and the old pieces are marked as erased. Each entry has a state of two bits
in its page, which is programmed after the entry itself. A page that is full stays; when one empty page is left, the page with
the most erased entries is copied into it and erased. What a power cut left half done is tidied up when the storage is
opened. As in MicroPython's start, storage without a free page is erased as a whole.

`esp32` stands for the module of that name: `esp32.NVS(namespace)` is what is on the flash that was mounted last.
"""

import binascii
import struct

from nor import BLOCK_BYTES

_ENTRY = 32
_ENTRIES = 126
_EMPTY, _WRITTEN, _ERASED = 3, 2, 0
# a page's state is a word in which bits are cleared one after the other
_ACTIVE, _FULL, _FREEING = 0xFFFFFFFE, 0xFFFFFFFC, 0xFFFFFFF8
_DATA, _INDEX = 0x42, 0x48
_VERSIONS = (0, 0x80)  # of a blob's pieces: old and new never have the same numbers
_NOT_FOUND, _NO_SPACE, _KEY_TOO_LONG, _INVALID_LENGTH, _INVALID_NAME = -4354, -4357, -4361, -4364, -4358


class Page:
    """One page of the flash, which is one block."""

    def __init__(self, chip, block):
        self._chip = chip
        self.block = block
        self._base = block * BLOCK_BYTES
        head = chip.memory[self._base : self._base + 32]
        self.state, self.seq = struct.unpack("<II", head[:8])
        self.is_blank = (
            head == b"\xff" * 32 and chip.memory[self._base : self._base + BLOCK_BYTES] == b"\xff" * BLOCK_BYTES
        )
        crc = struct.pack("<I", binascii.crc32(bytes(head[4:28])))
        self.is_sound = self.state in (_ACTIVE, _FULL, _FREEING) and crc == bytes(head[28:])

    def begin(self, seq):
        """Make it the page that is written to."""
        head = struct.pack("<I", seq) + b"\xfe" + b"\xff" * 19
        self._chip.program(self._base, struct.pack("<I", _ACTIVE) + head + struct.pack("<I", binascii.crc32(head)))
        self.state, self.seq, self.is_blank, self.is_sound = _ACTIVE, seq, False, True

    def mark(self, state):
        """Go on to the next state of a page."""
        self._chip.program(self._base, struct.pack("<I", state))
        self.state = state

    def erase(self):
        """Erase it whole."""
        self._chip.erase(self.block)
        self.is_blank, self.is_sound = True, False

    def entry_state(self, n):
        """Give the state of entry `n`."""
        return (self._chip.memory[self._base + 32 + (n >> 2)] >> ((n & 3) * 2)) & 3

    def mark_entries(self, first, count, state):
        """Set the states of some entries, as one program."""
        low, high = first >> 2, (first + count - 1) >> 2
        at = self._base + 32 + low
        bits = bytearray(self._chip.memory[at : at + high - low + 1])
        for n in range(first, first + count):
            shift = (n & 3) * 2
            bits[(n >> 2) - low] &= 0xFF ^ ((3 ^ state) << shift)
        self._chip.program(at, bits)

    def raw(self, n, count=1):
        """Give the bytes of entries."""
        at = self._base + 64 + n * _ENTRY
        return bytes(self._chip.memory[at : at + count * _ENTRY])

    def write(self, n, data):
        """Program the bytes of entries."""
        self._chip.program(self._base + 64 + n * _ENTRY, data)

    def used(self):
        """Give how many entries, from the first on, cannot be written any more."""
        for n in range(_ENTRIES - 1, -1, -1):
            if self.entry_state(n) != _EMPTY:
                return n + 1
        return 0

    def erased(self):
        """Give how many entries are of no use any more."""
        return sum(self.entry_state(n) == _ERASED for n in range(_ENTRIES))

    def items(self):
        """Give what is in it: (first entry, span, kind, number, name, size or (size, pieces, first number))."""
        n = 0
        while n < _ENTRIES:
            if self.entry_state(n) != _WRITTEN:
                n += 1
                continue
            item = _parsed(self.raw(n))
            span = item[0]
            yield (n,) + item
            n += span

    def tidy(self):
        """Erase the entries that a power cut left half written."""
        n = 0
        while n < _ENTRIES:
            state = self.entry_state(n)
            if state == _EMPTY and self.raw(n) != b"\xff" * _ENTRY or state == 1:
                self.mark_entries(n, 1, _ERASED)
            elif state == _WRITTEN:
                item = _parsed(self.raw(n))
                span = item[0] if item else 1
                whole = item and all(self.entry_state(n + i) == _WRITTEN for i in range(span))
                if whole and item[1] == _DATA:
                    size, crc = struct.unpack("<HxxI", self.raw(n)[24:])
                    whole = binascii.crc32(self.raw(n + 1, span - 1)[:size]) == crc
                if not whole:
                    self.mark_entries(n, span if item else 1, _ERASED)
                    n += span
                    continue
                n += span
                continue
            n += 1

    def add(self, kind, number, name, data, tail):
        """Write an item behind the last one; `tail` are its eight own bytes."""
        n = self.used()
        span = 1 + (len(data) + _ENTRY - 1) // _ENTRY
        head = bytes((1, kind, span, number))
        rest = name + bytes(16 - len(name)) + tail
        self.write(n, head + struct.pack("<I", binascii.crc32(head + rest)) + rest)
        self.mark_entries(n, 1, _WRITTEN)
        if data:
            self.write(n + 1, data + b"\xff" * (-len(data) % _ENTRY))
            self.mark_entries(n + 1, span - 1, _WRITTEN)


def _parsed(raw):
    """Give (span, kind, number, name, what) of a head entry, None when it is damaged."""
    crc = binascii.crc32(raw[:4] + raw[8:])
    if struct.unpack("<I", raw[4:8])[0] != crc or raw[0] != 1 or not 1 <= raw[2] <= _ENTRIES:
        return None
    name = raw[8:24].rstrip(b"\0")
    if raw[1] == _INDEX:
        return raw[2], raw[1], raw[3], name, struct.unpack("<IBB", raw[24:30])
    return raw[2], raw[1], raw[3], name, struct.unpack("<H", raw[24:26])[0]


class Storage:
    """All pages of one chip, opened.

    Args:
        chip: a Nor.
    """

    def __init__(self, chip):
        self._chip = chip
        self._load()
        if not self._free:
            for page in self._every:
                page.erase()
            self._load()

    def _load(self):
        self._every = [Page(self._chip, block) for block in range(len(self._chip.memory) // BLOCK_BYTES)]
        for page in self._every:
            if not page.is_sound and not page.is_blank:
                page.erase()
        self._free = [page for page in self._every if not page.is_sound]
        self._pages = sorted([page for page in self._every if page.is_sound], key=lambda page: page.seq)
        for page in self._pages:
            page.tidy()
        self._finish_freeing()
        self._forget_orphans()

    def _finish_freeing(self):
        """Copy a page anew that was being copied when the power failed."""
        for page in self._pages:
            if page.state == _FREEING:
                newest = self._pages[-1]
                if newest.state == _ACTIVE and newest is not page:
                    newest.erase()
                    self._pages.remove(newest)
                    self._free.append(newest)
                self._move(page)
                return

    def _forget_orphans(self):
        """Of two indexes of a blob keep the later one, and erase pieces that no index knows."""
        known = {}
        for page in self._pages:
            for n, _, kind, _, name, what in page.items():
                if kind == _INDEX:
                    if name in known:
                        known[name][0].mark_entries(known[name][1], 1, _ERASED)
                    known[name] = (page, n, what)
        for page in self._pages:
            for n, span, kind, number, name, _ in page.items():
                if kind == _DATA:
                    _, count, first = known[name][2] if name in known else (0, 0, 0)
                    if not first <= number < first + count:
                        page.mark_entries(n, span, _ERASED)

    def _items(self, name, kind):
        return [(page, item) for page in self._pages for item in page.items() if item[4] == name and item[2] == kind]

    def read(self, name):
        """Give a blob, None when there is none."""
        if self._chip.power.dead:
            raise OSError(5)
        found = self._items(name, _INDEX)
        if not found:
            return None
        size, count, first = found[-1][1][5]
        pieces = {item[3]: page.raw(item[0] + 1, item[1] - 1)[: item[5]] for page, item in self._items(name, _DATA)}
        if any(first + n not in pieces for n in range(count)):
            return None
        blob = b"".join([pieces[first + n] for n in range(count)])
        return blob if len(blob) == size else None

    def write(self, name, blob):
        """Replace a blob: its pieces, its index, and then the old ones go."""
        if self.read(name) == blob:
            return
        old = self._items(name, _INDEX)
        first = _VERSIONS[0]
        if old and old[0][1][5][2] == first:
            first = _VERSIONS[1]
        count = at = 0
        while at < len(blob) or not count:
            room = self._room()
            if room < 2 or (not count and room * _ENTRY < len(blob) + _ENTRY and room < 13):
                self._new_page()
                continue
            piece = blob[at : at + (room - 1) * _ENTRY]
            tail = struct.pack("<HHI", len(piece), 0xFFFF, binascii.crc32(piece))
            self._pages[-1].add(_DATA, first + count, name, piece, tail)
            at += len(piece)
            count += 1
        if not self._room():
            self._new_page()
        self._pages[-1].add(_INDEX, 0xFF, name, b"", struct.pack("<IBBH", len(blob), count, first, 0xFFFF))
        self._drop(name, _VERSIONS[first == 0])

    def erase(self, name):
        """Take a blob away; tells whether there was one."""
        found = self._items(name, _INDEX)
        for _, item in found:
            self._drop(name, item[5][2])
        return bool(found)

    def _drop(self, name, first):
        """Mark a blob's index and then its pieces as erased."""
        for page, item in self._items(name, _INDEX):
            if item[5][2] == first:
                page.mark_entries(item[0], 1, _ERASED)
        for page, item in self._items(name, _DATA):
            if item[3] & 0x80 == first:
                page.mark_entries(item[0], item[1], _ERASED)

    def _room(self):
        if not self._pages or self._pages[-1].state != _ACTIVE:
            return 0
        return _ENTRIES - self._pages[-1].used()

    def _new_page(self):
        """Go on in another page; the last empty one takes what is left of the one with the most waste."""
        if self._pages and self._pages[-1].state == _ACTIVE:
            self._pages[-1].mark(_FULL)
        if len(self._free) == 1:
            worst = max(self._pages, key=lambda page: page.erased())
            if not worst.erased():
                raise OSError(_NO_SPACE, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
            self._activate()
            worst.mark(_FREEING)
            self._copy(worst)
            return
        self._activate()

    def _activate(self):
        if not self._free:
            raise OSError(_NO_SPACE, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        page = self._free.pop(0)
        page.begin(self._pages[-1].seq + 1 if self._pages else 0)
        self._pages.append(page)

    def _move(self, page):
        self._activate()
        self._copy(page)

    def _copy(self, page):
        """Copy what is left of a page into the newest and erase it."""
        for n, span, kind, number, name, what in page.items():
            data = page.raw(n + 1, span - 1)
            if kind == _DATA:
                data = data[:what]
            self._pages[-1].add(kind, number, name, data, page.raw(n)[24:])
        page.erase()
        self._pages.remove(page)
        self._free.append(page)


class esp32:
    """The module as the firmware imports it."""

    storage = None

    class Partition:
        """The pages under the storage, past what it knows of them."""

        TYPE_DATA = 1

        @staticmethod
        def find(type=0, label=""):
            """Give the one that there is."""
            return [esp32.Partition()] if (type, label) == (1, "nvs") else []

        def ioctl(self, op, arg):
            """Give the number of pages (4), or erase one (6)."""
            chip = esp32.storage._chip
            if op == 6:
                chip.erase(arg)
            return len(chip.memory) // BLOCK_BYTES if op == 4 else 0

    class NVS:
        """A name space; there is one only."""

        def __init__(self, namespace):
            if not 1 <= len(namespace) <= 15:
                raise OSError(_INVALID_NAME, "ESP_ERR_NVS_INVALID_NAME")

        def get_blob(self, key, buf):
            """Copy a blob into `buf`; gives its length."""
            blob = esp32.storage.read(_key(key))
            if blob is None:
                raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
            if len(blob) > len(buf):
                raise OSError(_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
            buf[: len(blob)] = blob
            return len(blob)

        def set_blob(self, key, value):
            """Set a blob; as on the chip it is on flash at once."""
            esp32.storage.write(_key(key), bytes(value))

        def erase_key(self, key):
            """Take a blob away."""
            if not esp32.storage.erase(_key(key)):
                raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")

        def commit(self):
            """There is nothing left to do."""


def _key(key):
    if not 1 <= len(key) <= 15:
        raise OSError(_KEY_TOO_LONG, "ESP_ERR_NVS_KEY_TOO_LONG")
    return key.encode()


def mount(chip):
    """Open the storage on a chip, and let `esp32` be it."""
    esp32.storage = Storage(chip)
