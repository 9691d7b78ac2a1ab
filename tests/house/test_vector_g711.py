"""The golden G.711 against values printed in the Recommendation's tables."""

import vector_g711


def test_alaw_values_of_table_1() -> None:
    law = vector_g711.build()["PCMA"]
    # table 1a counts to 4096: decoder outputs 4032 and 1 for the outermost and innermost positive codes
    assert law["decode"][0xFF ^ 0x55] == 4032 * 8
    assert law["decode"][0x80 ^ 0x55] == 1 * 8
    assert law["decode"][0x7F ^ 0x55] == -4032 * 8
    codes = dict(law["encode"])
    # decision value 3968 begins the last interval, 2048 segment 7
    assert codes[3968 * 8] == 0xFF ^ 0x55 and codes[3968 * 8 - 1] == 0xFE ^ 0x55
    assert codes[2048 * 8] == 0xF0 ^ 0x55 and codes[2048 * 8 - 1] == 0xEF ^ 0x55


def test_ulaw_values_of_table_2() -> None:
    law = vector_g711.build()["PCMU"]
    # table 2a counts to 8159: decoder outputs 8031, 4191, 99, 33, 2, 0
    values = [law["decode"][code] for code in (0x80, 0x8F, 0xDF, 0xEF, 0xFE, 0xFF)]
    assert values == [4 * value for value in (8031, 4191, 99, 33, 2, 0)]
    assert law["decode"][0x7F] == 0 and law["decode"][0] == -4 * 8031
    codes = dict(law["encode"])
    assert codes[4 * 7903] == 0x80 and codes[4 * 7903 - 1] == 0x81
    assert codes[0] == 0xFF and codes[-1] == 0x7F


def test_every_code_is_somebodys() -> None:
    for name in ("PCMA", "PCMU"):
        assert {code for _, code in vector_g711.build()[name]["encode"]} == set(range(256))
