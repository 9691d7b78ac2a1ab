"""The routes to what boards told: for operators only, of one board or of all, bounded."""

import httpx
from relay_store import Store, run

from tincall.relay.api import Api, build, operator_only
from tincall.relay.api_events import router
from tincall.relay.events import Events

TOKEN = "t" * 43


async def keep(events, sn, n, **more):
    events.take(sn, {"log": "L", "n": n, "lost": 0, "at": 0, "kind": "missed", **more}, lambda number: None)
    await events.close()


def test_operators_see_them_and_nobody_else(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            events = Events(store.database, store.clock)
            await keep(events, "SN-1", 1, call="c1", cause=690)
            await keep(events, "SN-1", 2, kind="crash", text="oh")
            await keep(events, "SN-2", 1)
            app = build(Api(store.registry, store.records, None, list), TOKEN, [router(events, operator_only(TOKEN))])
            shown = {"Authorization": f"Bearer {TOKEN}"}
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://relay") as client:
                found = (await client.get("/v1/events", headers=shown)).json()
                assert len(found["events"]) == 3 and (found["stored"], found["repeated"]) == (3, 0)
                found = (await client.get("/v1/devices/SN-1/events?limit=1", headers=shown)).json()
                assert [(one["sn"], one["kind"], one["text"]) for one in found["events"]] == [("SN-1", "crash", "oh")]
                assert (await client.get("/v1/events")).status_code == 401
                assert (await client.get("/v1/devices/SN-1/events")).status_code == 401
                assert (await client.get("/v1/events?limit=0", headers=shown)).status_code == 400

    run(go())
