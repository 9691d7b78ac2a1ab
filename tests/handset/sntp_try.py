"""Runs on a board: ask the time server at a port of this machine; prints what it said."""

import asyncio
import sys

from handset import sntp

print(asyncio.run(sntp.ask(sys.argv[1], int(sys.argv[2]))))
