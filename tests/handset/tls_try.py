"""Runs on a board: connect, send one request, and print as JSON what came of it.

tls_try.py HOST PORT NAME ANCHOR [TIMEOUT_MS]
"""

import asyncio
import json
import sys

from callcore.errors import LinkError
from handset import clock, https, tls


async def main():
    host, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    timeout_ms = int(sys.argv[5]) if len(sys.argv) > 5 else 10000
    with open(sys.argv[4], "rb") as file:
        anchor = file.read()
    began_ms = clock.now_ms()
    said = {"reason": "", "detail": "", "step": "connect"}
    try:
        stream = await tls.connect(host, port, name, anchor, timeout_ms)
        said["step"] = "talk"
        try:
            answer = await https.exchange(stream, "GET", "/", name, (), b"", timeout_ms)
            said["status"] = answer.status
            said["certificate_bytes"] = len(stream.certificate())
        finally:
            stream.close()
            stream.close()
    except LinkError as error:
        said["reason"] = error.reason
        said["detail"] = error.detail
    said["took_ms"] = clock.now_ms() - began_ms
    print(json.dumps(said))


asyncio.run(main())
