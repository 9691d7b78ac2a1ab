"""Sound in a call: two loops over objects handed in, microphone to link and link to speaker.

What is said and what is heard is made in callcore.uplink and callcore.downlink; here it is moved. Everything is allocated when
a Voice is made, before the call; the loops themselves make no object, and what a function borrows for its locals brings on no
sweep of the heap (proven by tests/handset/voice_heap.py, with the heap locked and open). Microphone and speaker run at 16 kHz
whatever the codec is.
"""

import asyncio

from callcore import level
from callcore.compat import const, ticks_diff
from callcore.downlink import Downlink
from callcore.framer import MAX_HEADER_BYTES as PACKET_OFFSET
from callcore.mask import move
from callcore.media import frame_bytes
from callcore.uplink import Uplink
from callcore.wire import RTP_HEADER_BYTES
from handset import clock

_POLL_MS = const(5)
_SAMPLES_PER_MS = const(16)


class Voice:
    """The sound of one call.

    Args:
        link: an open Link.
        microphone: object with `readinto(buf) -> bytes`, non-blocking, 16-bit little-endian mono at 16 kHz (handset.audio).
        speaker: object with `write(buf, off, n) -> bytes`, the same.
        media: the answer's choice: `codec`, `ptime`, `ssrc` (ours), `remote_ssrc`, and `cn` where silence is not sent.
        seq: first sequence number, random.
        stamp: first timestamp, random.
        target_ms: delay with which the jitter buffer begins, 20 to 200 ms.
        ring_ms: how much sound the speaker's driver holds, in ms.
        agc: bring the voice at the microphone to an even level.
        echo: the microphone hears the speaker, and nothing else keeps that out: one side is heard at a time.
        volume: of the speaker, 0 to 10 (callcore.level.volume).

    Attributes:
        jitter: the JitterBuffer, with the counters of what arrived.
        underruns: times the speaker's ring ran dry because the loop came too late.
    """

    def __init__(
        self, link, microphone, speaker, media, seq, stamp, target_ms, ring_ms, agc=False, echo=False, volume=10
    ):
        name = media["codec"]
        ptime_ms = media["ptime"]
        has_noise = media.get("cn", False)
        self._link = link
        self._microphone = microphone
        self._speaker = speaker
        echo_ms = ring_ms if echo else -1
        self._up = Uplink(
            link, PACKET_OFFSET, name, ptime_ms, media["ssrc"], has_noise, seq, stamp, agc=agc, echo_ms=echo_ms
        )
        self._down = Downlink(name, ptime_ms, media["remote_ssrc"], has_noise, target_ms)
        self.jitter = self._down.jitter
        frame_size = ptime_ms * _SAMPLES_PER_MS * 2
        self._frame = bytearray(frame_size)  # microphone, being filled
        self._filled = 0
        self._heard = bytearray(frame_size)  # what the microphone gave at once
        self._size = 0  # bytes of the sound that is being played, ...
        self._played = 0  # ... and how many of them the speaker has taken
        self._ring_ms = ring_ms
        self._full_ms = clock.now_ms()  # when the speaker's ring was last known to be full
        self._gain_mdb = level.volume(volume)
        self.underruns = 0
        self._tasks = []
        link.media_open(RTP_HEADER_BYTES + frame_bytes(name, ptime_ms))

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

    def mute(self, muted):
        """Send silence, or what the microphone hears again."""
        self._up.muted = muted

    def figures(self):
        """Give the counters of the call, as the message `stats` carries them: (up, down)."""
        jitter = self.jitter
        heard = self._down
        dropped = self._link.dropped
        up = {"sent": self._up.sent - dropped, "dropped": dropped, "silent": self._up.silent}
        down = {
            "received": jitter.received,
            "lost": jitter.lost,
            "late": jitter.late,
            "concealed": jitter.concealed,
            "jitter_ms": jitter.jitter_ms(),
            "buffer_ms": jitter.level_ms(),
            "underruns": self.underruns,
            "played": jitter.played,
            "noises": jitter.noises,
            "quiet": jitter.quiet,
            "duplicates": jitter.duplicates,
            "skipped": jitter.skipped,
            "refused": jitter.refused,
            "foreign": heard.foreign,
            "shortened_ms": heard.shortened_ms,
            "lengthened_ms": heard.lengthened_ms,
            "delay_ms": max(jitter.delay_ms(), 0),
            "target_ms": jitter.target_ms,
            "jitter_p95_ms": jitter.jitter_p95_ms,
        }
        return up, down

    @property
    def sent(self):
        """Packets handed to the link, those included that it dropped."""
        return self._up.sent

    def take(self, buf, off, n, now_ms):
        """Take a packet from the link; allocates nothing.

        Returns:
            True when it belongs to this call's stream.
        """
        return self._down.take(buf, off, n, now_ms)

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
                    self._up.frame(frame)

    async def _downlink(self):
        """Jitter buffer to speaker; the speaker's own ring sets the pace."""
        sound = self._down.sound
        while True:
            left = self._size - self._played
            if left:
                n = self._speaker.write(sound, self._played, left)
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
        """Make what the speaker gets next."""
        gain_mdb = self._gain_mdb + self._up.duck
        self._size = 2 * self._down.next(clock.now_ms(), gain_mdb)
        self._played = 0
        if self._down.was_here:  # of anything else nothing is known, and it is fainter than what was before it
            self._up.played(self._down.vad, gain_mdb)
