"""`micropython` is there on CPython and changes nothing."""


def test_decorators_and_heap_do_nothing_that_can_be_seen(bench) -> None:
    assert bench.results("""
import micropython
from micropython import const
LIMIT = const(7)
@micropython.viper
def plus(a: int, b: int) -> int:
    return a + b
@micropython.native
def minus(a, b):
    return a - b
heard = []
say("limit", LIMIT)
say("plus", plus(2, 3))
say("minus", minus(2, 3))
micropython.heap_lock()
micropython.heap_unlock()
micropython.kbd_intr(-1)
micropython.schedule(heard.append, 4)
time.sleep_ms(5)
say("heard", heard)
""") == {"limit": 7, "plus": 5, "minus": -1, "heard": [4]}
