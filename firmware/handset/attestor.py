"""Device verification over HTTPS: two requests on the link's own connection, and a session grant back (profile voip1)."""

import json
import os

from callcore import attest
from handset import https

_TIMEOUT_MS = 30000  # a slow chip takes a second and a half for the handshake; a slow network takes the rest
_JSON = (("Content-Type", "application/json"),)


async def verify(stream, identity, marks, uid, firmware):
    """Prove this board to the relay and the relay to this board.

    Args:
        stream: a fresh TlsStream.
        identity: an Identity.
        marks: a Marks; one number is used.
        uid: the chip's own number, 1 to 16 bytes.
        firmware: version text.

    Returns:
        The grant, a dict with `token exp now epoch ws` and what later versions add.

    Raises:
        LinkError: connection, certificate or answer.
        AttestError: refused, with the reason; or `server_not_proved`.
        StoreError: the counter could not be written.
    """
    attester = attest.Attester(identity.key, identity.sn, identity.model_id, identity.kv, uid, firmware)
    answer = await _post(stream, identity, "/v1/verify/begin", attester.begin(os.urandom(attest.DEVICE_NONCE_BYTES)))
    if answer.status != 200:
        raise attester.refused(answer.status, answer.body)
    # the handshake is over now, so the certificate that was seen can be bound into the proof
    binding = attest.channel_binding(stream.certificate())
    finish = attester.challenged(answer.body, marks.draw(), binding)
    answer = await _post(stream, identity, "/v1/verify/finish", finish)
    if answer.status != 200:
        raise attester.refused(answer.status, answer.body)
    return attester.granted(answer.body)


async def _post(stream, identity, path, message):
    return await https.exchange(stream, "POST", path, identity.name, _JSON, json.dumps(message).encode(), _TIMEOUT_MS)
