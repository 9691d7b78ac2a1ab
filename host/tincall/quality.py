"""What people would think of a call, estimated from its figures: the E-model (ITU-T G.107) in its short form.

    R   = 93.2 - Id - Ie,eff                        93.2: all of G.107's defaults
    Id  = 0.024 d + 0.11 (d - 177.3) above 177.3    d: ms from mouth to ear
    Ie,eff = Ie + (95 - Ie) P / (P + Bpl)           P: per cent of frames not heard; Ie, Bpl: of codec and concealment (G.113)
    MOS = 1 + 0.035 R + 7e-6 R (R - 60) (100 - R)

It is an estimate: nobody listened, loss counts as random, noise and echo as absent. The scale is that of narrowband telephony,
whose best is 4.4: it cannot tell how much better wideband sounds.
"""

from dataclasses import dataclass

_BEST = 93.2
_LATE_MS = 177.3
# delay that no counter knows: microphone, a frame and loudspeaker; in the middle of the 50 to 80 ms that G.114 Appendix II has
# for two ends
ENDS_MS = 65

# per codec: Ie, and Bpl with concealment by pitch (G.113 for G.711 with its Appendix I). DVI4: its PESQ of 3.3 to 3.6 beside
# G.711's 4.3 to 4.4 is some 23 on the scale of R. The wideband codecs count as no worse than G.711: see above
_CONCEALED = 25.1
_CODECS = {"DVI4": (23.0, _CONCEALED)}
_OTHER = (0.0, _CONCEALED)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one direction of a call would be thought of.

    Args:
        r: rating factor, 0 to 93.2.
        mos: mean opinion score, 1 to 4.41.
    """

    r: float
    mos: float


def estimate(codec: str, unheard: float, delay_ms: float) -> Estimate:
    """Estimate one direction.

    Args:
        codec: name of `callcore.media.CODECS`; others count as G.711.
        unheard: share of the frames of speech that were not heard as they were said, 0 to 1.
        delay_ms: from mouth to ear.

    Returns:
        The estimate, its figures not rounded.
    """
    worse, robust = _CODECS.get(codec, _OTHER)
    percent = 100 * min(max(unheard, 0.0), 1.0)
    delay_ms = max(delay_ms, 0.0)
    late = 0.024 * delay_ms + 0.11 * max(delay_ms - _LATE_MS, 0.0)
    gone = worse + (95 - worse) * percent / (percent + robust)
    r = max(_BEST - late - gone, 0.0)
    return Estimate(r, mos(r))


def mos(r: float) -> float:
    """Give the mean opinion score of a rating factor (G.107 Annex B).

    Args:
        r: 0 to 100.

    Returns:
        1 to 4.5.
    """
    return max(1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r), 1.0)
