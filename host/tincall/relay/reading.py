"""What is read of TLS connections goes through one room for all of them, instead of a fresh block for each read.

uvloop would have a block of 256 KiB made for each packet of speech and cut down to its few hundred bytes. Protocols of the
device port are given what was read before anybody else's is, so one room is enough for a whole port.

Rules of this file: uvloop's TLS keeps both methods of a `Reader` beyond the end of its connection. Whoever holds the transport
has to `let_go`, or that circle keeps TLS's buffers until Python looks for circles, hundreds of connections later maybe.
"""

from __future__ import annotations

import asyncio
import contextlib

ROOM_BYTES = 64 * 1024  # four whole records of TLS; what is more comes right after


class Reader(asyncio.BufferedProtocol):
    """A protocol over TLS that hears `bytes`; subclasses say what they do with them.

    Args:
        room: the port's; see `room`.
    """

    def __init__(self, room: memoryview) -> None:
        self._room = room

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next bytes go."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Hear that so many bytes are there."""
        self.data_received(bytes(self._room[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Hear bytes."""
        raise NotImplementedError


class _Nobody(Reader):
    """Takes the place of a protocol whose connection is gone; hears nothing any more."""

    def data_received(self, data: bytes) -> None:
        """Hear nothing."""


_NOBODY = _Nobody(memoryview(b""))


def let_go(transport: asyncio.Transport) -> None:
    """Make a transport whose connection is gone forget its protocol."""
    with contextlib.suppress(AttributeError):  # asyncio's has nothing to forget any more when it was closed twice
        transport.set_protocol(_NOBODY)


def room() -> memoryview:
    """Make the room of a port, whose connections all live in one loop."""
    return memoryview(bytearray(ROOM_BYTES))
