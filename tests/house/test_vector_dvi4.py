"""The golden DVI4 is the IMA's rule: its table, its saturation, and a block that is right by hand."""

import vector_dvi4


def test_the_table_has_89_steps_each_a_tenth_more() -> None:
    steps = vector_dvi4.STEPS
    assert len(steps) == 89 and steps[0] == 7 and steps[-1] == 32767
    assert all(1 <= b / a <= 1.15 for a, b in zip(steps, steps[1:], strict=False))


def test_a_block_made_by_hand() -> None:
    coder = vector_dvi4.Coder()
    # 0 is less than any part of 7: code 0, and nothing moves; 100 is more than all parts: code 7, 7 + 3 + 1 + 0, 8 places up
    assert vector_dvi4.block(coder, [0, 100]).hex() == "0000000007"
    assert (coder.predict, coder.index) == (11, 8)
    # the header says so; step 16, and 11 to -100 is below by more than all its parts: code 15
    assert vector_dvi4.block(coder, [-100, -100]).hex().startswith("000b0800f")


def test_the_prediction_saturates() -> None:
    coder = vector_dvi4.Coder(32700, 88)
    assert coder.decode(7) == 32767 and coder.index == 88
    coder = vector_dvi4.Coder(-32700, 0)
    assert coder.decode(15) == -32711 and coder.index == 8


def test_what_is_built_covers_overload_and_bad_headers() -> None:
    built = vector_dvi4.build()
    assert any("ff7f" * 4 in case["pcm"] for case in built["streams"])
    assert any(int(case["packet"][4:6], 16) > 88 for case in built["decode_only"])
    assert {len(packet) for case in built["streams"] for packet in case["packets"]} == {168}
