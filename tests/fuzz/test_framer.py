"""Any bytes in any cutting give frames or a WireError, the same for every cutting; sound frames always survive."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from callcore import framer
from callcore.errors import WireError
from callcore.framer import BINARY, CLOSE, NEED_MORE, PING, PONG, TEXT, Framer

LIMITS = {TEXT: 4096, BINARY: 2048, CLOSE: 125, PING: 125, PONG: 125}
KINDS = st.sampled_from(sorted(LIMITS))
CUTS = st.lists(st.integers(1, 700), min_size=1, max_size=20)


def run(link, data, cuts):
    """Feed `data` in pieces of the sizes in `cuts`, over and over; give the frames and the close code, if any."""
    found = []
    at = turn = 0
    size = len(link.buf)
    while at < len(data):
        piece = min(cuts[turn % len(cuts)], len(data) - at)
        turn += 1
        taken = link.feed(data, at, piece)
        assert 0 < taken <= piece
        at += taken
        try:
            while (kind := link.next()) != NEED_MORE:
                assert 0 <= link.start <= link.start + link.length <= size
                assert link.length <= LIMITS[kind]
                found.append((kind, link.payload()))
        except WireError as error:
            return found, error.code
    assert len(link.buf) == size
    return found, 0


def payloads(kind):
    """Payloads of a kind, small ones and ones about the turning points of the length field."""
    limit = LIMITS[kind]
    sizes = [n for n in (0, 1, 124, 125, 126, 127, 172, 255, 256, 2047, 2048, 4095, 4096) if n <= limit]
    return st.binary(max_size=min(limit, 300)) | st.sampled_from(sizes).map(lambda n: bytes(i % 251 for i in range(n)))


FRAMES = KINDS.flatmap(lambda kind: st.tuples(st.just(kind), payloads(kind)))
KEYS = st.binary(min_size=4, max_size=4)


@given(st.booleans(), st.lists(st.tuples(FRAMES, KEYS), max_size=12), CUTS)
def test_sound_frames_survive_any_cutting(server, rows, cuts):
    data = b"".join(framer.encode(kind, payload, key if server else b"") for (kind, payload), key in rows)
    assert run(Framer(server), data, cuts) == ([frame for frame, _ in rows], 0)


@given(st.booleans(), st.binary(max_size=600), CUTS)
@example(False, b"\x81\x7e\x10\x01", [1])
@example(True, b"\x88\xfe\x00\x7e", [4])
def test_any_bytes_give_frames_or_a_wire_error(server, data, cuts):
    found, code = run(Framer(server), data, cuts)
    assert code in (0, 1002, 1009)
    assert run(Framer(server), data, [len(data) or 1]) == (found, code)


@given(st.booleans(), st.lists(st.tuples(FRAMES, KEYS), min_size=1, max_size=4), CUTS, st.data())
def test_one_flipped_bit_is_a_frame_an_error_or_a_wait(server, rows, cuts, draw):
    data = bytearray(b"".join(framer.encode(kind, payload, key if server else b"") for (kind, payload), key in rows))
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= 1 << draw.draw(st.integers(0, 7))
    found, code = run(Framer(server), bytes(data), cuts)
    assert code in (0, 1002, 1009)
    assert run(Framer(server), bytes(data), [1]) == (found, code)


@given(st.booleans(), FRAMES, KEYS)
@settings(max_examples=50)
def test_every_prefix_waits(server, frame, key):
    kind, payload = frame
    data = framer.encode(kind, payload, key if server else b"")
    link = Framer(server)
    for at in range(len(data) - 1):
        assert link.feed(data, at, 1) == 1
        assert link.next() == NEED_MORE
    link.feed(data, len(data) - 1, 1)
    assert link.next() == kind and link.payload() == payload


@given(st.binary(max_size=125))
def test_any_close_payload_has_a_code_or_is_refused(payload):
    link = Framer(False)
    data = framer.encode(CLOSE, payload)
    link.feed(data, 0, len(data))
    assert link.next() == CLOSE
    try:
        code = link.close_code()
    except WireError as error:
        assert error.code in (1002, 1007)
    else:
        assert code == 1005 or (1000 <= code <= 4999 and payload[2:].decode() is not None)


@given(st.integers(1000, 1003) | st.integers(3000, 4999), st.text(max_size=200))
def test_a_close_payload_is_always_sound(code, reason):
    payload = framer.close_payload(code, reason)
    assert len(payload) <= 125
    assert reason.startswith(payload[2:].decode())
    assert len(payload) > 121 or payload[2:].decode() == reason
    link = Framer(False)
    data = framer.encode(CLOSE, payload)
    link.feed(data, 0, len(data))
    assert link.next() == CLOSE and link.close_code() == code
