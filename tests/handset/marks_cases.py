"""Runs on a board: a counter that never gives a number twice, and a time floor that never falls."""

from callcore.errors import StoreError
from handset.marks import MARKS, RESERVE, Marks
from handset.places import Folder, Nvs
from handset.store import Store

PLACES = (Nvs("marks"), Folder("."))
DAY_S = 86400
NOW_S = 1790000000


def fresh():
    box = Counting(PLACES)
    box.forget(MARKS)
    return box


def fault_of(act):
    try:
        act()
    except StoreError as error:
        return error.reason
    raise AssertionError("no error")


class Counting(Store):
    """A store that counts what is written and can refuse."""

    written = 0
    full = False

    def save(self, fact, body):
        if self.full:
            raise StoreError("storage", "no room")
        self.written += 1
        return Store.save(self, fact, body)


def test_numbers_go_up_one_by_one():
    marks = Marks(fresh())
    assert [marks.draw() for _ in range(200)] == list(range(1, 201))


def test_a_reset_skips_numbers_and_repeats_none():
    box = fresh()
    last = 0
    for draws in (0, 1, 3, RESERVE - 1, RESERVE, RESERVE + 1, 2 * RESERVE, 5):
        marks = Marks(box)
        for _ in range(draws):
            number = marks.draw()
            assert number > last
            last = number
        assert last <= 1000


def test_sixty_four_numbers_cost_one_write():
    box = fresh()
    marks = Marks(box)
    assert box.written == 0
    for n in range(3):
        for _ in range(RESERVE):
            marks.draw()
        assert box.written == n + 1


def test_both_copies_have_the_ceiling_before_a_number_below_it_is_used():
    box = fresh()
    marks = Marks(box)
    for _ in range(3 * RESERVE):
        last = marks.draw()
        for place in PLACES:
            assert Marks(Store([place])).draw() > last or last % RESERVE


def test_a_number_whose_ceiling_could_not_be_written_is_not_given():
    box = fresh()
    marks = Marks(box)
    for _ in range(RESERVE):
        marks.draw()
    box.full = True
    for _ in range(3):
        assert fault_of(marks.draw) == "storage"
    box.full = False
    assert marks.draw() == RESERVE + 1


def test_either_copy_may_rot_and_no_number_comes_twice():
    for draws in (1, RESERVE, RESERVE + 1, 3 * RESERVE):
        for place in PLACES:
            box = fresh()
            marks = Marks(box)
            for _ in range(draws):
                last = marks.draw()
            place.write("marks", b"?" + place.read("marks")[1:])
            assert Marks(Store(PLACES)).draw() > last, draws


def test_marks_rotten_in_both_copies_are_an_error():
    box = fresh()
    Marks(box).draw()
    for place in PLACES:
        place.write("marks", place.read("marks")[:-1])
    assert fault_of(lambda: Marks(box)) == "record_damaged"


def test_what_is_no_marks_is_damaged():
    for body in (b"", b"twelve", b"1", b"1 2 3", b"1 2.5", b"\xff\xff 1"):
        box = fresh()
        box.save(MARKS, body)
        assert fault_of(lambda box=box: Marks(box)) == "record_damaged", body


def test_the_floor_rises_and_never_falls():
    marks = Marks(fresh())
    assert marks.floor_s == 0
    marks.raise_floor(NOW_S)
    marks.raise_floor(NOW_S - 5)
    assert marks.floor_s == NOW_S
    marks.raise_floor(NOW_S + 5)
    assert marks.floor_s == NOW_S + 5


def test_the_floor_is_written_once_a_day_and_with_each_reservation():
    box = fresh()
    marks = Marks(box)
    marks.raise_floor(NOW_S)
    assert box.written == 1 and Marks(box).floor_s == NOW_S
    for more_s in range(0, DAY_S, 3600):
        marks.raise_floor(NOW_S + more_s)
    assert box.written == 1 and Marks(box).floor_s == NOW_S
    marks.raise_floor(NOW_S + DAY_S)
    assert box.written == 2 and Marks(box).floor_s == NOW_S + DAY_S
    marks.raise_floor(NOW_S + DAY_S + 7)
    marks.draw()
    assert box.written == 3 and Marks(box).floor_s == NOW_S + DAY_S + 7
    marks.raise_floor(NOW_S + 2 * DAY_S)
    assert box.written == 3


def test_neither_goes_back_by_the_other():
    box = fresh()
    for _ in range(3):
        marks = Marks(box)
        last = marks.draw()
        marks.raise_floor(marks.floor_s + DAY_S)
    marks = Marks(box)
    assert marks.draw() > last and marks.floor_s == 3 * DAY_S


def test_a_floor_that_cannot_be_written_is_raised_all_the_same_and_tried_again():
    box = fresh()
    marks = Marks(box)
    box.full = True
    assert fault_of(lambda: marks.raise_floor(NOW_S)) == "storage"
    assert marks.floor_s == NOW_S
    box.full = False
    marks.raise_floor(NOW_S + 1)
    assert Marks(box).floor_s == NOW_S + 1
