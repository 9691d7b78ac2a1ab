"""`machine.I2S` of the emulated board, with the manners of the ESP32 port.

As there, an object starts in blocking mode: `readinto` and `write` then return when the whole buffer is done. The first
poll of the object (`select.poll`, which asks its `ioctl`) makes it non-blocking for good: `readinto` gives what is there,
`write` takes what fits, both 0 when there is nothing or no room, and neither allocates. `irq` is not emulated.
"""

import time

import fake_events
import fake_pin
import fake_power
import fake_speaker
import lines

_EPERM = 1
_EINVAL = 22
_POLL = 3  # MP_STREAM_POLL
_POLL_IN = 1
_POLL_OUT = 4

_microphone = lines.reader("TINCALL_MIC_FD")
_ports = {}


class I2S(lines.Pollable):
    """One direction of one peripheral.

    Args:
        id: 0 or 1; making another object with the same id ends the first.
        sck, ws, sd: pins; not used.
        mode: `RX` or `TX`.
        bits: 16.
        format: `MONO`.
        rate: samples a second.
        ibuf: bytes of the driver's ring.
    """

    RX = 0x11
    TX = 0x05
    MONO = 0
    STEREO = 1

    def __init__(self, id, *, sck, ws, sd, mode, bits, format, rate, ibuf):
        if id not in (0, 1):
            raise ValueError("invalid id")
        if mode not in (self.RX, self.TX):
            raise ValueError("invalid mode")
        if bits != 16:
            raise ValueError("invalid bits")
        if format != self.MONO:
            raise ValueError("invalid format")
        if id in _ports:
            _ports[id].deinit()
        _ports[id] = self
        self._id = id
        self._is_blocking = True
        self._is_open = True
        self._speaker = None
        if mode == self.TX:
            self._speaker = fake_speaker.Speaker(rate, ibuf)
        else:
            self._throw_stale_away()
            fake_events.emit("mic_open", rate_hz=rate, ibuf_bytes=ibuf)

    def readinto(self, buf):
        """Read samples into `buf`, whose length is a number of whole samples; gives bytes read."""
        if self._speaker:
            raise OSError(_EPERM, "EPERM")
        n = len(buf)
        if n & 1:
            raise OSError(_EINVAL, "EINVAL")
        if self._is_blocking:
            return self._fill(buf)
        return self._take(buf, n)

    def write(self, buf, off=-1, n=-1):
        """Write samples: `write(buf)`, `write(buf, n)` or `write(buf, off, n)`, as a stream does; gives bytes taken."""
        if not self._speaker:
            raise OSError(_EPERM, "EPERM")
        if n < 0:
            n = len(buf) if off < 0 else off
            off = 0
        done = self._speaker.write(buf, off, n)
        while self._is_blocking and done < n & ~1:
            time.sleep_ms(1)
            done += self._speaker.write(buf, off + done, n - done)
        return done

    def ioctl(self, request, arg):
        """Answer a poll, which also ends blocking mode."""
        if request != _POLL:
            return -1
        self._is_blocking = False
        if self._speaker:
            return arg & _POLL_OUT if self._speaker.free() else 0
        return arg & _POLL_IN

    def deinit(self):
        """Stop; the object must not be used again."""
        if not self._is_open:
            return
        self._is_open = False
        del _ports[self._id]
        if self._speaker:
            self._speaker.close()
        else:
            fake_events.emit("mic_close")

    def _take(self, buf, n):
        fake_pin.look()
        if _microphone is None:
            return 0
        got = lines.take(_microphone, buf, n)
        if got < 0:
            fake_power.outside_gone()
        return got

    def _fill(self, buf):
        view = memoryview(buf)
        done = 0
        while done < len(buf):
            got = self._take(view[done:], len(buf) - done)
            done += got
            if not got:
                time.sleep_ms(1)
        return done

    def _throw_stale_away(self):
        waste = bytearray(512)
        while self._take(waste, len(waste)):
            pass
