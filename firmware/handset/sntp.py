"""Asks a time server for the date, once: the client of SNTP (RFC 4330), one datagram, never blocking but for the name.

Nobody vouches for the answer, so it is a hint that its caller bounds. Loaded only where an identity names a time server.
"""

import os
import socket
import struct

from callcore.compat import const, ticks_add, ticks_diff
from handset import clock

_BYTES = const(48)
_TIMEOUT_MS = const(2000)
_POLL_MS = const(20)
_TO_1970_S = 2208988800  # from 1900
_ERA_S = 0x100000000


async def ask(where):
    """Ask a time server.

    Args:
        where: its name or IPv4 address, and if it is not 123 its port, as `host:port`.

    Returns:
        Seconds since 1970; 0 when nobody answered within 2 s, or not as a time server should.
    """
    # what we say of our own clock is noise: it comes back, and nobody who has not seen it can answer in the server's place
    mark = os.urandom(8)
    sock = None
    try:
        host, _, port = where.partition(":")
        info = socket.getaddrinfo(host, int(port or 123), 0, socket.SOCK_DGRAM)[0]
        sock = socket.socket(info[0], info[1], info[2])
        sock.setblocking(False)
        sock.connect(info[-1])  # from now on nobody else's datagrams come
        sock.send(b"\x23" + bytes(39) + mark)  # version 4, mode 3
        end_ms = ticks_add(clock.now_ms(), _TIMEOUT_MS)
        while ticks_diff(end_ms, clock.now_ms()) > 0:
            try:
                found_s = read(sock.recv(_BYTES), mark)
                if found_s:
                    return found_s
            except OSError:
                pass  # nothing is there yet, or nobody listens
            await clock.sleep_ms(_POLL_MS)
    except (OSError, ValueError):
        pass  # there is no such name, or no network
    finally:
        if sock:
            sock.close()
    return 0


def read(answer, mark):
    """Read an answer (RFC 4330 section 5).

    Args:
        answer: what came.
        mark: the 8 bytes that we sent as our time.

    Returns:
        Seconds since 1970; 0 when it is no answer to that, the server is not in step itself, or it sends us away (stratum 0).
    """
    if len(answer) < _BYTES or answer[24:32] != mark:
        return 0
    first, stratum = answer[0], answer[1]
    if first & 7 != 4 or first >> 6 == 3 or not 1 <= stratum <= 15:
        return 0
    seconds = struct.unpack(">I", answer[40:44])[0]
    if not seconds:
        return 0
    if seconds < 0x80000000:  # the count from 1900 begins anew in 2036 (RFC 4330 section 3)
        seconds += _ERA_S
    return seconds - _TO_1970_S
