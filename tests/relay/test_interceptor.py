"""T-ID-07: somebody between board and relay with a certificate that the board trusts reads along, and gets nothing by it."""

import asyncio
import contextlib
import hashlib
import ssl

from relay_store import Store
from support.device_port import port
from support.plain_client import PlainClient

from callcore import attest
from tincall.relay.tls import server_context
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

UID = b"\x0a\x0b"


@contextlib.asynccontextmanager
async def interceptor(authority, relay_port):
    """Stand between: ends TLS with another certificate of the same authority, hands everything on, keeps what passed."""
    heard = bytearray()
    pumps = []

    async def pump(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                heard.extend(data)
                writer.write(data)
        writer.close()

    async def between(reader, writer):
        onward = ssl.create_default_context(cafile=str(authority.anchor))
        relay = await asyncio.open_connection("127.0.0.1", relay_port, ssl=onward, server_hostname="127.0.0.1")
        pumps.extend(asyncio.create_task(one) for one in (pump(reader, relay[1]), pump(relay[0], writer)))

    server = await asyncio.start_server(between, "127.0.0.1", 0, ssl=server_context(*authority.server()))
    try:
        yield server.sockets[0].getsockname()[1], heard
    finally:
        server.close()
        for task in pumps:
            task.cancel()
        if pumps:
            await asyncio.wait(pumps)
        await asyncio.sleep(0)


async def test_the_proof_names_the_certificate_and_the_interceptor_gets_no_token(authority, certificate, tmp_path):
    der = ssl.PEM_cert_to_DER_cert(certificate[0].read_text())  # noqa: ASYNC240 - one small file
    async with Store(tmp_path) as store:
        key = await store.registry.enrol("SN-1", "model-x")
        verifier = Verifier(store.registry, der, LimitSettings(), store.clock)
        async with (
            port(authority, certificate, verifier=verifier) as here,
            interceptor(authority, here.gate.port) as (bad_port, heard),
        ):
            client = await PlainClient.connect(bad_port, here.anchor)
            board = attest.Attester(key, "SN-1", "model-x", 1, UID, "1.0")
            challenge = await client.request("POST", "/v1/verify/begin", board.begin(b"\xd0" * 16))
            seen_der = client.writer.get_extra_info("ssl_object").getpeercert(True)
            assert seen_der != der, "the board's TLS had nothing to say against it"
            said = board.challenged(challenge.json, 1, attest.channel_binding(seen_der))
            answer = await client.request("POST", "/v1/verify/finish", said)
            assert (answer.status, answer.json["reason"]) == (403, "cb_mismatch")
            # he has read it all; it helps him neither as it is nor with the binding of the relay's certificate
            thief = await here.client()
            said["cb"] = attest.base64(hashlib.sha256(der).digest())
            assert (await thief.request("POST", "/v1/verify/finish", said)).json["reason"] == "nonce_used"
            fresh = await thief.request("POST", "/v1/verify/begin", board.begin(b"\xd0" * 16))
            said["sid"] = fresh.json["sid"]
            assert (await thief.request("POST", "/v1/verify/finish", said)).json["reason"] == "auth_failed"
            assert b"token" not in heard and key not in heard
            assert store.registry.get("SN-1").epoch == 0
            await client.close()
