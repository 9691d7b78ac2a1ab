"""Golden stored records, byte by byte from the table in `callcore.record`, and bad ones with the reason to name."""

import hmac
from typing import Any

KEY = b"tincall record"


def _record(kind: int, generation: int, body: bytes, key: bytes = KEY, form: int = 1, magic: bytes = b"TinC") -> bytes:
    data = magic + bytes([form, form ^ 0xFF]) + kind.to_bytes(2, "big") + len(body).to_bytes(2, "big")
    data += generation.to_bytes(4, "big") + body
    return data + hmac.digest(key, data, "sha256")[:16]


def _sound(kind: int, generation: int, body: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind, "generation": generation, "body": body.hex()}
    return {**row, "blob": _record(kind, generation, body).hex()}


def _unsound(reason: str, what: str, blob: bytes) -> dict[str, Any]:
    return {"reason": reason, "what": what, "kind": 1, "blob": blob.hex()}


def build() -> dict[str, Any]:
    """Give sound records with what is in them, and others with the reason of the StoreError; bytes in hexadecimal."""
    good = _record(1, 7, b"body")
    damaged = "record_damaged"
    return {
        "sound": [
            _sound(1, 0, b""),
            _sound(1, 7, b"body"),
            _sound(0xFFFF, 0xFFFFFFFF, bytes(range(256))),
            _sound(0, 0x40000000, bytes(3970)),
        ],
        "unsound": [
            _unsound("record_missing", "nothing", b""),
            _unsound("record_missing", "erased flash", b"\xff" * 64),
            _unsound("record_newer", "format 2", _record(1, 7, b"body", form=2)),
            _unsound("record_newer", "format 255, of a length that says nothing here", b"TinC\xff\x00" + bytes(9)),
            _unsound(damaged, "format 0", _record(1, 7, b"body", form=0)),
            _unsound(damaged, "format 2 with one bit flipped", b"TinC\x02\xfc" + good[6:]),
            _unsound(damaged, "another magic", _record(1, 7, b"body", magic=b"TinK")),
            _unsound(damaged, "another kind", _record(2, 7, b"body")),
            _unsound(damaged, "cut in the header", good[:13]),
            _unsound(damaged, "cut in the body", good[:16]),
            _unsound(damaged, "cut in the seal", good[:-1]),
            _unsound(damaged, "one byte too many", good + b"\x00"),
            _unsound(damaged, "a body that is too long", _record(1, 7, bytes(3971))),
            _unsound(damaged, "zeros", bytes(64)),
            _unsound(damaged, "sealed by another key", _record(1, 7, b"body", KEY[::-1])),
        ],
    }
