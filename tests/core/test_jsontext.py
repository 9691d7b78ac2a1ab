"""The scan before the parser: JSON's grammar and our bounds, with one answer on both interpreters."""

import binascii

from callcore.jsontext import MAX_DEPTH, scan


def verdict(text):
    data = text if isinstance(text, bytes) else text.encode()
    plain = scan(data, len(data))
    assert scan(memoryview(data), len(data)) == plain
    return plain


def test_counts_keys_at_every_level():
    assert verdict("{}") == 0
    assert verdict(' {"a":1} ') == 1
    assert verdict('{"a":{"b":[{"c":1},{"d":{}}]},"e":[]}') == 5


def test_takes_every_kind_of_value():
    for text in ("0", "-0", "10", "-1.5", "1e5", "1E+5", "2.25e-10", "true", "false", "null", '""', "[]", "[1,[],{}]"):
        assert verdict(text) == 0, text


def test_says_where_it_stops_being_json():
    assert verdict("") == -1
    assert verdict('{"a" 1}') == -6
    assert verdict('{"a":1}x') == -8
    assert verdict('{"a":1') == -7


def test_refuses_what_only_looks_like_json():
    numbers = "01 +1 1. .5 - 1e 1e+ --1 0x1 1_000 NaN Infinity tru nul True"
    brackets = (
        '{ } [ ] {] [} [1 {"a"} {"a":} {:} {,} [,] [1,] [1,,2] {"a":1,} {1:2} {"a","b"} ["a":1] {"a":1:2} {}{} {}} ,'
    )
    for text in numbers.split() + brackets.split() + ["[1 2]", "1 2", "'a'", "\v1"]:
        assert verdict(text) < 0, text


def test_strings_hold_whole_characters_only():
    for text in ('"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\u00e9\\uFFFF"', '"\\ud83d\\ude00"', '"é中😀"', '"\x7f"', '" !~"'):
        assert verdict(text) == 0, text
    for text in ('"', '"a', '"\n"', '"\x00"', '"\\x"', '"\\u12"', '"\\u12g4"', '"\\', '"\\ud83d"', '"\\ud83dx"'):
        assert verdict(text) < 0, text
    for text in ('"\\ude00"', '"\\ud83d\\u0041"', '"\\ud83d\\ud83d"', '"\\ud83d\\ude0'):
        assert verdict(text) < 0, text


def test_escapes_are_taken_to_their_edges():
    for digits in ("0000", "0099", "00AF", "00af", "09Aa", "d7ff", "D7FF", "e000", "fFfF"):
        assert verdict('"\\u' + digits + '"') == 0, digits
    for digits in ("000/", "000:", "000@", "000G", "000`", "000g", "00 0", "-001"):
        assert verdict('"\\u' + digits + '"') < 0, digits
    for pair in ("\\ud800\\udc00", "\\udbff\\udfff", "\\udbff\\udc00x"):
        assert verdict('"' + pair + '"') == 0, pair
    for halves in ("\\ud800\\udbff", "\\ud800\\ue000", "\\udc00", "\\udfff", "\\ud800/udc00", "\\ud800\\tdc00"):
        assert verdict('"' + halves + '"') < 0, halves


def test_a_text_may_stop_anywhere_but_only_the_whole_is_json():
    whole = '{"a":[-1.5e+3,"\\ud83d\\ude00\\n\\u0041é😀",true,false,null,{}],"b":0}'.encode()
    assert scan(whole, len(whole)) == 2
    for length in range(len(whole)):
        # it stops being JSON within what is there, or at its end
        assert -1 - length <= scan(whole, length) < 0, length
    # characters that end with the text, not with a quote
    for piece in (b"\\n", b"\\u0041", b"\\ud83d\\ude00", b"\xc3\xa9", b"\xf0\x9f\x98\x80"):
        assert scan(b'"' + piece, 1 + len(piece)) == -1
        assert scan(b'"' + piece + b'"', 2 + len(piece)) == 0


def test_utf8_must_be_well_formed():
    good = "c280 dfbf e0a080 ed9fbf ee8080 efbfbf f0908080 f48fbfbf"
    for raw in [binascii.unhexlify(word) for word in good.split()]:
        assert verdict(b'"' + raw + b'"') == 0, raw
    bad = "80 ff c080 c1bf c2 c241 c2c0 e09fbf e0a0c0 e0a07f e4b8 e4b841 eda080 f08fbfbf f4908080 f5808080 f09080 f8"
    for raw in [binascii.unhexlify(word) for word in bad.split()]:
        assert verdict(b'"' + raw + b'"') < 0, raw


def test_nesting_is_bounded_whatever_the_length():
    assert MAX_DEPTH == 8
    assert verdict("[" * MAX_DEPTH + "]" * MAX_DEPTH) == 0
    assert verdict("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == -1 - MAX_DEPTH
    assert verdict("[" * 4096) == -1 - MAX_DEPTH
    assert verdict('{"a":' * 4000) < 0
    # the bound is on depth, not on the number of brackets
    assert verdict("[" + ",".join(["[]"] * 100) + "]") == 0


def test_numbers_are_bounded_in_length():
    assert verdict("-2.2250738585072014e-308") == 0
    assert verdict("9" * 24) == 0
    assert verdict("9" * 25) < 0


def test_looks_no_further_than_the_length():
    assert scan(b'{"a":1}garbage', 7) == 1
    assert scan(b'"abc"', 4) < 0
    assert scan(b"true", 3) < 0
    assert scan(b'"\\u0041"', 6) < 0
