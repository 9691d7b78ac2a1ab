"""The emulated board's DAC: a ring that is played by the clock, and a wire on which the runner hears what was played.

Rules of this file:
- The clock alone decides how many samples are due; they come out of the ring, and silence takes their place when it is
  empty. What is written to the wire is therefore the exact timeline of the output, gaps included.
- Nothing here blocks. Frames that the wire does not take are counted and told later as lost, so the timeline stays right.
- After the constructor nothing allocates: frames are built in place, all numbers stay below 2**30.

A frame on the wire: kind, 0, payload length (u16), value (u32), payload; little endian, at most 4096 bytes, so each is written
whole or not at all (POSIX, PIPE_BUF).

| kind | value | payload |
|---|---|---|
| O opened | 0 | JSON: t_ns (time of day), rate_hz, ibuf_bytes |
| S started | us from opening to the first sample | |
| P played | 0 | samples, int16 little endian |
| G silence for want of samples | number of samples | |
| L lost on this wire | number of samples | |
| C closed | 0 | |
"""

import json
import time

import lines

HEADER_BYTES = 8
# what one frame carries at most; small enough that a frame fits a pipe's page with others
PAYLOAD_BYTES = 1024
# the clock is followed in steps of this length, so that no product leaves the small integers
BLOCK_US = 10000
# how long opening waits for a runner that is slow to read
_OPEN_WAIT_MS = 200

_wire = lines.writer("TINCALL_SPK_FD")
_open = []


def run_all():
    """Let every open speaker play up to now; called wherever the firmware touches hardware; allocates nothing."""
    for speaker in _open:
        speaker.run()


class Speaker:
    """One output channel.

    Args:
        rate_hz: samples a second, a multiple of 100.
        ibuf_bytes: size of the driver's ring, even.
    """

    def __init__(self, rate_hz, ibuf_bytes):
        if rate_hz % 100:
            raise ValueError("rate must be a multiple of 100 Hz")
        self._ring = bytearray(ibuf_bytes)
        self._head = 0
        self._level = 0
        self._frame = bytearray(HEADER_BYTES + PAYLOAD_BYTES)
        self._block_samples = rate_hz // 100
        self._lost_samples = 0
        self._is_started = False
        self._start_untold = False
        self._start_us = 0
        self._block_played_samples = 0
        self._opened_us = self._block_us = time.ticks_us()
        self._tell_opened(time.time_ns(), rate_hz, ibuf_bytes)
        _open.append(self)

    def free(self):
        """Give the bytes the ring takes now."""
        self.run()
        return len(self._ring) - self._level

    def write(self, buf, off, n):
        """Take samples into the ring; the first ones start the clock of the output; allocates nothing.

        Returns:
            Bytes taken, even, 0 when the ring is full.
        """
        n = min(n, self.free()) & ~1
        if not n:
            return 0
        if not self._is_started:
            self._start()
        tail = (self._head + self._level) % len(self._ring)
        first = min(n, len(self._ring) - tail)
        lines.move(self._ring, tail, buf, off, first)
        lines.move(self._ring, 0, buf, off + first, n - first)
        self._level += n
        return n

    def run(self):
        """Play what the clock says was played since the last time; allocates nothing."""
        if not self._is_started:
            return
        since_us = time.ticks_diff(time.ticks_us(), self._block_us)
        blocks = since_us // BLOCK_US
        within_samples = (since_us - blocks * BLOCK_US) * self._block_samples // BLOCK_US
        due_samples = blocks * self._block_samples + within_samples - self._block_played_samples
        self._block_us = time.ticks_add(self._block_us, blocks * BLOCK_US)
        self._block_played_samples = within_samples
        from_ring_samples = min(due_samples, self._level // 2)
        self._play(from_ring_samples * 2)
        if due_samples > from_ring_samples:
            self._tell_or_lose(71, due_samples - from_ring_samples)  # G

    def close(self):
        """Play up to now and stop; what is left in the ring is not heard, as when the driver is removed."""
        self.run()
        self._tell_lost()
        self._put(67, 0, 0)  # C
        if self in _open:
            _open.remove(self)

    def _tell_opened(self, t_ns, rate_hz, ibuf_bytes):
        opened = {"t_ns": t_ns, "rate_hz": rate_hz, "ibuf_bytes": ibuf_bytes}
        text = json.dumps(opened).encode()
        self._frame[HEADER_BYTES : HEADER_BYTES + len(text)] = text
        for _ in range(_OPEN_WAIT_MS):
            if self._put(79, 0, len(text)):  # O
                return
            time.sleep_ms(1)

    def _start(self):
        self._is_started = True
        self._start_untold = True
        self._block_us = time.ticks_us()
        self._start_us = time.ticks_diff(self._block_us, self._opened_us)
        self._tell_lost()

    def _play(self, n):
        while n:
            chunk = min(n, PAYLOAD_BYTES, len(self._ring) - self._head)
            lines.move(self._frame, HEADER_BYTES, self._ring, self._head, chunk)
            if not self._tell_lost() or not self._put(80, 0, chunk):  # P
                self._lost_samples += chunk // 2
            self._head = (self._head + chunk) % len(self._ring)
            self._level -= chunk
            n -= chunk

    def _tell_or_lose(self, kind, samples):
        if not self._tell_lost() or not self._put(kind, samples, 0):
            self._lost_samples += samples

    def _tell_lost(self):
        """Tell what could not be told before; False when it cannot be told now either."""
        if self._start_untold:
            if not self._put(83, self._start_us, 0):  # S
                return False
            self._start_untold = False
        if self._lost_samples:
            if not self._put(76, self._lost_samples, 0):  # L
                return False
            self._lost_samples = 0
        return True

    def _put(self, kind, value, n):
        if _wire is None:
            return True
        frame = self._frame
        frame[0] = kind
        frame[2] = n & 255
        frame[3] = n >> 8
        frame[4] = value & 255
        frame[5] = value >> 8 & 255
        frame[6] = value >> 16 & 255
        frame[7] = value >> 24 & 255
        return lines.put(_wire, frame, HEADER_BYTES + n) > 0
