"""The board's sound path outside a board: what goes in comes out, and the file between host and board keeps packets."""

import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from callcore.jitter import PLAYED, WAITING
from tincall.measure import board_ear


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=60))))
def test_packets_survive_the_file(packets):
    assert board_ear.unpack(board_ear.pack(packets)) == packets


def test_what_the_mouth_says_the_ear_plays(tmp_path):
    tone = [round(8000 * math.sin(2 * math.pi * (440 + at / 50) * at / 16000)) for at in range(320 * 20)]
    (tmp_path / "said").write_bytes(struct.pack(f"<{len(tone)}h", *tone))
    files = {"codec": "PCMA", "ptime_ms": 20, "has_noise": False, "packets": str(tmp_path / "packets")}
    assert board_ear.mouth({**files, "pcm": str(tmp_path / "said")})["sent"] == 20
    sent = board_ear.unpack((tmp_path / "packets").read_bytes())
    assert [at_ms for at_ms, _ in sent] == list(range(20, 401, 20))
    assert sent[0][1][1] == 0x88 and sent[1][1][1] == 0x08  # PCMA, the first with the marker
    job = {**files, "pcm": str(tmp_path / "heard"), "target_ms": 60, "begin_ms": 3, "end_ms": 403}
    done = board_ear.ear(job)
    kinds = [turn[0] for turn in done["turns"]]
    assert kinds[:4] == [WAITING] * 4 and set(kinds[4:]) == {PLAYED}
    assert [turn[2] for turn in done["turns"][4:]] == list(range(16))
    heard = struct.unpack("<6400h", (tmp_path / "heard").read_bytes())
    assert not any(heard[: 4 * 320])
    assert 7500 < max(heard[6 * 320 :]) < 8500
    assert done["counters"]["received"] == 19  # the last one comes after the last turn


def test_packets_of_others_are_not_heard(tmp_path):
    strange = bytes([0x80, 8, 0, 1]) + bytes(4) + b"\x11\x22\x33\x44" + bytes(160)
    (tmp_path / "packets").write_bytes(board_ear.pack([(1, strange), (2, b"no packet at all")]))
    job = {"codec": "PCMA", "ptime_ms": 20, "has_noise": False, "target_ms": 60, "begin_ms": 0, "end_ms": 200}
    done = board_ear.ear({**job, "packets": str(tmp_path / "packets"), "pcm": str(tmp_path / "heard")})
    assert done["counters"]["received"] == 0
