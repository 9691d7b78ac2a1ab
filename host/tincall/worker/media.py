"""The audio of the phone's side of a call: RTP to far-edge PCM and microphone PCM to RTP, one 20 ms tick at a time.

Any worker uses it. It reads no clock and touches no socket: the caller ticks it and gives it packets and a function that
sends. Whoever has one beat for both directions calls `tick`; whoever is given the microphone's frames by somebody else's
beat calls `speak` with them and `play` on its own. The far edge has 8 or 16 kHz, whatever the codec; concealment works at
the codec's own rate, before the step between the two, so that the filter sees one unbroken stream.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from callcore import jitter, media, wire
from callcore.errors import LocalError
from callcore.packetizer import Packetizer
from tincall.leg import Media
from tincall.worker.protocol import MAX_MEDIA_BYTES
from tincall.worker.transcode import NARROW_HZ, WIDE_HZ, Downsampler, Samples, Upsampler, codecs, coder

TICK_MS = 20
RATE_HZ = NARROW_HZ
TICK_SAMPLES = RATE_HZ * TICK_MS // 1000
# what the first packet waits: three frames ride out what a busy machine's scheduler does
BUFFER_MS = 60
# a missing frame repeats the last one at half its level, then at a quarter; after that there is silence
FADES = 2

# what a phone of that rate can speak, in order of preference
CODECS = codecs(RATE_HZ)


class PhoneAudio:
    """Both directions of one call's audio at the phone.

    Args:
        choice: what is spoken, seen from the phone; a codec of `transcode.codecs(rate_hz)`.
        send: hands one RTP packet towards the board; False: it was not taken.
        seq: first sequence number, 0 to 65535, random.
        stamp: first timestamp, 0 to 2**32 - 1, random.
        buffer_ms: what the first packet waits in the jitter buffer.
        rate_hz: of the far edge, 8000 or 16000.

    Raises:
        LocalError: the codec cannot be spoken here.

    Attributes:
        sent: packets that `send` took.
        dropped: packets that `send` refused.
        received: packets that came, of any fate.
        refused: packets that are not of this call: no RTP, or another payload type, SSRC or size.
    """

    def __init__(
        self,
        choice: Media,
        send: Callable[[bytes], bool],
        seq: int,
        stamp: int,
        buffer_ms: int = BUFFER_MS,
        rate_hz: int = RATE_HZ,
    ) -> None:
        if choice.codec not in codecs(rate_hz):
            raise LocalError(f"a phone of {rate_hz} Hz does not speak {choice.codec!r}")
        self._payload_type = media.codec(choice.codec)[media.PAYLOAD_TYPE]
        self._remote = array("I", [0, 0, choice.remote_ssrc])
        self._coder = coder(choice.codec)
        is_stepped = rate_hz == WIDE_HZ and self._coder.rate_hz == NARROW_HZ
        self._to_far: Callable[[Samples], Samples] = Upsampler() if is_stepped else _same
        self._from_far: Callable[[Samples], Samples] = Downsampler() if is_stepped else _same
        payload_bytes = media.frame_bytes(choice.codec, choice.ptime)
        step = media.frame_ticks(choice.codec, choice.ptime)
        self.buffer = jitter.JitterBuffer(payload_bytes, choice.ptime, step, buffer_ms)
        self._packetizer = Packetizer(self._payload_type, step, choice.ssrc, seq, stamp)
        self._send = send
        self._packet = bytearray(wire.RTP_HEADER_BYTES + payload_bytes)
        self._filled = wire.RTP_HEADER_BYTES
        self._payload = bytearray(payload_bytes)
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._frame = np.zeros(media.frame_samples(choice.codec, choice.ptime), dtype=np.int16)
        self._far = np.zeros(self._tick_samples * choice.ptime // TICK_MS, dtype=np.int16)
        self._far_at = len(self._far)
        self._fades_left = 0
        self._level_ms_sum = self._level_ticks = 0
        self.sent = self.dropped = self.received = self.refused = 0
        self.bytes_sent = self.bytes_received = 0

    def take(self, packet: bytes, now_ms: int) -> None:
        """Take one packet from the board.

        Args:
            packet: at most `MAX_MEDIA_BYTES`; copied.
            now_ms: time of arrival in the ring of callcore.
        """
        self.received += 1
        self.bytes_received += len(packet)
        if (
            wire.check(packet, 0, len(packet)) != wire.SOUND
            or len(packet) > MAX_MEDIA_BYTES
            or packet[1] & 0x7F != self._payload_type
            or not wire.ssrc_equal(packet, 0, self._remote)
        ):
            self.refused += 1
            return
        # the buffer reads only; its parameter is a bytearray since boards have no other
        if self.buffer.put(packet, 0, len(packet), now_ms) == jitter.REFUSED:  # type: ignore[arg-type]
            self.refused += 1

    def tick(self, now_ms: int, microphone: Samples) -> Samples:
        """Take 20 ms from the microphone and play 20 ms at the far edge; see `speak` and `play`."""
        self.speak(microphone)
        return self.play(now_ms)

    def play(self, now_ms: int) -> Samples:
        """Play 20 ms at the far edge.

        Args:
            now_ms: the time in the ring of callcore.

        Returns:
            int16 array of shape (rate_hz / 50,), what is played in the 20 ms from now; valid until the next turn.
        """
        if self._far_at == len(self._far):
            self._next_frame(now_ms)
        self._far_at += self._tick_samples
        return self._far[self._far_at - self._tick_samples : self._far_at]

    def speak(self, microphone: Samples) -> None:
        """Take 20 ms from the microphone; a packet is sent when it is full.

        Args:
            microphone: int16 array of shape (rate_hz / 50,), what was captured in the 20 ms before now.
        """
        coded = self._coder.encode(self._from_far(microphone))
        end = self._filled + len(coded)
        self._packet[self._filled : end] = coded
        self._filled = end
        if end < len(self._packet):
            return
        self._filled = self._packetizer.header(self._packet, 0, 0 if self._packetizer.sent else 1)
        if self._send(bytes(self._packet)):
            self.sent += 1
            self.bytes_sent += len(self._packet)
        else:
            self.dropped += 1

    def figures(self) -> dict[str, Any]:
        """Give the counters of the call, for the report: integers, and `buffer_ms`, the mean fill, as a float."""
        held = self.buffer
        return {
            "sent": self.sent,
            "dropped": self.dropped,
            "received": self.received,
            "refused": self.refused,
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "played": held.played,
            "lost": held.lost,
            "late": held.late,
            "concealed": held.concealed,
            "duplicates": held.duplicates,
            "skipped": held.skipped,
            "jitter_ms": held.jitter_ms(),
            "buffer_ms": round(self._level_ms_sum / max(self._level_ticks, 1), 1),
        }

    def _next_frame(self, now_ms: int) -> None:
        self._far_at = 0
        kind = self.buffer.get(self._payload, 0, now_ms)
        if self.buffer.started:
            self._level_ms_sum += self.buffer.level_ms()
            self._level_ticks += 1
        if kind == jitter.PLAYED:
            self._frame = self._coder.decode(self._payload)
            self._fades_left = FADES
        elif self._fades_left:
            self._frame = self._frame >> 1
            self._fades_left -= 1
        else:
            self._frame = np.zeros_like(self._frame)
        self._far = self._to_far(self._frame)


def _same(samples: Samples) -> Samples:
    return samples
