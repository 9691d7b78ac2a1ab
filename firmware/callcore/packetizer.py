"""Frames of sound to numbered, timestamped packets: the RTP state of one direction of one leg (RFC 3550 section 5.1)."""

from array import array

from callcore.wire import NOISE_TYPE, advance, write_header


class Packetizer:
    """Numbers the packets of one stream.

    Args:
        payload_type: 0 to 127 (RFC 3551 section 6).
        samples: how far the RTP clock moves per packet, in its samples.
        ssrc: the stream's name, 0 to 2**32 - 1, chosen by the relay.
        seq: first sequence number, 0 to 65535, random (RFC 3550 section 5.1).
        stamp: first timestamp, 0 to 2**32 - 1, random.

    Attributes:
        sent: packets numbered so far.
    """

    def __init__(self, payload_type: int, samples: int, ssrc: int, seq: int, stamp: int) -> None:
        self._payload_type = payload_type
        self._samples = samples
        self._state = array("I", [seq, stamp, ssrc])
        self.sent = 0

    def header(self, buf: bytearray, off: int, marker: int) -> int:
        """Write the header of the next packet and advance; allocates nothing.

        Args:
            buf: writable, at least 12 bytes from `off` on.
            off: where the packet starts, in bytes.
            marker: 1 on the first packet after silence, else 0.

        Returns:
            The offset of the payload.
        """
        at = write_header(buf, off, marker, self._payload_type, self._state)
        advance(self._state, self._samples)
        self.sent += 1
        return at

    def noise(self, buf: bytearray, off: int) -> int:
        """Write the header of a packet of comfort noise (RFC 3389), whose time is that of the next packet; see `header`."""
        at = write_header(buf, off, 0, NOISE_TYPE, self._state)
        advance(self._state, 0)
        self.sent += 1
        return at

    def skip(self, packets: int) -> None:
        """Let the time of some packets pass without sending them; -1 takes one of them back."""
        state = self._state
        advance(state, packets * self._samples)
        state[0] = (state[0] - 1) & 0xFFFF
