"""Runs on a board: claim once, and print as JSON what came of it.

claim_try.py TICKET_FILE [TIMEOUT_MS]
"""

import asyncio
import json
import sys

from callcore.errors import AttestError, LinkError, StoreError
from handset import claim, identity


async def main():
    with open(sys.argv[1], "rb") as file:
        body = file.read()
    if len(sys.argv) > 2:
        claim._TIMEOUT_MS = int(sys.argv[2])
    said = {"kind": "claimed", "reason": "", "detail": ""}
    try:
        fields = await claim.take(body, identity.Identity)
        said["fields"] = fields
        identity.Identity(fields)
    except (LinkError, AttestError, StoreError) as error:
        said["kind"] = type(error).__name__
        said["reason"] = error.reason
        said["detail"] = error.detail
    print(json.dumps(said))


asyncio.run(main())
