"""Runs on a board: bad sound while a call's loops run. No loop ends, the speaker never waits, the counters fit a message."""

from array import array

from board_link import open_link
from board_world import World

from callcore import coders, media, messages, wire
from handset import clock
from handset.voice import Voice

MINE = 0x89ABCDEF
THEIRS = 0xFEDCBA98


class Random:
    """Numbers that are the same on every interpreter."""

    def __init__(self, seed):
        self._state = seed

    def below(self, n):
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % n

    def bytes(self, n):
        return bytes([self.below(256) for _ in range(n)])


class Microphone:
    """Gives what a quiet room sounds like, on the clock."""

    def __init__(self, world):
        self._world = world
        self._given = 0
        self._room = bytearray(bytes(array("h", [k * 37 & 15 for k in range(640)])))

    def readinto(self, buf):
        n = min(self._world.now * 32 - self._given, len(buf), len(self._room)) & ~1
        buf[:n] = self._room[:n]
        self._given += n
        return n

    def deinit(self):
        pass


class Speaker:
    """A ring of 40 ms that plays on the clock; remembers what it took lately."""

    def __init__(self, world):
        self._world = world
        self._start = None
        self._taken = 0
        self._parts = []

    def write(self, buf, off, n):
        assert off % 2 == n % 2 == 0 and off + n <= len(buf)
        if self._start is None:
            self._start = self._world.now
        n = min(1280 + (self._world.now - self._start) * 32 - self._taken, n) & ~1
        if n:
            self._taken += n
            self._parts = self._parts[-40:] + [buf[off : off + n]]
        return n

    def level(self):
        """Mean magnitude of what it took lately."""
        heard = array("h", b"".join(self._parts))
        return sum(abs(word) for word in heard) // len(heard)

    def deinit(self):
        pass


class Call:
    """A call's sound on a link without a network; all that it sends is taken."""

    def __init__(self, codec="PCMA", ptime=20, cn=True):
        self.world = World()
        self.stream, self.link = open_link()
        self.speaker = Speaker(self.world)
        agreed = {"codec": codec, "ptime": ptime, "ssrc": MINE, "remote_ssrc": THEIRS, "cn": cn}
        self.voice = Voice(
            self.link, Microphone(self.world), self.speaker, agreed, 65533, 0xFFFFFF00, 40, 40, agc=True, echo=True
        )
        self.state = array("I", [65530, 0xFFFFFFF0, THEIRS])
        self.type = media.codec(codec)[media.PAYLOAD_TYPE]
        self.ticks = media.frame_ticks(codec, ptime)
        self.ptime = ptime
        self.payload = bytearray(media.frame_bytes(codec, ptime))
        tone = bytes(array("h", [8000 * (abs(k % 80 - 40) - 20) // 20 for k in range(ptime * 16)]))
        coders.coder(codec, ptime * 16).encode(tone, 0, self.payload, 0, ptime * 16)
        self.voice.start()
        self.came = self.ours = 0

    def packet(self, payload=None, kind=None):
        """The next packet of the far end."""
        payload = self.payload if payload is None else payload
        made = bytearray(12 + len(payload))
        wire.write_header(made, 0, 0, self.type if kind is None else kind, self.state)
        made[12:] = payload
        wire.advance(self.state, self.ticks)
        return made

    def take(self, packet):
        self.came += 1
        self.ours += self.voice.take(packet, 0, len(packet), clock.now_ms())

    def run(self, ms):
        """Let time pass; then the loops are alive, nothing waited, and the counters can be told."""
        while ms > 1000:
            self.world.run(1000)
            self.stream.sent = bytearray()
            ms -= 1000
        self.world.run(ms)
        for task in self.voice._tasks:
            assert not task.done(), task.error
        up, down = self.voice.figures()
        assert down["underruns"] == 0
        assert down["received"] == self.ours and down["received"] + down["foreign"] == self.came
        names = ("played", "noises", "late", "duplicates", "skipped", "refused")
        assert down["received"] == sum(down[name] for name in names) + down["buffer_ms"] // self.ptime
        message = {"t": "stats", "call": "c", "final": True, "up": up, "down": down}
        assert messages.decode(messages.encode(message, messages.FROM_BOARD), messages.FROM_BOARD) == message
        self.stream.sent = bytearray()
        return down

    def talk(self, frames):
        for _ in range(frames):
            self.take(self.packet())
            self.world.run(self.ptime)
        return self.run(0)

    def recovers(self):
        self.talk(1600 // self.ptime)
        before = self.run(0)
        after = self.talk(1000 // self.ptime)
        for name in ("lost", "concealed", "late", "duplicates", "skipped", "refused", "foreign"):
            assert after[name] == before[name], name
        # a triangle of 8,000, and nothing turns it down
        assert 3000 < self.speaker.level() < 5000


def test_whatever_comes():
    for codec, ptime in (("PCMA", 20), ("DVI4", 20), ("L16", 40), ("PCMU", 40)):
        call = Call(codec, ptime, cn=ptime == 20)
        random = Random(ptime)
        call.talk(10)
        for _ in range(150):
            for _ in range(random.below(4)):
                packet = call.packet()
                kind = random.below(7)
                if kind == 0:
                    packet = bytearray(random.bytes(random.below(40)))
                elif kind == 1:
                    packet[12:] = random.bytes(random.below(2 * len(call.payload)))
                elif kind == 2:
                    packet[12:] = random.bytes(len(call.payload))
                elif kind == 3:
                    at = random.below(12)
                    packet[at] = random.below(256)
                elif kind == 4:
                    packet = packet[:13]
                    packet[1] = 13
                call.take(packet)
            call.run(random.below(3 * ptime))
        call.state[0] = 4000 + call.state[0] & 0xFFFF
        call.recovers()


def test_a_thousand_packets_a_second_for_ten_seconds():
    call = Call()
    call.talk(20)
    for _ in range(500):
        for _ in range(20):
            call.take(call.packet())
        call.world.run(20)
    down = call.run(0)
    assert down["skipped"] > 8500 and down["lost"] == 0 and down["buffer_ms"] <= 640
    call.recovers()


def test_a_minute_of_silence():
    for cn in (True, False):
        call = Call(cn=cn)
        call.talk(50)
        if cn:
            call.take(call.packet(b"\x3c", 13))
        down = call.run(60000)
        # without a word it may be a stall: concealed, which fades; with one it is silence
        assert (down["quiet"] if cn else down["concealed"]) > 2900
        assert (down["concealed"] if cn else down["quiet"]) < 5 and down["lost"] == 0
        assert call.speaker.level() < 100
        call.state[1] = (call.state[1] + 60000 * 8) & 0xFFFFFFFF
        call.recovers()


def test_a_peer_that_never_sends():
    call = Call()
    down = call.run(30000)
    assert call.speaker.level() == 0
    assert down["received"] == down["concealed"] == down["quiet"] == down["foreign"] == 0
    # our own side went on: a quiet room, of which the level is told
    assert call.voice.figures()[0]["silent"] > 1000
    call.recovers()


def test_sound_from_somebody_else():
    call = Call()
    call.talk(20)
    for ssrc in (MINE, THEIRS ^ 1, 0):
        call.state[2] = ssrc
        call.take(call.packet())
        call.run(20)
    call.state[2] = THEIRS
    for kind in (0, 9, 97, 127):
        call.take(call.packet(kind=kind))
        call.run(20)
    assert call.run(0)["foreign"] == 7
    call.recovers()
