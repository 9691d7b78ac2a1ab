"""I2S has the manners of the ESP32 port: blocking until polled, one object per peripheral, its errors."""

OPEN = """
import select
from machine import I2S, Pin
def opened(id, mode, **more):
    settings = {"bits": 16, "format": I2S.MONO, "rate": 8000, "ibuf": 3200}
    settings.update(more)
    return I2S(id, sck=Pin(1), ws=Pin(2), sd=Pin(3), mode=mode, **settings)
def errno_of(call, *args):
    try:
        call(*args)
    except OSError as error:
        return error.errno
"""


def test_it_blocks_until_it_is_polled(bench) -> None:
    said = bench.results(
        OPEN
        + """
mic = opened(0, I2S.RX)
start = time.ticks_ms()
say("whole", mic.readinto(bytearray(1600)))
say("waited", time.ticks_diff(time.ticks_ms(), start) >= 90)
poll = select.poll()
poll.register(mic, select.POLLIN)
poll.poll(0)
mic.readinto(bytearray(3200))
say("part", mic.readinto(bytearray(3200)) < 3200)
spk = opened(1, I2S.TX, ibuf=160)
start = time.ticks_ms()
say("all", spk.write(bytearray(1600)))
# two buffers of 32 ms: the third begins when two were played
say("played", time.ticks_diff(time.ticks_ms(), start) >= 60)
poll = select.poll()
poll.register(spk, select.POLLOUT)
poll.poll(0)
spk.write(bytearray(960))
say("some", spk.write(bytearray(960)) < 960)
"""
    )
    assert said == {"whole": 1600, "waited": True, "part": True, "all": 1600, "played": True, "some": True}


def test_misuse_has_the_ports_errors(bench) -> None:
    said = bench.results(
        OPEN
        + """
mic = opened(0, I2S.RX)
spk = opened(1, I2S.TX)
say("write", errno_of(mic.write, bytearray(2)))
say("read", errno_of(spk.readinto, bytearray(2)))
say("odd", errno_of(mic.readinto, bytearray(3)))
say("id", kind_of(lambda: opened(2, I2S.RX)))
say("bits", kind_of(lambda: opened(0, I2S.RX, bits=24)))
say("format", kind_of(lambda: opened(0, I2S.RX, format=2)))
say("mode", kind_of(lambda: opened(0, 7)))
spk.deinit()
spk.deinit()
say("ended", errno_of(spk.write, bytearray(2)))
import fake_i2s
fake_i2s.ports = 1
say("one port", kind_of(lambda: opened(1, I2S.TX)))
"""
    )
    value = "ValueError"
    wrong = {"id": value, "bits": value, "format": value, "mode": value, "one port": value}
    assert said == {"write": 1, "read": 1, "odd": 22, "ended": -258, **wrong}


def test_a_second_object_of_a_peripheral_ends_the_first_and_is_the_same(bench) -> None:
    said = bench.results(
        OPEN
        + """
first = opened(0, I2S.RX)
second = opened(0, I2S.TX)
say("read", errno_of(first.readinto, bytearray(2)))
say("write", first.write(bytearray(512)))
first.deinit()
say("ended", errno_of(second.write, bytearray(2)))
"""
    )
    assert said == {"read": 1, "write": 512, "ended": -258}
    told = [event["ev"] for event in bench.events if event["ev"].startswith(("mic", "spk"))]
    # the two devices tell of themselves by pipes of their own
    assert [name for name in told if name.startswith("mic")] == ["mic_open", "mic_close"]
    assert [name for name in told if name in ("spk_open", "spk_close")] == ["spk_open", "spk_close"]


def test_what_is_not_fetched_in_time_is_lost_and_counted(bench) -> None:
    said = bench.results(
        OPEN
        + """
mic = opened(0, I2S.RX, ibuf=8192)
select_poll = select.poll()
select_poll.register(mic, select.POLLIN)
time.sleep_ms(500)
select_poll.poll(0)
say("kept", mic.readinto(bytearray(6400)))
time.sleep_ms(20)
"""
    )
    # of 500 ms, 15 buffers of 32 ms, four minus one are kept
    assert said == {"kept": 1536}
    assert bench.outcome.overruns >= 10
