"""Runs on a board: the coloured lamp shines or does not, by one frame of three bytes."""

from chips.ws2812 import Lamp


def test_it_shines_green_and_goes_dark():
    sent = []
    lamp = Lamp("pin", lambda *told: sent.append(told))
    lamp.value(1)
    lamp.value(0)
    assert [(pin, encoding) for pin, encoding, _, _ in sent] == [("pin", 0)] * 2
    lit, dark = [bytes(data) for _, _, _, data in sent]
    assert len(lit) == len(dark) == 3 and lit[0] > 0 and not any(lit[1:]) and not any(dark)
    # data sheet: a 0 is high for 400 ns, a 1 for 800, each 150 more or less
    t0h, t0l, t1h, t1l = sent[0][2]
    assert 250 <= t0h <= 550 and 650 <= t1h <= 950 and t0h + t0l >= 1100 and t1h + t1l >= 1100
