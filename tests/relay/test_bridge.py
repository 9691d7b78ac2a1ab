"""The bridge: every packet's fate is counted once, packets come out as they went in, and time ends what nobody ends."""

import pytest

from callcore import causes
from tincall.clock import RING_MS
from tincall.leg import DEVICE, PHONE, CallOffer, Leg, Media
from tincall.relay.bridge import Bridge


class PlainLeg(Leg):
    """A leg that only has media: it keeps what it is sent, as long as `room` lasts."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.got: list[bytes] = []
        self.room = 1_000_000

    def invite(self, call: CallOffer) -> None:
        raise AssertionError("a bridge never speaks signalling")

    def ringing(self) -> None:
        raise AssertionError("a bridge never speaks signalling")

    def answer(self, media: Media) -> None:
        raise AssertionError("a bridge never speaks signalling")

    def release(self, cause: int, released_by: str, duration_ms: int) -> None:
        raise AssertionError("a bridge never ends a call")

    def send_media(self, packet: bytes) -> bool:
        if len(self.got) >= self.room:
            return False
        self.got.append(packet)
        return True

    def speak(self, packet: bytes) -> None:
        assert self.sink is not None
        self.sink(packet)


@pytest.fixture
def device() -> PlainLeg:
    return PlainLeg(DEVICE)


@pytest.fixture
def phone() -> PlainLeg:
    return PlainLeg(PHONE)


def test_packets_cross_untouched_both_ways(device: PlainLeg, phone: PlainLeg) -> None:
    bridge = Bridge(device, phone, 0, 60_000)
    device.speak(b"up")
    phone.speak(b"down")
    assert (phone.got, device.got) == ([b"up"], [b"down"])
    nothing = {"dropped": 0, "after_end": 0}
    assert bridge.counters() == {"up": {"in": 1, "out": 1, **nothing}, "down": {"in": 1, "out": 1, **nothing}}


def test_what_a_leg_refuses_is_dropped_and_counted(device: PlainLeg, phone: PlainLeg) -> None:
    bridge = Bridge(device, phone, 0, 60_000)
    phone.room = 3
    for _ in range(10):
        device.speak(b"x")
    assert bridge.up.counters() == {"in": 10, "out": 3, "dropped": 7, "after_end": 0}


def test_packets_after_the_end_are_counted_and_go_nowhere(device: PlainLeg, phone: PlainLeg) -> None:
    bridge = Bridge(device, phone, 0, 60_000)
    device.speak(b"in time")
    bridge.close()
    device.speak(b"late")
    phone.speak(b"late")
    assert (phone.got, device.got) == ([b"in time"], [])
    assert bridge.up.counters() == {"in": 2, "out": 1, "dropped": 1, "after_end": 1}
    assert bridge.down.counters() == {"in": 1, "out": 0, "dropped": 1, "after_end": 1}


def run(bridge: Bridge, start_ms: int, speaking_until_ms: int, leg: PlainLeg, limit_ms: int) -> tuple[int, int]:
    """Tick as asked while `leg` speaks; gives the cause and how long it took, in ms."""
    passed_ms = 0
    while passed_ms < limit_ms:
        wake_ms = (bridge.next_wake_ms() - start_ms) % RING_MS
        assert wake_ms > passed_ms, "it must not ask to be woken in the past"
        if passed_ms < speaking_until_ms:
            leg.speak(b"x")
        passed_ms = wake_ms
        cause = bridge.tick((start_ms + passed_ms) % RING_MS)
        if cause:
            return cause, passed_ms
    return 0, passed_ms


@pytest.mark.parametrize("start_ms", [0, RING_MS - 10_000])
def test_silence_of_both_sides_ends_the_call_within_a_second_of_the_timeout(
    device: PlainLeg, phone: PlainLeg, start_ms: int
) -> None:
    cause, after_ms = run(Bridge(device, phone, start_ms, 3_600_000), start_ms, 50_000, phone, 200_000)
    assert cause == causes.MEDIA_TIMEOUT
    assert 69_000 <= after_ms <= 71_000


def test_one_speaking_side_keeps_the_call(device: PlainLeg, phone: PlainLeg) -> None:
    cause, _ = run(Bridge(device, phone, 0, 3_600_000), 0, 200_000, device, 100_000)
    assert cause == 0


def test_the_allotted_time_is_kept_to_the_millisecond(device: PlainLeg, phone: PlainLeg) -> None:
    assert run(Bridge(device, phone, 0, 12_345), 0, 60_000, device, 60_000) == (causes.ALLOTTED_TIMEOUT, 12_345)
