"""The phone's audio: RTP to PCM and back, tick by tick, without a clock."""

import numpy as np
import pytest
from support.legs import packets

from callcore import media, wire
from callcore.errors import LocalError
from tincall.leg import Media
from tincall.worker import transcode
from tincall.worker.media import TICK_SAMPLES, PhoneAudio
from tincall.worker.transcode import tables

LAWS = ("PCMA", "PCMU")
SILENCE = np.zeros(TICK_SAMPLES, dtype=np.int16)


def audio(codec="PCMA", ptime=20, send=None, buffer_ms=40):
    sent = []

    def keep(packet):
        sent.append(packet)
        return True

    return PhoneAudio(Media(codec, ptime, 0x11111111, 0x22222222), send or keep, 65534, 7, buffer_ms), sent


def other_end(packet, ssrc=0x22222222):
    """Give what the board would send if it echoed a packet."""
    return packet[:8] + ssrc.to_bytes(4, "big") + packet[12:]


@pytest.mark.parametrize("codec", LAWS)
def test_the_tables_are_the_rule_of_the_core(codec):
    codes, words = tables(codec)
    # what a code stands for is coded as itself, but for mu-law's second zero
    again = codes[words.view(np.uint16)]
    differing = np.flatnonzero(again != np.arange(256))
    assert differing.tolist() == ([] if codec == "PCMA" else [127])
    assert words[0xD5 if codec == "PCMA" else 0xFF] == (8 if codec == "PCMA" else 0)


@pytest.mark.parametrize("codec", LAWS)
@pytest.mark.parametrize("ptime", [20, 40])
def test_what_is_said_is_heard(codec, ptime):
    phone, sent = audio(codec, ptime)
    speech = np.rint(8000 * np.sin(np.arange(TICK_SAMPLES * 60) / 5)).astype(np.int16)
    heard = []
    for tick in range(60):
        now_ms = tick * 20
        count = len(sent)
        heard.append(phone.tick(now_ms, speech[tick * TICK_SAMPLES : (tick + 1) * TICK_SAMPLES]).copy())
        for packet in sent[count:]:
            phone.take(other_end(packet), now_ms)
    stream = np.concatenate(heard)
    start = int(np.flatnonzero(stream)[0])
    start -= int(np.flatnonzero(tables(codec)[1][tables(codec)[0][speech.view(np.uint16)]])[0])
    assert start % TICK_SAMPLES == 0 and start <= 6 * TICK_SAMPLES
    length = len(stream) - start
    assert np.abs(stream[start:].astype(int) - speech[:length]).max() <= 256
    assert phone.buffer.concealed == 0 and phone.buffer.lost == 0


def test_packets_are_numbered_in_a_row_and_only_the_first_is_marked():
    phone, sent = audio()
    for tick in range(4):
        phone.tick(tick * 20, SILENCE)
    assert [wire.seq(packet, 0) for packet in sent] == [65534, 65535, 0, 1]
    assert [wire.marker(packet, 0) for packet in sent] == [1, 0, 0, 0]
    assert [int.from_bytes(packet[4:8], "big") for packet in sent] == [7, 167, 327, 487]
    assert {packet[8:12] for packet in sent} == {b"\x11\x11\x11\x11"}
    assert {len(packet) for packet in sent} == {172}


def test_forty_ms_go_into_one_packet():
    phone, sent = audio(ptime=40)
    for tick in range(5):
        phone.tick(tick * 20, SILENCE)
    assert [len(packet) for packet in sent] == [332, 332]
    assert [int.from_bytes(packet[4:8], "big") for packet in sent] == [7, 327]


def test_a_packet_that_is_not_taken_is_counted_as_dropped():
    answers = [True, False, True]
    phone, _ = audio(send=lambda packet: answers.pop(0))
    for tick in range(3):
        phone.tick(tick * 20, SILENCE)
    figures = phone.figures()
    assert (figures["sent"], figures["dropped"], figures["bytes_sent"]) == (2, 1, 344)


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x80", bytes(172), b"\xff" * 172, bytes(3000)]
    + packets(1, ssrc=7)
    + packets(1, payload_type=0)
    + packets(1, payload_bytes=80)
    + packets(1, payload_bytes=161),
)
def test_what_is_not_of_this_call_is_counted_and_not_played(packet):
    phone, _ = audio()
    phone.take(packet, 0)
    figures = phone.figures()
    assert (figures["received"], figures["refused"], figures["bytes_received"]) == (1, 1, len(packet))
    for tick in range(6):
        assert not phone.tick(tick * 20, SILENCE).any()
    assert phone.figures()["played"] == 0


def test_what_is_missing_is_concealed_and_fades():
    phone, _ = audio(buffer_ms=20)
    speech = np.rint(8000 * np.sin(np.arange(TICK_SAMPLES * 20) / 5)).astype(np.int16)
    codes = tables("PCMA")[0]
    for tick, packet in enumerate(packets(20)):
        said = codes[speech[tick * TICK_SAMPLES : (tick + 1) * TICK_SAMPLES].view(np.uint16)].tobytes()
        phone.take(packet[:12] + said, tick * 20)
        phone.tick(20 + tick * 20, SILENCE)
    heard = np.concatenate([phone.tick(420 + tick * 20, SILENCE) for tick in range(8)]).astype(int)
    peaks = [np.abs(heard[at : at + 80]).max() for at in range(0, len(heard), 80)]
    assert peaks[0] > 6000 and peaks[5] < peaks[0] / 2 and max(peaks[6:]) < 800
    # a sine of that level steps by 1600 at most
    assert np.abs(np.diff(heard)).max() < 4 * 1600
    assert phone.figures()["concealed"] >= 7


def test_before_anything_came_there_is_silence_and_nothing_is_concealed():
    phone, _ = audio()
    for tick in range(10):
        assert not phone.tick(tick * 20, SILENCE).any()
    assert phone.figures()["concealed"] == 0


def test_the_figures_tell_the_mean_fill():
    phone, _ = audio(buffer_ms=40)
    for tick, packet in enumerate(packets(20)):
        phone.take(packet, tick * 20)
        phone.tick(tick * 20, SILENCE)
    assert 20 <= phone.figures()["buffer_ms"] <= 60


@pytest.mark.parametrize("codec", transcode.codecs(16000))
@pytest.mark.parametrize("ptime", [20, 40])
def test_a_wide_phone_says_and_hears_the_same_through_every_codec(codec, ptime):
    sent = []
    phone = PhoneAudio(Media(codec, ptime, 1, 0x22222222), lambda packet: sent.append(packet) or True, 0, 0, 40, 16000)
    # 700 Hz, which every codec passes
    speech = np.rint(8000 * np.sin(2 * np.pi * 700 * np.arange(320 * 60) / 16000)).astype(np.int16)
    heard = []
    for tick in range(60):
        count = len(sent)
        heard.append(phone.tick(tick * 20, speech[tick * 320 : (tick + 1) * 320]).copy())
        for packet in sent[count:]:
            assert len(packet) == 12 + media.frame_bytes(codec, ptime)
            phone.take(other_end(packet), tick * 20)
    assert {len(frame) for frame in heard} == {320}
    later = np.concatenate(heard).astype(float)[6400:]
    assert np.sqrt(2 * np.mean(later**2)) == pytest.approx(8000, rel=0.02)
    spectrum = np.abs(np.fft.rfft(later * np.hanning(len(later))))
    tone = slice(int(640 * len(later) / 16000), int(760 * len(later) / 16000))
    purity = 30 if codec == "DVI4" else 500  # four bits a sample
    assert np.sum(spectrum[tone] ** 2) > purity * (np.sum(spectrum**2) - np.sum(spectrum[tone] ** 2))
    assert phone.buffer.concealed == 0 and phone.buffer.lost == 0


def test_speaking_and_playing_may_have_beats_of_their_own():
    phone, sent = audio()
    for _ in range(3):
        phone.speak(SILENCE)
    assert len(sent) == 3 and phone.buffer.received == 0
    for packet in sent:
        phone.take(other_end(packet), 0)
    for tick in range(5):
        phone.play(40 + tick * 20)
    assert len(sent) == 3 and phone.buffer.played == 3


def test_a_phone_that_cannot_speak_a_codec_says_so():
    with pytest.raises(LocalError, match="8000 Hz does not speak 'L16'"):
        audio("L16")


def said_in_turns(phone, words=3):
    """Say something for 400 ms and nothing for a second, some times over."""
    hiss = np.random.default_rng(1)
    for _ in range(words):
        for tick in range(70):
            loud = 8000 if tick >= 50 else 20
            phone.speak(hiss.normal(0, loud / 3, 320).astype(np.int16))


@pytest.mark.parametrize("ptime", [20, 40])
def test_a_phone_that_agreed_on_noise_sends_speech_only(ptime):
    sent = []
    choice = Media("G722", ptime, 1, 2, cn=True)
    phone = PhoneAudio(choice, lambda packet: sent.append(packet) or True, 65530, 0xFFFFFF00, rate_hz=16000)
    said_in_turns(phone)
    noises = [packet for packet in sent if packet[1] & 0x7F == wire.NOISE_TYPE]
    sound = [packet for packet in sent if packet[1] & 0x7F != wire.NOISE_TYPE]
    assert len(sound) + phone.silent == 210 * 20 // ptime
    assert phone.silent > 80 * 20 // ptime
    assert 8 <= len(noises) <= 30 and {len(packet) for packet in noises} == {13}
    assert all(70 <= packet[12] <= 76 for packet in noises[-4:])  # 7 of 32768 in the mean square
    numbers = [wire.seq(packet, 0) for packet in sent]
    assert numbers == [(65530 + n) & 0xFFFF for n in range(len(sent))]
    # time goes on in silence
    last = int.from_bytes(sent[-1][4:8], "big")
    assert last == (0xFFFFFF00 + 8 * (210 * 20 - ptime)) & 0xFFFFFFFF
    assert [wire.marker(packet, 0) for packet in sound].count(1) in (3, 4)


def test_noise_fills_what_was_not_sent_and_nothing_counts_as_lost():
    sent = []
    choice = Media("G722", 20, 1, 2, cn=True)
    phone = PhoneAudio(choice, lambda packet: sent.append(packet) or True, 7, 7, rate_hz=16000)
    other = PhoneAudio(Media("G722", 20, 2, 1, cn=True), lambda packet: True, 7, 7, rate_hz=16000)
    hiss, heard, silence = np.random.default_rng(1), [], np.zeros(320, dtype=np.int16)
    for tick in range(210):
        loud = 8000 if tick % 70 >= 50 else 200
        count = len(sent)
        phone.speak(hiss.normal(0, loud / 3, 320).astype(np.int16))
        for packet in sent[count:]:
            other.take(packet, tick * 20)
        heard.append(np.abs(other.tick(tick * 20, silence)).mean())
    figures = other.figures()
    assert (figures["lost"], figures["concealed"], figures["refused"]) == (0, 0, 0)
    assert figures["quiet"] > 60 and figures["noises"] >= 8
    assert min(heard[20:]) > 20  # never digital silence
    assert sorted(heard)[len(heard) // 3] < 120


def test_noise_that_nobody_agreed_on_is_refused():
    phone, _ = audio()
    phone.take(packets(1, payload_type=wire.NOISE_TYPE, payload_bytes=1)[0], 0)
    assert phone.refused == 1


@pytest.mark.parametrize("drift", [0.002, -0.002])
def test_a_clock_that_drifts_is_followed(drift):
    phone, _ = audio(buffer_ms=60)
    speech = np.rint(8000 * np.sin(np.arange(TICK_SAMPLES) / 5)).astype(np.int16)
    said = tables("PCMA")[0][speech.view(np.uint16)].tobytes()
    made = [packet[:12] + said for packet in packets(1500)]
    sent = 0
    for tick in range(1500):
        while sent < len(made) and sent * 20 * (1 - drift) <= tick * 20:
            phone.take(made[sent], tick * 20)
            sent += 1
        assert len(phone.tick(tick * 20, SILENCE)) == TICK_SAMPLES
    figures = phone.figures()
    moved_ms = figures["shortened_ms"] - figures["lengthened_ms"]
    assert (moved_ms > 30) if drift > 0 else (moved_ms < -20 or figures["concealed"] <= 4)
    assert figures["lost"] == 0 and figures["delay_ms"] < 150


def in_talk(amplitude):
    """Give a phone in the midst of a sound with a period of 8 ms, the packet that comes next, and the time."""
    phone, _ = audio()
    sound = np.rint(amplitude * np.sin(2 * np.pi * np.arange(TICK_SAMPLES * 12) / 64)).astype(np.int16)
    codes, made = tables("PCMA")[0], []
    for tick, packet in enumerate(packets(12)):
        said = codes[sound[tick * TICK_SAMPLES : (tick + 1) * TICK_SAMPLES].view(np.uint16)].tobytes()
        made.append(packet[:12] + said)
    for tick in range(11):
        phone.take(made[tick], tick * 20)
        phone.play(tick * 20)
    return phone, made[11], 220


def test_a_voice_gains_a_period_and_no_noise_and_what_is_made_next_is_asked_for_so_much_later():
    phone, packet, now_ms = in_talk(8000)
    asked, get = [], phone.buffer.get
    phone.buffer.wish_ms = lambda: -1
    phone.buffer.get = lambda out, off, at_ms: asked.append(at_ms) or get(out, off, at_ms)
    phone.take(packet, now_ms)
    heard = [phone.play(now_ms).copy()]
    assert phone.waiting_ms == phone.lengthened_ms and 0 < phone.waiting_ms < 20
    waiting_ms = phone.waiting_ms
    phone.buffer.wish_ms = lambda: 0
    heard.append(phone.play(now_ms + 20).copy())
    assert asked == [now_ms, now_ms + 20 + waiting_ms]
    assert phone.waiting_ms == waiting_ms
    loud = np.abs(np.concatenate(heard).astype(int)).reshape(-1, 64).max(axis=1)
    assert loud.min() > 7000  # no hole and no noise in it


def test_between_words_a_frame_of_noise_is_put_in_whole():
    phone, packet, now_ms = in_talk(20)
    phone.buffer.wish_ms = lambda: -1
    phone.take(packet, now_ms)
    phone.play(now_ms)
    assert (phone.lengthened_ms, phone.waiting_ms) == (20, 0)
    played = phone.buffer.played
    assert np.abs(phone.play(now_ms + 20)).max() < 200
    assert phone.buffer.played == played


@pytest.mark.parametrize(("wish_ms", "is_shorter"), [(60, False), (61, True)])
def test_a_voice_that_is_up_to_60_ms_too_late_is_left_as_it_is(wish_ms, is_shorter):
    phone, packet, now_ms = in_talk(8000)
    phone.buffer.wish_ms = lambda: wish_ms
    phone.take(packet, now_ms)
    phone.play(now_ms)
    assert (phone.shortened_ms > 0) == is_shorter
