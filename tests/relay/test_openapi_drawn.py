"""Every published operation, asked with drawn paths, queries and bodies: done or refused, never a bug (T-AS-01)."""

import asyncio
import json
from urllib.parse import quote

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relay_store import Store, run

from tincall.relay import api_claims
from tincall.relay.api import Api, build, operator_only
from tincall.relay.api_devices import router
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

TOKEN = "t" * 43
EXAMPLES = 100  # for each operation
WORDS = st.one_of(st.just("SN-1"), st.text(max_size=12), st.text("0123456789abcXYZ_-", max_size=130))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(["sn", "model_id", "name", "phone", "hours", "extra"]), VALUES | WORDS, max_size=5
)
HOSTILE = (
    b"[" * 10_000, b'{"sn":' * 2_000, b'{"sn":"A","sn":"B"}', b'{"sn":1e999}', b'{"sn":NaN}', b'{"sn":"\\ud800"}',
    b'{"sn":"a\\u0000b"}', b"1" * 5_000, b'{"sn":' + b"9" * 6_000 + b"}", b"\xff\xfe", b"", b"null", b'"' * 99, b"x" * 20_000,
)  # fmt: skip


class Exchange:
    """A switchboard without boards and calls."""

    def phone_calls(self, sn, phone_id):
        return "c1"

    def hangup(self, call_id):
        return False

    def live(self):
        return []

    def tap(self, call_id, party):
        return None

    def online(self, sn):
        return None

    def renew(self, sn):
        pass


def operations(app):
    """List what is published: method, path, and whether it takes a body."""
    return [
        (method.upper(), path, "requestBody" in told)
        for path, methods in app.openapi()["paths"].items()
        for method, told in methods.items()
    ]


def test_every_operation_is_done_or_refused(tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            await store.registry.enrol("SN-1", "m")
            api = Api(store.registry, store.records, Exchange(), list)
            operator = operator_only(TOKEN)
            claimer = Verifier(store.registry, b"", LimitSettings(), store.clock).claimer
            more = [router(store.registry, Exchange(), operator), api_claims.router(store.registry, claimer, operator)]
            app = build(api, TOKEN, more)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="https://relay") as client:
                loop = asyncio.get_running_loop()
                found = operations(app)
                assert len(found) >= 18
                for operation in found:
                    await asyncio.to_thread(_draw, loop, client, *operation)

    run(go())


def _draw(loop, client, method, path, has_body):
    bodies = st.one_of(
        FIELDS.map(json.dumps).map(str.encode),
        VALUES.map(json.dumps).map(str.encode),
        st.sampled_from(HOSTILE),
        st.binary(),
    )

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(name=WORDS, query=st.dictionaries(st.sampled_from(["limit", "sn", "party"]), WORDS), body=bodies)
    def ask(name, query, body):
        word = quote(name.encode("utf-8", "replace"), safe="")
        sent = {"content": body} if has_body else {}
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        params = {key: value.encode("utf-8", "replace").decode() for key, value in query.items()}
        asking = client.request(
            method, path.replace("{sn}", word).replace("{call_id}", word), params=params, headers=headers, **sent
        )
        answer = asyncio.run_coroutine_threadsafe(asking, loop).result(30)
        assert answer.status_code in (200, 201, 202, 307, 400, 404, 405, 409, 413), (answer.status_code, answer.text)
        if answer.status_code >= 400:
            told = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "reason", "detail"} <= set(told)
            assert told["status"] == answer.status_code and told["reason"] != "bug"

    ask()
