"""Any bytes into a link: it goes on, or ends with one close frame of a known code; the owner hears of what is sound only."""

from hypothesis import given, settings
from hypothesis import strategies as st
from support.board_end import HELLO, BoardEnd, frame, media, text

from callcore import framer
from callcore.errors import MessageError
from tincall.relay.limits import Limits
from tincall.relay.session import CLOSED, Session

CODES = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 4429}
WELCOME = {"t": "welcome", "v": 1, "now": 0, "heartbeat_ms": 10_000, "contacts": [], "features": []}
SOUND = st.sampled_from(
    [
        text(HELLO),
        text({"t": "ping", "id": 1}),
        text({"t": "ringing", "call": "c"}),
        text({"t": "error", "about": "x", "reason": "y"}),
        media(1, 7),
        media(2, 8),
        frame(framer.PING, b"x"),
        frame(framer.PONG, b""),
        frame(framer.CLOSE, b"\x03\xe8"),
        frame(framer.CLOSE, b""),
    ]
)
KINDS = st.sampled_from([0, 1, 2, 3, 7, 8, 9, 10, 15])
FRAMES = st.builds(
    lambda kind, payload: bytes([0x80 | kind, 0x80 | len(payload)]) + bytes(4) + payload, KINDS, st.binary(max_size=60)
)
STREAMS = st.lists(SOUND | FRAMES | st.binary(max_size=30), max_size=25).map(b"".join)


class Owner:
    """Hears, and refuses every second message."""

    def __init__(self) -> None:
        self.count = 0

    def hello(self, message):
        return {**WELCOME, "settings": {"ring_ms": 1000}}

    def heard(self, message, now_ms):
        self.count += 1
        if self.count % 2:
            raise MessageError("no", kind=message["t"])

    def gone(self, now_ms):
        pass


@settings(max_examples=300)
@given(stream=STREAMS, cuts=st.lists(st.integers(1, 90), min_size=1, max_size=6))
def test_a_link_goes_on_or_ends_with_a_code(stream: bytes, cuts: list[int]) -> None:
    # the far end asserts that nothing follows a close frame and that every message is one of ours
    end = BoardEnd()
    shut: list[int] = []
    session = Session(end.take, lambda: shut.append(1), Limits(), 0)
    session.owner = Owner()
    got: list[bytes] = []
    session.expect(got.append, 8, 7)
    off = turn = 0
    while off < len(stream):
        size = cuts[turn % len(cuts)]
        turn += 1
        session.receive(stream[off : off + size], turn)
        off += size
    if session.state is CLOSED:
        assert len(shut) == 1 and session.close_code == end.close_code
        assert end.close_code in CODES or 3000 <= end.close_code <= 4999
    else:
        assert not shut and end.close_code == 0
    assert all(packet[8:12] == b"\0\0\0\7" and packet[0] == 0x80 and packet[1] & 0x7F == 8 for packet in got)
