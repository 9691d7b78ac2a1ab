"""What `tincall stream --rtp` does: the RTP packets of one party of a call, from the relay to a player's UDP port.

The relay gives them over its own TLS port to whoever holds the operator token; in the clear they leave from here, to where the
operator says. A player needs to be told what comes, by an SDP file (RFC 8866), and listens before the first packet.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from callcore import media, wire
from tincall.cli import paths
from tincall.cli.client import Client
from tincall.errors import STATUS_USAGE, OperatorError


def address(text: str) -> tuple[str, int]:
    """Read HOST:PORT; a host of IPv6 stands in brackets.

    Raises:
        OperatorError: it is something else.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise OperatorError(f"{text!r} is no HOST:PORT", "Say something like --rtp 127.0.0.1:5004.", STATUS_USAGE)
    return host.removeprefix("[").removesuffix("]"), int(port)


def live_call(client: Client, call_id: str) -> dict[str, Any]:
    """Find the call: the one named, or the only one in which somebody talks.

    Raises:
        OperatorError: there is none, or there are several.
    """
    live = client.get("/v1/calls", limit=1)["live"]
    found = [call for call in live if call["state"] == "answered" and call_id in ("", call["call_id"])]
    if len(found) != 1:
        what = "nobody talks" if not found else f"{len(found)} calls go on"
        where = f" in call {call_id}" if call_id else ""
        raise OperatorError(what + where, "`tincall calls` lists them; name one with --call ID.")
    return dict(found[0])


def describe(codec: str, host: str, port: int) -> str:
    """Write the SDP for one stream to a host and port."""
    row = media.CODECS[codec]
    kind = row[media.PAYLOAD_TYPE]
    # RFC 3551 section 4.5.2: G722 is written with the clock that it does not have
    clock_hz = 50 * media.frame_ticks(codec, 20)
    family = "IP6" if ":" in host else "IP4"
    # no rtpmap for CN, whose type is fixed (RFC 3551): FFmpeg would take it for the whole stream's codec
    lines = [
        "v=0",
        f"o=- 0 0 IN {family} {host}",
        "s=Tincall",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {kind} {wire.NOISE_TYPE}",
        f"a=rtpmap:{kind} {codec}/{clock_hz}" + ("/2" if codec == "opus" else ""),
    ]
    return "\r\n".join([*lines, ""])


def send(client: Client, call: dict[str, Any], party: str, to: tuple[str, int], seconds: float) -> dict[str, Any]:
    """Send until the call ends or the time is over.

    Args:
        client: of the relay.
        call: as `live_call` gives it.
        party: whose voice: `device` or `phone`.
        to: host and port.
        seconds: how long at most.

    Returns:
        `call`, `party`, `codec`, `packets` and `bytes`, those of RTP.

    Raises:
        OperatorError: the relay refuses or is gone, or the port cannot be reached.
    """
    until_s = time.monotonic() + seconds
    packets = size = 0
    try:
        family, kind, _, _, where = socket.getaddrinfo(*to, type=socket.SOCK_DGRAM)[0]
        with (
            socket.socket(family, kind) as out,
            client.stream(paths.call(call["call_id"], "rtp"), party=party) as pieces,
        ):
            for packet in unframed(pieces):
                if packet:  # an empty one says that nobody speaks
                    out.sendto(packet, where)
                    packets, size = packets + 1, size + len(packet)
                if time.monotonic() > until_s:
                    break
    except OSError as error:
        raise OperatorError(f"{to[0]} port {to[1]} cannot be reached: {error}", "Correct --rtp.") from error
    return {"call": call["call_id"], "party": party, "codec": call["codec"], "packets": packets, "bytes": size}


def write_sdp(path: Path, codec: str, to: tuple[str, int]) -> None:
    """Write the SDP file.

    Raises:
        OperatorError: it cannot be written.
    """
    try:
        path.write_text(describe(codec, *to), newline="")
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error}", "Name another file with --sdp.") from error


def unframed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give packets of pieces in which each stands behind its length (RFC 4571 section 2)."""
    held = b""
    for piece in pieces:
        held += piece
        while len(held) >= 2 and len(held) >= 2 + (size := int.from_bytes(held[:2], "big")):
            yield held[2 : 2 + size]
            held = held[2 + size :]
