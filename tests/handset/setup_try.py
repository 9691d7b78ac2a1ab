"""Runs on a board: show the setup page until it is over, and print what came of it. setup_try.py PAGE_MS"""

import asyncio
import json
import sys

from handset import setup_page, wlan
from handset.places import Folder
from handset.store import Store


async def main():
    store = Store([Folder(".")])
    print(json.dumps({"ev": "word", "word": setup_page.word(store)}))
    done = await setup_page.run(wlan.Wlan(store), store, wlan.network.setup_ports(), int(sys.argv[1]))
    print(json.dumps({"ev": "done", "done": done, "box": wlan.read(store)}))


asyncio.run(main())
