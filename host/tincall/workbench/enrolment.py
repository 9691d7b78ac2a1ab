"""What has to be done about a board's key, decided from what the relay and the board say; nothing is done here.

A device key is given out once, when a device is enrolled, and the relay tells nobody whether a key is the right one but the
board that proves it. So:

- A number that nobody enrolled is enrolled.
- One that was enrolled and never verified belongs to whom the operator says: if this board has no key of it, or one that fails,
  it is enrolled anew, which makes whatever was given out before worthless. That is what is left of a run that was cut off
  between the relay's answer and the board's store.
- One that was verified belongs to the chip that proved it. Another board is refused. The same chip without its key (its flash
  was erased) gets a new one if the operator says so.
- A board that is somebody else already is refused, unless the operator says so: its key would be gone for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tincall.errors import OperatorError

KEEP = "keep"
ENROL = "enrol"
RENEW = "renew"  # end the enrolment and enrol again


_REFUSED = {
    "revoked": (
        "{sn} is switched off for good.",
        "Choose another --sn, or end its enrolment: tincall devices --forget {sn}",
    ),
    "suspended": ("{sn} is switched off.", "Switch it on again: tincall devices resume {sn}"),
    "conflict": (
        "two boards use the number and the key of {sn}.",
        "See which, and what to do: tincall devices show {sn}",
    ),
}


@dataclass(frozen=True)
class Device:
    """A device as the relay knows it.

    Args:
        state: `new`, `active`, `suspended`, `conflict` or `revoked`.
        kv: version of its key.
        next_kv: of the key that is to follow; 0 when none waits.
        uid: its chip's number as hex; empty until it was verified.
        epoch: how often it was verified.
    """

    sn: str
    state: str
    kv: int
    next_kv: int
    uid: str
    epoch: int

    @classmethod
    def of(cls, standing: dict[str, Any]) -> Device:
        """Read what the relay says of how a device stands."""
        next_kv = standing["kv"] + 1 if standing["next_key_s"] else 0
        return cls(standing["sn"], standing["state"], standing["kv"], next_kv, standing["uid"], standing["epoch"])


def holds_key(device: Device | None, identity: dict[str, Any] | None) -> bool:
    """Tell whether a board has the key of a device, as far as versions tell."""
    if device is None or identity is None or identity["sn"] != device.sn:
        return False
    theirs = {device.kv, device.next_kv} - {0}
    return bool(theirs & ({identity["kv"], identity["next_kv"]} - {0}))


def is_verified(device: Device | None, identity: dict[str, Any] | None, uid: str) -> bool:
    """Tell whether the relay knows that this board has proved itself, with the key that it has."""
    return device is not None and device.epoch > 0 and device.uid == uid and holds_key(device, identity)


def decide(sn: str, device: Device | None, identity: dict[str, Any] | None, uid: str, again: bool) -> str:
    """Say what is to be done.

    Args:
        sn: the number that the board shall have.
        device: what the relay knows of it; None: nobody enrolled it.
        identity: what the board holds; None: nothing.
        uid: the board's chip, as hex.
        again: the operator wants a new key.

    Returns:
        KEEP, ENROL or RENEW.

    Raises:
        OperatorError: not without the operator's word, or not at all.
    """
    if identity is not None and identity["sn"] != sn and not again:
        raise OperatorError(
            f"this board is {identity['sn']}, not {sn}.",
            f"Say --sn {identity['sn']}; or --again to make it {sn}, which takes the key of {identity['sn']} from it.",
        )
    if device is None:
        return ENROL
    if device.state in ("revoked", "suspended", "conflict"):
        message, hint = _REFUSED[device.state]
        raise OperatorError(message.format(sn=sn), hint.format(sn=sn))
    if device.epoch > 0 and device.uid != uid:
        raise OperatorError(
            f"{sn} is another board: chip {device.uid}, and this one is {uid or 'without a number'}.",
            f"Give this one a number of its own, by --sn. If the other is gone for good: tincall devices --forget {sn}",
        )
    if again:
        return RENEW
    if holds_key(device, identity):
        return KEEP
    if device.epoch > 0:
        raise OperatorError(
            f"{sn} was verified with this chip, and its key is not on the board any more.",
            "Give it a new one: run the same with --again.",
        )
    return RENEW
