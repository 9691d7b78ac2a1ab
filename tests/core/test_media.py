"""The table of codecs, and the choice among them."""

from callcore import media
from callcore.errors import LocalError

CLOCK_HZ = 1


def refused(call, *args):
    try:
        call(*args)
    except LocalError as error:
        return error.detail
    raise AssertionError("not refused: %r" % (args,))


def test_payload_types_are_those_of_rfc_3551_table_4():
    assert media.codec("PCMU")[media.PAYLOAD_TYPE] == 0
    assert media.codec("PCMA")[media.PAYLOAD_TYPE] == 8
    assert media.codec("PCMA")[CLOCK_HZ] == 8000
    assert media.codec("G722")[media.PAYLOAD_TYPE] == 9
    assert media.codec("DVI4")[media.PAYLOAD_TYPE] == 5
    assert media.codec("L16")[media.PAYLOAD_TYPE] >= 96
    assert media.codec("opus")[media.PAYLOAD_TYPE] >= 96


def test_the_clock_of_g722_is_not_its_sample_rate():
    assert media.codec("G722")[CLOCK_HZ] == 8000
    assert media.codec("G722")[media.SAMPLE_RATE_HZ] == 16000
    assert media.frame_ticks("G722", 20) == 160


def test_every_row_agrees_with_itself():
    for name, row in media.CODECS.items():
        assert len(row) == 5, name
        assert row[CLOCK_HZ] % 50 == 0, name
        assert 0 <= row[media.PAYLOAD_TYPE] < 128, name
    types = [row[media.PAYLOAD_TYPE] for row in media.CODECS.values()]
    assert len(set(types)) == len(types)


def test_sizes_of_both_ptimes():
    for name in ("PCMA", "PCMU"):
        assert [media.frame_bytes(name, ptime_ms) for ptime_ms in (20, 40)] == [160, 320]
        assert [media.frame_ticks(name, ptime_ms) for ptime_ms in (20, 40)] == [160, 320]
    assert [media.frame_bytes("L16", ptime_ms) for ptime_ms in (20, 40)] == [640, 1280]
    assert [media.frame_ticks("L16", ptime_ms) for ptime_ms in (20, 40)] == [320, 640]


def test_the_header_of_dvi4_stands_once_in_a_packet():
    assert [media.frame_bytes("DVI4", ptime_ms) for ptime_ms in (20, 40)] == [84, 164]
    assert [media.frame_ticks("DVI4", ptime_ms) for ptime_ms in (20, 40)] == [160, 320]


def test_opus_has_its_own_clock_and_constant_size():
    assert [media.frame_bytes("opus", ptime_ms) for ptime_ms in (20, 40)] == [60, 120]
    assert [media.frame_ticks("opus", ptime_ms) for ptime_ms in (20, 40)] == [960, 1920]


def test_unknown_name_and_ptime_are_refused_with_what_is_possible():
    assert "PCMA" in refused(media.codec, "MP3")
    assert "MP3" in refused(media.frame_bytes, "MP3", 20)
    for ptime_ms in (0, 10, 30, 60, -20):
        assert "20, 40" in refused(media.frame_bytes, "PCMA", ptime_ms)
        assert "20, 40" in refused(media.frame_ticks, "PCMA", ptime_ms)
