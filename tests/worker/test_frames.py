"""The queue between two beats: order, silence, bound, and delay that is given back."""

from tincall.worker.frames import MOST, SILENCE, WINDOW, FrameQueue


def frame(number):
    return number.to_bytes(2, "little") * 320


def test_nothing_is_given_out_before_the_target_is_here():
    queue = FrameQueue(target=2)
    assert queue.take() == SILENCE and queue.silent == 0, "silence before the first frame is nobody's loss"
    queue.put(frame(1))
    assert queue.take() == SILENCE and queue.silent == 1
    queue.put(frame(2))
    assert [queue.take(), queue.take()] == [frame(1), frame(2)]


def test_in_step_every_frame_is_given_out_once_and_in_order():
    queue = FrameQueue(target=2)
    given = []
    for number in range(1, 1000):
        queue.put(frame(number))
        given.append(queue.take())
    assert given[1:] == [frame(number) for number in range(1, 999)]
    assert queue.dropped == 0


def test_running_dry_is_silence_until_the_target_is_here_again():
    queue = FrameQueue(target=2)
    for number in (1, 2):
        queue.put(frame(number))
    assert [queue.take() for _ in range(3)] == [frame(1), frame(2), SILENCE]
    queue.put(frame(3))
    assert queue.take() == SILENCE
    queue.put(frame(4))
    assert queue.take() == frame(3) and queue.silent == 2


def test_what_is_too_much_pushes_the_oldest_out():
    queue = FrameQueue()
    for number in range(MOST + 5):
        queue.put(frame(number))
    assert queue.dropped == 5 and queue.take() == frame(5)


def test_delay_that_a_stall_left_is_given_back():
    queue = FrameQueue(target=2)
    for number in range(8):  # the taker stalled
        queue.put(frame(number))
    held = []
    for number in range(8, 8 + 8 * WINDOW):
        queue.take()
        queue.put(frame(number))
        held.append(len(queue._frames))
    assert held[0] == 8 and held[-1] == 2
    assert queue.dropped == 6 and queue.silent == 0


def test_cleared_it_begins_anew():
    queue = FrameQueue(target=2)
    for number in range(3):
        queue.put(frame(number))
    queue.clear()
    assert queue.dropped == 3 and queue.take() == SILENCE and queue.silent == 0
    queue.put(frame(9))
    assert queue.take() == SILENCE
