"""The jitter buffer under random loss, reordering, duplicates, jumps and stalls: every packet has one fate, and order holds."""

from array import array

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from callcore import wire
from callcore.jitter import MISSING, PLAYED, WAITING, JitterBuffer
from callcore.seqnum import seq_diff

PAYLOAD_BYTES = 6
SAMPLES = 160


def packet(seq, serial, size=PAYLOAD_BYTES):
    """A packet that says which of all it is: `serial` is unique, `seq` wraps."""
    buf = bytearray(12)
    wire.write_header(buf, 0, 0, 8, array("I", [seq & 0xFFFF, (seq * SAMPLES) & 0xFFFFFFFF, 7]))
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
        data = bytes(packet(self.seq, self.serial))
        self.sent = [*self.sent[-100:], data]
        self.seq += 1
        return data

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
        before = self.buffer.concealed
        kind = self.buffer.get(out, 1, self.now_ms)
        assert out[0] == out[-1] == 0xEE
        assert self.buffer.concealed == before + (kind == MISSING)
        if kind != PLAYED:
            assert kind in (MISSING, WAITING)
            assert out == b"\xee" * len(out)
            assert kind == MISSING or not self.buffer.started
            return
        serial = int.from_bytes(out[1:-1], "big")
        assert serial not in self.played, "a frame came out twice"
        self.played.add(serial)

    @invariant()
    def every_packet_has_one_fate(self):
        b = self.buffer
        held = b.level_ms() // self.ptime_ms
        assert b.received == self.total
        assert b.received == b.played + b.late + b.duplicates + b.skipped + b.refused + held
        assert min(b.played, b.lost, b.late, b.duplicates, b.skipped, b.refused, b.concealed) >= 0

    @invariant()
    def every_bound_holds(self):
        b = self.buffer
        assert len(b._data) == self.slots * PAYLOAD_BYTES and len(b._state) == self.slots
        held = sum(state == 1 for state in b._state)
        assert held == b._count <= self.slots
        assert 0 <= b.jitter_ms() <= 1 << 20
        assert not b._any or -1 <= seq_diff(b._top, b._next) < self.slots or not held


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
