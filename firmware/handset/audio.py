"""The board's microphone and speaker as non-blocking streams; the only file that knows `machine.I2S`.

Both are streams of int16 little-endian mono samples at 16 kHz. The contract, kept by the ESP32 port as far as its source tells
(not tried on hardware) and by the emulated board, and proven there under `micropython.heap_lock()`:

- `microphone.readinto(buf)` fills the start of `buf` with what is there and gives the number of bytes, whole samples, 0 when
  there is nothing yet. `buf` is a bytearray of an even length. Sound appears in steps of one DMA buffer, 256 samples. What is
  not fetched in time is lost, the oldest first: 2048 of `board.MIC_IBUF_BYTES` make a buffer, and all but one can wait.
- `speaker.write(buf, off, n)` takes as much of `buf[off:off + n]` as the driver's buffers have room for and gives the number of
  bytes, whole samples, 0 when they are full. `off` and `n` are even. The buffers, one for 512 of `board.SPK_IBUF_BYTES`, are
  played in a ring from the opening on; those that were not written in time are silence.
- Neither waits, neither allocates; opening does both. `deinit()` ends the stream; `close` does it and forgives a second time.

The driver reads 32-bit words and, asked for 16 bits, gives the upper half of each. A MEMS microphone's other bits are under its
own noise (INMP441: -87 dBFS, and 16 bits reach to -98), so nothing is won by fetching them. Yet speech at arm's length is only
-55 dBFS there, which `board.MIC_GAIN_MDB` makes up for.
"""

import select

from machine import I2S, Pin

from callcore.compat import const, ticks_diff
from callcore.errors import ChipError
from callcore.level import factor, gain
from handset import clock

_ENODEV = const(19)
_BYTES_PER_MS = const(32)
_MOST_BYTES = const(1280)  # what an absent stream makes up for after a stall, 40 ms, as a driver's buffers would


def open_microphone(board):
    """Start the microphone; samples are gathered from now on.

    Args:
        board: the board's constants: `MIC_ID MIC_SCK MIC_WS MIC_SD MIC_IBUF_BYTES MIC_GAIN_MDB RATE_HZ`.

    Returns:
        A stream with `readinto` and `deinit`, see the top of this file.

    Raises:
        OSError: the driver has no memory for its buffers, or the board's codec does not answer.
    """
    return _through_codec(board, True) if "es8311" in board.CHIPS else _open_microphone(board)


def _open_microphone(board):
    stream = _open(board.MIC_ID, board.MIC_SCK, board.MIC_WS, board.MIC_SD, I2S.RX, board.RATE_HZ, board.MIC_IBUF_BYTES)
    return _Loud(stream, factor(board.MIC_GAIN_MDB)) if board.MIC_GAIN_MDB else stream


def open_speaker(board):
    """Make the speaker ready; it is silent until something is written.

    Args:
        board: the board's constants: `SPK_ID SPK_SCK SPK_WS SPK_SD SPK_IBUF_BYTES RATE_HZ`.

    Returns:
        A stream with `write` and `deinit`, see the top of this file.

    Raises:
        OSError: the driver has no memory for its buffers, or the board's codec does not answer.
    """
    return _through_codec(board, False) if "es8311" in board.CHIPS else _open_speaker(board)


def _open_speaker(board):
    return _open(board.SPK_ID, board.SPK_SCK, board.SPK_WS, board.SPK_SD, I2S.TX, board.RATE_HZ, board.SPK_IBUF_BYTES)


def _through_codec(board, talk):
    """Open one direction of a codec, which goes to sleep when the stream ends."""
    import time

    import machine

    from chips import fittings

    try:
        turns = Turns(board, fittings.codec(board, machine, time.sleep_ms))
        turns.turn(talk)
    except ChipError as error:
        raise OSError(_ENODEV, error.detail)
    return turns


def close(stream):
    """End a stream of this file; None is allowed, so that cleaning up needs no question."""
    if stream is not None:
        stream.deinit()


def _open(port, sck, ws, sd, mode, rate_hz, ibuf_bytes):
    stream = I2S(
        port, sck=Pin(sck), ws=Pin(ws), sd=Pin(sd), mode=mode, bits=16, format=I2S.MONO, rate=rate_hz, ibuf=ibuf_bytes
    )
    # the driver leaves blocking mode when it is polled for the first time; there is no other way to ask for it
    poller = select.poll()
    poller.register(stream, select.POLLIN if mode == I2S.RX else select.POLLOUT)
    poller.poll(0)
    return stream


def _amplify(buf, n, q):
    """Multiply the samples in the first `n` bytes by a gain in Q11; gives `n`."""
    if n:
        gain(buf, 0, n >> 1, q, q, n >> 1)
    return n


class _Loud:
    """A microphone made louder; what is too loud then is clipped."""

    def __init__(self, stream, q):
        self._stream = stream
        self._q = q
        self.deinit = stream.deinit

    def readinto(self, buf):
        """Fill `buf` as the stream does."""
        return _amplify(buf, self._stream.readinto(buf), self._q)


class Turns:
    """Microphone and speaker in one, for boards whose only I2S peripheral goes one way at a time: push to talk.

    It is given to a call as both streams, so that the call is the same on every board. The one that is not open goes on by the
    clock: the microphone hears silence, the speaker swallows. It listens until told to talk. A turn opens the other stream,
    which allocates and takes some milliseconds, so it is made where a button is heard, never in the path of a frame. What the
    driver still held is lost by it: a buffer of 16 ms of the voice, or what was not yet played.

    Args:
        board: the board's constants, as for both streams.
        codec: a chip between them and the air, with `turn(talk)` and `off()`, as `chips.fittings` gives it; None for none.

    Raises:
        OSError: the speaker cannot be opened.
        ChipError: the codec does not answer.
    """

    def __init__(self, board, codec=None):
        self._board = board
        self._codec = codec
        self._begin(False)

    def turn(self, talk):
        """Talk or listen; nothing happens when that is so already, or when the streams have ended.

        Raises:
            OSError: the other stream cannot be opened; both have ended.
            ChipError: the codec does not answer; both have ended.
        """
        if self._stream and talk != self._talks:
            self._end()
            self._begin(talk)

    def readinto(self, buf):
        """Be the microphone."""
        if self._talks:
            return self._stream.readinto(buf)
        return _amplify(buf, self._due(len(buf)), 0)  # which leaves silence

    def write(self, buf, off, n):
        """Be the speaker."""
        if self._talks:
            return self._due(n)
        return self._stream.write(buf, off, n)

    def deinit(self):
        """End the stream that is open, if one is; there is no sound after it, in neither direction."""
        self._end()
        if self._codec:
            self._codec.off()

    def _end(self):
        if self._stream:
            self._stream.deinit()
            self._stream = None

    def _begin(self, talk):
        self._talks = talk
        self._then_ms = clock.now_ms()
        self._owed = 0
        if self._codec:
            self._codec.turn(talk)
        self._stream = (_open_microphone if talk else _open_speaker)(self._board)

    def _due(self, n):
        """Give how many bytes of `n` the absent stream would have moved by now."""
        now_ms = clock.now_ms()
        self._owed = min(self._owed + ticks_diff(now_ms, self._then_ms) * _BYTES_PER_MS, _MOST_BYTES)
        self._then_ms = now_ms
        n = min(n, self._owed)
        self._owed -= n
        return n
