"""Runs on a board: ask a time server; prints what it said."""

import asyncio
import sys

from handset import sntp

print(asyncio.run(sntp.ask(sys.argv[1])))
