"""Claim in the field, once in a board's life: a secret that somebody has typed in becomes the board's key.

The record of the claim is JSON: the fields of an identity but `kv` and `key`, and `claim_id` and `secret` (hexadecimal). This
file is loaded only where there is one. If power fails before the identity is stored, the board claims again and hears the same
key; afterwards it is a board as any other, whose first verification ends the claim at the relay, and then here.
"""

import binascii
import json
import os

import machine

from callcore import VERSION, claim
from callcore.attest import channel_binding
from callcore.compat import const, json_loads, ticks_add
from callcore.errors import StoreError
from callcore.evidence import DEVICE_NONCE_BYTES, Begin
from callcore.refusals import from_problem
from handset import clock, diag, https, tls

CLAIM = ("claim", 5)

_CONNECT_MS = const(10000)
_TIMEOUT_MS = 30000  # as for a verification


async def who(store, identity):
    """Find out who a board with a claim is: by its identity, or else by claiming one and storing it.

    Args:
        store: a Store.
        identity: the module of that name.

    Returns:
        An Identity, which is stored.

    Raises:
        LinkError, AttestError, StoreError: as `take`; or the records cannot be read or written.
    """
    try:
        return identity.load(store)
    except StoreError as error:
        if error.reason not in ("record_missing", "record_damaged"):
            raise
    fields = await take(store.load(CLAIM), identity.Identity)
    identity.save(store, fields)
    diag.say("claimed", sn=fields["sn"])
    return identity.Identity(fields)


def over(store):
    """Forget the claim, after the first verification; if power fails, a reader finds it, or not."""
    store.forget(CLAIM)


async def take(body, identity):
    """Claim the board's key.

    Args:
        body: of the claim's record.
        identity: makes and checks an Identity of fields.

    Returns:
        The fields of the identity, which is not stored yet.

    Raises:
        LinkError: connection, certificate or answer.
        AttestError: refused, with the reason; or `server_not_proved`.
        StoreError: the claim cannot be read.
    """
    try:
        fields = json_loads(body.decode())
        secret = binascii.unhexlify(fields.pop("secret"))
        claim_id = fields.pop("claim_id")
        fields.update({"kv": 1, "key": "00" * 32})
    except (ValueError, LookupError, TypeError, AttributeError):
        raise StoreError("record_damaged", "the claim cannot be read; open another one and write it")
    who = identity(fields)
    stream = await tls.connect(who.host, who.port, who.name, who.anchor, _CONNECT_MS)
    try:
        binding = channel_binding(await _certificate(stream))
        begin = Begin(who.sn, who.model_id, 1, machine.unique_id(), os.urandom(DEVICE_NONCE_BYTES), VERSION)
        th, said = claim.request(secret, begin, claim_id, binding)
        data = json.dumps(said).encode()
        answer = await https.exchange(stream, "POST", "/v1/claim", who.name, (), data, _TIMEOUT_MS)
    finally:
        stream.close()
    if answer.status != 200:
        raise from_problem(answer.status, answer.body)
    fields["kv"], key = claim.granted(secret, th, answer.body)
    fields["key"] = binascii.hexlify(key).decode()
    return fields


async def _certificate(stream):
    """Drive the handshake to its end, and give the certificate that was seen: it belongs into the first words already."""
    end_ms = ticks_add(clock.now_ms(), _TIMEOUT_MS)
    while stream.certificate() is None:
        stream.readinto(bytearray(1))
        await https.wait(stream, end_ms)
    return stream.certificate()
