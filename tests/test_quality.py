"""The estimate of a call's quality: published values of the E-model, and the right direction of every influence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tincall.quality import estimate, mos

# G.711 with concealment by Appendix I: delay in ms, and MOS at 0, 1, 2, 5 and 10 per cent of loss
TABLE = {
    100: (4.36, 4.26, 4.16, 3.82, 3.29),
    150: (4.33, 4.23, 4.12, 3.77, 3.23),
    200: (4.23, 4.11, 3.98, 3.60, 3.04),
    300: (3.71, 3.54, 3.38, 2.93, 2.34),
}
LOSSES = (0, 0.01, 0.02, 0.05, 0.1)


@pytest.mark.parametrize(
    ("delay_ms", "loss", "expected"),
    [(delay, loss, score) for delay, row in TABLE.items() for loss, score in zip(LOSSES, row, strict=True)],
)
def test_the_table_of_g711_with_concealment(delay_ms, loss, expected):
    assert estimate("PCMA", loss, delay_ms).mos == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(("r", "expected"), [(0, 1.0), (50, 2.58), (60, 3.10), (70, 3.60), (80, 4.03), (90, 4.34)])
def test_the_table_of_scores(r, expected):
    """G.107 Annex B, table B.1."""
    assert mos(r) == pytest.approx(expected, abs=0.01)


def test_codecs_differ_as_they_were_measured():
    assert estimate("G722", 0, 100) == estimate("PCMU", 0, 100)
    assert estimate("PCMA", 0, 0).r - estimate("DVI4", 0, 0).r == pytest.approx(23)
    assert estimate("PCMA", 0, 0).mos == pytest.approx(4.41, abs=0.005)


def test_what_a_codec_has_spoilt_cannot_be_lost_once_more():
    """G.107 section 3.5: loss takes from what is left above the codec's own impairment."""
    assert estimate("DVI4", 1, 0).r == pytest.approx(93.2 - 23 - 72 * 100 / 125.1, abs=0.01)


@given(st.sampled_from(["G722", "PCMA", "DVI4", "?"]), st.floats(0, 1), st.floats(0, 10_000), st.floats(0, 1))
def test_it_stays_on_its_scale_and_falls_with_loss_and_delay(codec, loss, delay_ms, more):
    here = estimate(codec, loss, delay_ms)
    assert 0 <= here.r <= 93.2 and 1 <= here.mos <= 4.42
    assert estimate(codec, min(loss + more, 1), delay_ms).r <= here.r
    assert estimate(codec, loss, delay_ms + 100 * more).r <= here.r


def test_what_cannot_be_is_taken_for_the_nearest_that_can():
    assert estimate("PCMA", -1, -5) == estimate("PCMA", 0, 0)
    assert estimate("PCMA", 2, 100) == estimate("PCMA", 1, 100)
