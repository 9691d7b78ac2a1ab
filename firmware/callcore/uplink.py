"""The sending half of a call's sound: a frame of the microphone in, at 16 kHz, and packets out, none, one or two.

The frame is levelled, silenced while the far end's voice comes out of the loudspeaker, and encoded, whatever becomes of it, so
that the coder's state goes on. Where both ends agreed on comfort noise only speech is sent, from the frame before it on, and of
silence its level now and then. Nothing is allocated after an Uplink is made, and nothing looks at a clock.
"""

from callcore.coders import Narrow, coder
from callcore.compat import MICROPYTHON, const
from callcore.level import MUTE, Agc, Fader, Suppressor
from callcore.mask import move
from callcore.media import PAYLOAD_TYPE, codec, frame_bytes, frame_ticks
from callcore.packetizer import Packetizer
from callcore.vad import NOISE, NOTHING, SEND, SEND_BOTH, Dtx, Vad
from callcore.wire import RTP_HEADER_BYTES

if not MICROPYTHON:
    from typing import Protocol

    class Lane(Protocol):
        """The way out of packets."""

        def media_buffer(self) -> bytearray:
            """Give a buffer for the next packet."""

        def send_media(self, n: int) -> None:
            """Send the packet of `n` bytes that stands in it."""


_SAMPLES_PER_MS = const(16)


class Uplink:
    """What is said, as the packets of one stream.

    Args:
        lane: where packets go: `media_buffer()` gives a buffer, `send_media(n)` takes the packet of `n` bytes from it.
        at: where in such a buffer a packet begins, in bytes, even.
        name: codec of the stream.
        ptime_ms: sound of a packet, 20 or 40 ms.
        ssrc: of the stream, 0 to 2**32 - 1.
        has_noise: silence is not sent.
        seq: first sequence number, random.
        stamp: first timestamp, random.
        agc: bring voices to an even level.
        echo_ms: what the loudspeaker's driver holds, where the microphone hears the loudspeaker; -1 where it does not.

    Attributes:
        duck: gain for what is heard meanwhile, in thousandths of a dB.
        muted: True sends silence.
        silent: frames that were not sent, since there was no speech in them.
    """

    def __init__(
        self,
        lane: "Lane",
        at: int,
        name: str,
        ptime_ms: int,
        ssrc: int,
        has_noise: bool,
        seq: int,
        stamp: int,
        agc: bool = True,
        echo_ms: int = -1,
    ) -> None:
        self._lane = lane
        self._at = at
        samples = ptime_ms * _SAMPLES_PER_MS
        self._samples = samples
        self._payload_bytes = frame_bytes(name, ptime_ms)
        self._packets = Packetizer(codec(name)[PAYLOAD_TYPE], frame_ticks(name, ptime_ms), ssrc, seq, stamp)
        self._coder = made = coder(name, samples)
        # such a coder does the gain itself
        self._narrow = made if isinstance(made, Narrow) else None
        self._vad = Vad(samples)
        self._fader = Fader(samples)
        self._agc = Agc(ptime_ms) if agc else None
        self._suppressor = Suppressor(ptime_ms, echo_ms) if echo_ms >= 0 else None
        self._dtx = Dtx(self._vad, ptime_ms) if has_noise else None
        self._held = bytearray(self._payload_bytes)  # the frame before, while nothing is sent
        self._marker = 1
        self._agc_mdb = 0
        self.muted = False
        self.duck = self.silent = 0

    @property
    def sent(self) -> int:
        """Packets handed over, those of comfort noise included."""
        return self._packets.sent

    def played(self, vad: Vad, gain_mdb: int) -> None:
        """Hear of a frame for the loudspeaker.

        Args:
            vad: what it is like.
            gain_mdb: how it is played, in thousandths of a dB.
        """
        if self._suppressor:
            self._suppressor.played(vad.level + gain_mdb // 1000, vad.is_active)

    def frame(self, pcm: bytearray) -> None:
        """Send a frame of the microphone, or what of it is worth sending; `pcm` is changed in place."""
        vad = self._vad
        speaks = vad.frame(pcm, 0)
        suppressor = self._suppressor
        closed_mdb = 0
        far_speaks = False
        if suppressor:
            closed_mdb = suppressor.heard(vad.level, vad.is_active)
            self.duck = suppressor.duck
            far_speaks = suppressor.far_speaks
        if self.muted:
            closed_mdb = MUTE
        if closed_mdb:
            speaks = False
        elif self._agc:  # else its gain stays as it was, for the noise between two words
            self._agc_mdb = self._agc.frame(vad, far_speaks)
        gain_mdb = self._agc_mdb + closed_mdb
        if self._narrow:
            self._narrow.gain_mdb = gain_mdb
        else:
            self._fader.frame(pcm, 0, gain_mdb)
        what = self._dtx.frame(speaks, self._agc_mdb // 1000) if self._dtx else SEND
        if what == NOISE or what == NOTHING:  # and not `in`, since a tuple of names is made anew each time
            self._keep(pcm, what)
            return
        lane = self._lane
        if what == SEND_BOTH:
            self._packets.skip(-1)
            buf = lane.media_buffer()
            move(buf, self._start(buf), self._held, 0, self._payload_bytes)
            lane.send_media(RTP_HEADER_BYTES + self._payload_bytes)
            self.silent -= 1
        buf = lane.media_buffer()
        self._coder.encode(pcm, 0, buf, self._start(buf), self._samples)
        lane.send_media(RTP_HEADER_BYTES + self._payload_bytes)

    def _start(self, buf: bytearray) -> int:
        """Write the header of a packet of sound; gives where the payload begins."""
        at = self._packets.header(buf, self._at, self._marker)
        self._marker = 0
        return at

    def _keep(self, pcm: bytearray, what: int) -> None:
        """Let a frame of silence pass; its payload is kept, should the next one be the start of a word."""
        self._coder.encode(pcm, 0, self._held, 0, self._samples)
        if what == NOISE and self._dtx:
            buf = self._lane.media_buffer()
            buf[self._packets.noise(buf, self._at)] = self._dtx.noise_level
            self._lane.send_media(RTP_HEADER_BYTES + 1)
        self._packets.skip(1)
        self._marker = 1
        self.silent += 1
