"""The operators' route about the authorities that boards trust."""

import asyncio

import httpx
from fastapi import FastAPI
from relay_store import Store, run

from tincall.relay import api, api_ca
from tincall.relay.anchors import Anchors

TOKEN = "t" * 43


def test_it_names_who_lacks_what_boards_are_to_trust(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "model")
            anchors = Anchors(store.database, store.registry, "bundle")
            app = FastAPI()
            app.include_router(api_ca.router(anchors, api.operator_only(TOKEN)))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as client:
                asked = [client.get("/v1/ca", headers={"Authorization": "Bearer " + one}) for one in (TOKEN, "x" * 43)]
                good, bad = await asyncio.gather(*asked)
            assert good.json() == {"anchor": anchors.id, "lacking": ["SN-1"]}
            assert bad.status_code == 401

    run(go())
