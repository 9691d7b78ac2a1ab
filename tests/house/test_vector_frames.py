"""The golden frames: the examples that RFC 6455 prints, and nothing left out that the wire refuses."""

import vector_frames


def test_the_examples_of_rfc_6455_section_5_7_are_its_bytes() -> None:
    wires = [row["wire"] for row in vector_frames.build()["frames"][:4]]
    assert wires == ["810548656c6c6f", "818537fa213d7f9f4d5158", "890548656c6c6f", "8a8537fa213d7f9f4d5158"]


def test_both_senders_are_refused_for_the_same_things() -> None:
    refused = vector_frames.build()["refused"]
    names = {sender: [row["name"] for row in refused if row["from"] == sender] for sender in ("board", "relay")}
    assert names["board"][1:] == names["relay"][1:]
    assert {row["code"] for row in refused} == {1002, 1009}
    assert sum("opcode" in name for name in names["board"]) == 10


def test_what_is_called_utf8_is_and_what_is_not_is_not() -> None:
    built = vector_frames.build()
    for text in built["utf8"]:
        assert bytes.fromhex(text).decode().encode().hex() == text
    for text in built["not_utf8"]:
        assert "\ufffd" in bytes.fromhex(text).decode(errors="replace")


def test_no_close_payload_is_longer_than_a_control_frame() -> None:
    for row in vector_frames.build()["close_payloads"]:
        assert len(bytes.fromhex(row["payload"])) <= 125
        assert row["reason"].encode().startswith(bytes.fromhex(row["payload"])[2:])
