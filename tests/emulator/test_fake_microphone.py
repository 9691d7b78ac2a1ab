"""The receiving DMA: words of 32 bits of both sides, of which a program gets what it asked for, in buffers of 256 frames."""

LAB = """
import fake_microphone, fake_events, lines
sent = bytearray()
given = lost = 0
def take(buf, n):
    global given
    n = min(n, len(sent) - given)
    lines.move(buf, 0, sent, given, n)
    given += n
    return n
def overrun():
    global lost
    lost += 1
fake_microphone.take = take
fake_events.overrun = overrun
def speak(first, buffers=1):
    for value in range(first, first + buffers * 256):
        sent.extend(bytes((value & 255, value >> 8 & 255)))
def number(data, at, size):
    value = 0
    for i in range(size):
        value |= data[at + i] << 8 * i
    return value - (1 << 8 * size) if value >> 8 * size - 1 else value
def numbers(data, n, size):
    return [number(data, at, size) for at in range(0, n, size)]
from machine import I2S
import select
def opened(bits=16, format=I2S.MONO, ibuf=8192):
    mic = I2S(0, sck=None, ws=None, sd=None, mode=I2S.RX, bits=bits, format=format, rate=16000, ibuf=ibuf)
    poll = select.poll()
    poll.register(mic, select.POLLIN)
    poll.poll(0)
    return mic
buf = bytearray(8192)
def read(mic, n):
    part = bytearray(n)
    got = mic.readinto(part)
    buf[:got] = part[:got]
    return got
"""


def test_sound_before_the_opening_and_of_a_buffer_not_yet_full_is_not_given(bench) -> None:
    said = bench.results(
        LAB
        + """
speak(1)
mic = opened()
speak(1000)
whole, sent = sent, sent[:-2]
say("not full", read(mic, 512))
sent.extend(bytes(2))
say("full", [read(mic, 1024), number(buf, 0, 2)])
"""
    )
    assert said == {"not full": 0, "full": [512, 1000]}


def test_a_read_may_take_any_number_of_whole_frames(bench) -> None:
    said = bench.results(
        LAB
        + """
mic = opened()
speak(0, 2)
sizes, heard = [], []
for n in (2, 510, 100, 500, 100):
    sizes.append(read(mic, n))
    heard += numbers(buf, sizes[-1], 2)
say("sizes", sizes)
say("whole", heard == list(range(512)))
"""
    )
    # the fourth finds less than it wants, the fifth nothing
    assert said == {"sizes": [2, 510, 100, 412, 0], "whole": True}


def test_each_format_gives_what_the_driver_picks_of_both_words(bench) -> None:
    said = bench.results(
        LAB
        + """
def first(frames, **how):
    mic = opened(**how)
    speak(-2)
    n = how.get("bits", 16) // 8 * (2 if how.get("format") else 1)
    read(mic, 256 * n)
    return numbers(buf, n * frames, how.get("bits", 16) // 8)
say("mono 16", first(3))
say("mono 32", first(3, bits=32))
say("stereo 16", first(2, format=I2S.STEREO))
say("stereo 32", first(2, bits=32, format=I2S.STEREO))
fake_microphone.side = 1
say("right 16", first(2))
say("right stereo", first(2, format=I2S.STEREO))
fake_microphone.side = 0
fake_microphone.shift = 12
say("quiet 32", first(3, bits=32))
say("quiet 16", first(3))
"""
    )
    one = 1 << 16
    assert said == {
        "mono 16": [-2, -1, 0],
        "mono 32": [-2 * one, -one, 0],
        "stereo 16": [-2, 0, -1, 0],
        "stereo 32": [-2 * one, 0, -one, 0],
        # a microphone wired to the right side is silence to who reads mono
        "right 16": [0, 0],
        "right stereo": [0, -2, 0, -1],
        "quiet 32": [-2 << 12, -1 << 12, 0],
        # 16 bits are the upper half, whatever is in it
        "quiet 16": [-1, -1, 0],
    }


def test_the_oldest_of_what_waits_is_thrown_away(bench) -> None:
    said = bench.results(
        LAB
        + """
mic = opened(ibuf=8192)
speak(0, 10)
n = read(mic, 8192)
say("kept", [n, number(buf, 0, 2), number(buf, n - 2, 2), lost])
mic = opened(ibuf=1)
speak(5000, 3)
n = read(mic, 8192)
say("fewest", [n, number(buf, 0, 2)])
"""
    )
    assert said == {"kept": [3 * 512, 7 * 256, 2559, 7], "fewest": [512, 5512]}


def test_a_buffer_half_read_is_written_over_when_its_turn_comes(bench) -> None:
    said = bench.results(
        LAB
        + """
mic = opened(ibuf=4096)
speak(0)
read(mic, 256)
speak(1000, 2)
read(mic, 256)
say("torn", [number(buf, 0, 2), lost])
"""
    )
    # of two buffers, the first came round as the third; its second half is of then
    assert said == {"torn": [1000 + 256 + 128, 1]}
