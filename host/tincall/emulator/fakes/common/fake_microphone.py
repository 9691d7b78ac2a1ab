"""The emulated board's receiving DMA: what the runner's clock delivers is gathered and given on in buffers of 256 samples.

As on the chip (MicroPython's ports/esp32/machine_i2s.c over ESP-IDF 5's channel driver):
- Every frame takes 8 bytes of DMA memory whatever format is asked for, so `ibuf` makes `ibuf / 2048` buffers, never fewer
  than two. Sound appears in steps of one buffer, 16 ms at 16 kHz.
- Finished buffers wait in a queue that holds one fewer than there are. When it is full the oldest is thrown away, and counted.
- A buffer that the reader took and did not finish is written over when its turn comes.
- The peripheral always receives 32-bit words of both sides. Asked for 16 bits, the driver gives the upper half of each word;
  asked for mono, the left side.

After the constructor nothing allocates.
"""

import fake_events
import fake_pin
import fake_power
import lines

FRAMES = 256
BUFFER_BYTES = FRAMES * 2
_DRIVER_FRAME_BYTES = 8

# the side on which the microphone's L/R pin puts it: 0 left, 1 right
side = 0
# where a 16-bit sample of the runner stands in the 32-bit word: 16 fills the range, 12 is a microphone 24 dB less loud
shift = 16

_wire = lines.reader("TINCALL_MIC_FD")


def take(buf, n):
    """Take at most `n` bytes that the runner has sent, 0 when there is nothing; tests put their own sound here."""
    if _wire is None:
        return 0
    got = lines.take(_wire, buf, n)
    if got < 0:
        fake_power.outside_gone()
    return got


class Microphone:
    """One input channel.

    Args:
        rate_hz: samples a second.
        ibuf_bytes: what the program asked for.
        bits: 16 or 32.
        is_stereo: whether both sides are given.
    """

    def __init__(self, rate_hz, ibuf_bytes, bits, is_stereo):
        self._count = max(ibuf_bytes // (FRAMES * _DRIVER_FRAME_BYTES), 2)
        self._memory = bytearray(self._count * BUFFER_BYTES)
        self._arrived = bytearray(BUFFER_BYTES)
        self._bits = bits
        self._is_stereo = is_stereo
        self.frame_bytes = bits // 8 * (2 if is_stereo else 1)
        self._filling = 0  # number of the buffer that the DMA fills; buffer n stands at n % count
        self._filled = 0
        self._next = 0  # number of the oldest buffer in the queue, which ends before `_filling`
        self._at = BUFFER_BYTES  # what the reader has had of its buffer, the one before `_next`
        self._reading = 0
        while take(self._arrived, BUFFER_BYTES):
            pass  # sound of before the opening
        fake_events.emit("mic_open", rate_hz=rate_hz, ibuf_bytes=32000)  # what the wire holds, not the driver

    def run(self):
        """Let the DMA go on with what has arrived; allocates nothing."""
        fake_pin.look()
        while True:
            n = take(self._arrived, BUFFER_BYTES - self._filled)
            if not n:
                return
            lines.move(self._memory, self._filling % self._count * BUFFER_BYTES + self._filled, self._arrived, 0, n)
            self._filled += n
            if self._filled == BUFFER_BYTES:
                self._filled = 0
                self._filling += 1
                if self._filling - self._next == self._count:
                    self._next += 1
                    fake_events.overrun()

    def is_ready(self):
        """Tell whether a read would give something."""
        self.run()
        return self._at < BUFFER_BYTES or self._next < self._filling

    def readinto(self, buf, off, n):
        """Give frames of the buffers that are finished.

        Args:
            buf: where they go.
            off: first byte.
            n: how many bytes at most, a multiple of `frame_bytes`.

        Returns:
            Bytes given.
        """
        self.run()
        done = 0
        while done < n:
            if self._at == BUFFER_BYTES:
                if self._next == self._filling:
                    break
                self._reading = self._next % self._count * BUFFER_BYTES
                self._next += 1
                self._at = 0
            frames = min((n - done) // self.frame_bytes, (BUFFER_BYTES - self._at) // 2)
            self._give(buf, off + done, frames)
            self._at += frames * 2
            done += frames * self.frame_bytes
        return done

    def close(self):
        """Stop."""
        fake_events.emit("mic_close")

    def _give(self, buf, to, frames):
        at = self._reading + self._at
        if self._bits == 16 and not self._is_stereo and not side and shift == 16:
            lines.move(buf, to, self._memory, at, frames * 2)
            return
        for _ in range(frames):
            sample = ((self._memory[at] | self._memory[at + 1] << 8) ^ 0x8000) - 0x8000
            at += 2
            for of in range(2 if self._is_stereo else 1):
                to = self._put(buf, to, sample if of == side else 0)

    def _put(self, buf, to, sample):
        high = sample >> (16 - shift)
        if self._bits == 32:
            low = (sample & (1 << 16 - shift) - 1) << shift
            buf[to] = low & 255
            buf[to + 1] = low >> 8
            to += 2
        buf[to] = high & 255
        buf[to + 1] = high >> 8 & 255
        return to + 2
