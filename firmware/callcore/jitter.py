"""The jitter buffer: packets in as they come, one frame out per turn of the player, no later than the network asks for.

Rules of this file: it never looks at a clock; `put` and `get` are told the time. It allocates nothing after it is made.

Delay is measured in ms, from arrival times and timestamps, never by counting packets. A packet's delay is what it took
longer than the fastest packet of the last two seconds, so that a clock that drifts is followed. The worst delay of each
500 ms goes into a histogram that forgets (about 30 s; less at the start); what 95 % of them do not pass is the target, held
between 20 ms and two packets below the cap. The delay of play-out is the age of a frame at its turn, over that same fastest
packet. `wish_ms` asks the player to shorten or to lengthen what it plays when that delay has left the band of one frame above
the target for three turns; at every second turn until it is well within, at each turn while it is far above. To shorten it
asks only while the next frame is here: when the network has grown slower, nothing is gained by running dry again. Nobody
reports what the player did: the next turn just comes earlier.

Which turn passes: a frame that is missing while later ones are here is lost; its turn is concealed and passes. When nothing
at all is here the turn does *not* pass: over TCP the frame is late, not lost, and waiting costs delay where skipping would
cost speech. Concealment goes on until there is enough again: a frame of half the target's age. Lost turns that stand before
it then pass without sound, as long as play-out is later than the target.

Silence: a packet of comfort noise (RFC 3389), or a timestamp further on than the sound that came before it, means that
nobody speaks. Turns are then quiet, none lost or concealed, until the next packet is as old as the target, so each spurt of
talk begins with the right delay. Packets lost in silence count as lost and do no other harm.

A packet more than `slots` ahead pushes out the oldest, and at the next turn all but the newest `cap_ms` is left out and
counted as skipped. A jump of the sequence number, a timestamp that goes back, or one far ahead of its time is a new stream.
"""

from array import array

from callcore import wire
from callcore.compat import const, ticks_diff
from callcore.mask import move
from callcore.seqnum import seq_diff

WAITING = const(0)  # nothing to play yet: silence
PLAYED = const(1)  # a frame was copied out
MISSING = const(2)  # a frame that should be here is not: conceal
QUIET = const(3)  # nobody speaks: comfort noise at `noise_level`

STORED = const(0)
LATE = const(1)
DUPLICATE = const(2)
REFUSED = const(3)

# what is known of a slot's frame
_EMPTY = const(0)
_LOST = const(
    1
)  # its turn passed without it; when it comes after all it was late; the only one below _FULL that is odd
_BEFORE = const(2)  # older than the first of the stream; late too, but nobody missed it
_FULL = const(3)
_NOISE = const(4)  # held as well: a level of comfort noise

_HEADER_BYTES = const(12)  # as wire has it, folded here
_NO_NOISE = const(127)  # -dBov
_JUMP = const(1000)  # frames: a step this large is a new stream, not loss
_BACK = const(
    128
)  # the same backwards: what is nearer is a straggler, so a sender that went back is unheard no longer than that
_JUMP_MS = const(1000)  # earlier than the fastest packet: its timestamp belongs to another stream
_NEVER = const(0x3FFFFFFF)  # a delay above all others, so that the first packet begins a stream
_BLOCK_MS = const(500)
_BLOCKS = const(4)  # of which the fastest packet is remembered
_BUCKETS = const(25)
_WIDTH_MS = const(10)
_ONE = const(32768)  # all of the histogram, Q15
_TAIL = const(1638)  # 5 % of it
_MEMORY = const(59)  # 1 - 1/59 is the forget factor, 0.983
_FLOOR_MS = const(20)
_SLACK_MS = const(4)  # of the band of one frame above the target, on both sides
_TURNS = const(3)  # on one side of the band before a wish
_LONGEST_MS = const(0xFFFF)  # a step of delay that enters the jitter


class JitterBuffer:
    """Reorders and times the packets of one stream.

    Args:
        payload_bytes: size of every payload of sound, in bytes.
        ptime_ms: sound in one packet, 20 or 40 ms.
        ticks: the same in ticks of the RTP clock.
        target_ms: play-out delay to begin with, 0 to 250 ms; what the first packet waits.
        slots: packets that can be held, a power of two up to 64.
        cap_ms: highest play-out delay that is let stand, 100 to 290 ms; the target stays two packets below it.

    Attributes:
        received: packets that came, of any fate.
        played: frames given out.
        noises: packets of comfort noise whose turn came.
        lost: packets whose turn passed because later ones were here, and that have not come since.
        late: packets that came after their turn.
        duplicates: packets of a frame that was here before, or that are more than `slots` frames too old to tell.
        concealed: turns without a frame while somebody spoke.
        quiet: turns in silence.
        skipped: packets left out when too many came at once or a new stream began.
        refused: packets of another size.
        started: true once play-out has begun.
        noise_level: of the last packet of comfort noise, 0 to 127 in -dBov; 127, silence, without one.
        target_ms: play-out delay aimed at.
        jitter_p95_ms: what 95 % of the worst delays of each 500 ms do not pass; 0 until it is measured.
    """

    def __init__(
        self, payload_bytes: int, ptime_ms: int, ticks: int, target_ms: int = 60, slots: int = 32, cap_ms: int = 200
    ) -> None:
        self.payload_bytes = payload_bytes
        self.ptime_ms = ptime_ms
        self._rate = ticks // ptime_ms
        self._cap_ms = cap_ms
        self._mask = slots - 1
        self._data = bytearray(slots * payload_bytes)
        self._state = bytearray(slots)
        self._media = array("i", [0] * slots)  # when each frame was made, in ms of the sender's clock from the anchor
        self._anchor = bytearray(_HEADER_BYTES)  # header of the packet from which both clocks are counted
        self._fast = array("i", [0] * _BLOCKS)
        self._share = array("H", [0] * _BUCKETS)
        self._share[min(max(target_ms - 1, 0) // _WIDTH_MS, _BUCKETS - 1)] = _ONE
        self._learned = 1
        self.target_ms = target_ms
        self.noise_level = _NO_NOISE
        self.received = self.played = self.lost = self.late = self.duplicates = self.refused = 0
        self.noises = self.concealed = self.quiet = self.skipped = self.jitter_p95_ms = 0
        # next: sequence number whose turn is next; grows past 65535, what reads it wraps. at: when its frame was made, if the
        # sound goes on. top: highest sequence number held or passed. newest: when its frame was made
        self._next = self._at = self._top = self._newest = self._count = self._anchor_ms = 0
        # delays of packets, counted from the anchor's; only their differences mean anything. jitter: of RFC 3550 section
        # 6.4.1, in sixteenths of a ms. side: turns above the band, or below it when negative
        self._last = self._slowest = self._block_ms = self._jitter = self._delay = self._side = 0
        self._fastest = _NEVER
        # fresh: the first packet of a stream may still turn out to be reordered. over: more came than can be held. silent:
        # nobody speaks. dry: the last turn was concealed
        self.started = self._fresh = self._over = self._silent = self._dry = self._asks = False

    def put(self, buf: bytearray, off: int, n: int, now_ms: int) -> int:
        """Take a packet that has passed `wire.check`; its payload is copied.

        Args:
            buf: buffer with the packet, of the call's payload type or of comfort noise.
            off: where it starts, in bytes.
            n: its length with header, in bytes.
            now_ms: time of arrival.

        Returns:
            STORED, LATE, DUPLICATE, or REFUSED (another payload size).
        """
        self.received += 1
        size = n - _HEADER_BYTES
        state = _FULL
        if size > 0 and wire.payload_type(buf, off) == wire.NOISE_TYPE:
            state = _NOISE
            size = 1  # what follows the level is a spectrum, which we do not make
        elif size != self.payload_bytes:
            self.refused += 1
            return REFUSED
        seq = wire.seq(buf, off)
        ahead = seq_diff(seq, self._next)
        media = wire.stamp_delta(buf, off, self._anchor, 0) // self._rate
        transit = ticks_diff(now_ms, self._anchor_ms) - media
        if (
            transit < self._fastest - _JUMP_MS
            or not -_BACK < ahead < _JUMP
            or (media < self._newest and seq_diff(seq, self._top) > 0)
        ):
            self._begin(buf, off, now_ms)
            ahead = media = transit = 0
        if ahead > self._mask:
            self._push_out(ahead - self._mask)
        slot = seq & self._mask
        fate = STORED
        if ahead < 0:
            if self._fresh and not self.started and seq_diff(self._top, seq) <= self._mask:
                self._next = seq  # reordered before play-out began: its turn has not passed
            else:
                fate = self._past(slot, ahead)
        elif self._state[slot] >= _FULL:
            fate = DUPLICATE
        if fate == DUPLICATE:
            self.duplicates += 1
            return fate
        if not wire.marker(buf, off):  # the frame before a word is sent late, by the far end
            self._measure(now_ms, transit)
        if fate:
            return fate
        if seq_diff(seq, self._top) >= 0:
            self._top = seq
            self._newest = media
        self._state[slot] = state
        self._media[slot] = media
        self._count += 1
        move(self._data, slot * self.payload_bytes, buf, off + _HEADER_BYTES, size)
        return STORED

    def get(self, out: bytearray, off: int, now_ms: int) -> int:
        """Take the frame whose turn it is; to be called whenever the player needs `ptime_ms` more.

        Args:
            out: writable, at least `payload_bytes` from `off` on; written only when PLAYED.
            off: where to write, in bytes.
            now_ms: time of play-out.

        Returns:
            PLAYED, MISSING (conceal), QUIET (comfort noise at `noise_level`), or WAITING (not begun: silence).
        """
        self._asks = False
        now = ticks_diff(now_ms, self._anchor_ms)
        if not self.started:
            if not self._count or now < self.target_ms:
                return WAITING
            self.started = True
        if self._over:
            self._over = False
            while self._count > 1 and self._newest - self._at > self._cap_ms:
                self._pass()
        now -= self._fastest
        if not self._count:
            return self._without(now - self._at)
        slot = self._next
        while self._state[slot & self._mask] < _FULL:
            slot += 1
        gap = slot - self._next
        slot &= self._mask
        media = self._media[slot]
        if not gap and media - self._at >= self.ptime_ms:
            self._silent = True
        delay = now - media
        if delay < self.target_ms and (self._silent or (self._dry and not gap and delay + delay < self.target_ms)):
            return self._without(delay)
        delay += gap * self.ptime_ms
        while gap:
            self._pass()
            if not self._silent and not (self._dry and delay > self.target_ms):
                return self._without(delay)
            gap -= 1
            delay -= self.ptime_ms
        self._dry = False
        at = slot * self.payload_bytes
        kind = PLAYED
        self._silent = self._state[slot] == _NOISE
        if self._silent:
            kind = QUIET
            self.noise_level = self._data[at] & 0x7F
            self.noises += 1
            self.quiet += 1
        else:
            move(out, off, self._data, at, self.payload_bytes)
            self.played += 1
            self._delay = delay
            self._asks = True
        self._state[slot] = _EMPTY
        self._count -= 1
        self._next += 1
        self._at = media + self.ptime_ms
        return kind

    def wish_ms(self) -> int:
        """Tell how much too late the frame just played was; to be asked after `get`, and to be met by one step at most.

        Returns:
            Above 0: that many ms of sound should be left out; below 0: put in; 0: neither. Once per frame, and only
            when it was PLAYED.
        """
        if not self._asks:
            return 0
        self._asks = False
        over = self._delay - self.target_ms
        if over < -_SLACK_MS:
            self._side = min(self._side, 0) - 1
        elif over > self.ptime_ms + (-_SLACK_MS if self._side > 0 else _SLACK_MS):
            self._side = max(self._side, 0) + 1
            if self._delay > min(2 * self.target_ms + self.ptime_ms, self._cap_ms):
                self._side = _TURNS  # far above: at each turn
        else:
            self._side = 0
        if -_TURNS < self._side < _TURNS or (over > 0 and not self._count):
            return 0
        self._side = 1 if over > 0 else 0  # once too late, down to the middle of the band
        return over

    def level_ms(self) -> int:
        """Give how much sound is held, in ms."""
        return self._count * self.ptime_ms

    def delay_ms(self) -> int:
        """Give the play-out delay of the last turn of sound over the fastest packet, in ms."""
        return self._delay

    def jitter_ms(self) -> int:
        """Give the interarrival jitter of RFC 3550 section 6.4.1, in ms."""
        return self._jitter >> 4

    def _begin(self, buf: bytearray, off: int, now_ms: int) -> None:
        """Start a stream with the packet at `off`; what was learned of the network stays."""
        self.skipped += self._count
        for i in range(len(self._state)):
            self._state[i] = _BEFORE
        for i in range(_BLOCKS):
            self._fast[i] = 0
        move(self._anchor, 0, buf, off, _HEADER_BYTES)
        self._anchor_ms = self._block_ms = now_ms
        self._next = self._top = wire.seq(buf, off)
        self._count = self._at = self._newest = self._last = self._fastest = self._slowest = 0
        self._fresh = True
        self.started = self._over = self._silent = self._dry = False

    def _without(self, delay: int) -> int:
        """Let a turn go by without a frame."""
        if self._silent:
            self.quiet += 1
            return QUIET
        self._dry = True
        self._delay = delay
        self.concealed += 1
        return MISSING

    def _pass(self) -> None:
        """Let the turn of the next packet pass without playing it: skipped when it is here, else lost."""
        slot = self._next & self._mask
        if self._state[slot] >= _FULL:
            self._state[slot] = _EMPTY
            self._count -= 1
            self.skipped += 1
            self._at = self._media[slot]
        else:
            self._state[slot] = _LOST
            self.lost += 1
        self._at += self.ptime_ms
        self._next += 1

    def _push_out(self, turns: int) -> None:
        """Make room for a packet that lies `turns` beyond the last slot."""
        self._over = True
        self._fresh = False
        while turns > 0:
            if not self._count and turns > self._mask:
                turns -= self._mask  # none of these ever came
                self.lost += turns
                self._at += turns * self.ptime_ms
                self._next += turns
                turns = self._mask
            self._pass()
            turns -= 1

    def _past(self, slot: int, ahead: int) -> int:
        """Judge a packet whose turn has passed: LATE when it was not here for it, else one more of a frame that was."""
        state = self._state[slot]
        if ahead < -self._mask or not state or state >= _FULL:
            return DUPLICATE
        self.lost -= state & _LOST
        self._state[slot] = _EMPTY
        self.late += 1
        return LATE

    def _measure(self, now_ms: int, transit: int) -> None:
        """Note the delay of one packet."""
        fast = self._fast
        self._jitter += min(abs(transit - self._last), _LONGEST_MS) - ((self._jitter + 8) >> 4)
        self._last = transit
        if ticks_diff(now_ms, self._block_ms) >= _BLOCK_MS:
            self._learn()
            self._block_ms = now_ms
            for i in range(_BLOCKS - 1):
                fast[i] = fast[i + 1]
            fast[_BLOCKS - 1] = self._slowest = transit
        fast[_BLOCKS - 1] = min(fast[_BLOCKS - 1], transit)
        self._fastest = min(fast)
        self._slowest = max(self._slowest, transit)

    def _learn(self) -> None:
        """Enter the worst delay of a block into the histogram and read the target from it."""
        share = self._share
        self._learned = min(self._learned + 1, _MEMORY)
        rest = _ONE
        for i in range(_BUCKETS):
            # rounded up, so that a share too small to be divided goes, too
            share[i] -= (share[i] + self._learned - 1) // self._learned
            rest -= share[i]
        i = _BUCKETS - 1
        share[min((self._slowest - self._fastest) // _WIDTH_MS, i)] += rest
        tail = share[i]
        while tail <= _TAIL:
            i -= 1
            tail += share[i]
        self.jitter_p95_ms = (i + 1) * _WIDTH_MS
        self.target_ms = min(max(self.jitter_p95_ms, _FLOOR_MS), self._cap_ms - 2 * self.ptime_ms)
