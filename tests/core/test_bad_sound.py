"""Whatever comes as sound: one counter moves for each packet, the player gets sound of the right length, and nothing grows.

Seeded, so that all three interpreters meet the same packets; tests/fuzz/test_fuzz_voice.py draws others on CPython.
"""

from array import array

from callcore import coders, media, wire
from callcore.compat import MICROPYTHON, ticks_add
from callcore.downlink import Downlink
from callcore.jitter import JitterBuffer
from callcore.packetizer import Packetizer
from callcore.plc import MAX_PERIOD_SAMPLES

THEIRS = 0xFEDCBA98
NAMES = ("PCMA", "PCMU", "G722", "DVI4", "L16")
NOISE_TYPE = wire.NOISE_TYPE


class Random:
    """Numbers that are the same on every interpreter."""

    def __init__(self, seed):
        self._state = seed

    def below(self, n):
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % n

    def bytes(self, n):
        return bytes([self.below(256) for _ in range(n)])


def triangle(samples, period=80, amplitude=8000):
    """A sound with a period."""
    return bytes(
        array("h", [amplitude * (abs(k % period * 4 - period * 2) - period) // period for k in range(samples)])
    )


def mean(sound):
    """Mean magnitude."""
    return sum(abs(word) for word in array("h", sound)) // (len(sound) // 2)


class End:
    """A board's ear, and a far end that sends what it should unless told otherwise."""

    def __init__(self, name="PCMA", ptime_ms=20, has_noise=True, target_ms=40, now_ms=1000):
        self.name = name
        self.ptime_ms = ptime_ms
        self.samples = ptime_ms * 16
        self.down = Downlink(name, ptime_ms, THEIRS, has_noise, target_ms)
        self.now = now_ms
        self.came = 0
        self.type = media.codec(name)[media.PAYLOAD_TYPE]
        self.ticks = media.frame_ticks(name, ptime_ms)
        self.begin(65500, 0xFFFFFE00)
        self._coder = coders.coder(name, self.samples)
        self.payload = bytearray(media.frame_bytes(name, ptime_ms))
        self._frame = triangle(self.samples)
        self._say()
        self.sizes = [
            (owner, key, len(value))
            for owner in (self.down, self.down.jitter, self.down._coder, self.down._concealer, self.down.vad)
            for key, value in [(key, getattr(owner, key)) for key in dir(owner)]
            if isinstance(value, (bytearray, array))
        ]

    def begin(self, seq, stamp):
        """Number what is sent from here on."""
        self.line = Packetizer(self.type, self.ticks, THEIRS, seq, stamp)

    def _say(self):
        self._coder.encode(self._frame, 0, self.payload, 0, self.samples)

    def packet(self, payload=None, kind=None, ssrc=None):
        """The next packet of the far end."""
        if payload is None:
            if self.name == "G722":
                self._say()  # its decoder hears what the encoder knows; of others each packet stands for itself
            payload = self.payload
        made = bytearray(12 + len(payload))
        self.line.header(made, 0, 0)
        made[12:] = payload
        if kind is not None:
            made[1] = kind
        if ssrc is not None:
            made[8:12] = bytes([ssrc >> 24 & 255, ssrc >> 16 & 255, ssrc >> 8 & 255, ssrc & 255])
        return made

    def noise(self, payload):
        """A packet of comfort noise, in the time of a frame."""
        made = bytearray(12 + len(payload))
        self.line.noise(made, 0)
        self.line.skip(1)
        made[12:] = payload
        return made

    def take(self, packet):
        self.came += 1
        return self.down.take(packet, 0, len(packet), self.now)

    def hear(self):
        """One turn of the player: the PCM of it; time goes on by it."""
        n = self.down.next(self.now, 0)
        assert 0 < n <= self.samples + MAX_PERIOD_SAMPLES and n * 2 <= len(self.down.sound), n
        self.now = ticks_add(self.now, n // 16)
        return bytes(self.down.sound[: n * 2])

    def talk(self, frames):
        """So many frames as they should be; what was heard of them, one by one."""
        heard = []
        for _ in range(frames):
            self.take(self.packet())
            heard.append(self.hear())
        return heard

    def fates(self):
        """What became of every packet that came; each has one fate."""
        down, jitter = self.down, self.down.jitter
        held = jitter.level_ms() // self.ptime_ms
        fates = [
            jitter.played,
            jitter.noises,
            jitter.late,
            jitter.duplicates,
            jitter.skipped,
            jitter.refused,
            down.foreign,
        ]
        assert min(fates) >= 0 and jitter.lost >= 0
        assert self.came == sum(fates) + held == jitter.received + down.foreign, (self.came, fates, held)
        return fates

    def check(self):
        self.fates()
        for owner, key, size in self.sizes:
            assert len(getattr(owner, key)) == size, key

    def recovers(self):
        """After all that, the sound is as good as ever: within a second, and then every frame is played."""
        for _ in range(1000 // self.ptime_ms):
            self.take(self.packet())
            self.hear()
        jitter = self.down.jitter
        before = jitter.played, jitter.concealed, jitter.lost
        loud = [mean(part) for part in self.talk(1000 // self.ptime_ms)]
        self.check()
        want = mean(triangle(self.samples))
        assert all(want * 3 // 4 < one < want * 5 // 4 for one in loud), loud
        assert (jitter.concealed, jitter.lost) == before[1:] and jitter.played > before[0]


def wild(random, end):
    """A packet from anywhere: noise, a header of ours before noise, or a good one with something changed."""
    kind = random.below(8)
    if kind == 0:
        return bytearray(random.bytes(random.below(40)))
    packet = end.packet()
    if kind == 1:
        packet[12:] = random.bytes(random.below(30))  # another length, or none
    elif kind == 2:
        packet[12:] = random.bytes(len(packet) - 12)
    elif kind == 3:
        packet[2:4] = random.bytes(2)
    elif kind == 4:
        packet[4:8] = random.bytes(4)
    elif kind == 5:
        packet[1] = NOISE_TYPE | random.below(2) << 7
        packet[12:] = random.bytes(random.below(3))
    elif kind == 6:
        packet[random.below(12)] ^= 1 << random.below(8)
    return packet


def test_any_bytes_move_counters_and_nothing_else():
    for name in NAMES:
        for ptime_ms in (20, 40):
            end = End(name, ptime_ms, has_noise=name != "PCMU", now_ms=(1 << 30) - 3000)
            random = Random(ptime_ms + len(name))
            last = end.packet()
            for _ in range(250 if name != "G722" else 120):
                for _ in range(random.below(4)):
                    packet = wild(random, end) if random.below(2) else end.packet()
                    if random.below(10) == 0:
                        packet = last  # again
                    last = packet
                    # anywhere in the framer's buffer, with other bytes behind
                    off = random.below(5)
                    buf = bytearray(random.bytes(off)) + packet + b"\xff\x00\xff"
                    before = end.fates()
                    counted = end.down.jitter.received
                    end.came += 1
                    was = bytes(buf)
                    ours = end.down.take(buf, off, len(packet), end.now)
                    assert buf == was and end.down.jitter.received == counted + ours
                    assert all(b >= a for a, b in zip(before, end.fates()))  # noqa: B905 - MicroPython's has no `strict`
                end.hear()
                if random.below(30) == 0:
                    end.now = ticks_add(end.now, random.below(3000))
                end.check()
            end.begin(random.below(65536), random.below(1 << 30))
            end.recovers()


def test_packets_of_another_kind_are_foreign():
    end = End("PCMA", has_noise=False)
    end.talk(10)
    for kind in (0, 9, 96, 97, 5, 72, NOISE_TYPE, 127, 0x80):
        assert not end.take(end.packet(kind=kind))
    # but a marker is no other kind
    assert end.down.foreign == 9 and end.take(end.packet(kind=8 | 0x80))
    end.recovers()


def test_another_ssrc_is_foreign_and_the_stream_goes_on():
    end = End()
    end.talk(20)
    for ssrc in (0, 1, THEIRS ^ 1, THEIRS ^ 0x80000000, 0xFFFFFFFF):
        assert not end.take(end.packet(ssrc=ssrc))
    assert end.down.foreign == 5
    end.recovers()
    # these packets were lost to the stream
    assert end.down.jitter.lost == 5


def test_another_length_is_refused_and_its_turn_is_concealed():
    for name in NAMES:
        end = End(name)
        end.talk(20)
        size = len(end.payload)
        for other in (0, 1, size - 1, size + 1, 2 * size, 2036):
            assert end.take(end.packet(bytes(other)))
            heard = end.hear()
            assert len(heard) >= 640 - MAX_PERIOD_SAMPLES * 2
        assert end.down.jitter.refused == 6
        end.recovers()
        assert end.down.jitter.lost == 6 and end.down.jitter.concealed >= 6


FIRSTS = (100, 65500, 65530)


def test_a_jump_forwards_is_loss():
    for step in (5, 31, 32, 200, 900):
        for first in FIRSTS:
            end = End()
            end.begin(first, 0)
            end.talk(30)
            end.begin((first + 30 + step) & 0xFFFF, (30 + step) * 160)
            end.now += step * 20
            end.recovers()
            assert end.down.jitter.lost == step, (step, first)


def test_a_longer_jump_and_one_back_is_another_stream():
    for step in (1001, 32768, 40000, -150, -1001, -20000):
        for first in FIRSTS:
            end = End()
            end.begin(first, 0)
            end.talk(30)
            end.begin((first + 30 + step) & 0xFFFF, 30 * 160)
            end.recovers()
            assert end.down.jitter.lost == end.down.jitter.duplicates == 0, (step, first)


def test_a_short_jump_back_is_unheard_until_it_is_made_up_for():
    for step in (1, 31, 32, 100, 120):
        end = End()
        end.talk(30)
        state = end.line._state
        end.begin((state[0] - step) & 0xFFFF, state[1])
        end.talk(step + 5)
        end.recovers()
        jitter = end.down.jitter
        assert step - 2 <= jitter.duplicates + jitter.late <= step


def test_a_little_backwards_is_late_or_a_repeat():
    end = End()
    kept = []
    for _ in range(60):
        packet = end.packet()
        kept.append(packet)
        end.take(packet)
        end.hear()
    for back in (5, 31, 33, 50):
        assert end.take(kept[-back])
    jitter = end.down.jitter
    assert jitter.duplicates + jitter.late == 4 and jitter.skipped == 0
    end.recovers()


def test_timestamps_that_go_back():
    for back in (160, 1600, 16000, 1 << 20, 1 << 31):
        end = End()
        end.talk(30)
        state = end.line._state
        end.begin(state[0], (state[1] - back) & 0xFFFFFFFF)
        end.recovers()
        # each time once: the stream began anew, and what was held of the old one was left out
        assert end.down.jitter.skipped <= 4 and end.down.jitter.lost == 0
    # and again and again
    end = End()
    for turn in range(200):
        end.begin((500 + turn) & 0xFFFF, 0x7FFFFFFF - turn * 160)
        end.take(end.packet())
        end.hear()
        end.check()
    end.begin(700, 0)
    end.recovers()


def test_a_thousand_packets_a_second_for_ten_seconds():
    for name in ("PCMA", "L16"):
        end = End(name)
        end.talk(20)
        start = end.now
        turn = end.now
        for ms in range(10000):
            end.now = start + ms
            end.take(end.packet())
            if end.now >= turn:
                end.hear()
                turn, end.now = end.now, start + ms
        end.check()
        jitter = end.down.jitter
        # what is heard is at most ten seconds, and the newest of what came
        assert jitter.skipped > 8500 and jitter.level_ms() <= 32 * 20
        assert jitter.lost == 0
        end.now = start + 10000
        end.recovers()


def test_a_minute_of_silence_without_a_word():
    end = End()
    end.talk(50)
    parts = [end.hear() for _ in range(3000)]
    jitter = end.down.jitter
    # it may be a stall: concealed, and that fades
    assert jitter.concealed >= 2990 and jitter.lost == 0 and mean(parts[-1]) < 100
    end.check()
    # the far end was there all the time
    end.begin((end.line._state[0]) & 0xFFFF, (end.line._state[1] + 3000 * 160) & 0xFFFFFFFF)
    end.recovers()
    assert jitter.lost == 0


def test_a_minute_of_silence_with_comfort_noise():
    end = End()
    end.talk(50)
    parts = []
    for turn in range(3000):
        if turn % 8 == 0:
            end.take(end.noise(b"\x3c"))
        else:
            end.line.skip(1)
        parts.append(end.hear())
    jitter = end.down.jitter
    assert jitter.concealed == jitter.lost == 0 and jitter.quiet > 2980 and jitter.noises >= 370
    # -60 dBov is 33 in the root mean square
    assert all(15 < mean(part) < 45 for part in parts[10:])
    end.recovers()


def test_a_peer_that_never_sends_is_heard_as_silence():
    for name in NAMES:
        end = End(name)
        assert not any(any(end.hear()) for _ in range(500))
        assert not any(end.fates())
        end.recovers()


def test_levels_of_noise_above_127_and_noise_with_nothing_in_it():
    end = End()

    def noise(payload):
        """A packet of noise; the level of what is heard 120 ms later."""
        assert end.take(end.noise(payload))
        end.line.skip(5)
        for _ in range(6):
            heard = end.hear()
        return mean(heard)

    end.talk(20)
    assert 15 < noise(b"\xbc") < 45 and end.down.jitter.noise_level == 60  # the upper bit is not the level's
    assert 15 < noise(b"") < 45 and end.down.jitter.refused == 1
    assert (
        noise(b"\x7f" + bytes(200)) <= 1 and end.down.jitter.noise_level == 127
    )  # with a spectrum, longer than a frame
    for level in (0, 128):  # as loud as can be said: it does not overflow
        assert 4000 < noise(bytes([level])) < 12000
    end.recovers()


def test_a_network_that_grows_slower_for_good_costs_one_gap():
    end = End()
    end.talk(100)
    for _ in range(15):
        end.hear()
    jitter = end.down.jitter
    gap = jitter.concealed
    end.talk(100)
    assert jitter.concealed == gap <= 15 and end.down.shortened_ms == 0
    end.recovers()


def test_a_flood_of_comfort_noise():
    end = End()
    end.talk(20)
    start = turn = end.now
    for ms in range(3000):
        end.now = start + ms
        end.take(end.noise(bytes([ms & 127])))
        if end.now >= turn:
            end.hear()
            turn, end.now = end.now, start + ms
    end.now = start + 3000
    end.check()
    assert end.down.jitter.level_ms() <= 32 * 20
    end.recovers()


def test_garbage_within_good_packets_is_played_and_harms_only_itself():
    for name in NAMES:
        for ptime_ms in (20, 40):
            end = End(name, ptime_ms)
            random = Random(5)
            end.talk(10)
            for turn in range(20):
                garbage = bytearray(random.bytes(len(end.payload)))
                if turn % 4 == 1:
                    garbage = bytearray(b"\xff" * len(garbage))  # of DVI4: a place in the table of 255
                elif turn % 4 == 2:
                    garbage = bytearray(b"\x7f\xff\x59\x00" + b"\x77" * (len(garbage) - 4))
                end.take(end.packet(garbage))
                assert len(end.hear()) >= (end.samples - MAX_PERIOD_SAMPLES) * 2
            assert end.down.jitter.refused == end.down.foreign == 0
            end.recovers()


def test_a_codec_that_a_board_lacks_is_refused_when_the_call_is_made():
    for name in ("opus", "CN", "G729", ""):
        if name in coders.NAMES:
            continue
        try:
            Downlink(name, 20, THEIRS, True, 60)
        except Exception as error:
            assert type(error).__name__ == "LocalError"
            continue
        raise AssertionError(name)


def test_clock_and_stamps_go_round_unheard():
    # 2**30 ms of the clock and 2**32 ticks of the stamps end within these frames
    buffer = JitterBuffer(4, 20, 160, 40)
    line = Packetizer(8, 160, THEIRS, 0, 0xFFFFFF00)
    now_ms = (1 << 30) - 100
    out = bytearray(4)
    packet = bytearray(16)
    for _ in range(50):
        line.header(packet, 0, 0)
        buffer.put(packet, 0, 16, now_ms)
        buffer.get(out, 0, now_ms)
        now_ms = ticks_add(now_ms, 20)
    assert buffer.played >= 47 and buffer.lost == buffer.concealed == 0


if MICROPYTHON:
    import micropython

    def under_lock(end, packets):
        micropython.heap_lock()
        try:
            now_ms = end.now
            for packet in packets:
                end.down.take(packet, 0, len(packet), now_ms)
                now_ms += end.down.next(now_ms, -3000) >> 4
        finally:
            micropython.heap_unlock()

    def test_no_byte_of_heap_whatever_comes():
        for name in NAMES:
            end = End(name)
            end.talk(10)
            random = Random(3)
            under_lock(end, [wild(random, end) for _ in range(200)])
