"""The golden media packets: fields where RFC 3550 section 5.1 draws them, and arithmetic that agrees with itself."""

import vector_rtp


def test_fields_stand_where_the_rfc_draws_them() -> None:
    assert vector_rtp.header(1, 97, 0x0102, 0x03040506, 0x0708090A).hex() == "80e1" + "0102" + "03040506" + "0708090a"
    assert vector_rtp.header(0, 0, 0, 0, 0, version=3, extras=0x3F).hex() == "ff00" + "00" * 10


def test_states_and_differences_agree_with_each_other() -> None:
    built = vector_rtp.build()
    for row in built["advances"]:
        stamps = [row["state"][1]] + [state[1] for state in row["next"]]
        assert {(after - before) % 2**32 for before, after in zip(stamps, stamps[1:], strict=False)} == {row["samples"]}
    for row in built["deltas"]:
        assert (row["base"] + row["delta"] - row["stamp"]) % 2**32 == 0


def test_every_verdict_has_a_case() -> None:
    verdicts = {row["verdict"] for row in vector_rtp.build()["checks"]}
    assert verdicts == set(vector_rtp.VERDICTS.values())
