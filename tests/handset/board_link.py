"""A link on a stream that a test controls, and the relay's side of it by callcore's framer alone."""

import binascii
import hashlib

from board_stream import Stream

from callcore import framer, messages
from handset import link

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WELCOME = {
    "t": "welcome",
    "v": 1,
    "now": 1790000000,
    "heartbeat_ms": 10000,
    "contacts": [{"id": "anna", "name": "Anna"}, {"id": "ben", "name": "Ben"}],
    "settings": {"ring_ms": 30000},
    "features": [],
}


def open_link(rest=b"", on_message=None, on_media=None, room=None):
    """Give a stream and the link on it."""
    stream = Stream(room)
    return stream, link.Link(stream, rest, on_message, on_media)


def relay_frame(message):
    """The bytes of a message of the relay."""
    return framer.encode(framer.TEXT, messages.encode(message, messages.FROM_RELAY))


def frames_of(data):
    """Take the board's bytes apart: (kind, payload, key) of each frame; the last one must be whole."""
    found = []
    reader = framer.Framer(True)
    off = 0
    while off < len(data):
        head = 2 if data[off + 1] & 127 < 126 else 4
        key = bytes(data[off + head : off + head + 4])
        length = data[off + 1] & 127 if head == 2 else data[off + 2] << 8 | data[off + 3]
        end = off + head + 4 + length
        assert end <= len(data), "the last frame is not whole"
        assert reader.feed(data, off, end - off) == end - off
        kind = reader.next()
        assert kind, "a frame of another length than its header says"
        found.append((kind, reader.payload(), key))
        off = end
    return found


class Server(Stream):
    """A stream whose far end answers an upgrade as soon as the request is whole."""

    def __init__(self, status, behind, wrong, leave_out):
        Stream.__init__(self)
        self._reply = (status, behind, wrong, leave_out)

    def write(self, buf, off, n):
        taken = Stream.write(self, buf, off, n)
        if self.sent.endswith(b"\r\n\r\n"):
            self.feed(self._answer())
        return taken

    def _answer(self):
        status, behind, wrong, leave_out = self._reply
        key = self.sent.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        proof = binascii.b2a_base64(hashlib.sha1(key + GUID).digest()).strip().decode()
        headers = {"Sec-WebSocket-Accept": proof, "Sec-WebSocket-Protocol": "tincall.v1", "Content-Length": "0"}
        if wrong:
            name, value = wrong.split(": ")
            headers[name] = value
        if leave_out:
            headers = {"Content-Length": "0"}
        lines = ["HTTP/1.1 %d Whatever" % status] + [name + ": " + headers[name] for name in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + behind


def answer_to(world, status, behind=b"", wrong="", leave_out=False):
    """Let the board ask for the upgrade: gives what it sent, what it kept, and the error."""
    stream = Server(status, behind, wrong, leave_out)
    kept = []

    async def ask():
        kept.append(await link.upgrade(stream, "/v1/link", "relay.example", "the-token", 1000))

    error = world.finish(ask())
    return stream.sent, kept[0] if kept else b"", error
