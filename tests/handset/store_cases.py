"""Runs on a board: two slots, damage of either, records of later firmware, a file system that lies."""

import os

from callcore import record
from callcore.errors import StoreError
from handset import store
from handset.store import Store

FACT = ("thing", 7)
KEY = b"k" * 32
A, B = "box/thing.a", "box/thing.b"


def fresh():
    for path in (A, B):
        try:
            os.remove(path)
        except OSError:
            pass
    return Store("box")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def reason_of(act):
    try:
        act()
    except StoreError as error:
        return error.reason
    return ""


def newer(blob):
    """The same record in a format of later firmware."""
    return blob[:4] + bytes((record.FORMAT + 1, (record.FORMAT + 1) ^ 0xFF)) + blob[6:]


def test_an_empty_store_says_so():
    assert reason_of(lambda: fresh().load(FACT)) == "record_missing"


def test_what_was_saved_is_loaded_by_another_store():
    for body in (b"", b"x", bytes(range(256)) * 16):
        box = fresh()
        box.save(FACT, body)
        assert box.load(FACT) == body == Store("box").load(FACT)


def test_saves_take_turns_and_the_newest_wins():
    box = fresh()
    for n in range(5):
        before = [record.unpack(read(path), 7) for path in (A, B)] if n > 1 else []
        box.save(FACT, b"%d" % n)
        assert box.load(FACT) == b"%d" % n
        if n > 1:
            kept = 1 - n % 2
            assert record.unpack(read((A, B)[kept]), 7) == before[kept]
            assert record.unpack(read(A if n % 2 == 0 else B), 7)[0] == n + 1


def test_facts_and_folders_are_apart():
    box = fresh()
    box.save(FACT, b"one")
    assert reason_of(lambda: box.load(("other", 7))) == "record_missing"
    assert reason_of(lambda: Store("elsewhere").load(FACT)) == "record_missing"


def test_the_current_folder_will_do():
    box = Store(".")
    box.save(("here", 1), b"x")
    assert read("here.a") and Store(".").load(("here", 1)) == b"x"
    box.forget(("here", 1))


def test_either_copy_may_be_damaged_at_every_byte():
    for path, left in ((A, b"second"), (B, b"first")):
        box = fresh()
        box.save(FACT, b"first", KEY)
        box.save(FACT, b"second", KEY)
        good = read(path)
        for at in range(len(good)):
            for bad in (good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :], good[:at]):
                write(path, bad)
                assert box.load(FACT, KEY) == left, at
        write(path, good + b"\0")
        assert box.load(FACT, KEY) == left


def test_both_damaged_is_an_error_until_something_is_saved():
    box = fresh()
    box.save(FACT, b"first")
    box.save(FACT, b"second")
    write(A, b"TinCgarbage")
    write(B, read(B)[:-1])
    assert reason_of(lambda: box.load(FACT)) == "record_damaged"
    box.save(FACT, b"third")
    assert box.load(FACT) == b"third"


def test_a_damaged_copy_is_what_the_next_save_replaces():
    for bad, kept in ((A, B), (B, A)):
        box = fresh()
        box.save(FACT, b"first")
        box.save(FACT, b"second")
        write(bad, b"nonsense")
        before = read(kept)
        box.save(FACT, b"third")
        assert read(kept) == before and box.load(FACT) == b"third"


def test_another_key_or_kind_is_damage():
    box = fresh()
    box.save(FACT, b"body", KEY)
    assert reason_of(lambda: box.load(FACT, b"x" * 32)) == "record_damaged"
    assert reason_of(lambda: box.load(FACT)) == "record_damaged"
    assert reason_of(lambda: box.load(("thing", 8), KEY)) == "record_damaged"


def test_a_sound_copy_beside_one_of_later_firmware_is_read_and_nothing_written():
    for path in (A, B):
        box = fresh()
        box.save(FACT, b"first")
        box.save(FACT, b"second")
        left = b"second" if path == A else b"first"
        write(path, newer(read(path)))
        before = read(A), read(B)
        assert box.load(FACT) == left
        assert reason_of(lambda box=box: box.save(FACT, b"third")) == "record_newer"
        assert (read(A), read(B)) == before


def test_one_copy_of_later_firmware_is_never_written_over():
    for path, other in ((A, None), (B, None), (A, b"damage"), (B, b"damage")):
        box = fresh()
        write(path, newer(record.pack(7, 9, b"from the future")))
        if other:
            write(B if path == A else A, other)
        assert reason_of(lambda box=box: box.load(FACT)) == "record_newer"
        assert reason_of(lambda box=box: box.save(FACT, b"mine")) == "record_newer"
        assert reason_of(lambda path=path: record.unpack(read(path), 7)) == "record_newer"


def test_forget_takes_both_and_may_be_repeated():
    box = fresh()
    box.save(FACT, b"first")
    box.save(FACT, b"second")
    box.forget(FACT)
    box.forget(FACT)
    assert reason_of(lambda: box.load(FACT)) == "record_missing"
    box.save(FACT, b"again")
    assert box.load(FACT) == b"again"


def test_no_folder_is_a_storage_error_that_names_the_file():
    box = Store("no/such/folder")
    try:
        box.save(FACT, b"x")
        raise AssertionError("it was saved")
    except StoreError as error:
        assert error.reason == "storage" and "no/such/folder/thing.a" in error.detail


class Liar:
    """A file system that writes something else than it was given."""

    def __init__(self, spoil):
        self._spoil = spoil

    def __call__(self, path, mode):
        if mode == "wb":
            return Spoilt(path, self._spoil)
        return open(path, mode)


class Spoilt:
    """A file open for writing whose content is spoilt on the way."""

    def __init__(self, path, spoil):
        self._file = open(path, "wb")  # noqa: SIM115 - it is a file itself
        self._spoil = spoil

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        self._file.write(self._spoil(data))


def test_what_reads_back_differently_is_not_stored_and_the_old_record_stands():
    for spoil in (lambda data: data[:-1], lambda data: b"", lambda data: data[:20] + b"?" + data[21:]):
        box = fresh()
        box.save(FACT, b"old old old old")
        store.open = Liar(spoil)
        try:
            assert reason_of(lambda box=box: box.save(FACT, b"new new new new")) == "storage"
        finally:
            del store.open
        assert box.load(FACT) == b"old old old old"
        box.save(FACT, b"new new new new")
        assert box.load(FACT) == b"new new new new"


def test_the_longest_body_fits_and_one_byte_more_does_not():
    box = fresh()
    box.save(FACT, b"x" * record.MAX_BODY_BYTES, KEY)
    assert box.load(FACT, KEY) == b"x" * record.MAX_BODY_BYTES
    try:
        box.save(FACT, b"x" * (record.MAX_BODY_BYTES + 1), KEY)
        raise AssertionError("it was saved")
    except Exception as error:
        assert type(error).__name__ == "LocalError"
    assert box.load(FACT, KEY) == b"x" * record.MAX_BODY_BYTES


def test_generations_go_on_from_the_newest():
    box = fresh()
    write(A, record.pack(7, 41, b"old"))
    write(B, record.pack(7, 40, b"older"))
    box.save(FACT, b"new")
    assert record.unpack(read(B), 7) == (42, b"new")


class Broken:
    """A file system that cannot read one file."""

    def __init__(self, path):
        self._path = path

    def __call__(self, path, mode):
        if path == self._path and mode == "rb":
            raise OSError(5)
        return open(path, mode)


def test_a_copy_that_cannot_be_read_counts_as_damaged_and_is_named():
    for path, left in ((A, b"second"), (B, b"first")):
        box = fresh()
        box.save(FACT, b"first")
        box.save(FACT, b"second")
        store.open = Broken(path)
        try:
            assert box.load(FACT) == left
            os.remove(B if path == A else A)
            box.load(FACT)
            raise AssertionError("it was loaded")
        except StoreError as error:
            assert error.reason == "storage" and path in error.detail
        finally:
            del store.open


def test_forget_takes_the_newest_last_and_says_when_it_cannot():
    for saves, last in ((1, A), (2, B), (3, A)):
        box = fresh()
        for n in range(saves):
            box.save(FACT, b"%d" % n, KEY)
        removed = []
        store.os = Remover(removed)
        try:
            box.forget(FACT, KEY)
            assert removed == [B if last == A else A, last]
            store.os = Remover(removed, 30)
            assert reason_of(lambda box=box: box.forget(FACT, KEY)) == "storage"
        finally:
            store.os = os


class Remover:
    """An `os` that only notes what is removed, or fails."""

    def __init__(self, removed, error=0):
        self._removed = removed
        self._error = error

    def remove(self, path):
        if self._error:
            raise OSError(self._error)
        self._removed.append(path)
