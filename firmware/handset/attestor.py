"""Device verification over HTTPS: two requests on the link's own connection, and a session grant back (profile voip1).

A board that holds its next key beside its own proves the next one; when that is refused with `auth_failed` or `kv_retired` it
proves its own at once, since the relay may have been put back to before it had made the next one. What a grant then does to
the keys stands in `rekey`; a refusal, which nobody proves, does nothing to them.
"""

import json
import os

from callcore import attest
from callcore.errors import AttestError
from handset import https

# a slow chip takes a second and a half for the handshake, a slow network the rest; no const(), since tests shorten it
TIMEOUT_MS = 30000
_JSON = (("Content-Type", "application/json"),)


async def verify(stream, store, who, marks, uid, firmware):
    """Prove this board to the relay and the relay to this board; take the next key, if one is offered.

    Args:
        stream: a fresh TlsStream.
        store: a Store, where `who` came from.
        who: an Identity; its keys change with the stored ones.
        marks: a Marks; up to three numbers are used.
        uid: the chip's own number, 1 to 16 bytes.
        firmware: version text.

    Returns:
        The grant, a dict with `token exp now epoch ws` and what later versions add.

    Raises:
        LinkError: connection, certificate or answer.
        AttestError: refused, with the reason; or `server_not_proved`.
        StoreError: the counter could not be written.
    """
    mine = (who.kv, who.key)
    proved = who.next or mine
    said = (stream, who, marks, uid, firmware)
    try:
        grant = await prove(proved, *said)
    except AttestError as error:
        if proved is mine or error.reason not in ("auth_failed", "kv_retired"):
            raise
        proved = mine
        grant = await prove(proved, *said)
    if who.next or "rotate" in grant:
        from handset import rekey  # not in the memory of a board whose keys stay

        grant = await rekey.follow(store, who, proved, grant, lambda key: prove(key, *said))
    return grant


async def prove(key, stream, who, marks, uid, firmware):
    """Do one verification with one key, a pair of version and bytes; see `verify`."""
    attester = attest.Attester(key[1], who.sn, who.model_id, key[0], uid, firmware)
    answer = await _post(stream, who, "/v1/verify/begin", attester.begin(os.urandom(attest.DEVICE_NONCE_BYTES)))
    stream.answered = True
    if answer.status != 200:
        raise attester.refused(answer.status, answer.body)
    # the handshake is over now, so the certificate that was seen can be bound into the proof
    binding = attest.channel_binding(stream.certificate())
    finish = attester.challenged(answer.body, marks.draw(), binding)
    answer = await _post(stream, who, "/v1/verify/finish", finish)
    if answer.status != 200:
        raise attester.refused(answer.status, answer.body)
    return attester.granted(answer.body)


async def _post(stream, who, path, message):
    return await https.exchange(stream, "POST", path, who.name, _JSON, json.dumps(message).encode(), TIMEOUT_MS)
