"""What the voice benchmark tries: each way a call's packets can be mistreated, and what must be reached in spite of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tincall.measure.packet_path import Path

NARROW, WIDE = "PCMA", "G722"
# what the table of figures to reach is about; further codecs are measured where nothing is lost
MAIN = (NARROW, WIDE)


@dataclass(frozen=True)
class Target:
    """A figure to reach, as a mean over all talks.

    Args:
        figure: `pesq` (at least), `concealed_pct` or `buffer_ms` (at most).
        bound: the figure.
    """

    figure: str
    bound: float

    @property
    def is_least(self) -> bool:
        """Tell whether more is better."""
        return self.figure == "pesq"

    def distance(self, measured: float) -> float:
        """Give by how much a figure falls short; 0 or less: it is reached."""
        return self.bound - measured if self.is_least else measured - self.bound


@dataclass(frozen=True)
class Condition:
    """A way to mistreat packets.

    Args:
        name: short, for programs.
        words: for people.
        path: what happens on the way.
        targets: by codec.
        lead_s: how long others speak before the judged clip, in seconds.
        has_dtx: the sender is silent when nobody speaks (RFC 3389).
        both_ways: a drift that changes its sign from seed to seed.
    """

    name: str
    words: str
    path: Path
    targets: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    lead_s: float = 20.0
    has_dtx: bool = False
    both_ways: bool = False


def _least(narrow: float, wide: float) -> dict[str, tuple[Target, ...]]:
    return {NARROW: (Target("pesq", narrow),), WIDE: (Target("pesq", wide),)}


def _most(concealed_pct: float, buffer_ms: float) -> tuple[Target, ...]:
    return (Target("concealed_pct", concealed_pct), Target("buffer_ms", buffer_ms))


_STALLS = Path(stall_every_ms=2000, stall_ms=(60, 150))
CONDITIONS = (
    Condition("none", "nothing lost", Path(), _least(4.2, 4.2)),
    Condition("loss5", "5 % lost", Path(loss=0.05), _least(3.2, 2.5)),
    Condition("loss10", "10 % lost", Path(loss=0.10), _least(2.6, 1.8)),
    Condition("loss20", "20 % lost", Path(loss=0.20), _least(1.9, 1.3)),
    Condition("burst5", "5 % lost, 2.5 in a row", Path(loss=0.05, burst=2.5)),
    Condition("burst10", "10 % lost, 2.5 in a row", Path(loss=0.10, burst=2.5)),
    Condition(
        "jitter",
        "jitter 0 to 50 ms",
        Path(jitter_ms=50),
        {NARROW: (Target("pesq", 4.0), *_most(0.2, 85)), WIDE: (Target("pesq", 4.0),)},
    ),
    Condition("wifi", "WiFi stalls 60 to 150 ms, each 2 s", _STALLS, {codec: _most(0.5, 160) for codec in MAIN}),
    Condition("tcp", "TCP, 1 % lost, round trip 60 ms", Path(stream_loss=0.01, round_trip_ms=60)),
    Condition("drift", "clocks 100 ppm apart, after 100 s", Path(drift_ppm=100), lead_s=100.0, both_ways=True),
    Condition("dtx", "silence left out (DTX)", Path(), has_dtx=True),
)
