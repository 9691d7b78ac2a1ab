"""Runs on a board: streams over drivers that behave like the chip's, and a call on them, both ways at once and in turns."""

import fake_events
import fake_i2s
import fake_microphone
import fake_speaker
import lines
import micropython
from board_link import frames_of, open_link
from board_world import World

from callcore import coders, framer, wire
from callcore.errors import ChipError
from handset import audio, clock
from handset.voice import Voice

BUFFER = 512  # bytes of a DMA buffer's samples
BUFFER_MS = 16


class Board:
    """Constants of a board, as boards/*/board.py has them."""

    CHIPS = ()
    RATE_HZ = 16000
    MIC_ID, MIC_SCK, MIC_WS, MIC_SD, MIC_IBUF_BYTES, MIC_GAIN_MDB = 0, 4, 5, 6, 8192, 0
    SPK_ID, SPK_SCK, SPK_WS, SPK_SD, SPK_IBUF_BYTES = 1, 7, 8, 9, 1536


class OnePort(Board):
    """A board whose chip has one I2S peripheral."""

    SPK_ID, SPK_SCK, SPK_WS = 0, 4, 5


class Lab:
    """Drivers whose clock is a World's, a voice in front of the microphone, and a recorder behind the speaker.

    Args:
        sound: what the microphone hears, again and again.
        ports: how many peripherals the chip has.

    Attributes:
        underruns: buffers that were played though nobody wrote them, between written ones.
        lost: buffers that the microphone's driver threw away.
    """

    def __init__(self, sound=bytes(2), ports=2):
        self.world = World()
        self._sound = sound
        self._given = self._gap = self._played = self.underruns = self.lost = 0
        self._record = bytearray(130000)
        self.move = lines.move
        fake_i2s.ports = ports
        for port in list(fake_i2s._peripherals):
            fake_i2s._peripherals.pop(port).close()
        fake_speaker.ticks_us = lambda: self.world.now * 1000
        fake_speaker._wire = self
        fake_speaker.lines = self
        fake_microphone.take = self._take
        fake_events.overrun = self._overran

    def heard(self):
        """All that the speaker played, from its first opening on; silence where nobody wrote in time."""
        return bytes(self._record[: self._played])

    def _take(self, buf, n):
        """The runner's side of the microphone's wire: sample k of the World is heard at k / 16 ms, open or not."""
        at = self._given % len(self._sound)
        n = min(n, self.world.now * 32 - self._given, len(self._sound) - at)
        lines.move(buf, 0, self._sound, at, n)
        self._given += n
        return n

    def put(self, to, frame, n):
        """The runner's side of the speaker's wire."""
        if frame[0] == 71:  # G
            self._gap += 1
        elif frame[0] == 80:  # P
            self.underruns += self._gap
            self._played += self._gap * BUFFER
            lines.move(self._record, self._played, frame, 8, n - 8)
            self._played += n - 8
            self._gap = 0
        elif frame[0] == 67:  # C
            self._gap = 0
        return n

    def _overran(self):
        self.lost += 1


def ramp(samples):
    """Samples no two of which are the same, all above 0."""
    made = bytearray(samples * 2)
    for i in range(samples):
        made[2 * i] = (i + 1) & 255
        made[2 * i + 1] = (i + 1) >> 8
    return bytes(made)


def values(data):
    """Samples as numbers."""
    return [((data[i] | data[i + 1] << 8) ^ 0x8000) - 0x8000 for i in range(0, len(data), 2)]


def read(stream, buf):
    """Read with the heap locked."""
    micropython.heap_lock()
    try:
        return stream.readinto(buf)
    finally:
        micropython.heap_unlock()


def write(stream, buf, off, n):
    """Write with the heap locked."""
    micropython.heap_lock()
    try:
        return stream.write(buf, off, n)
    finally:
        micropython.heap_unlock()


# --- microphone


def test_the_microphone_gives_sound_in_steps_of_a_buffer_and_less_where_less_is_wanted():
    lab = Lab(ramp(2000))
    microphone = audio.open_microphone(Board)
    got, sizes, buf = b"", [], bytearray(640)
    for _ in range(50):
        lab.world.now += 2
        n = read(microphone, buf)
        sizes.append(n)
        got += bytes(buf[:n])
    assert got == ramp(2000)[: len(got)] and len(got) == 100 // BUFFER_MS * BUFFER
    assert set(sizes) == {0, BUFFER}
    lab.world.now += 40
    buf = bytearray(640)
    assert [microphone.readinto(buf), microphone.readinto(buf), microphone.readinto(buf)] == [640, 384, 0]
    assert lab.lost == 0
    audio.close(microphone)


def test_a_reader_who_is_late_loses_the_oldest():
    lab = Lab(ramp(16000))
    microphone = audio.open_microphone(Board)
    lab.world.now = 160  # ten buffers, of which four minus one can wait
    buf = bytearray(6400)
    n = microphone.readinto(buf)
    assert n == 3 * BUFFER and bytes(buf[:n]) == ramp(16000)[7 * BUFFER : 10 * BUFFER]
    assert lab.lost == 7


def test_the_fewest_buffers_are_two():
    lab = Lab(ramp(16000))
    Small = type("Small", (Board,), {"MIC_IBUF_BYTES": 100, "SPK_IBUF_BYTES": 100})
    microphone, speaker = audio.open_microphone(Small), audio.open_speaker(Small)
    lab.world.now = 100
    buf = bytearray(6400)
    assert microphone.readinto(buf) == BUFFER and speaker.write(buf, 0, 6400) == BUFFER


def test_a_quiet_microphone_is_made_louder_and_clipped():
    lab = Lab(b"\x01\x00\xff\xff\xe8\x03\x18\xfc\x00\x40\x00\xc0" + bytes(BUFFER))
    Loud = type("Loud", (Board,), {"MIC_GAIN_MDB": 18000})
    microphone = audio.open_microphone(Loud)
    buf = bytearray(640)
    assert read(microphone, buf) == 0
    lab.world.now = 20
    assert read(microphone, buf) == BUFFER
    one, minus_one, thousand, minus_thousand, loud, low = values(buf[:12])
    # 18 dB are a factor of 7.94
    assert 7 <= one <= 8 and -8 <= minus_one <= -7
    assert abs(thousand - 7943) < 30 and abs(minus_thousand + 7943) < 30
    assert (loud, low) == (32767, -32768)
    assert not any(buf[12:])
    audio.close(microphone)


# --- speaker


def test_what_is_written_in_time_is_played_without_a_gap():
    lab = Lab()
    speaker = audio.open_speaker(Board)
    buf, at = bytearray(ramp(16000)), 0
    for _ in range(100):
        at += write(speaker, buf, at, 640)
        lab.world.now += 5
    audio.close(speaker)
    played = bytes(lab.heard())
    assert played == bytes(buf[: len(played)]) and len(played) > 13000 and lab.underruns == 0


def test_a_writer_who_is_late_is_heard_as_silence_and_then_goes_on():
    lab = Lab()
    speaker = audio.open_speaker(Board)
    buf, at = bytearray(ramp(16000)), 0
    for turn in range(60):
        while True:
            n = speaker.write(buf, at, 640)
            if not n:
                break
            at += n
        lab.world.now += 200 if turn == 20 else 5
    audio.close(speaker)
    played = values(lab.heard())
    assert 8 <= lab.underruns <= 12
    silent = [i for i, value in enumerate(played) if not value]
    assert len(silent) == lab.underruns * 256 == silent[-1] - silent[0] + 1
    rest = [value for value in played if value]
    assert rest == values(buf)[: len(rest)]


def test_opening_where_there_is_no_peripheral_is_an_error():
    Lab(ports=1)
    try:
        audio.open_speaker(Board)
        raise AssertionError("it was opened")
    except ValueError:
        pass


# --- turns


def test_who_listens_hears_the_speaker_and_gives_silence_at_the_clocks_pace():
    lab = Lab(ramp(32000), ports=1)
    turns = audio.Turns(OnePort)
    buf, loud, given, taken = bytearray(b"\x55" * 640), bytearray(ramp(16000)), 0, 0
    for _ in range(200):
        lab.world.now += 5
        n = read(turns, buf)
        assert n <= 640 and not any(buf[:n])
        buf[:] = b"\x55" * 640
        given += n
        taken += write(turns, loud, taken, 640)
    assert given == 1000 * 32
    assert bytes(lab.heard()) == bytes(loud[: len(lab.heard())]) and len(lab.heard()) > 28000
    turns.deinit()


def test_who_talks_gives_the_microphone_and_swallows_at_the_clocks_pace():
    lab = Lab(ramp(32000), ports=1)
    turns = audio.Turns(OnePort)
    lab.world.now = 100
    turns.turn(True)
    buf, given, taken = bytearray(640), b"", 0
    for _ in range(200):
        lab.world.now += 5
        n = read(turns, buf)
        given += bytes(buf[:n])
        n = write(turns, buf, 0, 640)
        assert n % 2 == 0
        taken += n
    assert taken == 1000 * 32 and not lab.heard()
    # what was said before the turn is not heard, and all that was said after it is
    assert given == ramp(32000)[3200 : 3200 + len(given)] and len(given) == 1000 // BUFFER_MS * BUFFER
    assert lab.lost == 0


def test_a_long_stall_is_not_made_up_for():
    lab = Lab(ports=1)
    turns = audio.Turns(OnePort)
    lab.world.now += 5000
    buf = bytearray(640)
    assert [turns.readinto(buf), turns.readinto(buf), turns.readinto(buf)] == [640, 640, 0]
    lab.world.now += 1
    assert [turns.readinto(buf), turns.readinto(buf)] == [32, 0]


def test_a_turn_closes_one_stream_before_it_opens_the_other():
    lab = Lab(ports=1)
    events = []
    real = fake_events.emit
    fake_events.emit = lambda name, **more: events.append(name)
    try:
        turns = audio.Turns(OnePort)
        for talk in (False, True, True, False, True):
            turns.turn(talk)
        turns.deinit()
        turns.deinit()
        turns.turn(False)
        turns.turn(True)
    finally:
        fake_events.emit = real
    assert events == ["mic_open", "mic_close"] * 2
    assert fake_speaker._open == []
    assert lab.lost == 0


def test_a_turn_that_fails_leaves_nothing_open():
    lab = Lab(ports=1)
    turns = audio.Turns(OnePort)
    real = audio._open_microphone

    def fails(board):
        raise OSError(-257, "ESP_ERR_NO_MEM")

    audio._open_microphone = fails
    try:
        turns.turn(True)
        raise AssertionError("it was opened")
    except OSError:
        pass
    finally:
        audio._open_microphone = real
    assert fake_speaker._open == [] and not lab.heard()
    turns.deinit()


# --- a call

MINE, THEIRS = 0x89ABCDEF, 0xFEDCBA98
PTIME_MS = 20


def speech(samples):
    """Something that no detector takes for noise: bursts of 200 ms, 200 ms apart, in square waves of 200 Hz."""
    made = bytearray(samples * 2)
    for i in range(samples):
        if i // 3200 % 2 == 0:
            value = 8000 if i // 40 % 2 else -8000
            made[2 * i] = value & 255
            made[2 * i + 1] = value >> 8 & 255
    return bytes(made)


class Call:
    """A Voice on drivers and a link without a network, and the far end, who sends a packet every 20 ms."""

    def __init__(self, lab, microphone, speaker):
        self.lab = lab
        self.stream, self.link = open_link()
        media = {"codec": "PCMA", "ptime": PTIME_MS, "ssrc": MINE, "remote_ssrc": THEIRS}
        self.voice = Voice(self.link, microphone, speaker, media, 65533, 0xFFFFFF00, 40, 48)
        self.voice.start()
        coder = coders.coder("PCMA", 320)
        self._said = speech(6400)
        self._codes = bytearray(len(self._said) // 4)
        for at in range(0, len(self._said), 640):
            coder.encode(self._said, at, self._codes, at // 4, 320)
        self._seq = 0

    def run(self, for_ms):
        """Let time pass; gives packets of sound that came up meanwhile."""
        before = len(self.sent())
        for _ in range(for_ms // PTIME_MS):
            packet = bytearray(172)
            packet[0], packet[1], packet[2], packet[3] = 0x80, 8, self._seq >> 8 & 255, self._seq & 255
            for i in range(4):
                packet[4 + i] = self._seq * 160 >> 24 - 8 * i & 255
                packet[8 + i] = THEIRS >> 24 - 8 * i & 255
            packet[12:] = self._codes[self._seq * 160 % 1600 :][:160]
            self._seq += 1
            assert self.voice.take(packet, 0, 172, clock.now_ms())
            self.lab.world.run(PTIME_MS)
        return self.sent()[before:]

    def sent(self):
        return [
            payload
            for kind, payload, _ in frames_of(self.stream.sent)
            if kind == framer.BINARY and wire.payload_type(payload, 0) == 8
        ]


def loud_samples(data):
    """How many samples are above a fortieth of the range, one way or the other."""
    return sum(1 for value in values(data) if abs(value) > 800)


def loudness(packets):
    """How many packets are no silence: A-law has 0x55 and 0xd5 for next to nothing."""
    return sum(1 for packet in packets if any(code not in (0x55, 0xD5, 0x54, 0xD4) for code in packet[12:]))


def test_a_call_on_two_peripherals_loses_nothing():
    lab = Lab(speech(6400))
    call = Call(lab, audio.open_microphone(Board), audio.open_speaker(Board))
    sent = call.run(2000)
    up, down = call.voice.figures()
    call.voice.stop()
    assert lab.lost == 0 and lab.underruns == 0 and down["underruns"] == 0
    assert down["received"] == 100 and down["lost"] == 0 and up["dropped"] == 0
    assert loudness(sent) >= 45
    assert loud_samples(lab.heard()) > 12000


def test_a_call_on_one_peripheral_hears_until_the_button_is_held_and_is_heard_while_it_is():
    lab = Lab(speech(6400), ports=1)
    turns = audio.Turns(OnePort)
    call = Call(lab, turns, turns)
    listening = call.run(1200)
    heard = loud_samples(lab.heard())
    turns.turn(True)
    played = len(lab.heard())
    talking = call.run(1200)
    assert len(lab.heard()) - played <= 3 * BUFFER
    turns.turn(False)
    again = call.run(1200)
    heard_again = loud_samples(lab.heard()[played:])
    down = call.voice.figures()[1]
    call.voice.stop()
    assert loudness(listening) == 0 and loudness(talking) >= 25 and loudness(again) <= 2
    assert heard > 6400 and heard_again > 6400
    # nothing of what the far end said while it was not heard is said later: each turn begins with the present
    assert down["received"] == 180 and down["lost"] == down["late"] == 0
    assert down["buffer_ms"] <= 100 and down["underruns"] <= 2 and lab.lost == 0


def test_a_codec_is_turned_before_the_stream_opens_and_put_to_sleep_after_it():
    lab = Lab()
    done = []

    class Codec:
        def turn(self, talk):
            done.append(
                ("turn", talk, fake_i2s._peripherals[0].speaker is None if 0 in fake_i2s._peripherals else True)
            )

        def off(self):
            done.append(("off", fake_i2s._peripherals[0].speaker is None))

    lab.world.now = 5
    turns = audio.Turns(OnePort, Codec())
    turns.turn(False)
    turns.turn(True)
    turns.turn(False)
    audio.close(turns)
    assert done == [("turn", False, True), ("turn", True, True), ("turn", False, True), ("off", True)]


def test_a_lone_stream_of_a_board_with_a_codec_goes_through_it():
    from chips import fittings

    done, real = [], fittings.codec
    lab = Lab(ramp(2000))
    Chip = type("Chip", (OnePort,), {"CHIPS": ("es8311",)})

    class Codec:
        def turn(self, talk):
            done.append(talk)

        def off(self):
            done.append("off")

    class Nobody:
        def turn(self, talk):
            raise ChipError("the codec does not answer")

    try:
        fittings.codec = lambda board, machine, sleep_ms: Codec()
        speaker = audio.open_speaker(Chip)
        lab.world.now = 20
        assert speaker.write(bytearray(640), 0, 640) > 0
        audio.close(speaker)
        microphone = audio.open_microphone(Chip)
        lab.world.now = 60
        assert microphone.readinto(bytearray(640)) > 0
        audio.close(microphone)
        assert done == [False, "off", False, True, "off"]
        fittings.codec = lambda board, machine, sleep_ms: Nobody()
        try:
            audio.open_speaker(Chip)
            raise AssertionError("it went well")
        except OSError as error:
            assert "does not answer" in str(error)
    finally:
        fittings.codec = real
