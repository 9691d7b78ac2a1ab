"""Under which conditions the benchmark of whole calls makes its calls, and what each call has to reach (design/budgets.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tincall.measure.bad_line import LineProfile
from tincall.measure.voice_conditions import NARROW, WIDE, Target
from tincall.simulator.impair import FrameProfile

# of a sound that a phone beyond the platform hears, or that was made there, wherever the line itself takes no time
_EAR = Target("mouth_to_ear_ms", 200)
QUICK = ("clean", "save-bytes")
# one by which a call of 14 s loses what its condition says: 38 and 34 of 715 packets
SEED = 17


@dataclass(frozen=True)
class CallCondition:
    """One call.

    Args:
        name: short, for programs.
        words: for people.
        codec: all that the board offers.
        line: between board and relay.
        loss: share of RTP packets that the link's far side loses, each way, each by itself.
        saves_bytes: 40 ms in a packet and no silence; then the two talk in turns, each 45 % of the time, else both at once.
        least_s: how long the talk is at least: two turns of each side; or so long that the stalls by which a
            buffer learns are few.
        up: targets of the way from the board to the phone.
        down: the same of the other way.
        both: of the connection.
    """

    name: str
    words: str
    codec: str = WIDE
    line: LineProfile = LineProfile()
    loss: float = 0.0
    saves_bytes: bool = False
    least_s: float = 0.0
    up: tuple[Target, ...] = ()
    down: tuple[Target, ...] = ()
    both: tuple[Target, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Tell whether every packet has to come in time."""
        return not self.loss and self.line == LineProfile()

    def lines(self, seed: int) -> LineProfile:
        """Give the line with its seed."""
        return replace(self.line, seed=seed)

    def packets(self, seed: int) -> tuple[FrameProfile, FrameProfile] | None:
        """Give the link's far side, towards the phone and from it; None: nothing is lost there."""
        if not self.loss:
            return None
        burst = 1 / (1 - self.loss)  # each is lost by itself, whatever became of the last
        up, down = (FrameProfile(loss=self.loss, burst=burst, seed=2 * seed + way) for way in (0, 1))
        return up, down


def _alike(name: str, words: str, *targets: Target, **more: object) -> CallCondition:
    return CallCondition(name, words, up=targets, down=targets, **more)  # type: ignore[arg-type]


_GOOD = Target("pesq", 4.2)
_JITTERED = (Target("pesq", 4.0), Target("concealed_pct", 0.2))
_STALLED = (Target("concealed_pct", 0.5), Target("playout_ms", 160))
CONDITIONS = (
    _alike("clean", "nothing wrong", _GOOD, _EAR),
    _alike("clean-g711", "nothing wrong", _GOOD, _EAR, codec=NARROW),
    CallCondition(
        "save-bytes", "40 ms, no silence, in turns", saves_bytes=True, least_s=15.0, both=(Target("mb_per_min", 0.75),)
    ),
    _alike("jitter", "40 ms, and 0 to 50 more", *_JITTERED, line=LineProfile(delay_ms=40, jitter_ms=50)),
    _alike(
        "wifi",
        "WiFi stalls 60 to 150 ms, each 2 s",
        *_STALLED,
        line=LineProfile(stall_every_ms=2000, stall_ms=(60, 150)),
        least_s=40.0,
    ),
    _alike(
        "tcp",
        "TCP, 1 % lost, round trip 60 ms",
        line=LineProfile(delay_ms=30, loss=0.01, round_trip_ms=60),
    ),
    _alike("loss5", "5 % of the packets lost", Target("pesq", 2.5), loss=0.05),
    _alike("loss5-g711", "5 % of the packets lost", Target("pesq", 3.2), loss=0.05, codec=NARROW),
)
