"""Any bytes into the record reader: a record or the named error; any fact survives storage."""

from hypothesis import given
from hypothesis import strategies as st

from callcore import record
from callcore.errors import StoreError

REASONS = {"record_missing", "record_damaged", "record_newer"}
KINDS = st.integers(0, 0xFFFF)
GENERATIONS = st.integers(0, 0xFFFFFFFF)


def examined(blob: bytes, kind: int) -> tuple[int, bytes] | StoreError:
    """Give what a record holds, or the error."""
    try:
        return record.unpack(blob, kind)
    except StoreError as error:
        assert error.reason in REASONS
        return error


@given(st.binary(max_size=200), KINDS)
def test_any_bytes(blob: bytes, kind: int) -> None:
    assert isinstance(examined(blob, kind), StoreError)


@given(st.binary(max_size=200), st.integers(0, 3))
def test_any_bytes_behind_a_good_beginning(rest: bytes, form: int) -> None:
    found = examined(record.MAGIC + bytes([form, form ^ 0xFF]) + rest, 1)
    assert isinstance(found, StoreError)
    assert (found.reason == "record_newer") == (form > record.FORMAT and len(rest) >= 8)


@given(KINDS, GENERATIONS, st.binary(max_size=record.MAX_BODY_BYTES))
def test_what_was_packed_is_unpacked(kind: int, generation: int, body: bytes) -> None:
    assert record.unpack(record.pack(kind, generation, body), kind) == (generation, body)


@given(GENERATIONS, st.binary(max_size=64), st.data())
def test_a_changed_record_is_never_taken_for_another_fact(generation: int, body: bytes, data: st.DataObject) -> None:
    blob = bytearray(record.pack(1, generation, body))
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    found = examined(bytes(blob), 1)
    assert isinstance(found, StoreError) or found == (generation, body)
