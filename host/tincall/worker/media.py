"""The audio of the phone's side of a call: RTP to far-edge PCM and microphone PCM to RTP, one 20 ms tick at a time.

Any worker uses it. It reads no clock and touches no socket: the caller ticks it and gives it packets and a function that
sends. Whoever has one beat for both directions calls `tick`; whoever is given the microphone's frames by somebody else's
beat calls `speak` with them and `play` on its own. The far edge has 8 or 16 kHz, whatever the codec; concealment and changes
of length happen at the codec's own rate, before the step between the two, so that the filter sees one unbroken stream.

What is played follows the rules of callcore.downlink, by its jitter buffer and the host's concealment. Where both ends agreed
on comfort noise, a phone of 16 kHz sends speech only, by callcore's own decision.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from callcore import jitter, media, vad, wire
from callcore.compat import ticks_add
from callcore.downlink import PATIENCE_MS
from callcore.errors import LocalError
from callcore.packetizer import Packetizer
from tincall.leg import Media
from tincall.worker.concealment import Concealer
from tincall.worker.protocol import MAX_MEDIA_BYTES
from tincall.worker.transcode import NARROW_HZ, WIDE_HZ, Downsampler, Samples, Upsampler, codecs, coder

TICK_MS = 20
RATE_HZ = NARROW_HZ
TICK_SAMPLES = RATE_HZ * TICK_MS // 1000
# what the first packet waits: three frames ride out what a busy machine's scheduler does
BUFFER_MS = 60

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
        silent: frames that were not sent since nobody spoke.
        shortened_ms: sound left out because play-out was later than need be.
        lengthened_ms: sound put in because it was too early.
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
        self._payload_types = {media.codec(choice.codec)[media.PAYLOAD_TYPE]} | (
            {wire.NOISE_TYPE} if choice.cn else set()
        )
        self._remote = array("I", [0, 0, choice.remote_ssrc])
        self._coder = coder(choice.codec, choice.ptime)
        is_stepped = rate_hz == WIDE_HZ and self._coder.rate_hz == NARROW_HZ
        self._to_far: Callable[[Samples], Samples] = Upsampler() if is_stepped else _same
        self._from_far: Callable[[Samples], Samples] = Downsampler() if is_stepped else _same
        payload_bytes = media.frame_bytes(choice.codec, choice.ptime)
        step = media.frame_ticks(choice.codec, choice.ptime)
        self.buffer = jitter.JitterBuffer(payload_bytes, choice.ptime, step, buffer_ms)
        self._packetizer = Packetizer(media.codec(choice.codec)[media.PAYLOAD_TYPE], step, choice.ssrc, seq, stamp)
        self._send = send
        self._payload = bytearray(payload_bytes)
        self._tick_samples = rate_hz * TICK_MS // 1000
        self._ptime_ms = choice.ptime
        self._said: list[Samples] = []  # ticks of the packet that is being filled
        packet_samples = self._tick_samples * choice.ptime // TICK_MS
        # callcore's own ear hears 16 kHz
        self._vad = vad.Vad(packet_samples) if choice.cn and rate_hz == WIDE_HZ else None
        self._dtx = vad.Dtx(self._vad, choice.ptime) if self._vad else None
        self._held = b""  # the payload before, while nothing is sent
        self._marker = 1
        self._samples_per_ms = self._coder.rate_hz // 1000
        self._frame_samples = choice.ptime * self._samples_per_ms
        self._concealer = Concealer(self._frame_samples, self._coder.rate_hz)
        self._is_more = False  # a frame of noise is to be put in
        self._far: Samples = np.zeros(0, dtype=np.int16)  # what is to be played next
        self._level_ms_sum = self._level_ticks = 0
        self.sent = self.dropped = self.received = self.refused = self.silent = 0
        self.shortened_ms = self.lengthened_ms = 0
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
            or packet[1] & 0x7F not in self._payload_types
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
        while len(self._far) < self._tick_samples:
            self._far = np.concatenate((self._far, self._to_far(self._next_frame(ticks_add(now_ms, self.waiting_ms)))))
        played, self._far = self._far[: self._tick_samples], self._far[self._tick_samples :]
        return played

    @property
    def waiting_ms(self) -> int:
        """Sound that is made and not yet played, in ms: by so much later is played what is made next."""
        return len(self._far) * TICK_MS // self._tick_samples

    def speak(self, microphone: Samples) -> None:
        """Take 20 ms from the microphone; a packet is sent when it is full and worth it.

        Args:
            microphone: int16 array of shape (rate_hz / 50,), what was captured in the 20 ms before now.
        """
        self._said.append(microphone)
        if len(self._said) * TICK_MS < self._ptime_ms:
            return
        frame = np.concatenate(self._said)
        self._said = []
        payload = self._coder.encode(self._from_far(frame))  # also what is not sent: the coder's state goes on
        what = vad.SEND
        if self._vad and self._dtx:
            what = self._dtx.frame(self._vad.frame(bytearray(frame.tobytes()), 0))
        if what in (vad.NOISE, vad.NOTHING):
            if what == vad.NOISE and self._dtx:
                self._pack(self._packetizer.noise, bytes([self._dtx.noise_level]))
            self._packetizer.skip(1)
            self._held = payload
            self._marker = 1
            self.silent += 1
            return
        if what == vad.SEND_BOTH:
            self._packetizer.skip(-1)
            self._pack(self._head, self._held)
            self.silent -= 1
        self._pack(self._head, payload)

    def _head(self, packet: bytearray, at: int) -> int:
        marker, self._marker = self._marker, 0
        return self._packetizer.header(packet, at, marker)

    def _pack(self, head: Callable[[bytearray, int], int], payload: bytes) -> None:
        """Send one packet, its header written by `head`."""
        packet = bytearray(wire.RTP_HEADER_BYTES)
        head(packet, 0)
        if self._send(bytes(packet) + payload):
            self.sent += 1
            self.bytes_sent += len(packet) + len(payload)
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
            "silent": self.silent,
            "quiet": held.quiet,
            "noises": held.noises,
            "shortened_ms": self.shortened_ms,
            "lengthened_ms": self.lengthened_ms,
            "delay_ms": held.delay_ms(),
            "target_ms": held.target_ms,
            "jitter_p95_ms": held.jitter_p95_ms,
            "jitter_ms": held.jitter_ms(),
            "buffer_ms": round(self._level_ms_sum / max(self._level_ticks, 1), 1),
        }

    def _next_frame(self, now_ms: int) -> Samples:
        """Make what is played next, at the codec's rate; about a packet's samples."""
        concealer, buffer = self._concealer, self.buffer
        if self._is_more:
            self._is_more = False
            return concealer.quiet(buffer.noise_level)
        kind = buffer.get(self._payload, 0, now_ms)
        if buffer.started:
            self._level_ms_sum += buffer.level_ms()
            self._level_ticks += 1
        if kind == jitter.PLAYED:
            frame = self._coder.decode(self._payload)
            wish_ms = buffer.wish_ms()
            is_quiet = concealer.is_quiet(frame)
            if wish_ms > 0 and is_quiet:
                # one frame at most: the one after it is what is played
                self.shortened_ms += self._ptime_ms
                wish_ms = 0
                kind = buffer.get(self._payload, 0, now_ms)
                if kind == jitter.PLAYED:
                    frame = self._coder.decode(self._payload)
        if kind == jitter.PLAYED:
            frame = concealer.heard(frame)
            return self._adjusted(frame, wish_ms, is_quiet) if wish_ms < 0 or wish_ms > PATIENCE_MS else frame
        if kind == jitter.MISSING:
            return concealer.lost()
        if buffer.started or buffer.played:
            return concealer.quiet(buffer.noise_level)
        return np.zeros(self._frame_samples, dtype=np.int16)

    def _adjusted(self, frame: Samples, wish_ms: int, is_quiet: bool) -> Samples:
        """Make a frame shorter or longer."""
        if wish_ms < 0 and is_quiet:
            self._is_more = True
            self.lengthened_ms += self._ptime_ms
            return frame
        fitted = self._concealer.shorten(frame) if wish_ms > 0 else self._concealer.lengthen(frame)
        moved_ms = (len(fitted) - len(frame)) // self._samples_per_ms
        if moved_ms > 0:
            self.lengthened_ms += moved_ms
        else:
            self.shortened_ms -= moved_ms
        return fitted


def _same(samples: Samples) -> Samples:
    return samples
