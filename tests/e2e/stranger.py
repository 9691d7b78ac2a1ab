"""A board of our own making on the device port, which keeps to the verification and to nothing else."""

import itertools
import os
from contextlib import asynccontextmanager

from identities import identity_of
from support.plain_client import PlainClient

from callcore import attest

_numbers = itertools.count(1)


async def verified(relay, folder, ctr):
    """Verify as the board in `folder` would; gives a client and its token.

    Args:
        relay: a chain.Relay.
        folder: of a board that is enrolled.
        ctr: the board's counter, above all it has used.
    """
    who = identity_of(folder)
    client = await PlainClient.connect(relay.ready["device_port"], relay.data / "ca.pem")
    certificate = client.writer.get_extra_info("ssl_object").getpeercert(True)
    attester = attest.Attester(bytes.fromhex(who["key"]), who["sn"], who["model_id"], who["kv"], b"\1" * 6, "stranger")
    begun = await client.request("POST", "/v1/verify/begin", attester.begin(os.urandom(16)))
    finish = attester.challenged(begun.json, ctr, attest.channel_binding(certificate))
    granted = await client.request("POST", "/v1/verify/finish", finish)
    assert granted.status == 200, granted
    return client, attester.granted(granted.json)["token"]


@asynccontextmanager
async def linked(relay):
    """Enrol a board, verify as it, and hold its link inside the `async with` block."""
    folder = relay.folder / f"STRANGER-{next(_numbers)}"
    relay.enrol(folder.name, folder)
    client, token = await verified(relay, folder, 1)
    try:
        yield await client.link(token)
    finally:
        await client.close()
