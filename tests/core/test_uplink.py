"""The sending half: what becomes of frames of speech, of silence, of echo, and what their packets say."""

from callcore import coders, wire
from callcore.media import frame_bytes
from callcore.uplink import Uplink
from callcore.vad import Vad

AT = 14
SAMPLES = 320


class Lane:
    """Keeps the packets that were sent."""

    def __init__(self):
        self._buf = bytearray(AT + 12 + 700)
        self.packets = []

    def media_buffer(self):
        return self._buf

    def send_media(self, n):
        self.packets.append(bytes(self._buf[AT : AT + n]))


def noise(frames, amplitude, seed=5, samples=SAMPLES):
    """Frames of noise."""
    state, made = seed, []
    for _ in range(frames):
        frame = bytearray(samples * 2)
        for k in range(samples):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            word = ((((state >> 8) & 0xFFFF) - 32768) * amplitude >> 15) & 0xFFFF
            frame[2 * k] = word & 255
            frame[2 * k + 1] = word >> 8
        made.append(frame)
    return made


def spoken(frames):
    """Loud frames; what is loud for seconds is noise to a vad, so there are few."""
    return noise(frames, 9000)


def hiss(frames):
    """Frames of a quiet room."""
    return noise(frames, 40, 77)


def uplink(lane, name="PCMA", has_noise=False, ptime=20, agc=False, echo_ms=-1):
    return Uplink(lane, AT, name, ptime, 7, has_noise, 65534, 0xFFFFFF00, agc, echo_ms)


def heads(packets):
    """Sequence number, timestamp, marker and payload type of each."""
    made = []
    for packet in packets:
        buf = bytearray(packet)
        stamp = int.from_bytes(packet[4:8], "big")
        made.append((wire.seq(buf, 0), stamp, wire.marker(buf, 0), wire.payload_type(buf, 0)))
    return made


def test_every_frame_is_sent_and_unchanged_when_nothing_is_governed():
    for name in ("PCMA", "G722", "L16"):
        lane = Lane()
        one, coder = uplink(lane, name), coders.coder(name, SAMPLES)
        for frame in spoken(3) + hiss(3):
            want = bytearray(frame_bytes(name, 20))
            coder.encode(bytearray(frame), 0, want, 0, SAMPLES)
            one.frame(frame)
            assert lane.packets[-1][12:] == bytes(want)
        assert one.sent == len(lane.packets) == 6 and one.silent == 0


def test_packets_are_numbered_stamped_and_marked():
    lane = Lane()
    one = uplink(lane)
    for frame in spoken(3):
        one.frame(frame)
    assert heads(lane.packets) == [(65534, 0xFFFFFF00, 1, 8), (65535, 0xFFFFFFA0, 0, 8), (0, 0x40, 0, 8)]


def test_of_silence_its_level_is_sent_now_and_then():
    lane = Lane()
    one = uplink(lane, has_noise=True)
    for frame in hiss(200):
        one.frame(frame)
    kinds = [kind for _, _, _, kind in heads(lane.packets)]
    assert 150 <= one.silent <= 200
    assert one.silent // 16 <= kinds.count(13) <= one.silent // 8 + 5
    last = lane.packets[-1]
    # 40 over the range is -62 dBov in the mean square
    assert len(last) == 13 and 58 <= last[12] <= 70


def test_speech_after_silence_begins_a_frame_early_and_with_the_marker():
    lane = Lane()
    one = uplink(lane, has_noise=True)
    for frame in hiss(103):
        one.frame(frame)
    before = len(lane.packets)
    early = hiss(1)[0]
    for frame in [early] + spoken(4):
        one.frame(frame)
    told = heads(lane.packets[before:])
    # a packet of noise may still have gone out for the frame before; then its time is taken
    sound = [head for head in told if head[3] == 8]
    assert len(sound) in (4, 5) and [head[2] for head in sound] == [1] + [0] * (len(sound) - 1)
    for number in range(1, len(sound)):
        earlier, later = sound[number - 1], sound[number]
        assert later[1] == earlier[1] + 160 and later[0] == earlier[0] + 1
    assert sound[-1][1] == (0xFFFFFF00 + 107 * 160) & 0xFFFFFFFF  # time has passed in silence, too


def test_the_frame_sent_late_is_the_one_before():
    lane = Lane()
    one, coder = uplink(lane, "G722", True), coders.coder("G722", SAMPLES)
    want = []
    for frame in hiss(101) + spoken(3):
        code = bytearray(160)
        coder.encode(bytearray(frame), 0, code, 0, SAMPLES)
        want.append(bytes(code))
        one.frame(frame)
    sent = [packet[12:] for packet in lane.packets if len(packet) == 172]
    assert sent[-3:] == want[-3:]
    assert sent[-4] == want[-4] or lane.packets[-4][1] & 0x7F == 13


def test_silence_is_counted_once_for_each_frame_that_was_not_sent():
    lane = Lane()
    one = uplink(lane, has_noise=True)
    for _ in range(3):
        for frame in hiss(60) + spoken(5):
            one.frame(frame)
    sound = len([1 for packet in lane.packets if len(packet) == 172])
    assert sound + one.silent == 3 * 65


def test_muted_sends_silence_or_nothing():
    for has_noise in (False, True):
        lane = Lane()
        one = uplink(lane, has_noise=has_noise)
        one.muted = True
        for frame in spoken(20):
            one.frame(frame)
        for packet in lane.packets[2:]:
            assert len(packet) == 13 or set(packet[12:]) <= {0x55, 0xD5}
        one.muted = False
        for frame in spoken(3):
            one.frame(frame)
        assert len(set(lane.packets[-1][12:])) > 20


def test_muted_speech_counts_as_silence():
    lane = Lane()
    one = uplink(lane, has_noise=True)
    one.muted = True
    for frame in spoken(20):
        one.frame(frame)
    assert one.silent >= 18 and len(lane.packets) <= 4


def test_while_the_far_end_speaks_its_echo_is_kept_back():
    lane = Lane()
    one, heard = uplink(lane, "L16", echo_ms=40), Vad(SAMPLES)
    far = spoken(60)
    for number in range(60):
        heard.frame(far[number], 0)
        one.played(heard, 0)
        # half as loud, and a frame later
        echo = noise(60, 3000)[max(number - 1, 0)] if number == 0 else bytearray(far[number - 1])
        for k in range(SAMPLES):
            word = echo[2 * k] | echo[2 * k + 1] << 8
            word = ((word ^ 0x8000) - 0x8000 >> 1) & 0xFFFF
            echo[2 * k] = word & 255
            echo[2 * k + 1] = word >> 8
        one.frame(echo)
    vad = Vad(SAMPLES)
    levels = []
    for packet in lane.packets[10:]:
        pcm = bytearray(640)
        for k in range(320):
            pcm[2 * k] = packet[13 + 2 * k]
            pcm[2 * k + 1] = packet[12 + 2 * k]
        vad.frame(pcm, 0)
        levels.append(vad.level)
    assert max(levels) <= -40, levels


def test_a_loudspeaker_that_is_turned_down_is_spoken_over_by_a_quieter_voice():
    for gain_mdb, is_heard in ((0, False), (-30000, True)):
        lane, heard = Lane(), Vad(SAMPLES)
        one, far, near = uplink(lane, "L16", echo_ms=40), spoken(20), noise(20, 3000)
        for number in range(20):
            heard.frame(far[number], 0)
            one.played(heard, gain_mdb)
            one.frame(near[number])
        # what is let through turns the far end down meanwhile
        assert (one.duck < 0) == is_heard, (gain_mdb, one.duck)
        loudest = max(
            abs((packed ^ 0x80) - 0x80)
            for packed in (lane.packets[-1][at] for at in range(12, len(lane.packets[-1]), 2))
        )
        assert (loudest >= 8) == is_heard, (gain_mdb, loudest)  # of 3000, in units of 256; 30 dB down it is 95


def test_a_quiet_voice_is_brought_up():
    lane = Lane()
    one = uplink(lane, "L16", agc=True)
    # bursts, so that they are speech to the vad
    for _ in range(30):
        for frame in noise(8, 700) + hiss(22):
            one.frame(frame)
    vad = Vad(SAMPLES)
    loudest = -127
    for packet in lane.packets[-30:]:
        pcm = bytearray(640)
        for k in range(320):
            pcm[2 * k] = packet[13 + 2 * k]
            pcm[2 * k + 1] = packet[12 + 2 * k]
        vad.frame(pcm, 0)
        loudest = max(loudest, vad.level)
    # 700 over the range is -38 dBov; 30 bursts of 160 ms bring 14 dB
    assert -30 <= loudest <= -18, loudest
