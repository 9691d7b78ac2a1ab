"""Runs on a board: which answers of a time server are taken."""

from handset import sntp

MARK = b"12345678"
NOW_S = 1795196566
TO_1970_S = 2208988800


def answer(first=0x24, stratum=2, mark=MARK, seconds=NOW_S + TO_1970_S):
    return bytes([first, stratum]) + bytes(22) + mark + bytes(8) + seconds.to_bytes(4, "big") + b"\x80\x00\x00\x00"


def test_a_good_answer_is_the_time():
    assert sntp.read(answer(), MARK) == NOW_S
    assert sntp.read(answer(stratum=1), MARK) == sntp.read(answer(stratum=15), MARK) == NOW_S
    assert sntp.read(answer(first=0x1C), MARK) == NOW_S  # version 3
    assert sntp.read(answer(first=0x64), MARK) == NOW_S  # a leap second comes
    assert sntp.read(answer() + bytes(20), MARK) == NOW_S


def test_what_is_no_answer_is_none():
    assert sntp.read(answer()[:47], MARK) == 0
    assert sntp.read(b"", MARK) == 0
    for mode in (0, 1, 2, 3, 5, 6, 7):
        assert sntp.read(answer(first=0x20 | mode), MARK) == 0


def test_an_answer_to_somebody_else_is_none():
    assert sntp.read(answer(mark=b"12345679"), MARK) == 0
    assert sntp.read(answer(mark=bytes(8)), MARK) == 0


def test_a_server_that_is_not_in_step_or_sends_us_away_is_none():
    assert sntp.read(answer(first=0xE4), MARK) == 0
    for stratum in (0, 16, 255):
        assert sntp.read(answer(stratum=stratum), MARK) == 0
    assert sntp.read(answer(seconds=0), MARK) == 0


def test_the_count_that_begins_anew_in_2036_goes_on():
    assert sntp.read(answer(seconds=0xFFFFFFFF), MARK) == 2085978495
    assert sntp.read(answer(seconds=1), MARK) == 2085978497
    assert sntp.read(answer(seconds=2208988800 + TO_1970_S - (1 << 32)), MARK) == 2208988800  # 2040
    assert sntp.read(answer(seconds=0x80000000), MARK) == -61505152  # 1968, which every floor is beyond
