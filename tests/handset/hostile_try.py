"""Runs on a board: one session with each of several relays, none of which is honest but the last; prints what came of each.

hostile_try.py FIELDS_FILE NAME:PORT:TIMEOUT_MS...

One line of JSON for each: `name reason detail used`, where `used` is what the heap holds after it, swept.
"""

import asyncio
import gc
import json
import sys

from callcore.errors import AttestError, LinkError
from handset import attestor, identity, link, tls


class Counter:
    """Numbers that go up, as the board's own, without a store."""

    last = 0

    def draw(self):
        self.last += 1
        return self.last


def nothing(*_):
    """Take a message or a packet and do nothing with it."""


async def session(who, counter, port, timeout_ms):
    """Connect, verify, and serve one link, as `App._session` does; always ends by an exception."""
    stream = await tls.connect(who.host, port, who.name, who.anchor, timeout_ms)
    try:
        grant = await attestor.verify(stream, None, who, counter, b"\x02\x00\x00\x00\x00\x07", "1.2.3")
        rest = await link.upgrade(stream, grant["ws"], who.name, grant["token"], timeout_ms)
        line = link.Link(stream, rest, nothing, nothing)
        try:
            await line.run()
        finally:
            line.close()
    finally:
        stream.close()


async def main():
    with open(sys.argv[1]) as file:
        who = identity.Identity(json.load(file))
    counter = Counter()
    for arg in sys.argv[2:]:
        name, port, timeout_ms = arg.split(":")
        attestor.TIMEOUT_MS = int(timeout_ms)
        said = {"name": name}
        try:
            await session(who, counter, int(port), int(timeout_ms))
        except (LinkError, AttestError) as error:
            said["reason"] = error.reason
            said["detail"] = error.detail
        gc.collect()
        said["used"] = gc.mem_alloc() if hasattr(gc, "mem_alloc") else 0
        print(json.dumps(said))


asyncio.run(main())
