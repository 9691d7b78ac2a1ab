"""The jitter buffer: packets in as they come, one frame out per play-out tick, by sequence number.

Rules of this file: it never looks at a clock; `put` and `get` are told the time. It allocates nothing after it is made.
Play-out starts when the first packet has waited `target_ms`. A frame that is missing while later ones are here is lost: its
turn is concealed and passes. When nothing at all is here its turn does *not* pass: over TCP the frame is late, not lost,
and waiting a frame longer costs delay where skipping would cost speech. Delay gained that way is given back by leaving out
one frame whenever the buffer has stayed above its target for two seconds.
"""

from callcore import wire
from callcore.compat import const, ticks_diff
from callcore.mask import move
from callcore.seqnum import seq_add, seq_diff

WAITING = const(0)  # nothing to play yet: comfort silence
PLAYED = const(1)  # a frame was copied out
MISSING = const(2)  # the turn of a frame that is not here: conceal

STORED = const(0)
LATE = const(1)
DUPLICATE = const(2)
REFUSED = const(3)

EMPTY = const(0)
FULL = const(1)
LOST = const(2)  # its turn passed without it; when it comes after all it was late
BEFORE = const(3)  # older than the first of the stream; late too, but nobody missed it

JUMP = const(1000)  # a step this large is a new stream, not loss: 20 s of frames
MAX_PAUSE_SAMPLES = const(0xFFFFF)  # times 1000 it still is a small integer on a 32-bit board
WINDOW_MS = const(2000)  # over which the least fill is watched


class JitterBuffer:
    """Reorders and times the packets of one stream.

    Args:
        payload_bytes: size of every payload, in bytes.
        ptime_ms: sound in one packet, 20 or 40 ms.
        samples: the same in samples of the RTP clock.
        target_ms: how long the first packet waits; the delay that is aimed at.
        slots: packets that can be held, a power of two up to 64; a packet further ahead than that starts the buffer anew,
            and everything it held is counted as skipped.

    Attributes:
        received: packets that came, of any fate.
        played: frames given out.
        lost: frames whose turn passed because later ones were here, and that have not come since.
        late: frames that came after their turn.
        duplicates: packets of a frame that was here before, or whose turn passed longer than `slots` frames ago.
        concealed: turns without a frame.
        skipped: frames left out to give delay back, or dropped when a new stream began.
        refused: packets of another size.
        started: true once play-out has begun.
    """

    def __init__(self, payload_bytes: int, ptime_ms: int, samples: int, target_ms: int = 60, slots: int = 32) -> None:
        self.payload_bytes = payload_bytes
        self.ptime_ms = ptime_ms
        self._samples_per_s = samples * 1000 // ptime_ms
        self._target_ms = target_ms
        self._target = (target_ms + ptime_ms - 1) // ptime_ms
        self._slots = slots
        self._data = bytearray(slots * payload_bytes)
        self._state = bytearray(slots)
        self.received = self.played = self.lost = self.late = 0
        self.duplicates = self.concealed = self.skipped = self.refused = 0
        self.started = False
        self._any = False
        self._fresh = False  # the first packet of a stream may still turn out to be reordered
        self._next = 0  # sequence number whose turn is next
        self._top = 0  # highest sequence number held or passed
        self._count = 0
        self._first_ms = 0
        self._last_ms = 0
        self._last_head = bytearray(wire.RTP_HEADER_BYTES)
        self._jitter_16 = 0  # RFC 3550 section 6.4.1, in sixteenths of a ms
        self._window = WINDOW_MS // ptime_ms
        self._ticks = 0
        self._least = slots

    def put(self, buf: bytearray, off: int, n: int, now_ms: int) -> int:
        """Take a packet that has passed `wire.check`; its payload is copied.

        Args:
            buf: buffer with the packet.
            off: where it starts, in bytes.
            n: its length with header, in bytes.
            now_ms: time of arrival.

        Returns:
            STORED, LATE, DUPLICATE, or REFUSED (another payload size).
        """
        self.received += 1
        if n - wire.RTP_HEADER_BYTES != self.payload_bytes:
            self.refused += 1
            return REFUSED
        seq = wire.seq(buf, off)
        ahead = seq_diff(seq, self._next)
        if not self._any or ahead >= self._slots or ahead <= -JUMP:
            ahead = self._begin(seq, ahead, now_ms)
        else:
            self._measure(buf, off, now_ms)
        move(self._last_head, 0, buf, off, wire.RTP_HEADER_BYTES)
        self._last_ms = now_ms
        slot = seq & (self._slots - 1)
        if ahead < 0:
            if self.started or not self._fresh:
                return self._passed(slot, ahead)
            if seq_diff(self._top, seq) >= self._slots:
                self.late += 1
                return LATE
            self._next = seq  # reordered before play-out began: its turn has not passed
        elif self._state[slot] == FULL:
            self.duplicates += 1
            return DUPLICATE
        if seq_diff(seq, self._top) > 0:
            self._top = seq
        self._state[slot] = FULL
        self._count += 1
        move(self._data, slot * self.payload_bytes, buf, off + wire.RTP_HEADER_BYTES, self.payload_bytes)
        return STORED

    def get(self, out: bytearray, off: int, now_ms: int) -> int:
        """Take the frame whose turn it is; to be called once per `ptime_ms`.

        Args:
            out: writable, at least `payload_bytes` from `off` on; written only when PLAYED.
            off: where to write, in bytes.
            now_ms: time of play-out.

        Returns:
            PLAYED, MISSING (conceal), or WAITING (not begun: comfort silence).
        """
        if not self.started:
            if not self._any or ticks_diff(now_ms, self._first_ms) < self._target_ms:
                return WAITING
            self.started = True
        if not self._count:
            self.concealed += 1
            self._least = 0
            return MISSING
        self._shorten()
        slot = self._next & (self._slots - 1)
        self._next = seq_add(self._next, 1)
        if self._state[slot] != FULL:
            self._state[slot] = LOST
            self.lost += 1
            self.concealed += 1
            return MISSING
        self._state[slot] = EMPTY
        self._count -= 1
        move(out, off, self._data, slot * self.payload_bytes, self.payload_bytes)
        self.played += 1
        return PLAYED

    def level_ms(self) -> int:
        """Give how much sound is held, in ms."""
        return self._count * self.ptime_ms

    def jitter_ms(self) -> int:
        """Give the interarrival jitter of RFC 3550 section 6.4.1, in ms."""
        return self._jitter_16 >> 4

    def _begin(self, seq: int, ahead: int, now_ms: int) -> int:
        """Start with the packet `seq`, at first or after a jump; gives its new distance, 0."""
        self._fresh = not self._any or not 0 < ahead < JUMP
        self.skipped += self._count
        if not self._fresh:
            self.lost += ahead - self._count
        self._leave_behind(seq, -1 if self._fresh else ahead - 1)
        self._count = 0
        self._next = seq
        self._top = seq
        self._first_ms = now_ms
        self._any = True
        self.started = False
        return 0

    def _leave_behind(self, seq: int, distance: int) -> None:
        """Empty all slots before a start at `seq`; those of frames that never came, the last of which stands `distance`
        after the old turn, stay marked as lost."""
        passed = BEFORE if self._fresh else EMPTY
        for i in range(self._slots):
            slot = (seq - 1 - i) & (self._slots - 1)
            never_came = self._state[slot] != FULL or distance - i >= self._slots
            self._state[slot] = LOST if distance >= i and never_came else passed

    def _passed(self, slot: int, ahead: int) -> int:
        """Count a packet whose turn has passed: late when it was not here for it, else one more of a frame that was."""
        if ahead > -self._slots and (self._state[slot] == LOST or self._state[slot] == BEFORE):
            if self._state[slot] == LOST:
                self.lost -= 1
            self._state[slot] = EMPTY
            self.late += 1
            return LATE
        self.duplicates += 1
        return DUPLICATE

    def _measure(self, buf: bytearray, off: int, now_ms: int) -> None:
        """Move the jitter estimate by one packet."""
        samples = wire.stamp_delta(buf, off, self._last_head, 0)
        if not -MAX_PAUSE_SAMPLES < samples < MAX_PAUSE_SAMPLES:
            return
        deviation = ticks_diff(now_ms, self._last_ms) - samples * 1000 // self._samples_per_s
        if deviation < 0:
            deviation = -deviation
        self._jitter_16 += deviation - ((self._jitter_16 + 8) >> 4)

    def _shorten(self) -> None:
        """Leave out one frame when there has been more than needed for a whole window."""
        if self._count < self._least:
            self._least = self._count
        self._ticks += 1
        if self._ticks < self._window:
            return
        if self._least > self._target + 1:
            slot = self._next & (self._slots - 1)
            if self._state[slot] == FULL:
                self._state[slot] = EMPTY
                self._count -= 1
                self.skipped += 1
            else:
                self._state[slot] = LOST
                self.lost += 1
            self._next = seq_add(self._next, 1)
        self._ticks = 0
        self._least = self._slots
