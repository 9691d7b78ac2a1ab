"""Golden media packets: the RTP header of RFC 3550 section 5.1 as one number, its arithmetic in whole integers."""

WRAP = 1 << 32
VERDICTS = {"sound": 0, "too short": 1, "not version 2": 2, "has extras": 3}


def header(marker: int, payload_type: int, seq: int, stamp: int, ssrc: int, version: int = 2, extras: int = 0) -> bytes:
    """Write a header; `extras` are the six bits of padding, extension and CSRC count."""
    top = version << 14 | extras << 8 | marker << 7 | payload_type
    return (((top << 16 | seq) << 32 | stamp) << 32 | ssrc).to_bytes(12, "big")


def _headers() -> list[dict[str, object]]:
    rows = [
        ("first of a talk spurt", 1, 8, 0x4567, 0x00C0FFEE, 0x5CA1AB1E),
        ("the next one", 0, 8, 0x4568, 0x00C0FFEE + 160, 0x5CA1AB1E),
        ("all zeros", 0, 0, 0, 0, 0),
        ("all ones", 1, 127, 65535, WRAP - 1, WRAP - 1),
        ("sign bits", 0, 0, 0x8000, 0x80000000, 0x80000000),
        ("every byte its own", 1, 97, 0x0102, 0x03040506, 0x0708090A),
        ("the last of a 31-bit small integer", 0, 9, 0x3FFF, 0x3FFFFFFF, 0x40000000),
    ]
    return [
        {
            "name": name,
            "marker": marker,
            "payload_type": payload_type,
            "state": [seq, stamp, ssrc],
            "header": header(marker, payload_type, seq, stamp, ssrc).hex(),
        }
        for name, marker, payload_type, seq, stamp, ssrc in rows
    ]


def _advances() -> list[dict[str, object]]:
    starts = [
        (0, 0),
        (65534, WRAP - 320),
        (65535, WRAP - 1),
        (0x7FFF, 0x7FFFFFFF),
        (0x8000, 0x3FFFFFFF),
        (1, WRAP - 160),
    ]
    return [
        {
            "state": [seq, stamp, 0x89ABCDEF],
            "samples": samples,
            "next": [[(seq + k) % 65536, (stamp + k * samples) % WRAP, 0x89ABCDEF] for k in (1, 2, 3)],
        }
        for seq, stamp in starts
        for samples in (160, 320, 960)
    ]


def _deltas() -> list[dict[str, int]]:
    """Signed differences in the ring; beyond 2**29 only the sign and the size of what comes out are promised."""
    rows = []
    for base in (0, 0x00C0FFEE, 0x7FFFFFFF, 0x80000000, WRAP - 160, WRAP - 1):
        for delta in (0, 1, -1, 160, -160, 65535, 65536, -65536, 0xFFFFF, (1 << 29) - 1, -(1 << 29)):
            rows.append({"stamp": (base + delta) % WRAP, "base": base, "delta": delta})
    return rows


def _clipped() -> list[dict[str, int]]:
    far = [1 << 29, (1 << 29) + 12345, 1 << 30, (1 << 31) - 1]
    rows = [(base, delta) for base in (0, WRAP - 7) for delta in [*far, *(-n - 65536 for n in far[:3]), -(1 << 31)]]
    return [{"stamp": (base + delta) % WRAP, "base": base, "sign": 1 if delta > 0 else -1} for base, delta in rows]


def _checks() -> list[dict[str, object]]:
    good = header(0, 8, 1, 2, 3)
    rows = [
        ("an empty payload", good, "sound"),
        ("a byte of payload", good + b"\xd5", "sound"),
        ("marker and payload type are free", header(1, 127, 1, 2, 3), "sound"),
        ("nothing", b"", "too short"),
        ("eleven bytes", good[:11], "too short"),
        ("version 0", header(0, 8, 1, 2, 3, version=0), "not version 2"),
        ("version 1", header(0, 8, 1, 2, 3, version=1), "not version 2"),
        ("version 3", header(0, 8, 1, 2, 3, version=3), "not version 2"),
        ("padding", header(0, 8, 1, 2, 3, extras=0x20), "has extras"),
        ("header extension", header(0, 8, 1, 2, 3, extras=0x10), "has extras"),
        ("one CSRC", header(0, 8, 1, 2, 3, extras=1) + bytes(4), "has extras"),
        ("fifteen CSRC", header(0, 8, 1, 2, 3, extras=15) + bytes(60), "has extras"),
    ]
    return [{"name": name, "packet": packet.hex(), "verdict": VERDICTS[verdict]} for name, packet, verdict in rows]


def build() -> dict[str, object]:
    """Give headers, how a state advances, differences of timestamps, and packets to be judged."""
    return {
        "source": "RFC 3550 section 5.1; this wire has no padding, no extension and no CSRC (docs/protocol.md)",
        "headers": _headers(),
        "advances": _advances(),
        "deltas": _deltas(),
        "clipped": _clipped(),
        "checks": _checks(),
    }
