"""WebSocket framing: golden frames in any cutting, every rule of RFC 6455 that this wire keeps, limits, and no heap."""

import binascii
import json

from callcore import framer
from callcore.compat import MICROPYTHON
from callcore.errors import LocalError, WireError
from callcore.framer import BINARY, CLOSE, NEED_MORE, PING, PONG, TEXT, Framer

HERE = __file__[: __file__.rfind("/") + 1]
with open(HERE + "../vectors/frames.json") as file:
    VECTORS = json.load(file)

KINDS = {"text": TEXT, "binary": BINARY, "close": CLOSE, "ping": PING, "pong": PONG}
KEY = b"\x37\xfa\x21\x3d"
unhex = binascii.unhexlify


def receiver(case):
    """The framer of the side that gets what `case` holds."""
    return Framer(case["from"] == "board")


def frames_in(link, data, step):
    """Feed `data` in pieces of `step` bytes; give (kind, payload) of every frame."""
    found = []
    at = 0
    while at < len(data):
        piece = min(step, len(data) - at)
        taken = link.feed(data, at, piece)
        assert 0 < taken <= piece
        at += taken
        kind = link.next()
        while kind != NEED_MORE:
            found.append((kind, link.payload()))
            kind = link.next()
    return found


def refusal(call, *args):
    """Give the close code of the WireError that `call` raises; 0 when it raises none."""
    try:
        call(*args)
    except WireError as error:
        assert error.detail
        return error.code
    return 0


def whole(kind, payload, sender):
    return framer.encode(kind, payload, KEY if sender == "board" else b"")


def test_golden_frames_are_read():
    for case in VECTORS["frames"]:
        link = receiver(case)
        assert frames_in(link, unhex(case["wire"]), 9999) == [(KINDS[case["kind"]], unhex(case["payload"]))], case[
            "name"
        ]
        assert link.next() == NEED_MORE, case["name"]


def test_golden_frames_are_read_byte_by_byte_and_not_too_soon():
    for case in VECTORS["frames"]:
        link = receiver(case)
        wire = unhex(case["wire"])
        for at in range(len(wire) - 1):
            assert link.feed(wire, at, 1) == 1
            assert link.next() == NEED_MORE, (case["name"], at)
        link.feed(wire, len(wire) - 1, 1)
        assert link.next() == KINDS[case["kind"]], case["name"]
        assert link.payload() == unhex(case["payload"]), case["name"]


def test_golden_frames_are_written():
    for case in VECTORS["frames"]:
        made = framer.encode(KINDS[case["kind"]], unhex(case["payload"]), unhex(case["key"]))
        assert made == unhex(case["wire"]), case["name"]


def test_golden_headers():
    for case in VECTORS["headers"]:
        masked = case["from"] == "board"
        header = unhex(case["header"])
        size = len(header) + (4 if masked else 0)
        assert framer.header_bytes(case["length"], masked) == size, case
        buf = bytearray(b"\xa5" * 16)
        assert framer.write_header(buf, 3, KINDS[case["kind"]], case["length"], masked) == 3 + size, case
        assert buf[3 : 3 + len(header)] == header, case
        assert buf[:3] == b"\xa5" * 3 and buf[3 + len(header) :] == b"\xa5" * (13 - len(header)), case


def test_a_header_that_cannot_be_is_our_bug():
    for kind, length in ((BINARY, -1), (BINARY, 65536), (TEXT, 70000), (PING, 126), (CLOSE, 126), (PONG, 2000)):
        try:
            framer.write_header(bytearray(16), 0, kind, length, True)
        except LocalError as error:
            assert str(length) in error.detail
        else:
            raise AssertionError((kind, length))
    assert framer.write_header(bytearray(16), 0, BINARY, 65535, True) == 8


def test_a_key_of_another_length_is_our_bug():
    for key in (b"\x01", b"\x01\x02\x03", b"\x01\x02\x03\x04\x05"):
        try:
            framer.encode(TEXT, b"{}", key)
        except LocalError:
            continue
        raise AssertionError(key)


def test_streams_are_the_same_in_every_cutting():
    for case in VECTORS["streams"]:
        wire = unhex(case["wire"])
        expected = [(KINDS[kind], unhex(payload)) for kind, payload in case["frames"]]
        for step in (1, 2, 3, 5, 7, 64, 171, 172, 173, len(wire)):
            assert frames_in(receiver(case), wire, step) == expected, (case["name"], step)


def test_two_pieces_cut_anywhere():
    for case in VECTORS["streams"][:2]:
        wire = unhex(case["wire"])
        expected = [(KINDS[kind], unhex(payload)) for kind, payload in case["frames"]]
        for cut in range(1, len(wire)):
            link = receiver(case)
            found = frames_in(link, wire[:cut], cut)
            assert found + frames_in(link, wire[cut:], len(wire) - cut) == expected, cut


def test_only_the_bytes_named_are_taken():
    for case in VECTORS["frames"]:
        wire = unhex(case["wire"])
        link = receiver(case)
        assert link.feed(b"\xff\xff\xff" + wire + b"\xff", 3, len(wire)) == len(wire)
        assert link.next() == KINDS[case["kind"]]
        assert link.next() == NEED_MORE
    assert Framer(True).feed(b"\xff\xff", 1, 0) == 0


def test_refused_at_the_byte_that_settles_it():
    for case in VECTORS["refused"]:
        link = receiver(case)
        wire = unhex(case["wire"])
        code = 0
        for at in range(len(wire)):
            assert code == 0, (case["name"], at)
            link.feed(wire, at, 1)
            code = refusal(link.next)
        assert code == case["code"], case["name"]


def test_refused_in_one_piece_with_more_behind():
    for case in VECTORS["refused"]:
        code = refusal(frames_in, receiver(case), unhex(case["wire"]) + bytes(600), 9999)
        assert code == case["code"], case["name"]


def test_the_longest_messages_pass_and_one_byte_more_does_not():
    for sender in ("board", "relay"):
        for kind, limit in ((TEXT, 4096), (BINARY, 2048), (PING, 125)):
            payload = bytes(i & 255 for i in range(limit))
            for step in (9999, 97):
                link = Framer(sender == "board")
                assert frames_in(link, whole(kind, payload, sender), step) == [(kind, payload)], (sender, kind, step)
        for kind, limit in ((TEXT, 4096), (BINARY, 2048)):
            link = Framer(sender == "board")
            # the header alone is enough: nobody waits for a payload that will not be taken
            assert refusal(frames_in, link, whole(kind, bytes(limit + 1), sender)[:4], 9999) == 1009, (sender, kind)


def test_limits_are_the_links_own():
    link = Framer(False, 200, 130)
    assert frames_in(link, whole(TEXT, bytes(200), "relay"), 999) == [(TEXT, bytes(200))]
    assert frames_in(link, whole(BINARY, bytes(130), "relay"), 999) == [(BINARY, bytes(130))]
    assert refusal(frames_in, link, whole(BINARY, bytes(131), "relay"), 999) == 1009
    assert refusal(frames_in, Framer(False, 200, 130), whole(TEXT, bytes(201), "relay"), 999) == 1009
    assert frames_in(Framer(True, 65535, 125), whole(TEXT, bytes(65535), "board"), 4000) == [(TEXT, bytes(65535))]


def test_a_feed_that_does_not_fit_is_taken_in_parts():
    for sender in ("board", "relay"):
        data = b"".join(whole(BINARY, bytes([i]) * 172, sender) for i in range(60))
        link = Framer(sender == "board")
        taken = link.feed(data, 0, len(data))
        assert 4096 + 8 <= taken < len(data)
        assert link.feed(data, taken, 1) == 0
        assert frames_in(Framer(sender == "board"), data, len(data)) == [(BINARY, bytes([i]) * 172) for i in range(60)]


def test_after_need_more_there_is_always_room():
    # the longest frame, begun as far back in the buffer as others can push it
    for lead in (0, 1, 500, 1015, 1016, 1017, 1018, 1019, 1020, 2500):
        data = whole(BINARY, bytes(lead), "board") if lead <= 2048 else whole(TEXT, bytes(lead), "board")
        data += whole(TEXT, b"x" * 4096, "board") + whole(PING, b"", "board")
        found = frames_in(Framer(True), data, len(data))
        assert [kind for kind, _ in found] == [TEXT if lead > 2048 else BINARY, TEXT, PING], lead
        assert found[1][1] == b"x" * 4096


def test_the_buffer_never_grows_and_room_is_won_back():
    link = Framer(False, 400, 400)
    size = len(link.buf)
    store = link.buf
    data = b"".join(whole(TEXT, b"%04d" % i * (1 + i % 99), "relay") for i in range(500))
    found = frames_in(link, data, 333)
    assert found == [(TEXT, b"%04d" % i * (1 + i % 99)) for i in range(500)]
    assert link.buf is store and len(store) == size


def test_a_payload_holds_until_the_next_call():
    link = Framer(True)
    data = whole(BINARY, b"first", "board") + whole(BINARY, b"second", "board")
    link.feed(data, 0, len(data))
    assert link.next() == BINARY
    assert bytes(link.buf[link.start : link.start + link.length]) == b"first"
    assert link.next() == BINARY
    assert bytes(link.buf[link.start : link.start + link.length]) == b"second"


def close_frame(payload):
    link = Framer(False)
    data = framer.encode(CLOSE, payload)
    link.feed(data, 0, len(data))
    assert link.next() == CLOSE
    return link


def test_close_codes():
    for case in VECTORS["closes"]:
        link = close_frame(unhex(case["payload"]))
        if case["refused"]:
            assert refusal(link.close_code) == case["refused"], case
        else:
            assert link.close_code() == case["code"], case


def test_half_a_close_code_is_not_completed_from_what_follows():
    link = Framer(False)
    data = framer.encode(CLOSE, b"\x03") + b"\xe8"
    link.feed(data, 0, len(data))
    assert link.next() == CLOSE
    assert refusal(link.close_code) == 1002


def test_close_payloads_are_cut_between_characters():
    for case in VECTORS["close_payloads"]:
        payload = framer.close_payload(case["code"], case["reason"])
        assert payload == unhex(case["payload"]), case
        assert close_frame(payload).close_code() == case["code"], case


def test_text_is_utf8_by_rfc_3629():
    for good in VECTORS["utf8"]:
        link = Framer(False)
        data = framer.encode(TEXT, unhex(good))
        link.feed(data, 0, len(data))
        assert link.next() == TEXT
        assert link.text().encode() == unhex(good)
    for bad in VECTORS["not_utf8"]:
        for payload in (unhex(bad), b"a" + unhex(bad) + b"z"):
            link = Framer(False)
            data = framer.encode(TEXT, payload)
            link.feed(data, 0, len(data))
            assert link.next() == TEXT
            assert refusal(link.text) == 1007, bad


if MICROPYTHON:
    import micropython

    def under_lock(link, data, step):
        """Feed and read while the heap refuses everything; give the number of frames."""
        count = 0
        at = 0
        micropython.heap_lock()
        try:
            while at < len(data):
                piece = step
                if piece > len(data) - at:
                    piece = len(data) - at
                at += link.feed(data, at, piece)
                while link.next() != NEED_MORE:
                    count += 1
        finally:
            micropython.heap_unlock()
        return count

    def test_frames_take_no_heap_in_either_direction():
        for sender in ("relay", "board"):
            data = b"".join(whole(BINARY, bytes([i]) * 172, sender) + whole(PING, b"", sender) for i in range(50))
            for step in (5000, 512, 61):
                assert under_lock(Framer(sender == "board"), data, step) == 100, (sender, step)

    def test_writing_a_header_takes_no_heap():
        header_under_lock(bytearray(16))

    def header_under_lock(buf):
        micropython.heap_lock()
        try:
            framer.write_header(buf, 1, BINARY, 172, True)
            framer.header_bytes(172, True)
        finally:
            micropython.heap_unlock()
