"""The golden G.722 is the Recommendation's: its own tables, its first codes at rest, and speech bands that stay apart."""

import vector_g722


def test_tables_have_the_recommendations_sizes_and_order():
    assert len(vector_g722._Q6) == 30 and sorted(vector_g722._Q6) == vector_g722._Q6
    assert len(vector_g722._QM6) == 64 and len(vector_g722._QM4) == 16
    assert sum(vector_g722._QMF24[0::2]) == sum(vector_g722._QMF24[1::2]) == 4096


def test_silence_at_rest_is_the_first_interval_that_is_wider_than_nothing():
    coder = vector_g722.Coder()
    assert [coder.encode(0, 0) for _ in range(3)] == [0xFA, 0xFA, 0xFA]


def test_overload_saturates_and_does_not_wrap():
    coder, decoder = vector_g722.Coder(), vector_g722.Coder()
    heard = [s for _ in range(200) for s in decoder.decode(coder.encode(32767, 32767))]
    assert min(heard[100:]) > 30000 and max(heard) <= 32767


def test_what_is_built_covers_overload_and_codes_no_encoder_makes():
    built = vector_g722.build()
    assert any("ff7f" * 4 in case["pcm"] for case in built["streams"])
    assert len(built["decode_only"]) == 3
    for case in built["streams"]:
        assert len(case["pcm"]) == 8 * len(case["codes"]) // 2 == len(case["decoded"])
