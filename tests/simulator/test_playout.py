"""The phone's loudspeaker: a wait, then a frame a tick, silence where there is none, no growing delay."""

from tincall.simulator.playout import SILENCE, SLACK_FRAMES, Playout


def frame(number):
    return bytes([number]) * 640


def test_it_waits_for_its_buffer_and_then_plays_in_order():
    out = Playout(60)
    for number in (1, 2):
        out.put(frame(number))
        assert out.get() == SILENCE
    out.put(frame(3))
    assert [out.get() for _ in range(3)] == [frame(1), frame(2), frame(3)]
    assert out.missing == 0


def test_a_missing_frame_is_silence_and_counted():
    out = Playout(20)
    out.put(frame(1))
    assert (out.get(), out.get()) == (frame(1), SILENCE)
    out.put(frame(2))
    assert out.get() == frame(2)
    assert (out.played, out.missing) == (2, 1)


def test_a_burst_does_not_become_delay():
    out = Playout(40)
    for number in range(20):
        out.put(frame(number))
    kept = 2 + SLACK_FRAMES
    assert out.dropped == 20 - kept
    assert out.get() == frame(20 - kept)
    figures = out.figures()
    assert figures["received"] == figures["played"] + figures["dropped"] + figures["waiting"] == 20
