"""The emulated board's transmitting DMA: a ring of buffers played by the clock, and a wire on which the runner hears it.

Rules of this file:
- As on the chip (MicroPython's ports/esp32/machine_i2s.c over ESP-IDF 5's channel driver): a buffer holds 256 samples, so
  `ibuf` makes `ibuf / 512` buffers, never fewer than two. They are played in a ring from the opening on, written or not; one
  that was played is cleared and waits, in a queue one shorter than the ring, to be written again. So a write has to wait for
  the end of the first buffer, what is written now is heard when the ring comes round to it, and a writer who is late is
  heard as silence.
- The clock alone decides what is due. What goes to the wire from the first sample written on is therefore the exact timeline
  of the output, gaps included.
- Nothing here blocks. Frames that the wire does not take are counted and told later as lost, so the timeline stays right.
- After the constructor nothing allocates: frames are built in place, all numbers stay below 2**30.

A frame on the wire: kind, 0, payload length (u16), value (u32), payload; little endian, at most 4096 bytes, so each is written
whole or not at all (POSIX, PIPE_BUF).

| kind | value | payload |
|---|---|---|
| O opened | 0 | JSON: t_ns (time of day), rate_hz, ibuf_bytes |
| S started | us from opening to the first buffer in which something was written | |
| P played | 0 | samples, int16 little endian |
| G silence for want of samples | number of samples | |
| L lost on this wire | number of samples | |
| C closed | 0 | |
"""

import json
import time

import lines

HEADER_BYTES = 8
FRAMES = 256
BUFFER_BYTES = FRAMES * 2
# how long opening waits for a runner that is slow to read
_OPEN_WAIT_MS = 200

# the clock of the output; tests put their own here
ticks_us = time.ticks_us
_SILENCE = bytes(BUFFER_BYTES)
_wire = lines.writer("TINCALL_SPK_FD")
_open = []


def run_all():
    """Let every open speaker play up to now; called wherever the firmware touches hardware; allocates nothing."""
    for speaker in _open:
        speaker.run()


class Speaker:
    """One output channel.

    Args:
        rate_hz: samples a second, 8000, 16000 or 32000.
        ibuf_bytes: what the program asked for.
    """

    def __init__(self, rate_hz, ibuf_bytes):
        self._buffer_us = FRAMES * 1000000 // rate_hz
        if self._buffer_us * rate_hz != FRAMES * 1000000:
            raise ValueError("rate must be 8000, 16000 or 32000 Hz")
        self._count = max(ibuf_bytes // BUFFER_BYTES, 2)
        self._memory = bytearray(self._count * BUFFER_BYTES)
        self._is_written = bytearray(self._count)
        self._playing = 0  # number of the buffer that is played; buffer n stands at n % count
        self._free = (
            0  # number of the oldest buffer that was played and may be written; the queue ends before `_playing`
        )
        self._writing = 0
        self._at = BUFFER_BYTES  # what was written of buffer `_writing`
        self._frame = bytearray(max(HEADER_BYTES + BUFFER_BYTES, 256))
        self._lost_samples = 0
        self._is_started = False
        self._start_untold = False
        self._start_us = 0
        self._opened_us = self._buffer_began_us = ticks_us()
        self._tell_opened(time.time_ns(), rate_hz, ibuf_bytes)
        _open.append(self)

    def is_ready(self):
        """Tell whether a write would be taken."""
        self.run()
        return self._at < BUFFER_BYTES or self._free < self._playing

    def write(self, buf, off, n):
        """Take samples into the buffers that are free; allocates nothing.

        Returns:
            Bytes taken, even, 0 when every buffer is full.
        """
        self.run()
        done = 0
        n &= ~1
        while done < n:
            if self._at == BUFFER_BYTES:
                if self._free == self._playing:
                    break
                self._writing = self._free % self._count
                self._free += 1
                self._at = 0
            part = min(n - done, BUFFER_BYTES - self._at)
            lines.move(self._memory, self._writing * BUFFER_BYTES + self._at, buf, off + done, part)
            self._is_written[self._writing] = 1
            self._at += part
            done += part
        return done

    def run(self):
        """Play what the clock says was played since the last time; allocates nothing."""
        while time.ticks_diff(ticks_us(), self._buffer_began_us) >= self._buffer_us:
            self._play(FRAMES)
            self._playing += 1
            if self._playing - self._free == self._count:
                self._free += 1
            self._buffer_began_us = time.ticks_add(self._buffer_began_us, self._buffer_us)

    def close(self):
        """Play up to now and stop; what is left in the buffers is not heard, as when the driver is removed."""
        self.run()
        begun_samples = time.ticks_diff(ticks_us(), self._buffer_began_us) * FRAMES // self._buffer_us
        if begun_samples:
            self._play(begun_samples)
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

    def _play(self, samples):
        """Put the start of the buffer whose turn it is on the wire and clear it."""
        at = self._playing % self._count
        if self._is_written[at]:
            self._is_written[at] = 0
            if not self._is_started:
                self._is_started = self._start_untold = True
                self._start_us = time.ticks_diff(self._buffer_began_us, self._opened_us)
            lines.move(self._frame, HEADER_BYTES, self._memory, at * BUFFER_BYTES, samples * 2)
            lines.move(self._memory, at * BUFFER_BYTES, _SILENCE, 0, BUFFER_BYTES)
            if not self._tell_lost() or not self._put(80, 0, samples * 2):  # P
                self._lost_samples += samples
        elif self._is_started and (not self._tell_lost() or not self._put(71, samples, 0)):  # G
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
