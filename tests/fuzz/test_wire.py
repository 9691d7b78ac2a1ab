"""RTP headers of any numbers survive the way out and in; arithmetic agrees with whole integers; any bytes are judged."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from callcore import wire
from callcore.mask import mask, move
from callcore.seqnum import seq_diff

WORD16 = st.integers(0, 0xFFFF)
WORD32 = st.integers(0, 0xFFFFFFFF)
RING = 1 << 32


@given(WORD16, WORD32, WORD32, st.integers(0, 1), st.integers(0, 127), st.integers(0, 9))
def test_a_header_comes_back_whole(seq, stamp, ssrc, marker, payload_type, off):
    state = array("I", [seq, stamp, ssrc])
    buf = bytearray(off + 12)
    wire.write_header(buf, off, marker, payload_type, state)
    assert wire.check(buf, off, 12) == wire.SOUND
    assert (wire.seq(buf, off), wire.payload_type(buf, off), wire.marker(buf, off)) == (seq, payload_type, marker)
    assert int.from_bytes(buf[off + 4 : off + 8], "big") == stamp
    assert wire.ssrc_equal(buf, off, state) == 1
    assert wire.ssrc_equal(buf, off, array("I", [seq, stamp, ssrc ^ 1])) == 0


@given(WORD16, WORD32, st.lists(st.integers(0, 1 << 20), max_size=30))
def test_a_state_walks_the_ring(seq, stamp, steps):
    state = array("I", [seq, stamp, 5])
    for samples in steps:
        wire.advance(state, samples)
    assert list(state) == [(seq + len(steps)) % 65536, (stamp + sum(steps)) % RING, 5]


@given(WORD32, WORD32)
def test_a_difference_is_the_short_way_round_and_clipped(later, earlier):
    packets = [bytes(4) + stamp.to_bytes(4, "big") + bytes(4) for stamp in (later, earlier)]
    signed = (later - earlier + RING // 2) % RING - RING // 2
    delta = wire.stamp_delta(packets[0], 0, packets[1], 0)
    if -(2**29) <= signed < 2**29:
        assert delta == signed
    else:
        assert -(2**29) <= delta < 2**29
        assert (delta < 0) == (signed < 0)
        assert abs(delta) >= 2**29 - 65536


@given(st.binary(max_size=40), st.integers(0, 5))
def test_any_bytes_are_judged(data, off):
    verdict = wire.check(bytes(off) + data, off, len(data))
    assert verdict in (wire.SOUND, wire.TOO_SHORT, wire.NOT_VERSION_2, wire.HAS_EXTRAS)
    assert (verdict == wire.SOUND) == (len(data) >= 12 and data[:1] == b"\x80")


@given(WORD16, st.integers(-32768, 32767))
def test_sequence_numbers(start, steps):
    assert seq_diff((start + steps) & 0xFFFF, start) == steps


@given(st.binary(min_size=4, max_size=300), st.binary(min_size=4, max_size=4), st.data())
def test_masking_is_its_own_inverse_and_the_rule(data, key, draw):
    off = draw.draw(st.integers(0, len(data)))
    n = draw.draw(st.integers(0, len(data) - off))
    buf = bytearray(data)
    mask(buf, off, n, key, 0)
    assert buf == data[:off] + bytes(data[off + i] ^ key[i % 4] for i in range(n)) + data[off + n :]
    mask(buf, off, n, key, 0)
    assert buf == data


@given(st.binary(min_size=1, max_size=300), st.data())
def test_moving_down_in_place(data, draw):
    source = draw.draw(st.integers(0, len(data)))
    target = draw.draw(st.integers(0, source))
    n = draw.draw(st.integers(0, len(data) - source))
    buf = bytearray(data)
    move(buf, target, buf, source, n)
    assert buf == data[:target] + data[source : source + n] + data[target + n :]
