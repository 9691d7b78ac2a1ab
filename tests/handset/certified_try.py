"""Runs on a board that has a certificate: verify with a relay, and print as JSON what came of each connection.

certified_try.py IDENTITY_FILE
"""

import asyncio
import json
import sys

from callcore.errors import AttestError, LinkError
from handset import certified, identity, tls
from handset.marks import Marks
from handset.places import Folder, Nvs
from handset.store import Store


async def main():
    store = Store([Nvs("try"), Folder(".")])
    with open(sys.argv[1]) as file:
        identity.save(store, json.load(file))
    who = identity.load(store)
    marks = Marks(store)
    said = []
    while len(said) < 5:
        stream = None
        try:
            stream = await tls.connect(who.host, who.port, who.name, who.anchor, 5000, certified.show(who))
            grant = await certified.verify(stream, store, who, marks, b"\x02\x00\x00\x00\x00\x07", "1.2.3")
            said.append("granted " + grant["token"] if grant else "again")
            if grant:
                break
        except (LinkError, AttestError) as error:
            said.append(error.reason)
            break
        finally:
            if stream:
                stream.close()
    who = identity.load(Store([Nvs("try"), Folder(".")]))
    print(json.dumps({"said": said, "kv": who.kv, "next": who.next[0] if who.next else 0, "cert": who.cert}))


asyncio.run(main())
