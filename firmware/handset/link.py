"""The link to the relay: WebSocket on the verified connection, with one queue for signalling and one for audio.

Signalling is never dropped: a full queue means that the relay does not read, and the link is declared lost. Audio is
perishable: at most 5 frames (100 ms) wait, and the oldest makes room. One task, `run`, reads and writes; whoever queues
something flushes at once, so nothing waits for that task. The media path (`media_buffer`, `send_media`, `flush`, reading
and `on_media`) allocates nothing; signalling may.
"""

import binascii
import hashlib
import os

from callcore import framer, messages
from callcore.compat import const, ticks_add, ticks_diff
from callcore.errors import LinkError, MessageError, WireError
from callcore.mask import mask
from handset import clock
from handset.masks import MaskKeys

PACKET_OFFSET = framer.MAX_HEADER_BYTES  # where a packet lies in a media buffer: behind the largest frame header
MEDIA_FRAMES = const(5)  # 100 ms of sound; more would only be stale
SIGNALS = const(64)  # messages; a call needs fewer than ten
IDLE_POLL_MS = const(20)
MEDIA_POLL_MS = const(5)  # an ESP32 sleeps 10 ms at least; finer where the port can
LOST_AFTER_MS = const(25000)  # two heartbeats of 10 s and a margin; longer heartbeats have as much
_READ_BYTES = const(1024)
_READS = const(8)  # reads in a row before the other tasks get their turn

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3

# why the relay closes: close code, reason, sentence (docs/protocol.md)
_CLOSED = {
    1001: ("relay_stopped", "the relay is going away"),
    1009: ("protocol", "the relay refused a frame as too big"),
    4401: ("token_refused", "the relay wants us to verify anew"),
    4403: ("revoked", "this device was switched off by the operator"),
    4409: ("superseded", "another board with this serial number has connected"),
    4429: ("flood", "the relay says that we send too fast"),
}


async def upgrade(stream, path, host, token, timeout_ms):
    """Turn the verified connection into a link (RFC 6455 section 4.1).

    Args:
        stream: the connection.
        path: from the verification's answer.
        host: for the Host header.
        token: bearer token from the verification's answer.
        timeout_ms: for the whole exchange.

    Returns:
        Bytes that came behind the answer.

    Raises:
        LinkError: refused, or no WebSocket server.
    """
    key = binascii.b2a_base64(os.urandom(16)).strip().decode()
    headers = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Protocol", "tincall.v1"),
        ("Authorization", "Bearer " + token),
    )
    from handset import https  # not in the memory of a board that has a link

    answer = await https.exchange(stream, "GET", path, host, headers, b"", timeout_ms)
    if answer.status in (401, 403):
        raise LinkError("token_refused", "%s did not take our token (status %d)" % (stream.where, answer.status))
    if answer.status != 101:
        raise LinkError("link_refused", "%s refused the link with status %d" % (stream.where, answer.status))
    proof = binascii.b2a_base64(hashlib.sha1(key.encode() + _GUID).digest()).strip().decode()
    if (
        answer.headers.get("sec-websocket-accept") != proof
        or answer.headers.get("sec-websocket-protocol") != "tincall.v1"
    ):
        raise LinkError("http_garbage", "%s is no relay of this wire" % stream.where)
    return answer.rest


class Link:
    """One open link.

    Args:
        stream: object with `write(buf, off, n)`, `readinto(buf)`, `close()` and `where`.
        rest: bytes that were read behind the upgrade's answer.
        on_message: called with each decoded message (dict).
        on_media: called with (buffer, offset, bytes) of each packet; borrowed until it returns.

    Attributes:
        poll_ms: how often the task looks; `media_open` makes it finer.
        dropped: media frames of the call that were not sent: they made room for newer ones, or waited when it ended.
    """

    def __init__(self, stream, rest, on_message, on_media):
        self._stream = stream
        self._on_message = on_message
        self._on_media = on_media
        self._framer = framer.Framer(False)
        self._rest = rest
        self._scratch = bytearray(_READ_BYTES)
        self._keys = MaskKeys()
        self._signals = []
        self._slots = []
        self._ends = []
        self._spare = b""
        self._first = 0
        self._count = 0
        self._out = b""
        self._out_off = 0
        self._out_end = 0
        self._error = None
        self._said_goodbye = False
        self._heard_ms = clock.now_ms()
        self.heartbeat_ms = 10000
        self.poll_ms = IDLE_POLL_MS
        self.dropped = 0

    # --- audio

    def media_open(self, packet_bytes):
        """Allocate the media queue for packets of up to `packet_bytes`; once per call, before audio starts."""
        self._slots = [bytearray(PACKET_OFFSET + packet_bytes) for _ in range(MEDIA_FRAMES)]
        self._ends = [0] * MEDIA_FRAMES
        self._spare = bytearray(PACKET_OFFSET + packet_bytes)
        self._first = self._count = 0
        self.dropped = 0
        self.poll_ms = MEDIA_POLL_MS

    def media_close(self):
        """Forget audio that still waits, as dropped; a frame already on its way is finished."""
        self.dropped += self._count
        self._count = 0
        self.poll_ms = IDLE_POLL_MS

    def media_buffer(self):
        """Give the buffer for the next packet, which belongs at PACKET_OFFSET; drops the oldest when all are taken."""
        if self._count == MEDIA_FRAMES:
            self._first = (self._first + 1) % MEDIA_FRAMES
            self._count -= 1
            self.dropped += 1
        return self._slots[(self._first + self._count) % MEDIA_FRAMES]

    def send_media(self, n):
        """Frame, mask and queue the packet of `n` bytes in the buffer that `media_buffer` gave, and flush."""
        slot = (self._first + self._count) % MEDIA_FRAMES
        buf = self._slots[slot]
        start = PACKET_OFFSET - framer.header_bytes(n, True)
        framer.write_header(buf, start, framer.BINARY, n, True)
        keys = self._keys
        at = keys.draw()
        key = keys.buf
        for i in range(4):
            buf[PACKET_OFFSET - 4 + i] = key[at + i]
        mask(buf, PACKET_OFFSET, n, key, at)
        self._ends[slot] = PACKET_OFFSET + n
        self._count += 1
        self.flush()

    # --- signalling

    def send(self, message):
        """Queue a message and flush; a failure of the link is reported by `run`."""
        self._signal(framer.TEXT, messages.encode(message, messages.FROM_BOARD))

    def _signal(self, kind, payload):
        if len(self._signals) >= SIGNALS:
            self._fail(LinkError("link_lost", "%s takes no more messages" % self._stream.where))
            return
        at = self._keys.draw()
        self._signals.append(framer.encode(kind, payload, bytes(self._keys.buf[at : at + 4])))
        self.flush()

    def flush(self):
        """Write what the transport takes; a failure is kept for `run` to raise, since anybody may flush."""
        try:
            self._write()
        except LinkError as error:
            self._fail(error)

    def _fail(self, error):
        """Keep the first error for `run`; what comes after it is its consequence."""
        if self._error is None:
            self._error = error

    def _write(self):
        """The frame under way first, then signalling, then the oldest audio."""
        while True:
            left = self._out_end - self._out_off
            if left:
                n = self._stream.write(self._out, self._out_off, left)
                if not n:
                    return
                self._out_off += n
            elif self._signals:
                self._out = self._signals.pop(0)
                self._out_off = 0
                self._out_end = len(self._out)
            elif self._count:
                self._take_audio()
            else:
                return

    def _take_audio(self):
        """Make the oldest audio frame the one under way; its slot gets the spare buffer."""
        first = self._first
        self._out = self._slots[first]
        self._slots[first] = self._spare
        self._spare = self._out
        end = self._ends[first]
        self._out_off = PACKET_OFFSET - framer.header_bytes(end - PACKET_OFFSET, True)
        self._out_end = end
        self._first = (first + 1) % MEDIA_FRAMES
        self._count -= 1

    # --- the task

    async def run(self):
        """Move bytes until the link ends; never returns.

        Raises:
            LinkError: with the reason.
        """
        if self._rest:
            self._take(self._rest, len(self._rest))
            self._rest = b""
        ping_ms = ticks_add(clock.now_ms(), self.heartbeat_ms)
        number = 0
        while True:
            now_ms = clock.now_ms()
            if self._error is None:
                # read first: after a write that fails TLS gives nothing more, not even the relay's reason
                self._read(now_ms)
                self.flush()
            if self._error is not None:
                raise self._error
            if ticks_diff(now_ms, ping_ms) >= 0:
                ping_ms = ticks_add(now_ms, self.heartbeat_ms)
                number = (number + 1) & 0xFFFF
                self.send({"t": "ping", "id": number})
            silence_ms = max(LOST_AFTER_MS, self.heartbeat_ms * 5 // 2)
            if ticks_diff(now_ms, self._heard_ms) > silence_ms:
                raise LinkError("link_lost", "%s has been silent for %d s" % (self._stream.where, silence_ms // 1000))
            await clock.sleep_ms(self.poll_ms)

    def close(self):
        """Say goodbye, unless it was said, if the transport takes it at once, and end the connection."""
        self._goodbye(framer.close_payload(framer.CLOSE_NORMAL, ""))
        self._stream.close()

    def _goodbye(self, payload):
        """Send the one close frame of this end (RFC 6455 section 5.5.1)."""
        if not self._said_goodbye:
            self._said_goodbye = True
            self._signal(framer.CLOSE, payload)

    def _read(self, now_ms):
        """Take what has arrived."""
        for _ in range(_READS):
            n = self._stream.readinto(self._scratch)
            if not n:
                return
            self._heard_ms = now_ms
            self._take(self._scratch, n)

    def _take(self, data, n):
        """Feed `n` bytes to the framer and act on each frame."""
        off = 0
        try:
            while off < n:
                off += self._framer.feed(data, off, n - off)
                kind = self._framer.next()
                while kind:
                    self._frame(kind)
                    kind = self._framer.next()
        except WireError as error:
            self._goodbye(framer.close_payload(error.code, error.detail))
            raise LinkError("protocol", "%s broke the protocol: %s" % (self._stream.where, error.detail))

    def _frame(self, kind):
        """Act on the frame that the framer points at."""
        frames = self._framer
        if kind == framer.BINARY:
            self._on_media(frames.buf, frames.start, frames.length)
        elif kind == framer.TEXT:
            frames.text()  # raises when it is no UTF-8
            self._message(frames.payload())
        elif kind == framer.PING:
            self._signal(framer.PONG, frames.payload())
        elif kind == framer.CLOSE:
            code = frames.close_code()
            self._goodbye(frames.payload())
            reason, sentence = _CLOSED.get(code, ("link_lost", "the relay closed the link with code %d" % code))
            raise LinkError(reason, sentence)

    def _message(self, data):
        """Decode and hand out a message; a bad one is answered, and the link stays."""
        try:
            message = messages.decode(data, messages.FROM_RELAY)
        except MessageError as error:
            answer = messages.refusal(error)
            if answer is not None:
                self.send(answer)
            return
        if message["t"] == "ping":
            self.send({"t": "pong", "id": message["id"]})
        elif message["t"] != "pong":
            self._on_message(message)
