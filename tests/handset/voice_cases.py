"""Runs on a board: every sample of a call, up and down, whatever microphone, speaker and network do."""

from array import array

from board_link import frames_of, open_link
from board_world import World

from callcore import coders, framer, media, messages, plc, wire
from callcore.media import frame_bytes, frame_ticks
from handset import clock
from handset.voice import Voice

MINE = 0x89ABCDEF
THEIRS = 0xFEDCBA98
SAMPLES = 320


class Microphone:
    """Gives the samples of `sound` on the clock, at most `most` bytes at a time; counts deinit."""

    def __init__(self, world, sound, most):
        self._world = world
        self._sound = sound
        self._most = most
        self._given = 0
        self.deinits = 0

    def readinto(self, buf):
        # 49 samples are there at once, so that what is read does not end where frames do
        there = min(98 + self._world.now * 32, len(self._sound)) - self._given
        n = min(there, len(buf), self._most) & ~1
        buf[:n] = self._sound[self._given : self._given + n]
        self._given += n
        return n

    def deinit(self):
        self.deinits += 1


class Speaker:
    """A ring of 40 ms that plays on the clock; remembers all it took."""

    def __init__(self, world, most):
        self._world = world
        self._most = most
        self._start = None
        self.heard = bytearray()
        self.deinits = 0

    def write(self, buf, off, n):
        assert off % 2 == n % 2 == 0 and off + n <= len(buf)
        if self._start is None:
            self._start = self._world.now
        room = 1280 + (self._world.now - self._start) * 32 - len(self.heard)
        n = min(room, n, self._most) & ~1
        self.heard.extend(buf[off : off + n])
        return n

    def deinit(self):
        self.deinits += 1


class Talk:
    """A call's sound on a link without a network."""

    def __init__(self, codec="PCMA", ptime=20, sound=b"", most=100000, room=None):
        self.world = World()
        self.stream, self.link = open_link(room=room)
        self.microphone = Microphone(self.world, sound, most)
        self.speaker = Speaker(self.world, most)
        agreed = {"codec": codec, "ptime": ptime, "ssrc": MINE, "remote_ssrc": THEIRS}
        self.voice = Voice(self.link, self.microphone, self.speaker, agreed, 65533, 0xFFFFFF00, 40, 40)
        self.codec = codec
        self.ptime = ptime
        self._state = array("I", [65530, 0xFFFFFFF0, THEIRS])
        self._payload_type = media.codec(codec)[media.PAYLOAD_TYPE]
        self.voice.start()

    def sent(self):
        return [payload for kind, payload, _ in frames_of(self.stream.sent) if kind == framer.BINARY]

    def packet(self, payload, ssrc=THEIRS, payload_type=None):
        """The next packet of the far end."""
        made = bytearray(12 + len(payload))
        self._state[2] = ssrc
        wire.write_header(made, 0, 0, self._payload_type if payload_type is None else payload_type, self._state)
        made[12:] = payload
        self.skip()
        return made

    def skip(self):
        wire.advance(self._state, frame_ticks(self.codec, self.ptime))

    def take(self, packet):
        return self.voice.take(packet, 0, len(packet), clock.now_ms())


def sound_of(samples, seed=1):
    """Samples over the whole range, no two frames alike."""
    made = array("h", [0] * samples)
    state = seed
    for i in range(samples):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        made[i] = ((state >> 8) & 0xFFFF) - 32768
    return bytearray(bytes(made))


def encoded(codec, sound, ptime=20):
    """The payloads that a stream of 16 kHz becomes."""
    samples, size = ptime * 16, frame_bytes(codec, ptime)
    one, payloads = coders.coder(codec, samples), []
    for at in range(0, len(sound), samples * 2):
        codes = bytearray(size)
        one.encode(sound, at, codes, 0, samples)
        payloads.append(bytes(codes))
    return payloads


def played(codec, payloads, ptime=20):
    """The frames of 16 kHz that are heard when payloads come in time; None is a frame that never comes."""
    samples = ptime * 16
    one, concealer, frames = coders.coder(codec, samples), plc.Concealer(samples), []
    for payload in payloads:
        frame = bytearray(samples * 2)
        if payload is None:
            concealer.lost(frame, 0)
        else:
            one.decode(payload, 0, frame, 0, samples)
            concealer.heard(frame, 0)
        frames.append(bytes(frame))
    return frames


def some_frames(codec, count, seed):
    """Payloads of 20 ms, no two alike."""
    return encoded(codec, sound_of(count * SAMPLES, seed))


def test_every_sample_goes_up_once_and_in_order_however_the_microphone_gives_them():
    for codec in coders.NAMES:
        for ptime in (20, 40):
            sound = sound_of(4 * 640)
            want = encoded(codec, sound, ptime)
            # how samples come does not depend on the codec
            for most in (2, 250, 638, 640, 642, 100000) if codec == "PCMA" else (638,):
                talk = Talk(codec, ptime, sound, most)
                talk.world.run(6000)
                assert [packet[12:] for packet in talk.sent()] == want, (codec, ptime, most)


def test_packets_up_are_numbered_stamped_marked_and_named():
    talk = Talk(sound=sound_of(320 * 20))
    talk.world.run(1000)
    want = array("I", [65533, 0xFFFFFF00, MINE])
    for number, packet in enumerate(talk.sent()):
        head = bytearray(12)
        wire.write_header(head, 0, 1 if number == 0 else 0, 8, want)
        wire.advance(want, 160)
        assert packet[:12] == bytes(head), number
    assert want[0] == (65533 + 20) & 0xFFFF and len(talk.sent()) == 20


def test_samples_that_do_not_fill_a_frame_wait_for_more():
    talk = Talk(sound=sound_of(319))
    talk.world.run(1000)
    assert talk.sent() == [] and talk.voice.sent == 0


def test_every_sample_comes_down_once_and_in_order_however_the_speaker_takes_them():
    for codec in coders.NAMES:
        for ptime in (20, 40):
            for most in (2, 638, 100000) if codec == "PCMA" else (638,):
                talk = Talk(codec, ptime, most=most)
                codes = encoded(codec, sound_of(10 * ptime * 16, 7), ptime)
                for payload in codes:
                    assert talk.take(talk.packet(payload))
                    talk.world.run(ptime)
                talk.world.run(300)
                heard = bytes(talk.speaker.heard)
                want = b"".join(played(codec, codes + [None] * 5, ptime))
                begin = heard.find(want[:200])
                assert begin >= 0 and heard[begin : begin + len(want)] == want, (codec, ptime, most)
                assert not any(heard[:begin])
                assert talk.voice.jitter.received == talk.voice.jitter.played == 10
                assert talk.voice.jitter.lost == 0


def test_the_speaker_always_has_something():
    talk = Talk()
    talk.world.run(1000)
    assert len(talk.speaker.heard) >= 32000 and not any(talk.speaker.heard)


def test_a_loop_that_comes_too_late_is_counted_as_an_underrun():
    talk = Talk()
    talk.world.run(500)
    assert talk.voice.underruns == 0
    for stall_ms, underruns in ((30, 0), (41, 1), (300, 2)):
        talk.world.now += stall_ms  # every task was kept waiting
        talk.world.run(200)
        assert talk.voice.underruns == underruns, stall_ms
    assert talk.voice.figures()[1]["underruns"] == 2


def test_a_missing_frame_is_concealed_and_counted():
    talk = Talk()
    frames = some_frames("PCMA", 20, 30)
    frames[7] = frames[12] = None
    for codes in frames:
        if codes is None:
            talk.skip()
        else:
            talk.take(talk.packet(codes))
        talk.world.run(20)
    talk.world.run(200)
    assert b"".join(played("PCMA", frames)) in bytes(talk.speaker.heard)
    jitter = talk.voice.jitter
    assert (jitter.received, jitter.played, jitter.lost, jitter.late) == (18, 18, 2, 0)
    assert jitter.concealed >= 2
    _, down = talk.voice.figures()
    assert (down["received"], down["lost"], down["late"]) == (18, 2, 0)


def test_a_stall_of_the_network_delays_and_loses_nothing():
    talk = Talk()
    frames = some_frames("PCMA", 20, 90)
    for n, codes in enumerate(frames):
        if n == 10:
            talk.world.run(200)
        talk.take(talk.packet(codes))
        if n != 10:
            talk.world.run(20)
    talk.world.run(600)
    jitter = talk.voice.jitter
    assert jitter.lost == 0 and jitter.played == 20 and jitter.concealed >= 8


def test_what_is_concealed_is_not_taken_for_the_far_end_speaking():
    talk = Talk()
    told = []
    talk.voice._up.played = lambda vad, gain_mdb: told.append(talk.world.now)
    for codes in some_frames("PCMA", 20, 30):
        talk.take(talk.packet(codes))
        talk.world.run(20)
    begun = talk.world.now
    talk.world.run(600)
    # what was in the buffer is still played, and then nothing that anybody said
    assert 15 <= len(told) <= 20 and max(told) - begun <= 120
    assert talk.voice.jitter.concealed >= 20


def test_a_frame_after_its_turn_is_late_and_not_played():
    talk = Talk()
    held = None
    frames = some_frames("PCMA", 12, 50)
    for n in range(12):
        packet = talk.packet(frames[n])
        if n == 5:
            held = packet
        else:
            talk.take(packet)
        talk.world.run(20)
    assert talk.take(held)
    talk.world.run(200)
    assert (talk.voice.jitter.late, talk.voice.jitter.lost, talk.voice.jitter.received) == (1, 0, 12)
    frames[5] = None
    assert b"".join(played("PCMA", frames)) in bytes(talk.speaker.heard)


def test_what_is_not_of_this_stream_is_ignored():
    talk = Talk()
    good = bytes(160)
    assert not talk.take(talk.packet(good, ssrc=MINE))
    assert not talk.take(talk.packet(good, ssrc=THEIRS ^ 1))
    assert not talk.take(talk.packet(good, ssrc=THEIRS ^ 0x80000000))
    assert not talk.take(talk.packet(good, payload_type=0))
    assert not talk.take(talk.packet(good, payload_type=13))
    assert not talk.take(bytearray(b"\x80\x08"))
    assert not talk.take(bytearray(12) + good)  # version 0
    talk.world.run(500)
    assert talk.voice.jitter.received == 0 and not any(talk.speaker.heard)
    assert talk.take(talk.packet(good))
    assert talk.voice.jitter.received == 1


def test_a_packet_of_another_size_is_counted_and_not_played():
    talk = Talk()
    for size in (0, 159, 161, 320):
        assert talk.take(talk.packet(b"\x55" * size))
    talk.world.run(300)
    assert talk.voice.jitter.received == talk.voice.jitter.refused == 4
    assert not any(talk.speaker.heard)


def test_what_the_link_drops_is_counted_apart():
    talk = Talk(sound=sound_of(320 * 50), room=0)
    talk.world.run(2000)
    assert talk.voice.sent == 50
    talk.voice.stop()
    up, _ = talk.voice.figures()
    # one frame was under way from the first moment
    assert up == {"sent": 1, "dropped": 49, "silent": 0}
    talk.stream.room = None
    talk.link.flush()
    assert len(talk.sent()) == 1


def test_stop_ends_both_loops_and_counting_goes_on():
    talk = Talk(sound=sound_of(320 * 100))
    for _ in range(10):
        talk.take(talk.packet(b"\x55" * 160))
        talk.world.run(20)
    talk.voice.stop()
    assert (talk.microphone.deinits, talk.speaker.deinits) == (1, 1)
    sent, heard = len(talk.sent()), len(talk.speaker.heard)
    talk.take(talk.packet(b"\x55" * 160))
    talk.world.run(1000)
    assert (len(talk.sent()), len(talk.speaker.heard)) == (sent, heard)
    up, down = talk.voice.figures()
    assert up["sent"] == sent == 10 and up["dropped"] == 0 and down["received"] == 11


def test_figures_are_what_a_message_carries():
    up, down = Talk().voice.figures()
    message = {"t": "stats", "call": "c", "final": True, "up": up, "down": down}
    assert messages.decode(messages.encode(message, messages.FROM_BOARD), messages.FROM_BOARD) == message


def test_an_unknown_codec_is_refused_when_the_voice_is_made():
    try:
        Talk("opus")
        raise AssertionError("it was made")
    except Exception as error:
        assert type(error).__name__ == "LocalError"
