"""Any bytes as sound, at the board's ear and the phone's: only counters move, each packet has one fate, the sound goes on."""

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcore import coders, media, wire
from callcore.downlink import Downlink
from callcore.plc import MAX_PERIOD_SAMPLES
from tincall.leg import Media
from tincall.worker import transcode
from tincall.worker.media import PhoneAudio

MINE, THEIRS = 7, 0xFEDCBA98
RING_MS = 1 << 30


class Board:
    """The board's receiving half."""

    def __init__(self, codec, ptime, cn, target_ms):
        self.ptime = ptime
        self.down = Downlink(codec, ptime, THEIRS, cn, target_ms)
        self.buffer = self.down.jitter
        self.room = len(self.down.sound)

    def take(self, packet, now_ms):
        buf = bytearray(b"\x55\xaa\x55" + packet + b"\xaa")
        was = bytes(buf)
        self.down.take(buf, 3, len(packet), now_ms)
        assert buf == was

    def hear(self, now_ms):
        """A turn; gives how long its sound is in ms."""
        n = self.down.next(now_ms, -3000)
        assert 0 < n <= self.ptime * 16 + MAX_PERIOD_SAMPLES and len(self.down.sound) == self.room >= 2 * n
        return n // 16

    def strange(self):
        return self.down.foreign + self.buffer.refused


class Phone:
    """The worker's; a microphone that hiss comes from."""

    def __init__(self, codec, ptime, cn, target_ms, rate_hz):
        self.phone = PhoneAudio(
            Media(codec, ptime, MINE, THEIRS, cn), lambda packet: True, 1, 1, buffer_ms=target_ms, rate_hz=rate_hz
        )
        self.buffer = self.phone.buffer
        self.samples = rate_hz // 50
        self._microphone = np.random.default_rng(1).integers(-900, 900, self.samples).astype(np.int16)

    def take(self, packet, now_ms):
        self.phone.take(packet, now_ms)

    def hear(self, now_ms):
        """A tick; gives how long its sound is in ms."""
        played = self.phone.tick(now_ms, self._microphone)
        assert played.dtype == np.int16 and played.shape == (self.samples,)
        # at most what one packet and one period are
        assert len(self.phone._far) <= 2 * self.samples + 2 * MAX_PERIOD_SAMPLES
        return 20

    def strange(self):
        return self.phone.refused


class Line:
    """What comes, to one end."""

    def __init__(self, end, codec, ptime, now_ms):
        self.end = end
        self.now_ms = now_ms
        self.came = 0
        self.ptime = ptime
        self.type = media.codec(codec)[media.PAYLOAD_TYPE]
        self.ticks = media.frame_ticks(codec, ptime)
        self.seq, self.stamp = 65530, 0xFFFFFF00
        self.payload = bytes(media.frame_bytes(codec, ptime))
        self.last = b""

    def take(self, packet):
        self.last = packet
        self.came += 1
        self.end.take(packet, self.now_ms)
        self.check()

    def check(self):
        """Each packet has one fate, no counter is below nought, and no more is held than there is room for."""
        b = self.end.buffer
        held = b.level_ms() // self.ptime
        fates = (b.played, b.noises, b.late, b.duplicates, b.skipped, self.end.strange())
        assert self.came == sum(fates) + held
        assert min(*fates, b.lost, b.concealed, b.quiet) >= 0 and 0 <= held <= 32

    def packet(self, seq=None, stamp=None, kind=None, payload=None, ssrc=THEIRS, marker=0):
        made = bytearray(12)
        state = array(
            "I", [(self.seq if seq is None else seq) & 0xFFFF, (self.stamp if stamp is None else stamp), ssrc]
        )
        wire.write_header(made, 0, marker, self.type if kind is None else kind, state)
        return bytes(made) + (self.payload if payload is None else payload)

    def good(self, count):
        for _ in range(count):
            self.take(self.packet())
            self.seq = (self.seq + 1) & 0xFFFF
            self.stamp = (self.stamp + self.ticks) & 0xFFFFFFFF

    def do(self, what, value):
        if what == "raw":
            self.take(value)
        elif what == "made":
            self.take(
                self.packet(**{**value, "payload": self.payload if value["payload"] is None else value["payload"]})
            )
        elif what == "good":
            self.good(value)
        elif what == "again":
            for _ in range(value):
                self.take(self.last)
        elif what == "jump":
            self.seq, self.stamp = (self.seq + value[0]) & 0xFFFF, (self.stamp + value[1]) & 0xFFFFFFFF
        elif what == "wait":
            self.now_ms = (self.now_ms + value) % RING_MS
        else:
            for _ in range(value):
                self.now_ms = (self.now_ms + self.end.hear(self.now_ms)) % RING_MS
                self.check()

    def recovers(self):
        """In a second of good packets, a few of them shown to whoever thinks they are stragglers."""
        self.do("jump", (2000, 1 << 22))
        for _ in range(60):
            self.good(1)
            for _ in range(self.ptime // 20):
                self.do("hear", 1)
        before = self.end.buffer.played
        for _ in range(10):
            self.good(1)
            for _ in range(self.ptime // 20):
                self.do("hear", 1)
        assert self.end.buffer.played > before


SEQS = st.one_of(st.none(), st.integers(0, 65535))
STAMPS = st.one_of(st.none(), st.integers(0, 2**32 - 1))
KINDS = st.one_of(st.none(), st.just(13), st.integers(0, 127))
PAYLOADS = st.one_of(st.none(), st.binary(max_size=4), st.sampled_from([80, 84, 160, 320, 640, 2036]).map(bytes))
SSRCS = st.sampled_from([THEIRS, THEIRS, THEIRS, THEIRS ^ 1, 0])
MADE = st.fixed_dictionaries(
    {"seq": SEQS, "stamp": STAMPS, "kind": KINDS, "payload": PAYLOADS, "ssrc": SSRCS, "marker": st.integers(0, 1)}
)
STEPS = st.one_of(
    st.tuples(st.just("raw"), st.binary(max_size=40)),
    st.tuples(st.just("made"), MADE),
    st.tuples(st.just("good"), st.integers(1, 40)),
    st.tuples(st.just("again"), st.integers(1, 3)),
    st.tuples(st.just("jump"), st.tuples(st.integers(-200, 1200), st.integers(-(1 << 32), 1 << 32))),
    st.tuples(st.just("wait"), st.integers(0, 5000)),
    st.tuples(st.just("hear"), st.integers(1, 12)),
)
COURSE = st.lists(STEPS, max_size=40)
BEGIN_MS = st.sampled_from([0, 12345, RING_MS - 300])
TARGETS_MS = st.sampled_from([0, 20, 60, 200])
PTIMES = st.sampled_from([20, 40])


def survive(line, course):
    for what, value in course:
        line.do(what, value)
    line.recovers()


@pytest.mark.parametrize("codec", [name for name in (*coders.NAMES, "L16") if name != "opus"])
@given(course=COURSE, ptime=PTIMES, cn=st.booleans(), target_ms=TARGETS_MS, now_ms=BEGIN_MS)
@settings(max_examples=15, deadline=None)
def test_any_packets_at_the_board(codec, course, ptime, cn, target_ms, now_ms):
    survive(Line(Board(codec, ptime, cn, target_ms), codec, ptime, now_ms), course)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@given(data=st.data(), course=COURSE, ptime=PTIMES, cn=st.booleans(), target_ms=TARGETS_MS, now_ms=BEGIN_MS)
@settings(max_examples=60, deadline=None)
def test_any_packets_at_the_phone(rate_hz, data, course, ptime, cn, target_ms, now_ms):
    codec = data.draw(st.sampled_from(transcode.codecs(rate_hz)))
    survive(Line(Phone(codec, ptime, cn, target_ms, rate_hz), codec, ptime, now_ms), course)


@given(st.data(), PTIMES)
@settings(max_examples=60, deadline=None)
def test_any_payload_is_decoded_to_a_whole_frame(data, ptime):
    """By each coder of both sides, whatever it has decoded before."""
    codec = data.draw(st.sampled_from(transcode.codecs(16000)))
    size = media.frame_bytes(codec, ptime)
    payloads = data.draw(st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=4))
    host = transcode.coder(codec, ptime)
    for payload in payloads:
        decoded = host.decode(payload)
        assert decoded.dtype == np.int16 and decoded.shape == (
            media.codec(codec)[media.SAMPLE_RATE_HZ] * ptime // 1000,
        )
    if codec == "opus":
        return
    board = coders.coder(codec, ptime * 16)
    sound = bytearray(b"\xa5" * (ptime * 32 + 2))
    for payload in payloads:
        assert board.decode(bytearray(payload), 0, sound, 0, ptime * 16) == ptime * 16
        assert sound[-2:] == b"\xa5\xa5"
