"""What is said of a microphone and a speaker, by sums over sounds that are made here as a board makes them."""

import math

import pytest

from tincall.workbench import doctor_sound
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG

RATE_HZ = 16000


def told(samples, written=32000, why=""):
    """Sum up samples as `doctor_programs.SOUND` does."""
    fold = [sum(samples[at::16]) for at in range(16)]
    return {
        **{"written": written, "n": len(samples), "zeros": samples.count(0), "sum": sum(samples), "fold": fold},
        **{"clipped": sum(abs(one) > 32700 for one in samples), "energy": sum(one * one for one in samples)},
        **{"low": min([0, *samples]), "high": max([0, *samples]), "why": why},
    }


def tone(hz, amplitude, n=8000, offset=0):
    return [round(amplitude * math.sin(2 * math.pi * hz * at / RATE_HZ)) + offset for at in range(n)]


def heard(samples, **more):
    return doctor_sound.read(told(samples, **more))


def test_levels_are_those_of_the_sound():
    found = heard(tone(1000, 3277))
    assert found.level_dbfs == pytest.approx(-23.0, abs=0.1) and found.tone_dbfs == pytest.approx(-23.0, abs=0.1)
    other = heard(tone(700, 3277))
    assert other.level_dbfs == pytest.approx(-23.0, abs=0.1) and other.tone_dbfs < -60
    shifted = heard(tone(700, 3277, offset=1000))
    assert shifted.level_dbfs == pytest.approx(-23.0, abs=0.1)
    assert shifted.offset == pytest.approx(1000 / 32768, abs=0.001)


@pytest.mark.parametrize(
    ("samples", "state", "says"),
    [
        (tone(700, 300), OK, "-44 dBFS"),
        ([0] * 8000, WRONG, "nothing but zeros"),
        ([-1] * 8000, WRONG, "same value"),
        ([], WRONG, "Not one sample"),
        ([32767, -32768] * 4000, WRONG, "100 % of the samples"),
        (tone(700, 300, offset=9000), NOTE, "27 % beside"),
        ([0, 1] * 4000, NOTE, "less than its own noise"),
        (tone(700, 20000), NOTE, "loud here"),
    ],
    ids=["speech", "zeros", "stuck", "none", "clipped", "offset", "quiet", "loud"],
)
def test_a_microphone_is_judged(samples, state, says):
    finding = doctor_sound.microphone(heard(samples), False)
    assert finding.state == state and says in finding.said
    assert bool(finding.todo) == (
        state == WRONG or "offset" in finding.said or "beside" in finding.said or "noise" in says
    )


def test_what_to_do_about_zeros_tells_the_pin_or_the_room():
    silent = heard([0] * 100)
    assert "L/R" in doctor_sound.microphone(silent, False).todo
    assert "--room" in doctor_sound.microphone(silent, True).todo


def test_a_stream_that_cannot_be_opened_is_told_with_why():
    broken = heard([1], why="ESP_ERR_NO_MEM")
    assert "ESP_ERR_NO_MEM" in doctor_sound.microphone(broken, False).said
    assert "ESP_ERR_NO_MEM" in doctor_sound.speaker(broken, RATE_HZ, 1000).said


def test_a_speaker_has_to_take_what_is_played():
    assert doctor_sound.speaker(heard([1], written=32000), RATE_HZ, 1000).state == OK
    stopped = doctor_sound.speaker(heard([1], written=1536), RATE_HZ, 1000)
    assert stopped.state == WRONG and "1,536 of 32,000" in stopped.said


def test_the_tone_has_to_stand_out_of_what_was_there():
    quiet, loud = heard(tone(700, 30)), heard(tone(1000, 300))
    assert doctor_sound.loop_back(quiet, loud, True, False).state == OK
    assert doctor_sound.loop_back(loud, loud, True, False).state == WRONG
    assert doctor_sound.loop_back(loud, loud, False, False).state == NOTE
    assert "--room" in doctor_sound.loop_back(loud, loud, True, True).todo
    assert doctor_sound.loop_back(quiet, heard([]), True, False).state == WRONG
    assert doctor_sound.one_way("half").state == NOT_TRIED
