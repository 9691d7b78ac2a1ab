"""Changing a board's key: which versions of it are good, and what each step writes into the board's row.

    state      good        rotate begins            a proof under n   a proof under n + 1
    settled    n           pending, with a new K'   settled           refused
    pending    n, n + 1    pending, the same K'     pending           settled, and n + 1 is the n of that row

- A rotation begins at the operator's word, or with a proof under a key older than the period in the settings.
- While it is pending every grant under n carries the same K', so a board that lost one gets it with the next.
- n is erased in the transaction that stores the first session under n + 1, which only a board that has K' in its flash
  can have asked for. A relay killed at any moment has the row of before or the one of after.
- The key of a board that has a certificate comes with another certificate, which is shown from then on; so a rotation begins
  in time before a certificate ends, too. `next_cert` is what the board is given; the relay forgets it when it was used.
- Suspending, resuming and revoking leave a rotation as it is: the board proves itself with either key and hears how it
  stands. Forgetting the device ends both keys.
"""

from typing import Any

from tincall.relay.device_rows import Device

# the columns of a device of which no rotation is pending
DROPPED: dict[str, Any] = {
    "next_key": None,
    "next_key_s": 0,
    "next_fingerprint": None,
    "next_until_s": 0,
    "next_cert": None,
}
# a board may lie switched off for so long before its certificate ends unseen
RENEW_S = 365 * 86_400
WORTH_S = 30 * 86_400


def versions(device: Device) -> tuple[int, ...]:
    """Say which versions of its key a board may prove itself with, the current one first."""
    return (device.kv,) if device.next_key is None else (device.kv, device.kv + 1)


def sealed(device: Device, kv: int) -> tuple[int, bytes]:
    """Find what to hold a proof under `kv` against: the next key where it is that one's version, else the current one.

    Returns:
        The version and the sealed key.
    """
    if device.next_key is not None and kv == device.kv + 1:
        return kv, device.next_key
    return device.kv, device.wrapped_key


def shows(device: Device, kv: int) -> bytes:
    """Give the fingerprint of the certificate that goes with a version, chosen as in `sealed`; empty: there is none."""
    if device.next_key is not None and kv == device.kv + 1:
        return device.next_fingerprint or b""
    return device.fingerprint or b""


def is_due(device: Device, now_s: int, period_s: int) -> bool:
    """Tell whether a key has lasted its time and no rotation is pending; never with a period of 0."""
    return 0 < period_s <= now_s - device.key_s and device.next_key is None


def ends(device: Device, now_s: int) -> bool:
    """Tell whether a device's certificate ends soon, and no rotation is pending."""
    return 0 < device.cert_until_s <= now_s + RENEW_S and device.next_key is None


def is_longer(device: Device, until_s: int) -> bool:
    """Tell whether a certificate until then is worth changing to; one that ends with our CA as the one before is not."""
    return until_s >= device.cert_until_s + WORTH_S


def begun(next_key: bytes, now_s: int) -> dict[str, Any]:
    """Give the columns of a rotation that begins.

    Args:
        next_key: K', sealed for the version after the current one.
        now_s: seconds since 1970.
    """
    return {"next_key": next_key, "next_key_s": now_s}


def proved(device: Device, kv: int, now_s: int) -> dict[str, Any]:
    """Give the columns that a session proved under `kv` changes: all of the key's under n + 1, none under n."""
    if kv == device.kv:
        return {}
    shown = {"fingerprint": device.next_fingerprint, "cert_until_s": device.next_until_s}
    return {"kv": kv, "wrapped_key": device.next_key, "key_s": now_s, **shown, **DROPPED}
