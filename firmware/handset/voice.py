"""Sound in a call: two loops over objects handed in, microphone to link and link to speaker.

Everything is allocated when a Voice is made, before the call; the loops themselves allocate nothing, so that no collection
can fall into speech (proven under `micropython.heap_lock()` in tests/handset/voice_heap.py). Microphone and speaker run at
16 kHz whatever the codec is; the coder steps down to its own rate. A frame that is missing is played as silence, and counted.
"""

import asyncio
from array import array

from callcore import coders, wire
from callcore.compat import const, ticks_diff
from callcore.framer import MAX_HEADER_BYTES as PACKET_OFFSET
from callcore.jitter import PLAYED, JitterBuffer
from callcore.mask import move
from callcore.media import PAYLOAD_TYPE, codec, frame_bytes, frame_ticks
from callcore.packetizer import Packetizer
from handset import clock

_POLL_MS = const(5)
_SAMPLES_PER_MS = const(16)


class Voice:
    """The sound of one call.

    Args:
        link: an open Link.
        microphone: object with `readinto(buf) -> bytes`, non-blocking, 16-bit little-endian mono at 16 kHz (handset.audio).
        speaker: object with `write(buf, off, n) -> bytes`, the same.
        media: the answer's choice: `codec`, `ptime`, `ssrc` (ours), `remote_ssrc`.
        seq: first sequence number, random.
        stamp: first timestamp, random.
        target_ms: delay of the jitter buffer, 20 to 200 ms.
        ring_ms: how much sound the speaker's driver holds, in ms.

    Attributes:
        jitter: the JitterBuffer, with the counters of what arrived.
        underruns: times the speaker's ring ran dry because the loop came too late.
    """

    def __init__(self, link, microphone, speaker, media, seq, stamp, target_ms, ring_ms):
        name = media["codec"]
        ptime_ms = media["ptime"]
        self._link = link
        self._microphone = microphone
        self._speaker = speaker
        self._samples = ptime_ms * _SAMPLES_PER_MS
        self._payload_bytes = frame_bytes(name, ptime_ms)
        self._payload_type = codec(name)[PAYLOAD_TYPE]
        ticks = frame_ticks(name, ptime_ms)
        self._packets = Packetizer(self._payload_type, ticks, media["ssrc"], seq, stamp)
        self._theirs = _state(media["remote_ssrc"])
        self.jitter = JitterBuffer(self._payload_bytes, ptime_ms, ticks, target_ms)
        self._coder = coders.coder(name, self._samples)
        self._frame = bytearray(self._samples * 2)  # microphone, being filled
        self._filled = 0
        self._heard = bytearray(self._samples * 2)  # what the microphone gave at once
        self._codes = bytearray(self._payload_bytes)
        self._silence = bytearray(self._samples * 2)
        self._sound = bytearray(self._samples * 2)  # for the speaker
        self._playing = self._silence
        self._played = len(self._silence)  # bytes of `_playing` that the speaker has taken
        self._ring_ms = ring_ms
        self._full_ms = clock.now_ms()  # when the speaker's ring was last known to be full
        self.underruns = 0
        self._marker = 1
        self._tasks = []
        link.media_open(wire.RTP_HEADER_BYTES + self._payload_bytes)

    def start(self):
        """Start both loops."""
        self._tasks = [asyncio.create_task(self._uplink()), asyncio.create_task(self._downlink())]

    def stop(self):
        """Stop both loops, close microphone and speaker, forget audio that waits; packets are still counted."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._link.media_close()
        self._microphone.deinit()
        self._speaker.deinit()

    def figures(self):
        """Give the counters of the call, as the message `stats` carries them: (up, down)."""
        jitter = self.jitter
        up = {"sent": self.sent - self._link.dropped, "dropped": self._link.dropped}
        down = {
            "received": jitter.received,
            "lost": jitter.lost,
            "late": jitter.late,
            "concealed": jitter.concealed,
            "jitter_ms": jitter.jitter_ms(),
            "buffer_ms": jitter.level_ms(),
            "underruns": self.underruns,
        }
        return up, down

    @property
    def sent(self):
        """Packets handed to the link, those included that it dropped."""
        return self._packets.sent

    def take(self, buf, off, n, now_ms):
        """Take a packet from the link; allocates nothing.

        Returns:
            True when it belongs to this call's stream.
        """
        if wire.check(buf, off, n) or not wire.ssrc_equal(buf, off, self._theirs):
            return False
        if wire.payload_type(buf, off) != self._payload_type:
            return False
        self.jitter.put(buf, off, n, now_ms)
        return True

    async def _uplink(self):
        """Microphone to link, as fast as the microphone gives."""
        heard = self._heard
        frame = self._frame
        while True:
            n = self._microphone.readinto(heard)
            if not n:
                await clock.sleep_ms(_POLL_MS)
                continue
            at = 0
            while at < n:
                part = min(n - at, len(frame) - self._filled)
                move(frame, self._filled, heard, at, part)
                at += part
                self._filled += part
                if self._filled == len(frame):
                    self._filled = 0
                    self._send()

    def _send(self):
        """Encode the filled frame into the link's own buffer and hand it over."""
        link = self._link
        buf = link.media_buffer()
        at = self._packets.header(buf, PACKET_OFFSET, self._marker)
        self._marker = 0
        self._coder.encode(self._frame, 0, buf, at, self._samples)
        link.send_media(wire.RTP_HEADER_BYTES + self._payload_bytes)

    async def _downlink(self):
        """Jitter buffer to speaker; the speaker's own ring sets the pace."""
        while True:
            left = len(self._playing) - self._played
            if left:
                n = self._speaker.write(self._playing, self._played, left)
                now_ms = clock.now_ms()
                if not n:
                    self._full_ms = now_ms
                    await clock.sleep_ms(_POLL_MS)
                    continue
                self._played += n
                if ticks_diff(now_ms, self._full_ms) > self._ring_ms:
                    self._full_ms = now_ms
                    self.underruns += 1
            else:
                self._next()

    def _next(self):
        """Choose what the speaker gets for the next frame."""
        self._played = 0
        if self.jitter.get(self._codes, 0, clock.now_ms()) == PLAYED:
            self._coder.decode(self._codes, 0, self._sound, 0, self._samples)
            self._playing = self._sound
        else:
            self._playing = self._silence


def _state(ssrc):
    """Keep an SSRC where viper reads it."""

    return array("I", [0, 0, ssrc])
