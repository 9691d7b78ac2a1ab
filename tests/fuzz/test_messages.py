"""Any bytes into the message reader: a message of the table or `MessageError`, and the scan agrees with CPython's parser."""

import json

from hypothesis import given
from hypothesis import strategies as st

from callcore.compat import json_loads
from callcore.errors import MessageError
from callcore.jsontext import MAX_DEPTH, scan
from callcore.messages import FROM_BOARD, FROM_RELAY, MESSAGES, decode, encode, refusal
from callcore.shapes import Flag, Integer, Many, OneOf, Record, Text, Token, keys_in

SENDERS = st.sampled_from((FROM_BOARD, FROM_RELAY))
TOKEN = "0123456789abcXYZ-_"
PRINTABLE = st.characters(exclude_categories=("Cc", "Cs"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
# bytes that make almost-JSON far more often than chance does
PIECES = st.lists(
    st.sampled_from([*'{}[]:,"\\ \n', "\\u", "d83d", "0", "-", "1", ".", "e", "true", "null", '"a"', '"t":', "é", "😀"])
).map(lambda parts: "".join(parts).encode())


def fitting(shape: object) -> st.SearchStrategy[object]:
    """Give values that `shape` takes."""
    if isinstance(shape, Integer):
        return st.integers(shape.low, shape.high)
    if isinstance(shape, Flag):
        return st.booleans()
    if isinstance(shape, Text):
        return st.text(PRINTABLE, min_size=shape.shortest, max_size=min(shape.longest, 20))
    if isinstance(shape, Token):
        return st.text(TOKEN, min_size=1, max_size=min(shape.longest, 20))
    if isinstance(shape, OneOf):
        return st.sampled_from(shape.values)
    if isinstance(shape, Many):
        return st.lists(fitting(shape.shape), min_size=shape.fewest, max_size=min(shape.most, 4))
    assert isinstance(shape, Record)
    return st.fixed_dictionaries(
        {name: fitting(inner) for name, inner in shape.required},
        optional={name: fitting(inner) for name, inner in shape.optional},
    )


@st.composite
def messages(draw: st.DrawFn) -> tuple[dict[str, object], int]:
    """A message that may be sent, and who may send it."""
    name = draw(st.sampled_from(sorted(MESSAGES)))
    senders, shape = draw(st.sampled_from(MESSAGES[name]))
    content = draw(fitting(shape))
    assert isinstance(content, dict)
    return {"t": name, **content}, draw(st.sampled_from([s for s in (FROM_BOARD, FROM_RELAY) if s & senders]))


def judged(data: bytes, sender: int) -> dict[str, object] | None:
    """Decode; None if it was refused, and then in a way that can be answered."""
    try:
        message = decode(data, sender)
    except MessageError as error:
        answer = refusal(error)
        assert (answer is None) == (error.kind == "error")
        if answer is not None:
            encode(answer, FROM_BOARD)
            encode(answer, FROM_RELAY)
        return None
    return message


@given(st.binary(max_size=300) | PIECES, SENDERS)
def test_any_bytes(data: bytes, sender: int) -> None:
    judged(data, sender)


@given(st.sampled_from(sorted(MESSAGES)), st.dictionaries(st.text(max_size=8), JSON, max_size=5), SENDERS)
def test_any_content_under_a_known_name(name: str, content: dict[str, object], sender: int) -> None:
    data = json.dumps({**content, "t": name}).encode()
    message = judged(data, sender)
    if message is not None:
        # what was taken is a message that could have been sent
        assert decode(encode(message, sender), sender) == message


@given(messages(), st.booleans(), st.dictionaries(st.text("xyz", min_size=1), JSON, max_size=2))
def test_what_was_written_is_read(
    case: tuple[dict[str, object], int], is_ascii: bool, extra: dict[str, object]
) -> None:
    message, sender = case
    data = encode(message, sender)
    assert decode(data, sender) == message
    assert json.loads(data) == message
    assert (
        data == json.dumps({"t": message["t"], **json.loads(data)}, separators=(",", ":"), ensure_ascii=False).encode()
    )
    # another spelling, with keys of a later version
    other = json.dumps({**extra, **message}, ensure_ascii=is_ascii, indent=1).encode()
    assert len(other) > 4096 or scan(other, len(other)) < 0 or decode(other, sender) == message


@given(messages(), st.data())
def test_a_damaged_message_is_refused_or_another_message(
    case: tuple[dict[str, object], int], data: st.DataObject
) -> None:
    message, sender = case
    raw = bytearray(encode(message, sender))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    judged(bytes(raw), sender)
    judged(bytes(raw)[: data.draw(st.integers(0, len(raw)))], sender)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(JSON, st.booleans())
def test_the_scan_takes_what_the_standard_library_writes(value: object, is_ascii: bool) -> None:
    try:
        data = json.dumps(value, ensure_ascii=is_ascii).encode()
    except UnicodeEncodeError:
        return
    found = scan(data, len(data))
    has_long_number = any(len(word) > 24 for word in json.dumps(value).replace(",", " ").replace("]", " ").split())
    if depth_of(value) > MAX_DEPTH:
        assert found < 0
    elif found < 0:
        assert has_long_number
    else:
        assert found == keys_in(value)


@given(PIECES | st.binary(max_size=40))
def test_what_the_scan_takes_cpython_takes_too(data: bytes) -> None:
    """And the other way round, but for our own bounds."""
    found = scan(data, len(data))
    try:
        value = json_loads(data.decode())
    except (ValueError, RecursionError) as error:
        assert found < 0 or "twice" in str(error)
        return
    is_within_bounds = depth_of(value) <= MAX_DEPTH and not any(len(word) > 24 for word in data.split())
    has_half_a_pair = any(0xD800 <= ord(letter) <= 0xDFFF for letter in json.dumps(value, ensure_ascii=False))
    if found < 0:
        assert has_half_a_pair or not is_within_bounds
    else:
        assert found == keys_in(value) and not has_half_a_pair
