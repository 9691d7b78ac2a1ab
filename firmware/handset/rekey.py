"""A board's keys while they change (docs/protocol.md sections 2.8, 2.10); loaded when a new key comes, which is twice a year.

`next` is the key that comes, version n + 1. What `attestor` has proved, and what follows here:

    holds       proved   the grant brings   then
    n           n        another key        written as `next` to both places; then the board proves n + 1 at once
    n, next     n + 1    nothing            n + 1 takes the place of n
    n, next     n + 1    another key        both at once: n + 1 takes the place of n, that key the place of `next`
    n, next     n        nothing            it keeps both: the relay was put back, and may be put forth again
    n, next     n        another key        that key takes the place of `next`; then as in the first row

Whatever else happens (a refusal, no answer, a relay that does not prove itself, flash that cannot be written) changes no key:
a grant whose proof is right is all that a board believes. A key that one place alone holds is not used. After a power cut it
holds what it held before or after one of the writes, and each of these is a row of the table.
"""

import binascii

from callcore.errors import AttestError, LocalError, StoreError
from handset import diag, identity


async def follow(store, who, held, grant, prove):
    """Change keys as a grant says.

    Args:
        store: a Store, where `who` came from.
        who: an Identity; its keys change with the stored ones.
        held: (version, key) that this grant was proved with, here and below with the certificate behind them if it has one.
        grant: as `attest.Attester.granted` gives it.
        prove: does a verification with a (version, key); gives its grant, or None: that takes another connection.

    Returns:
        The newest grant; this one is still good where the next key could not be written or proved. Or None, as `prove`.

    Raises:
        LinkError: as `attestor.verify`.
    """
    offered = grant.get("rotate")
    coming = None
    if offered:
        coming = (offered["kv"], offered["k"]) + ((offered["cert"],) if "cert" in offered else ())
    if coming == who.next or (not coming and held[0] == who.kv):
        return grant
    try:
        if write(store, who, held, coming) and coming:
            grant = await prove(coming)
            if grant:
                write(store, who, coming, None)
    except (AttestError, StoreError, LocalError) as error:
        diag.failed("rotate", error)
    return grant


def write(store, who, held, coming):
    """Write which keys a board holds; a reader after a power cut finds those of before or these.

    Args:
        store: a Store.
        who: an Identity.
        held: (version, key) of its key.
        coming: the same of the key that comes next, or None.

    Returns:
        True when both places hold them; else `who` stays as it was.

    Raises:
        StoreError: as `identity.read` and `identity.save`.
    """
    fields = identity.read(store)
    fields.update(_fields(held))
    fields.pop("next", None)
    if coming:
        fields["next"] = _fields(coming)
    if not identity.save(store, fields):
        return False
    who.kv, who.key = held[:2]
    who.cert = held[2:]
    who.next = coming
    return True


def _fields(pair):
    fields = {"kv": pair[0], "key": binascii.hexlify(pair[1]).decode()}
    if pair[2:]:
        fields["cert"] = pair[2]
    return fields
