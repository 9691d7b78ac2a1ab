"""The jitter buffer turn by turn: order, loss, lateness, starvation, shortening, jumps, accounts, and no heap.

Longer than most, since each source file has one test file and each rule of this one is a short story of its own.
"""

from array import array

from callcore import wire
from callcore.compat import MICROPYTHON
from callcore.jitter import DUPLICATE, LATE, MISSING, PLAYED, REFUSED, STORED, WAITING, JitterBuffer

PAYLOAD_BYTES = 8
PTIME_MS = 20
SAMPLES = 160
RING_MS = 1 << 30


def packet(seq, size=PAYLOAD_BYTES):
    """A packet whose payload says its number."""
    buf = bytearray(12 + size)
    wire.write_header(buf, 0, 0, 8, array("I", [seq & 0xFFFF, (seq * SAMPLES) & 0xFFFFFFFF, 7]))
    for i in range(size):
        buf[12 + i] = (seq >> (8 * (i & 1))) & 255
    return buf


class Line:
    """A buffer with a clock: puts by number, gets a turn later, remembers what came out."""

    def __init__(self, target_ms=60, slots=32, start_ms=0, ptime_ms=PTIME_MS):
        self.buffer = JitterBuffer(PAYLOAD_BYTES, ptime_ms, SAMPLES * ptime_ms // 20, target_ms, slots)
        self.now_ms = start_ms
        self.ptime_ms = ptime_ms
        self.played = []

    def put(self, *numbers):
        """Put packets now; give the fate of the last."""
        for seq in numbers:
            data = packet(seq)
            fate = self.buffer.put(data, 0, len(data), self.now_ms)
            self.check()
        return fate

    def turn(self, count=1):
        """Let `count` turns pass; give what the last brought: a number, or MISSING or WAITING as text."""
        for _ in range(count):
            self.now_ms = (self.now_ms + self.ptime_ms) % RING_MS
            out = bytearray(b"\xee" * (PAYLOAD_BYTES + 2))
            kind = self.buffer.get(out, 1, self.now_ms)
            self.check()
            assert out[0] == out[-1] == 0xEE
            if kind == PLAYED:
                result = out[1] | out[2] << 8
                assert out[1:-1] == packet(result)[12:]
                self.played.append(result)
            else:
                assert out[1:-1] == b"\xee" * PAYLOAD_BYTES
                result = "missing" if kind == MISSING else "waiting"
                assert kind in (MISSING, WAITING)
        return result

    def check(self):
        """Every packet has exactly one fate, and the store its bound."""
        b = self.buffer
        held = b.level_ms() // b.ptime_ms
        assert b.received == b.played + b.late + b.duplicates + b.skipped + b.refused + held
        assert 0 <= held <= 32

    def counts(self):
        b = self.buffer
        return (b.lost, b.late, b.duplicates, b.concealed, b.skipped)


def started(first=100, count=3, **kwargs):
    """A line that holds `count` packets from `first` on and plays `first` at the next turn."""
    line = Line(**kwargs)
    for i in range(count):
        line.put(first + i)
    line.turn(line.buffer._target - 1)
    assert not line.buffer.started
    return line


def test_in_order():
    line = Line()
    results = []
    for i in range(50):
        assert line.put(i) == STORED
        results.append(line.turn())
    assert results == ["waiting"] * 2 + list(range(48))
    assert line.counts() == (0, 0, 0, 0, 0)
    assert line.buffer.received == 50 and line.buffer.level_ms() == 40


def test_the_first_packet_waits_the_target_and_no_longer():
    for target_ms, turns in ((0, 1), (20, 1), (40, 2), (50, 3), (60, 3), (200, 10)):
        line = Line(target_ms)
        line.put(7)
        for _ in range(turns - 1):
            assert line.turn() == "waiting", target_ms
        assert line.turn() == 7, target_ms


def test_waiting_is_not_concealing():
    line = Line()
    assert line.turn(10) == "waiting"
    assert line.counts() == (0, 0, 0, 0, 0)
    assert not line.buffer.started


def test_reordered_before_play_out_begins():
    line = Line()
    assert [line.put(seq) for seq in (12, 10, 13, 11)] == [STORED] * 4
    line.turn(2)
    assert [line.turn() for _ in range(4)] == [10, 11, 12, 13]
    assert line.counts() == (0, 0, 0, 0, 0)


def test_a_straggler_older_than_the_store_before_play_out_is_late():
    line = Line()
    line.put(100)
    assert line.put(69) == STORED
    assert line.put(68) == LATE
    assert line.put(68) == LATE
    assert line.buffer.late == 2
    line.turn(2)
    assert line.turn() == 69


def test_reordered_after_play_out_has_begun():
    line = started()
    assert line.turn() == 100
    assert [line.put(seq) for seq in (105, 103, 104)] == [STORED] * 3
    assert [line.turn() for _ in range(5)] == [101, 102, 103, 104, 105]
    assert line.counts() == (0, 0, 0, 0, 0)


def test_what_is_older_than_the_first_played_is_late_but_was_not_lost():
    line = started(100, 3)
    line.turn(2)
    assert line.put(99) == LATE
    assert line.put(99) == DUPLICATE
    assert line.put(95) == LATE
    assert line.counts() == (0, 2, 1, 0, 0)
    assert line.played == [100, 101]


def test_loss_is_concealed_and_its_turn_passes():
    line = started()
    line.put(104, 107)
    assert [line.turn() for _ in range(8)] == [100, 101, 102, "missing", 104, "missing", "missing", 107]
    assert line.counts() == (3, 0, 0, 3, 0)


def test_late_once_then_twice():
    line = started()
    line.put(104)
    line.turn(5)
    assert line.counts() == (1, 0, 0, 1, 0)
    assert line.put(103) == LATE
    assert line.counts() == (0, 1, 0, 1, 0)
    assert line.put(103) == DUPLICATE
    assert line.counts() == (0, 1, 1, 1, 0)
    assert line.played == [100, 101, 102, 104]


def test_duplicates_of_held_and_of_played_frames():
    line = started()
    assert line.put(102) == DUPLICATE
    line.turn()
    assert line.put(100) == DUPLICATE
    line.turn(2)
    assert line.counts() == (0, 0, 2, 0, 0)
    assert line.played == [100, 101, 102]


def test_a_packet_older_than_the_memory_stays_lost():
    line = started()
    line.put(104)
    for seq in range(105, 140):
        line.put(seq)
        line.turn()
    line.turn(5)
    assert line.counts()[:3] == (1, 0, 0)
    assert line.put(103) == DUPLICATE
    assert line.counts()[:3] == (1, 0, 1)


def test_starvation_conceals_but_no_turn_passes():
    line = started()
    assert [line.turn() for _ in range(6)] == [100, 101, 102, "missing", "missing", "missing"]
    assert line.counts() == (0, 0, 0, 3, 0)
    line.put(103, 104)
    assert [line.turn() for _ in range(3)] == [103, 104, "missing"]
    assert line.counts() == (0, 0, 0, 4, 0)


def test_loss_at_the_end_of_starvation_is_loss():
    line = started()
    line.turn(5)
    line.put(104)
    assert [line.turn() for _ in range(2)] == ["missing", 104]
    assert line.counts() == (1, 0, 0, 3, 0)


def test_delay_gained_is_given_back_one_frame_a_window():
    line = started(0, 10)
    seq = 10
    for _ in range(99):
        line.put(seq)
        line.turn()
        seq += 1
    assert line.buffer.skipped == 0 and line.played == list(range(99))
    line.put(seq)
    assert line.turn() == 100, "the frame 99 is left out"
    assert line.counts() == (0, 0, 0, 0, 1)
    for _ in range(900):
        seq += 1
        line.put(seq)
        line.turn()
    # it stops when a turn finds no more than the target of 3 frames and one of slack
    assert line.buffer.skipped == 11 - 4
    assert line.buffer.level_ms() == 60
    assert line.buffer.lost == 0 and line.buffer.concealed == 0


def test_the_window_is_the_same_time_at_40_ms():
    line = Line(80, ptime_ms=40)
    line.put(*range(10))
    line.turn()
    seq = 10
    for _ in range(51):
        line.put(seq)
        line.turn()
        seq += 1
    assert line.buffer.skipped == 1


def test_one_thin_moment_in_a_window_keeps_the_delay():
    line = started(0, 10)
    seq = 10
    for i in range(300):
        if i % 90 == 50:
            line.turn(8)  # the network pauses
            for _ in range(8):
                line.put(seq)
                seq += 1
        line.put(seq)
        line.turn()
        seq += 1
    assert line.buffer.skipped == 0


def test_a_window_that_begins_starving_keeps_the_delay():
    line = started(0, 10)
    for seq in range(10, 100):
        line.put(seq)
        line.turn()
    # the last of the 100 turns of a window takes the last frame; then nothing is there, then much
    line.turn(10)
    assert line.turn(3) == "missing"
    line.put(*range(100, 112))
    for seq in range(112, 213):
        line.put(seq)
        line.turn()
    assert line.buffer.skipped == 0 and line.buffer.concealed == 3


def test_a_lost_frame_may_be_the_one_left_out():
    line = started(0, 10)
    for seq in range(10, 110):
        if seq != 99:
            line.put(seq)
        line.turn()
    assert line.played[-1] == 100
    assert line.counts() == (1, 0, 0, 0, 0)
    assert line.put(99) == LATE
    assert line.counts() == (0, 1, 0, 0, 0)


def test_sequence_numbers_wrap():
    line = Line()
    for i in range(300):
        line.put(65400 + i)
        line.turn()
    assert line.played == [(65400 + i) & 0xFFFF for i in range(298)]
    assert line.counts() == (0, 0, 0, 0, 0)


def test_reordered_across_the_wrap():
    line = Line()
    line.put(1, 65535, 0, 65534)
    line.turn(2)
    assert [line.turn() for _ in range(4)] == [65534, 65535, 0, 1]


def test_time_wraps():
    line = Line(start_ms=RING_MS - 50)
    for i in range(20):
        line.put(i)
        line.turn()
    assert line.played == list(range(18))
    assert line.buffer.jitter_ms() == 0


def test_a_jump_ahead_starts_anew_and_loses_what_never_came():
    line = started(100, 3)
    line.turn()
    line.put(140)
    assert line.counts() == (37, 0, 0, 0, 2)
    assert not line.buffer.started
    line.put(141, 142)
    assert [line.turn() for _ in range(5)] == ["waiting", "waiting", 140, 141, 142]
    assert line.counts() == (37, 0, 0, 0, 2)


def test_stragglers_of_a_jump_are_late_not_played():
    line = started(100, 3)
    line.turn()
    line.put(140)
    assert line.put(139) == LATE
    assert line.counts() == (36, 1, 0, 0, 2)
    assert line.put(139) == DUPLICATE
    assert line.put(110) == LATE
    assert line.put(102) == DUPLICATE, "it was held and skipped"
    line.turn(2)
    assert line.turn() == 140
    assert line.put(138) == LATE
    assert line.counts() == (34, 3, 2, 0, 2)


def test_a_frame_that_was_held_and_skipped_is_not_lost():
    line = started(100, 3)
    line.turn(3)
    line.put(130, 134)
    # turn of 103; 130 and 134 are held; 135 is 32 ahead
    line.put(135)
    assert line.counts() == (30, 0, 0, 0, 2)
    assert line.put(130) == DUPLICATE
    assert line.put(134) == DUPLICATE
    assert line.put(133) == LATE
    assert line.counts() == (29, 1, 2, 0, 2)


def test_a_slot_that_was_held_by_an_older_frame_does_not_hide_a_loss():
    line = started(100, 3)
    line.turn(3)
    line.put(104)
    line.put(140)
    # 136 has the slot in which 104 lay
    assert line.counts() == (36, 0, 0, 0, 1)
    assert line.put(136) == LATE
    assert line.put(104) == DUPLICATE
    assert line.counts() == (35, 1, 1, 0, 1)


def test_a_new_stream_loses_nothing():
    for other in (1101, 20000, 40000, 64000):
        line = started(100, 3)
        line.turn()
        assert line.put(other) == STORED
        assert line.counts() == (0, 0, 0, 0, 2), other
        assert line.put(other - 1) == STORED, "reordered at the head of a new stream"
        line.turn(2)
        assert line.turn() == other - 1
        assert line.turn() == other


def test_the_edge_between_reordering_and_a_jump():
    line = started(100, 1)
    assert line.turn() == 100
    assert line.put(101 + 31) == STORED
    assert line.buffer.started and line.buffer.skipped == 0
    line = started(100, 1)
    line.turn()
    assert line.put(101 + 32) == STORED
    assert not line.buffer.started and line.buffer.lost == 32


def test_the_edge_between_lateness_and_a_restart():
    line = started(5000, 1)
    line.turn()
    assert line.put(5001 - 999) == DUPLICATE
    assert line.buffer.started
    assert line.put(5001 - 1000) == STORED
    assert not line.buffer.started


def test_other_sizes_are_refused_and_counted():
    line = started()
    for size in (0, PAYLOAD_BYTES - 1, PAYLOAD_BYTES + 1, 2 * PAYLOAD_BYTES):
        data = packet(103, size)
        assert line.buffer.put(data, 0, len(data), line.now_ms) == REFUSED, size
        line.check()
    assert line.buffer.put(packet(103), 0, 5, line.now_ms) == REFUSED
    assert line.buffer.refused == 5 and line.buffer.level_ms() == 60
    assert [line.turn() for _ in range(4)] == [100, 101, 102, "missing"]


def test_the_packet_may_stand_anywhere_and_is_copied():
    line = Line()
    store = bytearray(b"\x77" * 5) + packet(300) + bytearray(b"\x77" * 5)
    assert line.buffer.put(store, 5, 12 + PAYLOAD_BYTES, 0) == STORED
    for i in range(len(store)):
        store[i] = 0
    line.turn(2)
    assert line.turn() == 300


def test_a_full_store_and_not_one_more():
    for slots in (4, 8, 64):
        buffer = JitterBuffer(PAYLOAD_BYTES, PTIME_MS, SAMPLES, 60, slots)
        data_bytes = len(buffer._data)
        for seq in range(slots):
            assert buffer.put(packet(seq), 0, 12 + PAYLOAD_BYTES, 0) == STORED
        assert buffer.level_ms() == slots * PTIME_MS and buffer.skipped == 0
        buffer.put(packet(slots), 0, 12 + PAYLOAD_BYTES, 0)
        assert buffer.level_ms() == PTIME_MS and buffer.skipped == slots
        assert len(buffer._data) == data_bytes == slots * PAYLOAD_BYTES


def test_jitter_of_rfc_3550():
    line = Line()
    expected_16 = 0
    arrivals_ms = [0, 20, 47, 60, 60, 95, 120, 121, 160]
    for i, now_ms in enumerate(arrivals_ms):
        line.now_ms = now_ms
        line.put(i)
        if i:
            deviation = abs(now_ms - arrivals_ms[i - 1] - PTIME_MS)
            expected_16 += deviation - ((expected_16 + 8) >> 4)
        assert line.buffer.jitter_ms() == expected_16 >> 4
    assert line.buffer.jitter_ms() == 4


def test_a_pause_of_the_sender_is_no_jitter():
    line = Line()
    for i in range(5):
        line.put(i)
        line.turn()
    data = packet(5)
    # a talk spurt 60 s later: its timestamp moved with the clock
    wire.write_header(data, 0, 1, 8, array("I", [5, (4 * 20 + 60000) * 8, 7]))
    line.buffer.put(data, 0, len(data), 4 * 20 + 60000)
    assert line.buffer.jitter_ms() == 0
    # an hour and more is beyond what is measured
    wire.write_header(data, 0, 1, 8, array("I", [6, 2**31 - 5, 7]))
    line.buffer.put(data, 0, len(data), 4 * 20 + 60020)
    assert line.buffer.jitter_ms() == 0


if MICROPYTHON:
    import micropython

    def under_lock(buffer, numbers, packets, out):
        """Put and get while the heap refuses everything; a number below 0 is a turn without a packet."""
        now_ms = (1 << 30) - 1000
        micropython.heap_lock()
        try:
            for number in numbers:
                if number >= 0:
                    buffer.put(packets[number], 0, 20, now_ms)
                buffer.get(out, 0, now_ms)
                now_ms += 20
                if now_ms >= 1073741800:
                    now_ms = 5
        finally:
            micropython.heap_unlock()

    def test_no_heap_is_taken_whatever_comes():
        numbers = list(range(200)) + [150, 150, 100, 1, 0] + [-1] * 9 + list(range(240, 260)) + [300, 299, 255, 310, 0]
        store = [packet(65400 + i) for i in range(400)]
        wire.write_header(store[255], 0, 0, 8, array("I", [65655 & 0xFFFF, 2**32 - 1, 7]))
        buffer = JitterBuffer(PAYLOAD_BYTES, PTIME_MS, SAMPLES, 60, 32)
        under_lock(buffer, numbers, store, bytearray(PAYLOAD_BYTES))
        assert buffer.late and buffer.lost and buffer.duplicates and buffer.skipped and buffer.concealed
        assert buffer.received == len(numbers) - 9
