"""Runs on a board: verify once with a relay, and print as JSON what came of it.

attest_try.py IDENTITY_FILE [TIMEOUT_MS]
"""

import asyncio
import json
import sys

from callcore.errors import AttestError, LinkError
from handset import attestor, identity, tls
from handset.marks import Marks
from handset.places import Folder
from handset.store import Store


async def main():
    with open(sys.argv[1]) as file:
        who = identity.Identity(json.load(file))
    if len(sys.argv) > 2:
        attestor.TIMEOUT_MS = int(sys.argv[2])
    store = Store([Folder(".")])
    marks = Marks(store)
    said = {"kind": "granted", "reason": "", "detail": ""}
    stream = await tls.connect(who.host, who.port, who.name, who.anchor, 5000)
    try:
        grant = await attestor.verify(stream, store, who, marks, b"\x02\x00\x00\x00\x00\x07", "1.2.3")
        said["grant"] = {name: grant[name] for name in ("token", "exp", "now", "epoch", "ws")}
    except (LinkError, AttestError) as error:
        said["kind"] = type(error).__name__
        said["reason"] = error.reason
        said["detail"] = error.detail
    finally:
        stream.close()
    print(json.dumps(said))


asyncio.run(main())
