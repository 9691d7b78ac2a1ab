"""Bad sound at the phone's side: each packet has one named fate, the far edge gets 20 ms at every tick, and it recovers."""

import random
import tracemalloc

import numpy as np
import pytest

from callcore import media, wire
from callcore.packetizer import Packetizer
from tincall.leg import Media
from tincall.worker import transcode
from tincall.worker.media import PhoneAudio

MINE, THEIRS = 0x11111111, 0xFEDCBA98
KINDS = [
    (name, rate_hz, ptime) for rate_hz in (8000, 16000) for name in transcode.codecs(rate_hz) for ptime in (20, 40)
]
FATES = ("played", "noises", "late", "duplicates", "skipped", "refused")
EVERY = pytest.mark.parametrize(("codec", "rate_hz", "ptime"), KINDS)


class End:
    """A phone, and a board that sends it what it should unless told otherwise.

    Attributes:
        now: the time in ms.
        heard: all that was played, tick by tick.
    """

    def __init__(self, codec="PCMA", rate_hz=16000, ptime=20, cn=True, buffer_ms=40):
        self.codec, self.rate_hz, self.ptime = codec, rate_hz, ptime
        self.phone = PhoneAudio(
            Media(codec, ptime, MINE, THEIRS, cn), lambda packet: True, 1, 1, buffer_ms=buffer_ms, rate_hz=rate_hz
        )
        self.buffer = self.phone.buffer
        self.now = 1000
        self._coder = transcode.coder(codec, ptime)
        self._at = 0
        self.payload_bytes = media.frame_bytes(codec, ptime)
        self.ticks = media.frame_ticks(codec, ptime)
        self.type = media.codec(codec)[media.PAYLOAD_TYPE]
        self._silence = np.zeros(rate_hz // 50, dtype=np.int16)
        self.heard = []
        self.begin(65500, 0xFFFFFE00)

    def begin(self, seq, stamp):
        """Number what is sent from here on."""
        self.line = Packetizer(self.type, self.ticks, THEIRS, seq, stamp)

    def payload(self):
        """The next frame of a tone."""
        made = b""
        while not made or len(made) < self.payload_bytes:
            at = self._at + np.arange(self._coder.rate_hz // 50)
            self._at += len(at)
            tone = 8000 * np.sin(2 * np.pi * at / (self._coder.rate_hz // 200))
            made += self._coder.encode(np.rint(tone).astype(np.int16))
        return made

    def packet(self, payload=None, kind=None, ssrc=None):
        """The next packet of the board."""
        made = bytearray(12)
        self.line.header(made, 0, 0)
        if kind is not None:
            made[1] = kind
        if ssrc is not None:
            made[8:12] = ssrc.to_bytes(4, "big")
        return bytes(made) + (self.payload() if payload is None else payload)

    def noise(self, payload):
        """A packet of comfort noise, in the time of a frame."""
        made = bytearray(12)
        self.line.noise(made, 0)
        self.line.skip(1)
        return bytes(made) + payload

    def take(self, packet):
        self.phone.take(packet, self.now)

    def hear(self, count=None):
        """The ticks of a packet, or so many."""
        for _ in range(self.ptime // 20 if count is None else count):
            played = self.phone.tick(self.now, self._silence)
            assert played.dtype == np.int16 and played.shape == (self.rate_hz // 50,)
            self.heard.append(played.copy())
            self.now += 20
        self.check()

    def talk(self, packets):
        for _ in range(packets):
            self.take(self.packet())
            self.hear()

    def check(self):
        """Each packet has one fate, and nothing is kept of what was played."""
        phone, figures = self.phone, self.phone.figures()
        held = self.buffer.level_ms() // self.ptime
        assert figures["received"] == sum(figures[name] for name in FATES) + held
        assert min(value for value in figures.values()) >= 0 or figures["delay_ms"] < 0
        assert len(phone._far) <= 4 * self.rate_hz * self.ptime // 1000 and held <= 32

    def level(self, ticks=1):
        """Mean magnitude of the last ticks."""
        return float(np.abs(np.concatenate(self.heard[-ticks:]).astype(int)).mean())

    def recovers(self):
        """After all that every packet is played again, and the tone is heard."""
        self.talk(1600 // self.ptime)
        figures = self.phone.figures()
        self.talk(1000 // self.ptime)
        after = self.phone.figures()
        assert all(
            after[name] == figures[name] for name in ("lost", "concealed", "refused", "late", "duplicates", "skipped")
        )
        # a sine of 8,000
        assert 4000 < self.level(40) < 6000, self.level(40)


@EVERY
def test_garbage_within_good_packets_is_played_and_harms_only_itself(codec, rate_hz, ptime):
    end = End(codec, rate_hz, ptime)
    source = random.Random(5)
    end.talk(10)
    played = end.buffer.played
    for turn in range(30):
        garbage = source.randbytes(end.payload_bytes)
        if turn % 4 == 1:
            garbage = b"\xff" * len(garbage)
        elif turn % 4 == 2:
            garbage = b"\x7f\xff\x59\x00" + b"\x77" * (len(garbage) - 4)  # of DVI4: a place beyond the table
        elif turn % 4 == 3:
            garbage = bytes(len(garbage))
        end.take(end.packet(garbage))
        end.hear()
    assert end.phone.refused == 0 and end.buffer.played > played + 20
    end.recovers()


@EVERY
def test_another_length_is_refused_and_its_turn_is_concealed(codec, rate_hz, ptime):
    end = End(codec, rate_hz, ptime)
    end.talk(20)
    for size in (0, 1, end.payload_bytes - 1, end.payload_bytes + 1, 2036, 4000):
        end.take(end.packet(bytes(size)))
        end.hear()
    assert end.phone.refused == 6
    end.recovers()
    assert end.buffer.lost == 6 and end.buffer.concealed >= 6


@EVERY
def test_a_peer_that_never_sends_is_heard_as_silence(codec, rate_hz, ptime):
    end = End(codec, rate_hz, ptime)
    end.hear(500)
    assert not np.concatenate(end.heard).any() and not any(end.phone.figures()[name] for name in ("received", *FATES))
    end.recovers()


def test_another_payload_type_and_another_ssrc_are_refused():
    end = End(cn=False)
    end.talk(20)
    for kind in (0, 9, 96, 97, 5, 72, wire.NOISE_TYPE, 127, 0x80):
        end.take(end.packet(kind=kind))
        end.hear()
    for ssrc in (0, MINE, THEIRS ^ 1, THEIRS ^ 0x80000000, 0xFFFFFFFF):
        end.take(end.packet(ssrc=ssrc))
        end.hear()
    assert end.phone.refused == 14
    end.recovers()
    assert end.buffer.lost == 14


@pytest.mark.parametrize("first", [100, 65500, 65530])
@pytest.mark.parametrize("step", [5, 31, 32, 200, 900, 1001, 32768, -150, -1001, -20000])
def test_jumps_of_the_sequence_number(step, first):
    end = End()
    end.begin(first, 0)
    end.talk(30)
    is_loss = 0 < step < 1000
    end.begin((first + 30 + step) & 0xFFFF, (30 + (step if is_loss else 0)) * 160)
    if is_loss:
        end.now += step * 20
    end.recovers()
    assert end.buffer.lost == (step if is_loss else 0)


@pytest.mark.parametrize("back", [160, 1600, 16000, 1 << 20, 1 << 31])
def test_timestamps_that_go_back(back):
    end = End()
    end.begin(100, 1 << 22)
    end.talk(30)
    end.begin(130, ((1 << 22) + 30 * 160 - back) & 0xFFFFFFFF)
    end.recovers()
    assert end.buffer.skipped <= 4 and end.buffer.lost == 0


@pytest.mark.parametrize(("codec", "rate_hz"), [("PCMA", 8000), ("G722", 16000), ("L16", 16000)])
def test_a_thousand_packets_a_second_for_ten_seconds(codec, rate_hz):
    if codec not in transcode.codecs(rate_hz):
        pytest.skip("needs PyAV")
    end = End(codec, rate_hz)
    end.talk(20)
    payload = end.payload()
    for _ in range(500):
        for _ in range(20):
            end.take(end.packet(payload))
        end.hear()
    figures = end.phone.figures()
    # what is too late for ten seconds of sound is skipped, or left out once it counts as the background
    assert figures["skipped"] > 5000 and figures["lost"] == 0 and end.buffer.level_ms() <= 640
    end.recovers()


def test_memory_does_not_grow_whatever_comes():
    end = End("L16")
    source = random.Random(2)

    def flood(turns):
        for _ in range(turns):
            for _ in range(20):
                end.phone.take(source.randbytes(source.randrange(2048)), end.now)
                end.phone.take(end.packet(bytes(640)), end.now)
            end.hear()
            end.heard.clear()

    flood(20)
    tracemalloc.start()
    try:
        flood(5)
        before = tracemalloc.get_traced_memory()[0]
        flood(100)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # counters become larger integers, and that is all; one packet kept of a hundred would be 50 KB
    assert grown < 20000, grown


def test_a_minute_of_silence_without_a_word():
    end = End("L16")
    end.talk(50)
    end.hear(3000)
    # it may be a stall: concealed, and that fades to what the background was
    assert end.buffer.concealed >= 2990 and end.buffer.lost == 0 and end.level(50) < 200
    end.begin((65500 + 50) & 0xFFFF, (0xFFFFFE00 + 3050 * 320) & 0xFFFFFFFF)
    end.recovers()
    assert end.buffer.lost == 0


def test_a_minute_of_silence_with_comfort_noise():
    end = End("L16")
    end.talk(50)
    for turn in range(3000):
        if turn % 8 == 0:
            end.take(end.noise(b"\x3c"))
        else:
            end.line.skip(1)
        end.hear()
    figures = end.phone.figures()
    assert figures["concealed"] == figures["lost"] == 0 and figures["quiet"] > 2980 and figures["noises"] >= 370
    levels = [float(np.abs(part.astype(int)).mean()) for part in end.heard[60:]]
    assert min(levels) > 15 and max(levels) < 45  # -60 dBov is 33 in the root mean square
    end.recovers()


def test_levels_of_noise_above_127_and_noise_with_nothing_in_it():
    end = End("L16")

    def noise(payload):
        """A packet of noise, and 120 ms of what is heard then."""
        end.take(end.noise(payload))
        end.line.skip(5)
        end.hear(6)

    end.talk(20)
    noise(b"\xbc")  # the upper bit is not the level's
    assert end.buffer.noise_level == 60 and 15 < end.level() < 45
    noise(b"")
    assert end.phone.refused == 1 and 15 < end.level() < 45
    noise(b"\x7f" + bytes(200))  # with a spectrum
    assert end.buffer.noise_level == 127 and end.level() <= 1
    for level in (0, 128):  # as loud as can be said: it does not overflow
        noise(bytes([level]))
        assert 4000 < end.level() < 12000
    end.recovers()


def test_a_flood_of_comfort_noise():
    end = End("L16")
    end.talk(20)
    for turn in range(150):
        for level in range(20):
            end.take(end.noise(bytes([(turn + level) & 255])))
        end.hear()
    assert end.buffer.level_ms() <= 640
    end.recovers()
