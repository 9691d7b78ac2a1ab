"""Shapes of fields: exact types, bounds on the edge and beyond it, one canonical form."""

from callcore.shapes import Flag, Integer, Many, OneOf, Record, Text, Token, Unfit, keys_in


def refuses(shape, value, word):
    """Assert that `shape` refuses `value` with a sentence about field `f` that has `word` in it."""
    try:
        shape.take(value, "f")
    except Unfit as unfit:
        assert unfit.detail.startswith("`f"), unfit.detail
        assert word in unfit.detail, unfit.detail
        return
    raise AssertionError("took " + repr(value))


def test_integer_is_an_integer_in_its_range():
    shape = Integer(-1, 0xFFFFFFFF)
    for value in (-1, 0, 0xFFFFFFFF):
        assert shape.take(value, "f") == value
        assert shape.render(value) == str(value)
    refuses(shape, -2, "from -1 to 4294967295")
    refuses(shape, 1 << 32, "from")
    for value in (True, False, 1.0, "1", None, [1], {}):
        refuses(shape, value, "not an integer")


def test_flag_is_true_or_false():
    assert Flag().take(True, "f") is True
    assert Flag().take(False, "f") is False
    assert Flag().render(True) + Flag().render(False) == "truefalse"
    for value in (0, 1, None, "true"):
        refuses(Flag(), value, "true or false")


def test_text_is_bounded_in_characters_and_has_no_control():
    shape = Text(1, 3)
    for value in ("a", "中文字", "😀😀😀", " é "):
        assert shape.take(value, "f") == value
    refuses(shape, "", "1 to 3")
    refuses(shape, "abcd", "1 to 3")
    for value in (" ", "~", "\xa0", "\ud7ff", "\ue000", "\uffff"):
        assert shape.take(value, "f") == value
    for value in ("\x00", "a\n", "\x1f", "\x7f", "\x80", "\x9f"):
        refuses(shape, value, "control")
    for value in (None, 7, b"a", ["a"]):
        refuses(shape, value, "not a string")


def test_text_joins_whole_pairs_and_refuses_halves():
    high, low = "\ud83d", "\ude00"
    assert Text(1, 1).take(high + low, "f") == "😀"
    assert Text(3, 3).take("a" + high + low + "b", "f") == "a😀b"
    for pair, whole in (("\ud800\udc00", 0x10000), ("\udbff\udfff", 0x10FFFF), ("\ud800\udfff", 0x103FF)):
        assert ord(Text(1, 1).take(pair, "f")) == whole
    for value in ("\ud800", "\udbff", "\udc00", "\udfff", "\ud7ff\udc00", "\udbff\ue000"):
        refuses(Text(1, 9), value, "surrogate")
    for value in (high, low, low + high, high + "a", high + high + low):
        refuses(Text(1, 9), value, "surrogate")


def test_text_escapes_only_quote_and_backslash():
    assert Text(0, 9).render('a"\\/é') == '"a\\"\\\\/é"'


def test_token_is_for_machines():
    assert Token(64).take("Az09-_", "f") == "Az09-_"
    assert Token(3).take("abc", "f") == "abc"
    refuses(Token(3), "abcd", "1 to 3")
    refuses(Token(3), "", "1 to 3")
    for value in ("a b", "é", 'a"', "a/", "a\n", "a.b"):
        refuses(Token(64), value, "0-9 A-Z a-z")
    refuses(Token(3), 7, "not a string")


def test_one_of_minds_the_type():
    assert OneOf(20, 40).take(40, "f") == 40
    assert OneOf("a", "b").take("b", "f") == "b"
    assert OneOf("a").render("a") + OneOf(20).render(20) == '"a"20'
    refuses(OneOf(20, 40), 30, "20, 40")
    refuses(OneOf(20, 40), 20.0, "20, 40")
    refuses(OneOf(1), True, "one of 1")
    refuses(OneOf("a"), ["a"], "one of a")


def test_many_bounds_its_number_and_names_its_members():
    shape = Many(Integer(0, 9), 1, 2)
    assert shape.take([1], "f") == [1]
    assert shape.take([1, 2], "f") == [1, 2]
    assert shape.render([1, 2]) == "[1,2]"
    refuses(shape, [], "1 to 2")
    refuses(shape, [1, 2, 3], "1 to 2")
    refuses(shape, [1, 10], "`f[]`")
    refuses(shape, {"a": 1}, "not a list")


def test_record_takes_what_it_knows_and_drops_the_rest():
    shape = Record((("a", Integer(0, 9)),), (("b", Flag()),))
    assert shape.take({"x": {}, "b": True, "a": 1}, "f") == {"a": 1, "b": True}
    assert shape.take({"a": 1}, "f") == {"a": 1}
    assert shape.render({"b": True, "a": 1}) == '{"a":1,"b":true}'
    refuses(shape, {"b": True}, "`f.a` is missing")
    refuses(shape, {"a": 1, "b": None}, "`f.b`")
    refuses(shape, [], "not an object")


def test_keys_are_counted_through_objects_and_lists():
    assert keys_in(7) == 0
    assert keys_in([{"a": 1}, {"b": {"c": []}}]) == 3
