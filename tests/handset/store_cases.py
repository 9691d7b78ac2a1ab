"""Runs on a board: two copies, damage of either, places that fail, records of later firmware, healing."""

from callcore import record
from callcore.errors import LocalError, StoreError
from handset.places import Folder, Nvs
from handset.store import Store

FACT = ("thing", 7)
PLACES = (Nvs("box"), Folder("."))


def fresh(places=PLACES):
    for place in PLACES:
        place.remove("thing")
    return Store(places)


def read():
    """Give both copies as they lie there."""
    return [place.read("thing") for place in PLACES]


def held():
    """Give generation and body of both copies, None for one that is not sound."""
    found = []
    for blob in read():
        try:
            found.append(record.unpack(blob, 7))
        except StoreError:
            found.append(None)
    return found


def reason_of(act):
    try:
        act()
    except StoreError as error:
        return error.reason
    return ""


def newer(blob):
    """The same record in a format of later firmware."""
    return blob[:4] + bytes((record.FORMAT + 1, (record.FORMAT + 1) ^ 0xFF)) + blob[6:]


class Failing:
    """A place that fails as told.

    Args:
        place: the place behind it.

    Attributes:
        cannot: names of what raises an OSError: `read`, `write`, `remove`.
        spoil: what is done to a blob on its way.
        asked: what was asked of it, by name.
    """

    def __init__(self, place, *cannot):
        self._place = place
        self.where = place.where
        self.cannot = list(cannot)
        self.spoil = None
        self.asked = []

    def _ask(self, what):
        self.asked.append(what)
        if what in self.cannot:
            raise OSError(5)

    def read(self, name):
        self._ask("read")
        return self._place.read(name)

    def write(self, name, blob):
        self._ask("write")
        self._place.write(name, self.spoil(blob) if self.spoil else blob)

    def remove(self, name):
        self._ask("remove")
        self._place.remove(name)


def failing(at, *cannot):
    """Give the places, of which one fails, and that one."""
    bad = Failing(PLACES[at], *cannot)
    return [bad if at == n else PLACES[n] for n in range(2)], bad


def test_an_empty_store_says_so_and_writes_nothing():
    assert reason_of(lambda: fresh().load(FACT)) == "record_missing"
    assert read() == [b"", b""]


def test_what_was_saved_is_loaded_by_another_store_and_lies_twice():
    for body in (b"", b"x", bytes(range(256)) * 15):
        box = fresh()
        assert box.save(FACT, body) is True and box.fault is None
        assert box.load(FACT) == body == Store(PLACES).load(FACT)
        assert read() == [record.pack(7, 1, body)] * 2


def test_each_save_is_one_generation_in_both_places():
    box = fresh()
    for n in range(5):
        box.save(FACT, b"%d" % n)
        assert held() == [(n + 1, b"%d" % n)] * 2


def test_one_place_will_do():
    for place in PLACES:
        box = fresh([place])
        assert box.save(FACT, b"x") is True and Store([place]).load(FACT) == b"x"
        box.forget(FACT)
        assert reason_of(lambda box=box: box.load(FACT)) == "record_missing"


def test_facts_are_apart():
    box = fresh()
    box.save(FACT, b"one")
    assert reason_of(lambda: box.load(("other", 7))) == "record_missing"
    assert reason_of(lambda: box.load(("thing", 8))) == "record_damaged"


def test_the_staler_copy_is_written_first():
    for ahead in range(2):
        places = [Failing(place) for place in PLACES]
        fresh()
        PLACES[ahead].write("thing", record.pack(7, 9, b"new"))
        PLACES[1 - ahead].write("thing", record.pack(7, 8, b"old"))
        box = Store(places)
        places[1 - ahead].cannot.append("write")
        places[ahead].cannot.append("write")
        assert reason_of(lambda box=box: box.save(FACT, b"x")) == "storage"
        assert [("write" in place.asked) for place in places] == [True, True]
        places[1 - ahead].cannot.remove("write")
        places[ahead].asked.clear()
        places[ahead].cannot.append("read")
        assert box.save(FACT, b"x") is False
        assert Store(PLACES).load(FACT) == b"x"


def test_either_copy_may_be_damaged_at_every_byte_and_is_mended():
    good = record.pack(7, 1, b"some body")
    for place in PLACES:
        fresh().save(FACT, b"some body")
        for at in range(len(good)):
            for bad in (good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :], good[:at], good + b"\0"):
                place.write("thing", bad)
                box = Store(PLACES)
                assert box.load(FACT) == b"some body" and read() == [good, good], at
                assert box.fault is None if not bad else box.fault.reason == "record_damaged"


def test_an_older_copy_is_brought_up_to_date_by_the_first_load():
    for ahead in range(2):
        fresh()
        PLACES[ahead].write("thing", record.pack(7, 9, b"new"))
        PLACES[1 - ahead].write("thing", record.pack(7, 8, b"old"))
        box = Store(PLACES)
        assert box.load(FACT) == b"new" and held() == [(9, b"new")] * 2
        assert box.fault is None


def test_a_missing_copy_comes_back():
    for place in PLACES:
        fresh().save(FACT, b"body")
        place.remove("thing")
        box = Store(PLACES)
        assert box.load(FACT) == b"body" and held() == [(1, b"body")] * 2
        assert box.fault is None


def test_loading_what_is_whole_writes_nothing():
    fresh().save(FACT, b"body")
    places = [Failing(place) for place in PLACES]
    Store(places).load(FACT)
    assert [place.asked for place in places] == [["read"], ["read"]]


def test_a_copy_that_cannot_be_mended_is_told_and_the_other_serves():
    for at in range(2):
        fresh().save(FACT, b"body")
        PLACES[at].write("thing", b"nonsense")
        places, _ = failing(at, "write")
        box = Store(places)
        assert box.load(FACT) == b"body"
        assert box.fault.reason == "storage" and PLACES[at].where % "thing" in box.fault.detail


def test_both_damaged_is_an_error_until_something_is_saved():
    box = fresh()
    box.save(FACT, b"first")
    PLACES[0].write("thing", b"TinCgarbage")
    PLACES[1].write("thing", read()[1][:-1])
    assert reason_of(lambda: box.load(FACT)) == "record_damaged"
    assert box.save(FACT, b"third") is True
    assert box.load(FACT) == b"third"


def test_one_place_that_takes_nothing_is_told_and_the_other_has_it():
    for at in range(2):
        for spoil in (None, lambda blob: blob[:-1], lambda blob: b"", lambda blob: blob[:20] + b"?" + blob[21:]):
            fresh().save(FACT, b"old old old old")
            places, bad = failing(at, *([] if spoil else ["write"]))
            bad.spoil = spoil
            box = Store(places)
            assert box.save(FACT, b"new new new new") is False
            assert box.fault.reason == "storage" and PLACES[at].where % "thing" in box.fault.detail
            assert Store(PLACES).load(FACT) == b"new new new new"
            assert held() == [(2, b"new new new new")] * 2, "the next boot did not mend it"


def test_no_place_that_takes_anything_is_an_error_and_the_old_record_stands():
    fresh().save(FACT, b"old")
    places = [Failing(place, "write") for place in PLACES]
    box = Store(places)
    assert reason_of(lambda: box.save(FACT, b"new")) == "storage"
    assert box.load(FACT) == b"old" == Store(PLACES).load(FACT)


def test_a_copy_that_cannot_be_read_is_told_and_the_other_serves():
    for at in range(2):
        fresh().save(FACT, b"body")
        places, _ = failing(at, "read")
        box = Store(places)
        assert box.load(FACT) == b"body"
        assert box.fault.reason == "storage" and PLACES[at].where % "thing" in box.fault.detail
        PLACES[1 - at].remove("thing")
        assert reason_of(lambda box=box: box.load(FACT)) == "storage"


def test_a_copy_that_could_not_be_read_for_a_while_does_not_come_back_as_the_newest():
    for at in range(2):
        box = fresh()
        box.save(FACT, b"first")
        # it alone got the next ones, then it fell silent
        PLACES[at].write("thing", record.pack(7, 5, b"fifth"))
        places, _ = failing(at, "read", "write")
        assert Store(places).save(FACT, b"after") is False
        assert Store(PLACES).load(FACT) == b"after"


def test_a_sound_copy_beside_one_of_later_firmware_is_read_and_nothing_written():
    for at in range(2):
        box = fresh()
        box.save(FACT, b"first")
        PLACES[at].write("thing", newer(read()[at]))
        before = read()
        assert box.load(FACT) == b"first" and box.fault.reason == "record_newer"
        assert reason_of(lambda box=box: box.save(FACT, b"second")) == "record_newer"
        assert read() == before


def test_one_copy_of_later_firmware_is_never_written_over():
    for at in range(2):
        for other in (b"", b"damage"):
            box = fresh()
            PLACES[at].write("thing", newer(record.pack(7, 9, b"from the future")))
            PLACES[1 - at].write("thing", other)
            before = read()
            assert reason_of(lambda box=box: box.load(FACT)) == "record_newer"
            assert reason_of(lambda box=box: box.save(FACT, b"mine")) == "record_newer"
            assert read() == before


def test_forget_takes_both_and_may_be_repeated():
    box = fresh()
    box.save(FACT, b"first")
    box.forget(FACT)
    box.forget(FACT)
    assert read() == [b"", b""]
    assert reason_of(lambda: box.load(FACT)) == "record_missing"
    box.save(FACT, b"again")
    assert box.load(FACT) == b"again"


def test_forget_takes_the_newest_last_and_says_when_it_cannot():
    for ahead in range(2):
        fresh()
        PLACES[ahead].write("thing", record.pack(7, 9, b"new"))
        PLACES[1 - ahead].write("thing", record.pack(7, 8, b"old"))
        places = [Failing(place) for place in PLACES]
        places[ahead].cannot.append("remove")
        assert reason_of(lambda places=places: Store(places).forget(FACT)) == "storage"
        assert read()[1 - ahead] == b"" and Store(PLACES).load(FACT) == b"new"
        places[1 - ahead].cannot.append("remove")
        places[ahead].asked.clear()
        PLACES[1 - ahead].write("thing", record.pack(7, 8, b"old"))
        assert reason_of(lambda places=places: Store(places).forget(FACT)) == "storage"
        assert "remove" not in places[ahead].asked


def test_the_longest_body_fits_and_one_byte_more_does_not():
    box = fresh()
    assert box.save(FACT, b"x" * record.MAX_BODY_BYTES) is True
    try:
        box.save(FACT, b"x" * (record.MAX_BODY_BYTES + 1))
        raise AssertionError("it was saved")
    except LocalError:
        pass
    assert box.load(FACT) == b"x" * record.MAX_BODY_BYTES


def test_no_folder_leaves_the_other_place_and_is_told():
    PLACES[0].remove("thing")
    box = Store([PLACES[0], Folder("no/such/folder")])
    assert box.save(FACT, b"x") is False
    assert box.fault.reason == "storage" and "no/such/folder/thing.bin" in box.fault.detail
