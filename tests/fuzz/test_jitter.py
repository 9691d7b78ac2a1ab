"""The jitter buffer under loss, reordering, jumps, stalls, silence and wild stamps: each packet has one fate, order holds."""

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcore import wire
from callcore.jitter import MISSING, PLAYED, QUIET, WAITING, JitterBuffer
from callcore.seqnum import seq_diff

PAYLOAD_BYTES = 6
SAMPLES = 160


def packet(seq, serial, size=PAYLOAD_BYTES, stamp=None, payload_type=8):
    """A packet that says which of all it is: `serial` is unique, `seq` wraps."""
    buf = bytearray(12)
    stamp = seq * SAMPLES if stamp is None else stamp
    wire.write_header(buf, 0, 0, payload_type, array("I", [seq & 0xFFFF, stamp & 0xFFFFFFFF, 7]))
    return buf + serial.to_bytes(32, "big")[32 - size :]


class Line(RuleBasedStateMachine):
    """A sender, a bad network and a player with their own clocks."""

    @initialize(
        seq=st.integers(0, 65535),
        now_ms=st.sampled_from([0, (1 << 30) - 500]),
        target_ms=st.sampled_from([0, 20, 60, 65, 200]),
        slots=st.sampled_from([4, 8, 32, 64]),
        ptime_ms=st.sampled_from([20, 40]),
    )
    def begin(self, seq, now_ms, target_ms, slots, ptime_ms):
        self.buffer = JitterBuffer(PAYLOAD_BYTES, ptime_ms, SAMPLES, target_ms, slots)
        self.slots, self.ptime_ms = slots, ptime_ms
        self.seq = seq
        self.stamp = seq * SAMPLES
        self.now_ms = now_ms
        self.serial = 0
        self.sent = []  # what may still be repeated or come late, newest last
        self.played = set()
        self.total = 0

    def deliver(self, data):
        self.total += 1
        self.buffer.put(b"\x55" * 3 + data + b"\x55", 3, len(data), self.now_ms)

    def send(self):
        self.serial += 1
        return self.made(packet(self.seq, self.serial, stamp=self.stamp))

    def made(self, data):
        self.sent = [*self.sent[-100:], bytes(data)]
        self.seq += 1
        self.stamp += SAMPLES
        return bytes(data)

    @rule(count=st.integers(1, 5))
    def in_order(self, count):
        for _ in range(count):
            self.deliver(self.send())

    @rule(count=st.integers(1, 40))
    def lose(self, count):
        for _ in range(count):
            self.send()

    @rule(order=st.permutations(range(5)))
    def reorder(self, order):
        batch = [self.send() for _ in order]
        for k in order:
            self.deliver(batch[k])

    @rule(back=st.integers(1, 100), times=st.integers(1, 3))
    def repeat_or_straggle(self, back, times):
        if len(self.sent) >= back:
            for _ in range(times):
                self.deliver(self.sent[-back])

    @rule(distance=st.integers(-40000, 40000))
    def jump(self, distance):
        self.seq = (self.seq + distance) % 65536
        self.sent = []  # the packets of another stream cannot be told from a stream begun anew

    @rule(stamp=st.integers(0, 2**32 - 1))
    def move_the_clock(self, stamp):
        self.stamp = stamp

    @rule(pause=st.integers(0, 100), level=st.integers(0, 255))
    def fall_silent(self, pause, level):
        self.deliver(self.made(packet(self.seq, level, 1, self.stamp, 13)))
        self.stamp += pause * SAMPLES

    @rule(size=st.integers(0, 20).filter(lambda n: n != PAYLOAD_BYTES))
    def wrong_size(self, size):
        before = self.buffer.refused
        self.deliver(packet(self.seq, 1, size))
        assert self.buffer.refused == before + 1

    @rule(delay_ms=st.integers(0, 5000))
    def stall(self, delay_ms):
        self.now_ms = (self.now_ms + delay_ms) % (1 << 30)

    @rule(count=st.integers(1, 130), feed=st.booleans())
    def play(self, count, feed):
        for _ in range(count):
            if feed:
                self.deliver(self.send())
            self.turn()

    def turn(self):
        self.now_ms = (self.now_ms + self.ptime_ms) % (1 << 30)
        out = bytearray(b"\xee" * (PAYLOAD_BYTES + 2))
        concealed, quiet = self.buffer.concealed, self.buffer.quiet
        kind = self.buffer.get(out, 1, self.now_ms)
        assert out[0] == out[-1] == 0xEE
        assert self.buffer.concealed == concealed + (kind == MISSING)
        assert self.buffer.quiet == quiet + (kind == QUIET)
        wish_ms = self.buffer.wish_ms()
        assert wish_ms == 0 or (kind == PLAYED and abs(wish_ms) > 4)
        assert self.buffer.wish_ms() == 0
        if kind != PLAYED:
            assert kind in (MISSING, WAITING, QUIET)
            assert out == b"\xee" * len(out)
            assert (kind == WAITING) == (not self.buffer.started)
            return
        serial = int.from_bytes(out[1:-1], "big")
        assert serial not in self.played, "a frame came out twice"
        self.played.add(serial)

    @invariant()
    def every_packet_has_one_fate(self):
        b = self.buffer
        held = b.level_ms() // self.ptime_ms
        assert b.received == self.total
        assert b.received == b.played + b.noises + b.late + b.duplicates + b.skipped + b.refused + held
        assert min(b.played, b.lost, b.late, b.duplicates, b.skipped, b.refused, b.concealed) >= 0

    @invariant()
    def every_bound_holds(self):
        b = self.buffer
        assert len(b._data) == self.slots * PAYLOAD_BYTES and len(b._state) == self.slots
        held = sum(state >= 3 for state in b._state)
        assert held == b._count <= self.slots
        assert 0 <= b.jitter_ms() <= 1 << 20
        assert not held or 0 <= seq_diff(b._top, b._next) < self.slots
        assert sum(b._share) == 1 << 15
        assert 0 <= b.target_ms <= 200 and 0 <= b.noise_level <= 127
        # nothing that a 32-bit board would have to keep on its heap
        small = [*b._media, *b._fast, b._last, b._fastest, b._slowest, b._at, b._newest, b._next, b.delay_ms()]
        assert all(-(1 << 30) <= value < 1 << 30 for value in small)


Line.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLine = Line.TestCase


ARRIVALS = st.lists(
    st.tuples(
        st.booleans(),  # lost
        st.integers(0, 3),  # repeated
        st.sampled_from([0, 0, 0, 0, 5, 15, 45, 120, 400]),  # delay in ms
        st.sampled_from([20] * 12 + [40, 700]),  # until the next is sent
    ),
    min_size=1,
    max_size=300,
)


@given(ARRIVALS, st.integers(0, 65535), st.sampled_from([20, 60, 200]))
@settings(max_examples=150, deadline=None)
def test_frames_come_out_in_order_and_each_has_its_fate(rows, first, target_ms):
    """One stream over a bad network: order holds, nothing comes twice, and lost is exactly what never came."""
    buffer = JitterBuffer(PAYLOAD_BYTES, 20, SAMPLES, target_ms, 32)
    arrivals = []
    at_ms = 0
    for i, (is_lost, again, delay_ms, gap_ms) in enumerate(rows):
        if not is_lost:
            arrivals += [(at_ms + delay_ms + 10 * k, i) for k in range(1 + (again == 3))]
        at_ms += gap_ms
    arrivals.sort()
    never = [i for i, row in enumerate(rows) if row[0]]
    out = bytearray(PAYLOAD_BYTES)
    played = []
    base = None
    for now_ms in range(0, at_ms + 1000, 20):
        while arrivals and arrivals[0][0] <= now_ms:
            _, i = arrivals.pop(0)
            if base is None or not (buffer.started or buffer.skipped):
                base = min(i, base) if base is not None else i
            buffer.put(packet(first + i, i), 0, 12 + PAYLOAD_BYTES, now_ms)
        if buffer.get(out, 0, now_ms) == PLAYED:
            played.append(int.from_bytes(out, "big"))
        held = buffer.level_ms() // 20
        assert buffer.received == buffer.played + buffer.late + buffer.duplicates + buffer.skipped + held
    assert played == sorted(set(played))
    assert len(played) == buffer.played and held == 0
    if base is not None:
        turn = base + seq_diff(buffer._next, (first + base) & 0xFFFF)
        assert buffer.lost == sum(base <= i < turn for i in never)
        came = len(rows) - len(never)
        assert buffer.played + buffer.late + buffer.skipped == came
        assert buffer.duplicates == sum(not is_lost and again == 3 for is_lost, again, _, _ in rows)


SPURTS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 200), st.integers(0, 7)), min_size=1, max_size=12)


@given(SPURTS, st.integers(0, 65535), st.lists(st.sampled_from([0, 0, 0, 5, 19, 40]), min_size=1, max_size=50))
@settings(max_examples=100, deadline=None)
def test_spurts_of_talk_lose_and_conceal_nothing(spurts, first, delays):
    """Talk, noise, silence: with a network that is kind enough all frames are played, and no turn is concealed."""
    buffer = JitterBuffer(PAYLOAD_BYTES, 20, SAMPLES, 60, 32)
    arrivals = []
    seq, at, sounds = first, 0, 0
    for talk, pause, every in spurts:
        for _ in range(talk):
            arrivals.append((at * 20, packet(seq, seq, stamp=at * SAMPLES)))
            seq, at, sounds = seq + 1, at + 1, sounds + 1
        for k in range(pause):
            if k == 0 or (every and k % (8 * every) == 0):
                arrivals.append((at * 20, packet(seq, 60, 1, at * SAMPLES, 13)))
                seq += 1
            at += 1
    came = sorted((at_ms + delays[n % len(delays)], n, data) for n, (at_ms, data) in enumerate(arrivals))
    out = bytearray(PAYLOAD_BYTES)
    played = []
    for now_ms in range(0, at * 20 + 400, 20):
        while came and came[0][0] <= now_ms:
            _, _, data = came.pop(0)
            buffer.put(data, 0, len(data), now_ms)
        if buffer.get(out, 0, now_ms) == PLAYED:
            played.append(int.from_bytes(out, "big"))
    assert played == sorted(played) and len(played) == sounds == buffer.played
    assert buffer.lost == buffer.late == buffer.concealed == buffer.skipped == 0
    assert buffer.noises == len(arrivals) - sounds


@given(st.lists(st.tuples(st.binary(min_size=12, max_size=30), st.integers(0, 3000), st.booleans()), max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_move_nothing_but_counters(rows):
    """What passed no check at all: nothing is raised, the store keeps its size."""
    buffer = JitterBuffer(PAYLOAD_BYTES, 20, SAMPLES, 60, 8)
    out = bytearray(PAYLOAD_BYTES)
    now_ms = 0
    for data, wait_ms, is_noise in rows:
        now_ms += wait_ms
        data = bytearray(data)
        if is_noise:
            data[1] = 13
        buffer.put(data, 0, len(data), now_ms)
        buffer.get(out, 0, now_ms)
        buffer.wish_ms()
        assert len(buffer._data) == 8 * PAYLOAD_BYTES and 0 <= buffer.level_ms() <= 160
        assert -(1 << 30) <= buffer.delay_ms() < 1 << 30
    assert buffer.received == len(rows)
