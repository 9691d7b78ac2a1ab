"""`machine.I2S` of the emulated board, with the manners of the ESP32 port; fake_microphone and fake_speaker are the DMA behind.

As there, a peripheral starts in blocking mode: `readinto` and `write` then return when the whole buffer is done. The first
poll (`select.poll`, which asks `ioctl`) makes it non-blocking until it is opened again: `readinto` gives what is there, `write`
takes what fits, both 0 when there is nothing or no room, and neither allocates. `irq` is not emulated, nor are a speaker's
32 bits and stereo.
"""

import time

import fake_microphone
import fake_speaker
import lines

_EPERM = 1
_EINVAL = 22
_POLL = 3  # MP_STREAM_POLL
_POLL_IN = 1
_POLL_OUT = 4
_CLOSED = -258, "ESP_ERR_INVALID_ARG"

# how many peripherals the chip has: 2 on ESP32 and S3, 1 on C3, C6 and S2
ports = 2
_peripherals = {}


class _Peripheral:
    """What is behind every object of one id: the port keeps one, and a new object of the same id opens it anew."""

    microphone = None
    speaker = None
    is_blocking = True

    def close(self):
        if self.speaker:
            self.speaker.close()
        if self.microphone:
            self.microphone.close()
        self.microphone = self.speaker = None


class I2S(lines.Pollable):
    """One direction of one peripheral.

    Args:
        id: below `ports`; making another object with the same id ends what the first did, and both are the same from then on.
        sck, ws, sd: pins; not used.
        mode: `RX` or `TX`.
        bits: 16, or 32 with `RX`.
        format: `MONO`, or `STEREO` with `RX`.
        rate: samples a second.
        ibuf: bytes for DMA buffers.
    """

    RX = 0x11
    TX = 0x05
    MONO = 0
    STEREO = 1

    def __init__(self, id, **settings):
        if not 0 <= id < ports:
            raise ValueError("invalid id")
        self._its = _peripherals.setdefault(id, _Peripheral())
        self.init(**settings)

    def init(self, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        """Open it anew; arguments as for the class."""
        self._its.close()
        if mode not in (self.RX, self.TX):
            raise ValueError("invalid mode")
        if bits not in ((16, 32) if mode == self.RX else (16,)):
            raise ValueError("invalid bits")
        if format not in ((self.MONO, self.STEREO) if mode == self.RX else (self.MONO,)):
            raise ValueError("invalid format")
        self._its.is_blocking = True
        if mode == self.TX:
            self._its.speaker = fake_speaker.Speaker(rate, ibuf)
        else:
            self._its.microphone = fake_microphone.Microphone(rate, ibuf, bits, format == self.STEREO)

    def readinto(self, buf):
        """Read samples into `buf`, whose length is a number of whole samples; gives bytes read."""
        microphone = self._its.microphone
        self._check(microphone)
        n = len(buf)
        if n % microphone.frame_bytes:
            raise OSError(_EINVAL, "EINVAL")
        done = microphone.readinto(buf, 0, n)
        while self._its.is_blocking and done < n:
            time.sleep_ms(1)
            done += microphone.readinto(buf, done, n - done)
        return done

    def write(self, buf, off=-1, n=-1):
        """Write samples: `write(buf)`, `write(buf, n)` or `write(buf, off, n)`, as a stream does; gives bytes taken."""
        speaker = self._its.speaker
        self._check(speaker)
        if n < 0:
            n = len(buf) if off < 0 else off
            off = 0
        done = speaker.write(buf, off, n)
        while self._its.is_blocking and done < n & ~1:
            time.sleep_ms(1)
            done += speaker.write(buf, off + done, n - done)
        return done

    def ioctl(self, request, arg):
        """Answer a poll, which also ends blocking mode."""
        if request != _POLL:
            return -1
        self._its.is_blocking = False
        if self._its.speaker:
            return arg & _POLL_OUT if self._its.speaker.is_ready() else 0
        return arg & _POLL_IN if self._its.microphone and self._its.microphone.is_ready() else 0

    def deinit(self):
        """Stop; once more does nothing, and anything but opening anew is an error."""
        self._its.close()

    def _check(self, wanted):
        if wanted is None:
            if self._its.microphone or self._its.speaker:
                raise OSError(_EPERM, "EPERM")
            raise OSError(*_CLOSED)
