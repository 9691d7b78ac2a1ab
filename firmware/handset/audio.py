"""Opens microphone and speaker as non-blocking I2S streams; the only file that knows `machine.I2S`.

Both are streams of int16 little-endian mono samples at `board.RATE_HZ`. The contract, kept by the ESP32 port and by the
emulated board alike, and proven under `micropython.heap_lock()`:

- `microphone.readinto(buf)` fills the start of `buf` with what is there and gives the number of bytes, whole samples, 0 when
  there is nothing yet. `buf` is a bytearray of an even length. Samples that are not fetched in time are lost: the driver's ring
  holds `board.MIC_IBUF_BYTES`.
- `speaker.write(buf, off, n)` takes as much of `buf[off:off + n]` as the driver's ring has room for and gives the number of
  bytes, whole samples, 0 when the ring is full. `off` and `n` are even. The first samples start the output; when the ring runs
  empty silence is played until there are more.
- Neither waits, neither allocates. `deinit()` ends the stream; `close` does it and forgives a second time.
"""

import select

from machine import I2S, Pin


def open_microphone(board):
    """Start the microphone; samples are gathered from now on.

    Args:
        board: the board's constants: `MIC_ID MIC_SCK MIC_WS MIC_SD MIC_IBUF_BYTES RATE_HZ`.

    Returns:
        A stream with `readinto` and `deinit`, see the top of this file.
    """
    stream = I2S(
        board.MIC_ID,
        sck=Pin(board.MIC_SCK),
        ws=Pin(board.MIC_WS),
        sd=Pin(board.MIC_SD),
        mode=I2S.RX,
        bits=16,
        format=I2S.MONO,
        rate=board.RATE_HZ,
        ibuf=board.MIC_IBUF_BYTES,
    )
    return _unblock(stream, select.POLLIN)


def open_speaker(board):
    """Make the speaker ready; it is silent until something is written.

    Args:
        board: the board's constants: `SPK_ID SPK_SCK SPK_WS SPK_SD SPK_IBUF_BYTES RATE_HZ`.

    Returns:
        A stream with `write` and `deinit`, see the top of this file.
    """
    stream = I2S(
        board.SPK_ID,
        sck=Pin(board.SPK_SCK),
        ws=Pin(board.SPK_WS),
        sd=Pin(board.SPK_SD),
        mode=I2S.TX,
        bits=16,
        format=I2S.MONO,
        rate=board.RATE_HZ,
        ibuf=board.SPK_IBUF_BYTES,
    )
    return _unblock(stream, select.POLLOUT)


def close(stream):
    """End a stream of this file; None is allowed, so that cleaning up needs no question."""
    if stream is not None:
        stream.deinit()


def _unblock(stream, event):
    # the driver leaves blocking mode for good when it is polled for the first time; there is no other way to ask for it
    poller = select.poll()
    poller.register(stream, event)
    poller.poll(0)
    return stream
