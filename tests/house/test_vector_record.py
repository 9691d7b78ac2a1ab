"""The golden records: every reason, and the layout as the table gives it."""

import vector_record


def test_every_reason_is_there() -> None:
    built = vector_record.build()
    assert {case["reason"] for case in built["unsound"]} == {"record_missing", "record_newer", "record_damaged"}


def test_the_layout() -> None:
    blob = bytes.fromhex(vector_record.build()["sound"][1]["blob"])
    assert blob[:14] == b"TinC\x01\xfe\x00\x01\x00\x04\x00\x00\x00\x07"
    assert blob[14:18] == b"body" and len(blob) == 34
