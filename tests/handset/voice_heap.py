"""Runs on MicroPython: a call's voice loops over a real TLS link with the heap locked, for some hundred frames.

    micropython voice_heap.py PORT ANCHOR CODEC [silence] [allocate] [open [sweep]]

The microphone's half seconds are loud and silent in turns, each 17th packet is lost on its way back, level and echo are
governed, so that every part of the path has its turn. With `silence` only speech is sent. With `allocate` the
encoder allocates once per frame; the run must then fail, which shows that it could. With `open` the heap is not locked, and a
large object that nobody holds shows that nothing swept it; with `sweep` the call does not ask for that.
"""

import asyncio
import gc
import sys

import micropython

from handset import clock, heap, link, tls, voice

FRAMES = 150
LITTER_BYTES = 20000


class Tone:
    """A microphone that always has 20 ms more, on the clock: 25 frames loud, 25 silent."""

    def __init__(self):
        self._next_ms = clock.now_ms()
        self._block = bytearray(bytes(range(256)) * 2 + bytes(128))
        self._silence = bytearray(640)
        self.given = 0

    def readinto(self, buf):
        if clock.now_ms() < self._next_ms:
            return 0
        self._next_ms += 20
        block = self._block if self.given % 50 < 25 else self._silence
        self.given += 1
        for i in range(640):
            buf[i] = block[i]
        return 640

    def deinit(self):
        pass


class Ear:
    """A speaker that takes 20 ms each 20 ms."""

    def __init__(self):
        self._next_ms = clock.now_ms()
        self.taken = 0

    def write(self, buf, off, n):
        if clock.now_ms() < self._next_ms:
            return 0
        self._next_ms += 20
        self.taken += 1
        return n

    def deinit(self):
        pass


class Spoiled:
    """A coder that allocates."""

    def __init__(self, coder):
        self._coder = coder
        self.decode = coder.decode

    def encode(self, src, soff, dst, doff, n):
        bytearray(1)
        return self._coder.encode(src, soff, dst, doff, n)


def spoil(sound):
    sound._up._coder = Spoiled(sound._up._coder)


async def main():
    with open(sys.argv[2], "rb") as file:
        anchor = file.read()
    stream = await tls.connect("127.0.0.1", int(sys.argv[1]), "localhost", anchor, 5000)
    rest = await link.upgrade(stream, "/v1/link", "localhost", "token", 5000)
    sounds = []
    came = bytearray(1)

    def media(buf, off, n):
        came[0] = (came[0] + 1) % 17
        if came[0]:
            sounds[0].take(buf, off, n, clock.now_ms())

    line = link.Link(stream, rest, print, media)
    choice = {
        "codec": sys.argv[3],
        "ptime": 20,
        "ssrc": 0x89ABCDEF,
        "remote_ssrc": 0x89ABCDEF,
        "cn": "silence" in sys.argv,
    }
    tone = Tone()
    ear = Ear()
    sound = voice.Voice(line, tone, ear, choice, 65500, 0xFFFFF000, 40, 40, agc=True, echo=True)
    sounds.append(sound)
    if "allocate" in sys.argv:
        spoil(sound)
    moving = asyncio.create_task(line.run())
    sound.start()
    await clock.sleep_ms(500)
    up, down = tone.given, ear.taken
    is_open = "open" in sys.argv
    if "sweep" in sys.argv:
        gc.collect()
        heap.often()
    else:
        heap.never()
    nap = clock.sleep_ms(FRAMES * 20)
    if is_open:
        bytearray(LITTER_BYTES)
    before = gc.mem_alloc()
    if not is_open:
        micropython.heap_lock()
    await nap
    if not is_open:
        micropython.heap_unlock()
    grown = gc.mem_alloc() - before
    up = tone.given - up
    down = ear.taken - down
    alive = not moving.done() and not any(task.done() for task in sound._tasks)
    sound.stop()
    told, heard = sound.figures()
    fates = " ".join("%s %d" % pair for pair in sorted(heard.items()))
    print("up %d down %d grown %d alive %s silent %d %s" % (up, down, grown, alive, told["silent"], fates))
    ok = alive and abs(grown) <= 64 and up > FRAMES * 9 // 10 and down > FRAMES * 9 // 10
    sys.exit(0 if ok else 1)


asyncio.run(main())
