"""A stream without a network, as `TlsStream` is seen from above: a test says when it has room and what it holds."""

from callcore.errors import LinkError


class Stream:
    """Both directions of one connection.

    Args:
        room: how many bytes it takes in all before it says "not now"; None for no limit.

    Attributes:
        sent: what was taken so far.
        most: how many bytes one write takes, and one read gives, at most.
        broken: a LinkError that everything raises from now on, or None.
        refused: how often it had no room.
        closed: how often it was closed.
    """

    where = "relay:1"

    def __init__(self, room=None):
        self.room = room
        self.sent = b""
        self.most = 100000
        self.broken = None
        self.refused = 0
        self.closed = 0
        self._waiting = []
        self._offered = b""

    def feed(self, data):
        """Let `data` arrive behind what waits."""
        if data:
            self._waiting.append(bytes(data))

    def hang_up(self):
        """Let the peer close behind what waits."""
        self._waiting.append(b"")

    def waiting(self):
        """How many bytes wait to be read."""
        return sum(len(data) for data in self._waiting)

    def write(self, buf, off, n):
        if self.broken is not None:
            self._waiting = []  # TLS gives nothing more after an error
        self._check()
        data = bytes(buf[off : off + n])
        assert 0 < n == len(data)
        # as mbedTLS has it: what was refused must be offered again, and nothing else
        assert data[: len(self._offered)] == self._offered[:n], "other bytes than the ones refused"
        taken = min(n, self.most) if self.room is None else min(n, self.most, self.room)
        if not taken:
            self.refused += 1
            self._offered = data
            return 0
        self._offered = b""
        if self.room is not None:
            self.room -= taken
        self.sent += data[:taken]
        return taken

    def readinto(self, buf):
        if not self._waiting:
            self._check()
            return 0
        data = self._waiting.pop(0)
        if not data:
            self.broken = LinkError("link_lost", "relay:1 closed the connection")
            raise self.broken
        n = min(len(data), len(buf), self.most)
        buf[:n] = data[:n]
        if n < len(data):
            self._waiting.insert(0, data[n:])
        return n

    def close(self):
        self.closed += 1

    def _check(self):
        if self.broken is not None:
            raise self.broken
