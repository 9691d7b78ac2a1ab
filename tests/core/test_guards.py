"""Guards around every buffer that machine code touches: nothing beside them is written, and nothing beside them is read.

Viper checks no bound. Each viper function of callcore that takes a buffer has a case here, which runs it on buffers that stand
within larger ones, at every offset that is allowed, with the least and the most it may be asked for. A case runs three times
with other bytes around: what it leaves must be the same, and what is around must be as it was. The functions are read from
the sources, so one without a case fails.
"""

import os
from array import array

import callcore
from callcore import comfort, dvi4, g711, g722, level, mask, media, pcm, plc, vad, wire
from callcore.downlink import Downlink
from callcore.packetizer import Packetizer
from callcore.uplink import Uplink

AROUND = 48  # bytes on each side, a multiple of all widths
BYTES_AROUND = (0x00, 0xFF, 0xA5)
KINDS = ("random", "square", "low", "zero")


class Random:
    """Numbers that are the same on every interpreter."""

    def __init__(self, seed):
        self._state = seed

    def below(self, n):
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % n

    def bytes(self, n):
        return bytes([self.below(256) for _ in range(n)])


class Ring:
    """Buffers within larger ones, the rest of which is full of one byte, another one for each buffer."""

    def __init__(self, around):
        self._around = around
        self._rooms = []

    def room(self, inner, shift=0):
        """Put the bytes `inner` between guards, `shift` bytes further on; gives the whole buffer and where they start."""
        first = AROUND + shift
        guard = self._guard()
        buf = bytearray(guard[:1] * first + inner + guard)
        self._rooms.append((buf, first, first + len(inner), guard[0]))
        return buf, first

    def words(self, kind, values):
        """Put words between guards; gives a view of them alone, for what is handed over without an offset."""
        whole = bytes(array(kind, values))
        width = len(whole) // len(values)
        guard = self._guard()
        more = array(kind, guard + whole + guard)
        self._rooms.append((more, AROUND, AROUND + len(whole), guard[0]))
        return memoryview(more)[AROUND // width : AROUND // width + len(values)]

    def view(self, size):
        """Put `size` bytes of nought between guards; gives a view of them alone."""
        buf, first = self.room(bytes(size))
        return memoryview(buf)[first : first + size]

    def left(self):
        """Give what stands in all buffers, after a look at what is around them."""
        found = []
        for buf, first, end, guard in self._rooms:
            data = bytes(buf)
            bad = [k - first for k in range(len(data)) if not first <= k < end and data[k] != guard]
            assert not bad, (len(found), end - first, bad)
            found.append(data[first:end])
        return found

    def _guard(self):
        return bytes([self._around + len(self._rooms) * 37 & 255]) * AROUND


def sound(random, kind, samples):
    """PCM that is hard on whoever adds it up."""
    if kind == "random":
        return random.bytes(samples * 2)
    if kind == "square":
        return bytes(array("h", [32767 if k // 20 % 2 else -32768 for k in range(samples)]))
    return (b"\x00\x80" if kind == "low" else b"\x00\x00") * samples


def same(work, seed=1):
    """Run `work(random, ring)` within other bytes each time; gives what is left."""
    left = None
    for around in BYTES_AROUND:
        ring = Ring(around)
        result = work(Random(seed), ring)
        now = (result, ring.left())
        assert left is None or left == now, "it read what stands beside its buffer"
        left = now
    return left


def untouched(left, index, was):
    assert left[1][index] == bytes(was), "it wrote into what it should read only"


# --- the cases; `index` below is that of a room in the order of making


def transcode(work, samples_of, bytes_of, to_sound, sizes, in_step=1, out_step=1):
    """A function (src, soff, dst, doff, n) between sound and codes."""
    for kind in KINDS:
        for n in sizes:
            for shift in range(0, 4, in_step):
                for other in range(0, 4, out_step):
                    src = Random(n).bytes(bytes_of(n)) if to_sound else sound(Random(n), kind, samples_of(n))
                    size = samples_of(n) * 2 if to_sound else bytes_of(n)

                    def once(random, ring, src=src, size=size, n=n, shift=shift, other=other):
                        one, soff = ring.room(src, shift)
                        two, doff = ring.room(bytes(size), other)
                        return work(one, soff, two, doff, n)

                    untouched(same(once), 0, src)


def law(encode, decode):
    sizes = (0, 1, 2, 3, 160)
    transcode(encode, lambda n: n, lambda n: n, False, sizes, in_step=2)
    transcode(decode, lambda n: n, lambda n: n, True, sizes, out_step=2)


def case_alaw():
    law(g711.alaw_encode, g711.alaw_decode)


def case_ulaw():
    law(g711.ulaw_encode, g711.ulaw_decode)


def case_swap():
    transcode(pcm.swap, lambda n: n, lambda n: n * 2, False, (0, 1, 2, 320), out_step=2)
    transcode(pcm.swap, lambda n: n, lambda n: n * 2, True, (0, 1, 320), out_step=2)


def case_down():
    for kind in KINDS:
        for n in (2, 4, 320, 640):
            for shift in (0, 2):
                src = sound(Random(n), kind, n * 3)

                def once(random, ring, src=src, n=n, shift=shift):
                    state = ring.words("H", pcm.down_state(n))
                    one, soff = ring.room(src, shift)
                    two, doff = ring.room(bytes(n), shift ^ 2)
                    return [
                        pcm.resample(soff + k * n * 2, doff, random.below(16383 << 8), state, one, two, n, k - 1)
                        for k in range(3)
                    ]

                untouched(same(once), 1, src)


def case_up():
    for kind in KINDS:
        for n in (1, 2, 160, 320):
            for shift in (0, 2):
                src = sound(Random(n), kind, n * 3)

                def once(random, ring, src=src, n=n, shift=shift):
                    state = ring.words("H", pcm.up_state())
                    one, soff = ring.room(src, shift)
                    two, doff = ring.room(bytes(n * 4), shift ^ 2)
                    return [pcm.resample(soff + k * n * 2, doff, 0, state, one, two, n, 0) for k in range(3)]

                untouched(same(once), 1, src)


def case_resample():
    case_down()
    case_up()


def case_magnitudes():
    for kind in KINDS:
        for n in (1, 16384):
            src = sound(Random(n), kind, n)
            for shift in (0, 2):

                def once(random, ring, src=src, n=n, shift=shift):
                    one, soff = ring.room(src, shift)
                    return pcm.level(one, soff, n)

                untouched(same(once), 0, src)


def case_g722():
    for kind in KINDS:
        for n in (2, 4, 320, 640):
            for shift in range(4):
                src = sound(Random(n), kind, n)

                def once(random, ring, src=src, n=n, shift=shift):
                    state = ring.words("H", g722.state(n))
                    one, soff = ring.room(src, shift & 2)
                    two, doff = ring.room(bytes(n // 2), shift)
                    other = ring.words("H", g722.state(n))
                    three, toff = ring.room(bytes(n * 2), shift & 2)
                    made = [g722.encode(state, one, soff, two, doff, n), g722.decode(other, two, doff, three, toff, n)]
                    wild, woff = ring.room(random.bytes(n // 2), shift)
                    return made + [g722.decode(other, wild, woff, three, toff, n)]

                untouched(same(once), 1, src)


def case_dvi4():
    for kind in KINDS:
        for n in (2, 4, 160, 320):
            for shift in range(4):
                src = sound(Random(n), kind, n)

                def once(random, ring, src=src, n=n, shift=shift):
                    coder = dvi4.Dvi4()
                    coder._words = ring.words("H", coder._words)
                    one, soff = ring.room(src, shift & 2)
                    two, doff = ring.room(bytes(n // 2 + 4), shift)
                    three, toff = ring.room(bytes(n * 2), shift & 2)
                    made = [coder.encode(one, soff, two, doff, n), coder.decode(two, doff, three, toff, n)]
                    # a place beyond the table's end, and codes that no encoder makes
                    wild, woff = ring.room(b"\x7f\xff\xff\x00" + random.bytes(n // 2), shift)
                    return made + [coder.decode(wild, woff, three, toff, n)]

                left = same(once)
                untouched(left, 1, src)
                assert left[1][0][:178] == bytes(dvi4.Dvi4()._words)[:178], "the table of steps"


def case_scale():
    for kind in KINDS:
        for n, block in ((32, 32), (64, 4), (320, 32), (640, 32), (4, 4)):
            for fro, to in ((0, 0), (2048, 0), (0, 16383), (16383, 16383), (2048, 2049)):
                for shift in (0, 2):

                    def once(random, ring, kind=kind, n=n, block=block, fro=fro, to=to, shift=shift):
                        one, off = ring.room(sound(random, kind, n), shift)
                        level.gain(one, off, n, fro, to, block)

                    same(once)


def case_energy():
    for kind in KINDS:
        for n in (1, 8, 320, 640):
            src = sound(Random(n), kind, n)
            for shift in (0, 2):

                def once(random, ring, src=src, n=n, shift=shift):
                    one, off = ring.room(src, shift)
                    sums = ring.words("I", (7, 7))
                    return vad._energy(0, off, n, one, sums)

                untouched(same(once), 0, src)


def case_make():
    for n in (0, 1, 320, 640):
        for rms in (0, 1, 32768):
            for shift in (0, 2):

                def once(random, ring, n=n, rms=rms, shift=shift):
                    one, off = ring.room(bytes(n * 2), shift)
                    noise = comfort.Comfort(1)
                    noise.make(one, off, n, rms)
                    noise.fill(one, off, n, 127)
                    noise.fill(one, off, n, 0)

                same(once)


def case_match():
    for kind in KINDS:
        for step in (4, 8):
            least = 49 * step
            for n in (least, least + 320):
                src = sound(Random(n), kind, n)

                def once(random, ring, src=src, n=n, step=step):
                    one, off = ring.room(src)
                    return plc._match(0, 0, 0, one, off // 2 + n, step)

                untouched(same(once), 0, src)


def case_cross():
    for kind in KINDS:
        for n in (0, 1, 8, 128, 640):
            for by in (1, -1):
                for weight, step in ((0, 1), (0, 128), (16384, 1), (16383, 16384), (0, 2048)):
                    src = sound(Random(n), kind, n)

                    def once(random, ring, src=src, n=n, by=by, weight=weight, step=step):
                        one, off = ring.room(sound(random, "square", n), 2)
                        two, fro = ring.room(src)
                        at = off // 2
                        fro = fro // 2 if by > 0 else fro // 2 + n - 1
                        return plc._cross(at, fro, weight, at + n, one, two, step, by)

                    untouched(same(once), 1, src)


def case_mask():
    for n in (0, 1, 2, 3, 4, 15, 16, 17, 172, 2048):
        for shift in range(4):

            def once(random, ring, n=n, shift=shift):
                key, key_off = ring.room(b"\x01\x80\xff\x5a", shift)
                one, off = ring.room(random.bytes(n), shift ^ 3)
                return mask.mask(one, off, n, key, key_off)

            untouched(same(once), 0, b"\x01\x80\xff\x5a")


def case_move():
    for n in (0, 1, 7, 8, 9, 15, 16, 17, 31, 172, 1292):
        for shift in range(4):
            for other in range(4):
                src = Random(n).bytes(n)

                def once(random, ring, src=src, n=n, shift=shift, other=other):
                    one, off = ring.room(src, shift)
                    two, to = ring.room(bytes(n), other)
                    mask.move(two, to, one, off, n)

                left = same(once)
                assert left[1] == [src, src]


STATES = ((0, 0, 0), (65535, 0xFFFFFFFF, 0xFFFFFFFF), (1, 0x80000000, 0x7FFFFFFF))


def case_header():
    for words in STATES:
        for shift in range(4):
            for marker, kind in ((0, 0), (1, 127)):

                def once(random, ring, words=words, shift=shift, marker=marker, kind=kind):
                    state = ring.words("I", words)
                    one, off = ring.room(bytes(12), shift)
                    at = wire.write_header(one, off, marker, kind, state)
                    return at - off, wire.check(one, off, 12), wire.ssrc_equal(one, off, state)

                left = same(once)
                assert left[0] == (12, wire.SOUND, 1)
                untouched(left, 0, bytes(array("I", words)))


def case_advance():
    for words in STATES:
        for step in (0, 160, 1920, -1920):
            same(lambda random, ring, words=words, step=step: wire.advance(ring.words("I", words), step))


def case_reading():
    for shift in range(4):
        for size in (0, 1, 11, 12):

            def once(random, ring, shift=shift, size=size):
                one, off = ring.room(b"\x80" + random.bytes(size - 1) if size else b"", shift)
                two, other = ring.room(random.bytes(12), shift ^ 1)
                if wire.check(one, off, size) != wire.SOUND:
                    return 0
                state = ring.words("I", (0, 0, 0xFEDCBA98))
                return wire.stamp_delta(one, off, two, other), wire.ssrc_equal(one, off, state)

            same(once)


CASES = {
    "comfort._make": case_make,
    "dvi4._code": case_dvi4,
    "g711.alaw_decode": case_alaw,
    "g711.alaw_encode": case_alaw,
    "g711.ulaw_decode": case_ulaw,
    "g711.ulaw_encode": case_ulaw,
    "g722._band": case_g722,
    "g722._bank": case_g722,
    "level._scale": case_scale,
    "mask.mask": case_mask,
    "mask.move": case_move,
    "pcm._magnitudes": case_magnitudes,
    "pcm.resample": case_resample,
    "pcm.swap": case_swap,
    "plc._cross": case_cross,
    "plc._match": case_match,
    "vad._energy": case_energy,
    "wire.advance": case_advance,
    "wire.check": case_reading,
    "wire.ssrc_equal": case_header,
    "wire.stamp_delta": case_reading,
    "wire.write_header": case_header,
}


def viper_functions(name, lines):
    """Name the machine-code functions of a source that take a buffer; a buffer is what is no number."""
    found = []
    head = None
    for line in lines:
        text = line.strip()
        if text in ("@micropython.viper", "@micropython.native"):
            head = ""
        elif head is not None:
            head += text
            if "->" in text or text.endswith(":"):
                args = head[head.index("(") + 1 : head.rindex(")")]
                if [one for one in args.split(",") if one.strip() and one.split(":")[-1].strip() != "int"]:
                    found.append(name + "." + head[4 : head.index("(")])
                head = None
    return found


def sources():
    folder = callcore.__file__[: callcore.__file__.rindex("/")]
    found = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            with open(folder + "/" + name) as source:
                found += viper_functions(name[:-3], source.read().split("\n"))
    return found


def test_every_function_of_machine_code_has_a_case():
    assert sorted(sources()) == sorted(CASES), [
        name for name in sources() + sorted(CASES) if name not in CASES or name not in sources()
    ]
    # and who reads them misses none
    lines = ["@micropython.viper", "def new(", "    at: int,", "    pcm: object,", ") -> int:"]
    assert viper_functions("x", lines) == ["x.new"]
    assert viper_functions("x", ["    @micropython.native", "    def other(buf) -> int:"]) == ["x.other"]
    assert viper_functions("x", ["@micropython.viper", "def number(value: int) -> int:"]) == []


def test_the_ring_sees_what_is_written_and_read_beside_a_buffer():
    def writes(random, ring):
        one, off = ring.room(b"12", 1)
        one[off + 2] = 7

    def reads(random, ring):
        one, off = ring.room(b"12", 1)
        return one[off - 1]

    def writes_words(random, ring):
        ring.words("H", (1, 2))
        ring._rooms[-1][0][AROUND // 2 + 2] ^= 1

    for bad in (writes, reads, writes_words):
        try:
            same(bad)
        except AssertionError:
            continue
        raise AssertionError(bad)


def run(*cases):
    for case in cases:
        case()


def test_laws():
    run(case_alaw, case_ulaw, case_swap)


def test_filters():
    run(case_down, case_up, case_magnitudes)


def test_g722():
    run(case_g722)


def test_dvi4():
    run(case_dvi4)


def test_levels_and_noise():
    run(case_scale, case_energy, case_make)


def test_concealment():
    run(case_match, case_cross)


def test_bytes():
    run(case_mask, case_move)


def test_headers():
    run(case_header, case_advance, case_reading)


# --- the same around all that a call holds


def fence(owner, ring):
    """Put every buffer that an object holds between guards; gives how many."""
    count = 0
    for name in dir(owner):
        value = getattr(owner, name)
        if isinstance(value, bytearray):
            fenced = ring.view(len(value))
            fenced[:] = value
        elif isinstance(value, array):
            kind = "H" if name in ("_up", "_down", "_share", "_words") else "i" if name in ("_media", "_fast") else "I"
            fenced = ring.words(kind, list(value))
        else:
            continue
        setattr(owner, name, fenced)
        count += 1
    return count


class Lane:
    """The way out of packets: a buffer with guards, and what was sent."""

    def __init__(self, ring, room):
        self.at = 14
        self._buf, first = ring.room(bytes(self.at + room))
        self._view = memoryview(self._buf)[first:-AROUND]
        self.packets = []

    def media_buffer(self):
        return self._view

    def send_media(self, n):
        self.packets.append(bytearray(self._view[self.at : self.at + n]))


def call(random, ring, name, ptime_ms):
    """A call from an Uplink to a Downlink, with loss, silence, repeats and nonsense on the way; gives what was counted."""
    samples = ptime_ms * 16
    payload_bytes = media.frame_bytes(name, ptime_ms)
    lane = Lane(ring, 12 + payload_bytes)
    up = Uplink(lane, lane.at, name, ptime_ms, 7, True, 65530, 0xFFFFFFF0, echo_ms=40)
    down = Downlink(name, ptime_ms, 7, True, 40)
    owners = [up, up._coder, up._vad, up._suppressor, down, down.jitter, down._coder, down._concealer, down.vad]
    counts = [fence(owner, ring) for owner in owners]
    assert counts[0] == counts[2] == 1 and counts[3] == 2 and counts[4] >= 3 and counts[5] >= 5 and counts[7] == 1
    now_ms = 5
    wishes = [0, 0, 90, -90]
    down.jitter.wish_ms = lambda: wishes[random.below(4)]
    for turn in range(32):
        kind = ("random", "square", "zero", "low")[turn // 3 % 4]
        frame, first = ring.room(sound(random, kind, samples))
        up.frame(memoryview(frame)[first : first + samples * 2])
        for packet in lane.packets:
            if random.below(4):
                for _ in range(1 + random.below(8) // 7):
                    buf, off = ring.room(packet, random.below(4))
                    down.take(buf, off, len(packet), now_ms)
        lane.packets.clear()
        wild = bytearray(12 + payload_bytes)
        Packetizer(media.codec(name)[0], samples, 7, random.below(65536) if turn == 17 else 65530 + turn, 0).header(
            wild, 0, 0
        )
        wild[12:] = random.bytes(payload_bytes)
        if turn % 5 == 2:
            buf, off = ring.room(wild, random.below(4))
            down.take(buf, off, len(wild), now_ms)
        n = down.next(now_ms, -3000 * random.below(3))
        up.played(down.vad, 0)
        now_ms += n // 16 + random.below(30)
    jitter = down.jitter
    counted = [up.sent, up.silent, jitter.received, jitter.played, jitter.lost, jitter.concealed]
    return counted + [jitter.quiet, jitter.skipped, down.shortened_ms, down.lengthened_ms]


def test_a_whole_call_stays_within_its_buffers():
    total = [0] * 10
    for name in ("PCMA", "PCMU", "G722", "DVI4", "L16"):
        for ptime_ms in (20, 40):
            counted, _ = same(lambda random, ring, name=name, ptime_ms=ptime_ms: call(random, ring, name, ptime_ms))
            total = [total[k] + counted[k] for k in range(10)]
    assert min(total) > 0, total
