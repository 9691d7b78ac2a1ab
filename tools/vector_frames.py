"""Golden WebSocket frames: RFC 6455 section 5 written with `struct`, its own examples, and what must be refused.

`from` names the sender: a board masks, the relay does not. The bytes of a refused stream end with the one that settles
it: a receiver says nothing before that byte and refuses at it.
"""

import struct

KINDS = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
FIN = 0x80
KEY = bytes.fromhex("37fa213d")  # the masking key of the examples in RFC 6455 section 5.7
# the media packet of vector_rtp "first of a talk spurt" with 20 ms of A-law silence
PACKET = bytes.fromhex("8088456700c0ffee5ca1ab1e") + b"\xd5" * 160


def header(sender: str, first: int, length: int, size: int = 0) -> bytes:
    """Write a header without key; `size` is the width of the length in bytes (1, 2, 8), the least by default."""
    size = size or (1 if length < 126 else 2)
    bit = 0x80 if sender == "board" else 0
    if size == 1:
        return struct.pack(">BB", first, bit | length)
    return struct.pack(">BBH" if size == 2 else ">BBQ", first, bit | (126 if size == 2 else 127), length)


def frame(sender: str, kind: str, payload: bytes, key: bytes = KEY) -> bytes:
    """Write a whole frame."""
    head = header(sender, FIN | KINDS[kind], len(payload))
    if sender == "relay":
        return head + payload
    return head + key + bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))


def _frames() -> list[dict[str, str]]:
    rows = [
        ("a text of the relay (RFC 6455 section 5.7)", "relay", "text", b"Hello", KEY),
        ("a text of the board (RFC 6455 section 5.7)", "board", "text", b"Hello", KEY),
        ("a ping (RFC 6455 section 5.7)", "relay", "ping", b"Hello", KEY),
        ("its pong (RFC 6455 section 5.7)", "board", "pong", b"Hello", KEY),
        ("a message of the board", "board", "text", b'{"t":"ping","id":0}', KEY),
        ("a message of the relay", "relay", "text", b'{"t":"pong","id":1073741823}', KEY),
        ("an empty text", "relay", "text", b"", KEY),
        ("an empty masked ping", "board", "ping", b"", KEY),
        ("a masking key of zeros", "board", "text", b"{}", bytes(4)),
        ("125 bytes", "board", "pong", bytes(range(125)), KEY),
        ("126 bytes, the first with a 16-bit length", "relay", "binary", bytes(range(126)), KEY),
        ("20 ms of A-law from the board", "board", "binary", PACKET, KEY),
        ("20 ms of A-law from the relay", "relay", "binary", PACKET, KEY),
        ("a bare close", "relay", "close", b"", KEY),
        ("superseded", "relay", "close", struct.pack(">H", 4409) + b"superseded", KEY),
        ("goodbye of the board", "board", "close", struct.pack(">H", 1000), KEY),
    ]
    return [
        {
            "name": name,
            "from": sender,
            "kind": kind,
            "payload": payload.hex(),
            "key": key.hex() if sender == "board" else "",
            "wire": frame(sender, kind, payload, key).hex(),
        }
        for name, sender, kind, payload, key in rows
    ]


def _headers() -> list[dict[str, object]]:
    sizes = [("binary", n) for n in (0, 1, 125, 126, 127, 172, 255, 256, 332, 2048)] + [("text", 4096), ("ping", 125)]
    return [
        {"from": sender, "kind": kind, "length": n, "header": header(sender, FIN | KINDS[kind], n).hex()}
        for sender in ("board", "relay")
        for kind, n in sizes
    ]


def _streams() -> list[dict[str, object]]:
    talk = [("binary", PACKET), ("text", b'{"t":"ping"}'), ("binary", PACKET), ("pong", b""), ("close", b"\x03\xe8")]
    turns = [("binary", bytes(range(n))) for n in (0, 1, 125, 126, 127, 128)]
    rows = [("lengths about the turning point", turns)]
    rows += [("two in one", [("text", b"{}"), ("binary", b"\x80")]), ("audio with a message between", talk)]
    return [
        {
            "name": name,
            "from": sender,
            "frames": [[kind, payload.hex()] for kind, payload in frames],
            "wire": b"".join(
                frame(sender, kind, payload, bytes([i + 1, 0, 0xFF, 0x80])) for i, (kind, payload) in enumerate(frames)
            ).hex(),
        }
        for name, frames in rows
        for sender in ("board", "relay")
    ]


def _refused() -> list[dict[str, object]]:
    rows = []
    for sender, other in (("board", "relay"), ("relay", "board")):
        wrong = "not masked" if sender == "board" else "masked"
        rows += [
            (wrong, sender, header(other, FIN | 1, 5), 1002),
            ("reserved bit 1", sender, header(sender, FIN | 0x41, 5), 1002),
            ("reserved bit 2", sender, header(sender, FIN | 0x21, 5), 1002),
            ("reserved bit 3 on a pong", sender, header(sender, FIN | 0x1A, 5), 1002),
            ("first of several fragments", sender, header(sender, 2, 5), 1002),
            ("a middle fragment", sender, header(sender, 0, 5), 1002),
            ("the last fragment", sender, header(sender, FIN, 5), 1002),
            ("a fragmented ping", sender, header(sender, 9, 5), 1002),
            ("a ping of 126 bytes", sender, header(sender, FIN | 9, 126)[:2], 1002),
            ("a close with a 64-bit length", sender, header(sender, FIN | 8, 5, 8)[:2], 1002),
            ("0 as a 16-bit length", sender, header(sender, FIN | 2, 0, 2), 1002),
            ("125 as a 16-bit length", sender, header(sender, FIN | 1, 125, 2), 1002),
            ("a binary message of 2049 bytes", sender, header(sender, FIN | 2, 2049), 1009),
            ("a text message of 4097 bytes", sender, header(sender, FIN | 1, 4097), 1009),
            ("65535 bytes", sender, header(sender, FIN | 2, 65535), 1009),
            ("a 64-bit length", sender, header(sender, FIN | 2, 65536, 8)[:2], 1009),
            ("a small number as a 64-bit length", sender, header(sender, FIN | 1, 5, 8)[:2], 1009),
        ]
        rows += [(f"opcode {n}", sender, header(sender, FIN | n, 5), 1002) for n in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)]
        rows += [
            (
                "a bad frame after a good one",
                sender,
                frame(sender, "text", b"{}") + b"\x83" + header(sender, 0, 0)[1:],
                1002,
            )
        ]
    return [{"name": name, "from": sender, "wire": wire.hex(), "code": code} for name, sender, wire, code in rows]


def _closes() -> list[dict[str, object]]:
    good = [1000, 1001, 1002, 1003, 1007, 1009, 1011, 1013, 1014, 3000, 4401, 4409, 4999]
    bad = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]
    rows: list[tuple[bytes, int, int]] = [(b"", 1005, 0)]
    rows += [(struct.pack(">H", code) + b"why", code, 0) for code in good]
    rows += [(struct.pack(">H", 1000) + "Привет".encode(), 1000, 0), (b"\x03", 0, 1002)]
    rows += [(struct.pack(">H", code), 0, 1002) for code in bad]
    rows += [(struct.pack(">H", 1000) + b"\xff", 0, 1007), (struct.pack(">H", 1000) + b"\xc3", 0, 1007)]
    return [{"payload": payload.hex(), "code": code, "refused": refused} for payload, code, refused in rows]


def _close_payloads() -> list[dict[str, object]]:
    rows = [
        (1000, ""),
        (4409, "superseded"),
        (1002, "naïve café"),
        (1002, "x" * 130),
        (1002, "x" * 122 + "é"),
        (1002, "好" * 50),
    ]
    cut = ["", "superseded", "naïve café", "x" * 123, "x" * 122, "好" * 41]
    return [
        {"code": code, "reason": reason, "payload": (struct.pack(">H", code) + text.encode()).hex()}
        for (code, reason), text in zip(rows, cut, strict=True)
    ]


def build() -> dict[str, object]:
    """Give frames, headers, streams of several frames, refused bytes, close payloads and texts, all in hexadecimal."""
    sound = ["", "Hello", "\x00\x7f", "\x80߿", "ࠀ\ud7ff\ue000￿", "\U00010000\U0010ffff", '{"name":"张伟"}']
    broken = "80 bf c0 c080 c1bf c3 c328 e08080 e09fbf e282 eda080 edbfbf f0808080 f08fbfbf f09082 f4908080 f5808080 f8 fe ff"
    return {
        "source": "RFC 6455 section 5 (framing; 5.7 has the first four frames), 7.4 (close codes), 8.1; RFC 3629 section 4",
        "frames": _frames(),
        "headers": _headers(),
        "streams": _streams(),
        "refused": _refused(),
        "closes": _closes(),
        "close_payloads": _close_payloads(),
        "utf8": [text.encode().hex() for text in sound],
        "not_utf8": [*broken.split(), "48656c6cff", "e282ac80"],
    }
