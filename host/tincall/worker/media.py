"""The audio of the phone's side of a call: RTP to far-edge PCM and microphone PCM to RTP, one 20 ms tick at a time.

Any worker uses it. It reads no clock and touches no socket: the caller ticks it and gives it packets and a function that
sends. G.711 goes through tables of callcore's own coder, so the rule is the same and a tick costs microseconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callcore import g711, jitter, media, wire
from callcore.packetizer import Packetizer
from tincall.leg import Media
from tincall.worker.protocol import MAX_MEDIA_BYTES

Samples = NDArray[np.int16]

TICK_MS = 20
RATE_HZ = 8000
TICK_SAMPLES = RATE_HZ * TICK_MS // 1000
# what the first packet waits: three frames ride out what a busy machine's scheduler does
BUFFER_MS = 60
# a missing frame repeats the last one at half its level, then at a quarter; after that there is silence
FADES = 2

CODERS = {
    "PCMA": (g711.alaw_encode, g711.alaw_decode),
    "PCMU": (g711.ulaw_encode, g711.ulaw_decode),
}
# what a worker that uses this file can speak, in order of preference
CODECS = tuple(CODERS)


class PhoneAudio:
    """Both directions of one call's audio at the phone.

    Args:
        choice: what is spoken, seen from the phone; a codec of `CODECS`.
        send: hands one RTP packet towards the board; False: it was not taken.
        seq: first sequence number, 0 to 65535, random.
        stamp: first timestamp, 0 to 2**32 - 1, random.
        buffer_ms: what the first packet waits in the jitter buffer.

    Attributes:
        sent: packets that `send` took.
        dropped: packets that `send` refused.
        received: packets that came, of any fate.
        refused: packets that are not of this call: no RTP, or another payload type, SSRC or size.
    """

    def __init__(
        self, choice: Media, send: Callable[[bytes], bool], seq: int, stamp: int, buffer_ms: int = BUFFER_MS
    ) -> None:
        self._payload_type = media.codec(choice.codec)[media.PAYLOAD_TYPE]
        self._remote = array("I", [0, 0, choice.remote_ssrc])
        self._codes, self._words = tables(choice.codec)
        payload_bytes = media.frame_bytes(choice.codec, choice.ptime)
        step = media.frame_ticks(choice.codec, choice.ptime)
        self.buffer = jitter.JitterBuffer(payload_bytes, choice.ptime, step, buffer_ms)
        self._packetizer = Packetizer(self._payload_type, step, choice.ssrc, seq, stamp)
        self._send = send
        self._packet = bytearray(wire.RTP_HEADER_BYTES + payload_bytes)
        self._filled = wire.RTP_HEADER_BYTES
        self._payload = bytearray(payload_bytes)
        self._far = np.zeros(payload_bytes, dtype=np.int16)
        self._far_at = payload_bytes
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
        """Play 20 ms at the far edge and take 20 ms from the microphone; a packet is sent when it is full.

        Args:
            now_ms: the time in the ring of callcore.
            microphone: int16 array of shape (160,), what was captured in the 20 ms before now.

        Returns:
            int16 array of shape (160,), what is played in the 20 ms from now; valid until the next tick.
        """
        self._speak(microphone)
        if self._far_at == len(self._far):
            self._next_frame(now_ms)
        self._far_at += TICK_SAMPLES
        return self._far[self._far_at - TICK_SAMPLES : self._far_at]

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

    def _speak(self, microphone: Samples) -> None:
        end = self._filled + TICK_SAMPLES
        self._packet[self._filled : end] = self._codes[microphone.view(np.uint16)].tobytes()
        self._filled = end
        if end < len(self._packet):
            return
        self._filled = self._packetizer.header(self._packet, 0, 0 if self._packetizer.sent else 1)
        if self._send(bytes(self._packet)):
            self.sent += 1
            self.bytes_sent += len(self._packet)
        else:
            self.dropped += 1

    def _next_frame(self, now_ms: int) -> None:
        self._far_at = 0
        kind = self.buffer.get(self._payload, 0, now_ms)
        if self.buffer.started:
            self._level_ms_sum += self.buffer.level_ms()
            self._level_ticks += 1
        if kind == jitter.PLAYED:
            self._far = self._words[np.frombuffer(self._payload, dtype=np.uint8)]
            self._fades_left = FADES
        elif self._fades_left:
            self._far = self._far >> 1
            self._fades_left -= 1
        else:
            self._far = np.zeros(len(self._payload), dtype=np.int16)


_tables: dict[str, tuple[NDArray[np.uint8], Samples]] = {}


def tables(codec: str) -> tuple[NDArray[np.uint8], Samples]:
    """Give a G.711 law as tables, made by callcore's coder; made once, some 30 ms.

    Args:
        codec: one of `CODECS`.

    Returns:
        Code of each sample, indexed by its 16 bits without sign, and sample of each code.
    """
    if codec not in _tables:
        encode, decode = CODERS[codec]
        samples = np.arange(65536, dtype=np.uint16).astype("<u2").tobytes()
        codes, words = bytearray(65536), bytearray(512)
        encode(samples, 0, codes, 0, 65536)
        decode(bytes(range(256)), 0, words, 0, 256)
        _tables[codec] = (np.frombuffer(codes, dtype=np.uint8), np.frombuffer(words, dtype="<i2").astype(np.int16))
    return _tables[codec]
