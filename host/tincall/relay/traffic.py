"""What a TCP connection has carried, as the kernel counts it: TLS records and all, retransmissions not."""

from __future__ import annotations

import socket
import struct
from typing import Any

# struct tcp_info of linux/tcp.h: 8 bytes of flags, 24 words, pacing and maximum pacing rate, then these two
_OFFSET = 8 + 24 * 4 + 2 * 8
_BYTES = struct.Struct("=QQ")
NOTHING = (0, 0)


def tcp_bytes(transport: Any) -> tuple[int, int]:
    """Read the counters of a connection.

    Args:
        transport: an asyncio transport over TCP.

    Returns:
        Payload bytes of TCP received from the far end, and acknowledged by it; zeros where the system does not tell.
    """
    sock = transport.get_extra_info("socket")
    number = getattr(socket, "TCP_INFO", None)
    if sock is None or number is None:
        return NOTHING
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, number, _OFFSET + _BYTES.size)
    except (OSError, ValueError):  # closed already
        return NOTHING
    if len(info) < _OFFSET + _BYTES.size:
        return NOTHING
    acknowledged, received = _BYTES.unpack_from(info, _OFFSET)
    return received, acknowledged
