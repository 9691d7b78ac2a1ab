"""The receiving half: what is heard of a stream that is whole, late, lossy, silent, slow, fast, or not ours."""

from array import array

from callcore import coders, wire
from callcore.downlink import Downlink
from callcore.media import PAYLOAD_TYPE, codec, frame_bytes, frame_ticks
from callcore.packetizer import Packetizer

THEIRS = 0xFEDCBA98
SAMPLES = 320


def tone(frames, amplitude=8000, period=64):
    """Frames of a triangle, which has a period."""
    made, at = [], 0
    for _ in range(frames):
        frame = bytearray(SAMPLES * 2)
        for k in range(SAMPLES):
            place = at % period
            height = place if place < period // 2 else period - place
            word = ((height * 4 * amplitude // period) - amplitude) & 0xFFFF
            frame[2 * k] = word & 255
            frame[2 * k + 1] = word >> 8
            at += 1
        made.append(frame)
    return made


class Far:
    """The far end: frames to packets."""

    def __init__(self, name="L16", has_noise=False, target_ms=40):
        self.name = name
        self.coder = coders.coder(name, SAMPLES)
        self.packets = Packetizer(codec(name)[PAYLOAD_TYPE], frame_ticks(name, 20), THEIRS, 65530, 0xFFFFFF00)
        self.down = Downlink(name, 20, THEIRS, has_noise, target_ms)
        self.now = 1000

    def packet(self, frame):
        made = bytearray(12 + frame_bytes(self.name, 20))
        at = self.packets.header(made, 0, 0)
        self.coder.encode(frame, 0, made, at, SAMPLES)
        return made

    def noise(self, level):
        made = bytearray(13)
        made[self.packets.noise(made, 0)] = level
        self.packets.skip(1)
        return made

    def take(self, packet):
        return self.down.take(packet, 0, len(packet), self.now)

    def hear(self, gain_mdb=0):
        """One turn of the player: the PCM of it; time goes on by it."""
        n = self.down.next(self.now, gain_mdb)
        self.now += n // 16
        return bytes(self.down.sound[: n * 2])


def level(pcm):
    """Mean magnitude."""
    return sum(abs(word) for word in array("h", pcm)) // (len(pcm) // 2)


def test_a_whole_stream_is_heard_unchanged():
    for name in ("L16", "PCMA", "G722"):
        far = Far(name)
        want, heard, decoder = b"", b"", coders.coder(name, SAMPLES)
        for frame in tone(30):
            packet = far.packet(frame)
            pcm = bytearray(640)
            decoder.decode(packet[12:], 0, pcm, 0, SAMPLES)
            want += bytes(pcm)
            assert far.take(packet)
            heard += far.hear()
        at = heard.find(want[:640])
        assert at >= 0 and heard[at:] == want[: len(heard) - at]
        assert not any(heard[:at])


def test_what_is_lost_is_concealed():
    far, parts = Far(), []
    for number, frame in enumerate(tone(30)):
        packet = far.packet(frame)
        if number != 20:
            far.take(packet)
        parts.append(far.hear())
    jitter = far.down.jitter
    assert (jitter.lost, jitter.concealed) == (1, 1)
    # no hole, and no step larger than the sound's own
    sound = array("h", b"".join(parts[10:]))
    for at in range(0, len(sound) - SAMPLES, 80):
        assert level(bytes(sound[at : at + 80])) > 2000
    assert max(abs(sound[k + 1] - sound[k]) for k in range(len(sound) - 1)) < 4 * 4600


def test_silence_is_filled_with_noise_of_the_level_that_was_told():
    far, heard = Far(has_noise=True), []
    for frame in tone(20):
        far.take(far.packet(frame))
        heard.append(far.hear())
    for number in range(50):
        if number % 8 == 0:
            assert far.take(far.noise(50))
        else:
            far.packets.skip(1)
        heard.append(far.hear())
    quiet = [level(part) for part in heard[30:]]
    # -50 dBov is 104 in the root mean square, 80 % of that in the mean
    assert all(50 < one < 130 for one in quiet), quiet
    jitter = far.down.jitter
    assert (jitter.lost, jitter.concealed) == (0, 0) and jitter.quiet >= 40 and jitter.noises >= 5
    for frame in tone(10):
        far.take(far.packet(frame))
        heard.append(far.hear())
    assert level(heard[-1]) > 2000 and jitter.lost == 0


def test_noise_is_foreign_where_nobody_agreed_on_it():
    far = Far()
    assert not far.take(far.noise(50))
    assert far.down.foreign == 1 and far.down.jitter.received == 0


def test_what_is_not_of_the_stream_moves_a_counter_and_nothing_else():
    far = Far()
    for _ in range(3):
        far.take(far.packet(tone(1)[0]))
    good = far.packet(tone(1)[0])
    for at, value in ((0, 0), (0, 0x90), (1, 0), (8, 0), (11, 0)):
        bad = bytearray(good)
        bad[at] = value
        assert not far.take(bad)
    assert not far.take(bytearray(11)) and not far.take(bytearray(0))
    assert far.down.foreign == 7 and far.down.jitter.received == 3


def test_it_tells_whether_what_is_played_was_here():
    far, here = Far(has_noise=True), []
    for number, frame in enumerate(tone(20)):
        packet = far.packet(frame)
        if number != 10:
            far.take(packet)
        far.hear()
        here.append(far.down.was_here)
    assert not here[0] and here.count(False) == here.index(True) + 1
    for _ in range(6):
        far.take(far.noise(50))
        far.hear()
    assert not far.down.was_here


def test_before_the_first_packet_there_is_silence():
    far = Far()
    for _ in range(20):
        assert not any(far.hear())


def test_a_player_that_is_too_late_catches_up_and_one_too_early_holds_back():
    for drift in (2, -2):
        far = Far(target_ms=60)
        sent, frames = 1000.0, tone(1500)
        gone = 0
        while gone < 1490:
            while sent <= far.now and gone < 1490:
                far.take(far.packet(frames[gone]))
                gone += 1
                sent += 20 * (1 - drift / 1000)
            far.hear()
        down = far.down
        # 0.2 % of 30 s are 60 ms
        if drift > 0:
            assert down.shortened_ms - down.lengthened_ms >= 30, (down.shortened_ms, down.lengthened_ms)
        else:
            assert down.lengthened_ms - down.shortened_ms >= 30 or down.jitter.concealed, down.lengthened_ms
        assert down.jitter.lost == 0
        assert down.jitter.delay_ms() < 140


def test_volume_is_applied_to_all_that_is_heard():
    far, loud, soft = Far(), 0, 0
    for frame in tone(20):
        far.take(far.packet(frame))
        loud = level(far.hear())
    for frame in tone(10):
        far.take(far.packet(frame))
        soft = level(far.hear(-12000))
    assert loud // 5 <= soft <= loud // 3


def test_volume_is_applied_to_what_is_put_in_as_well():
    far, put_in = Far(target_ms=60), 0
    sent = 1000.0
    for gone, frame in enumerate(tone(700)):
        while sent > far.now:
            heard = far.hear(-30000)
            if len(heard) > SAMPLES * 2 and gone > 20:
                put_in += 1
                assert level(heard[SAMPLES * 2 :]) < 400, put_in
        far.take(far.packet(frame))
        sent += 20.1  # the player is too early by 0.5 %
    assert put_in


def test_a_frame_put_in_between_words_is_as_quiet_as_they_are():
    far, sent = Far(target_ms=60), 1000.0
    for frame in tone(400, 30):
        while sent > far.now:
            assert level(far.hear()) < 100
        far.take(far.packet(frame))
        sent += 20.1
    assert far.down.lengthened_ms >= 20


def test_a_voice_that_is_up_to_60_ms_too_late_is_left_as_it_is():
    for wish, is_shorter in ((1, False), (60, False), (61, True), (200, True)):
        far = Far()
        for frame in tone(10):
            far.take(far.packet(frame))
            far.hear()
        far.down.jitter.wish_ms = lambda wish=wish: wish
        far.take(far.packet(tone(11)[10]))
        heard = len(far.hear())
        assert (heard < SAMPLES * 2) == is_shorter, (wish, heard)
        assert far.down.shortened_ms == (SAMPLES * 2 - heard) // 32


def test_the_longest_frame_fits():
    down = Downlink("G722", 40, THEIRS, True, 60)
    assert len(down.sound) >= 2 * (640 + 240)
    assert wire.NOISE_TYPE == 13
