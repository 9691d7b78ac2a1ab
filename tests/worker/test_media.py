"""The phone's audio: RTP to PCM and back, tick by tick, without a clock."""

import numpy as np
import pytest
from support.legs import packets

from callcore import media, wire
from callcore.errors import LocalError
from tincall.leg import Media
from tincall.worker import transcode
from tincall.worker.media import CODECS, TICK_SAMPLES, PhoneAudio
from tincall.worker.transcode import tables

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


@pytest.mark.parametrize("codec", CODECS)
def test_the_tables_are_the_rule_of_the_core(codec):
    codes, words = tables(codec)
    # what a code stands for is coded as itself, but for mu-law's second zero
    again = codes[words.view(np.uint16)]
    differing = np.flatnonzero(again != np.arange(256))
    assert differing.tolist() == ([] if codec == "PCMA" else [127])
    assert words[0xD5 if codec == "PCMA" else 0xFF] == (8 if codec == "PCMA" else 0)


@pytest.mark.parametrize("codec", CODECS)
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


def test_a_missing_frame_fades_the_last_one_out():
    phone, _ = audio(buffer_ms=20)
    for packet in packets(2):
        phone.take(packet, 0)
    levels = [int(np.abs(phone.tick(20 + tick * 20, SILENCE)).max()) for tick in range(6)]
    assert levels[1] > 0 and levels[2] == levels[1] // 2 and levels[3] == levels[1] // 4
    assert levels[4] == levels[5] == 0
    assert phone.figures()["concealed"] == 4


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
    assert np.sum(spectrum[tone] ** 2) > 500 * (np.sum(spectrum**2) - np.sum(spectrum[tone] ** 2))
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
