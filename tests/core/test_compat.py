"""The seam between the interpreters: the ring of times, strict JSON, viper's names."""

from array import array

from callcore import compat
from callcore.compat import MICROPYTHON, const, json_loads, micropython, ptr8, ptr16, ptr32, ticks_add, ticks_diff, uint

RING = 1 << 30
HALF = 1 << 29


@micropython.viper
def mixed(buf: object, words: object) -> int:
    """What viper code of callcore does: views of several widths over buffers it was given."""
    p = ptr8(buf)
    h = ptr16(buf)
    w = ptr32(words)
    w[0] = uint(int(w[0]) + 2)
    return (int(p[3]) << 16) | int(h[0])


def test_differences_in_the_ring():
    for later, earlier, difference in (
        (0, 0, 0),
        (5, 3, 2),
        (3, 5, -2),
        (0, RING - 1, 1),
        (RING - 1, 0, -1),
        (10, RING - 10, 20),
        (RING - 10, 10, -20),
        (HALF - 1, 0, HALF - 1),
        (0, HALF - 1, 1 - HALF),
        (HALF, 0, -HALF),
        (0, HALF, -HALF),
    ):
        assert ticks_diff(later, earlier) == difference, (later, earlier)


def test_a_sum_stays_in_the_ring_and_its_difference_is_what_was_added():
    for time_ms in (0, 1, HALF - 1, HALF, HALF + 1, RING - 20, RING - 1):
        for delta_ms in (0, 1, 19, 20, 21, 60000, HALF - 1):
            moved = ticks_add(time_ms, delta_ms)
            assert 0 <= moved < RING
            assert ticks_diff(moved, time_ms) == delta_ms
            assert moved == (time_ms + delta_ms) % RING


def test_const_is_the_number():
    assert const(7) == 7


def test_views_of_a_buffer():
    buf = bytearray(b"\x34\x12\xff\x56")
    words = array("I", [0xFFFFFFFF])
    assert mixed(buf, words) == 0x561234
    assert words[0] == 1
    assert mixed(memoryview(buf), words) == 0x561234
    assert words[0] == 3


def test_json_of_every_kind():
    assert json_loads('{"a": [1, -2.5, "x", true, null]}') == {"a": [1, -2.5, "x", True, None]}
    assert json_loads("7") == 7


def refused(text):
    try:
        json_loads(text)
    except ValueError:
        return True
    return False


def test_what_is_no_json():
    for text in ("", "NaN", "[Infinity]", "-Infinity", "{}x", "'a'", "tru", "-"):
        assert refused(text), text


if not MICROPYTHON:

    def test_what_only_cpython_can_refuse():
        for text in (
            "{",
            "[1,]",
            "[1 2]",
            "01",
            '{"a":1,"a":1}',
            '[{"b":{"a":1,"a":2}}]',
            "1e999",
            "[-1e400]",
            "1" * 5000,
        ):
            assert refused(text), text[:20]
        assert json_loads("1e300") == 1e300

    def test_deep_nesting_is_an_error_of_the_text_not_of_the_interpreter():
        assert refused("[" * 4096)
        assert refused('{"a":' * 800 + "[" * 800)

    def test_views_are_of_the_machine_and_share_memory():
        store = bytearray(8)
        ptr16(store)[1] = 0x0102
        ptr32(store)[1] = 0x03040506
        assert sorted(store) == [0, 0, 1, 2, 3, 4, 5, 6]
        assert ptr8(array("H", [0x0101]))[1] == 1
        assert uint(-1) == 0xFFFFFFFF


if MICROPYTHON:
    import micropython as upy

    def under_lock(last, longest):
        upy.heap_lock()
        try:
            for _ in range(3):
                ticks_diff(3, last)
                ticks_diff(last, 3)
                ticks_add(last, longest)
                ticks_add(0, 0)
        finally:
            upy.heap_unlock()

    def test_times_take_no_heap():
        under_lock(RING - 1, HALF - 1)
        assert compat.HALF_RING_MS == HALF
