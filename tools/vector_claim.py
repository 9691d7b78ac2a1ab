"""Golden claims in the field, computed with the `hmac` module; and requests to refuse."""

import hashlib
import hmac
import json
from typing import Any

from vector_attest import _b64, _changed


def _claim(case: dict[str, Any]) -> dict[str, Any]:
    """Compute all that follows from what was said; bytes in `case` and in the result are in hexadecimal."""
    secret, key = bytes.fromhex(case["secret"]), bytes.fromhex(case["key"])
    said = (b"voip1 claim", case["sn"].encode(), case["model_id"].encode(), bytes.fromhex(case["uid"]))
    said += (bytes.fromhex(case["dn"]), case["claim_id"].encode(), bytes.fromhex(case["cb"]))
    th = hashlib.sha256(b"".join(len(field).to_bytes(2, "big") + field for field in said)).digest()
    mask = hmac.digest(secret, b"\x13" + th, "sha256")
    hidden = bytes(a ^ b for a, b in zip(key, mask, strict=True))
    body = json.dumps({"kv": case["kv"], "key": _b64(hidden)})
    shown = b"\x12" + th + hashlib.sha256(body.encode()).digest()
    return {
        **case,
        "th": th.hex(),
        "proof": hmac.digest(secret, b"\x11" + th, "sha256").hex(),
        "hidden": hidden.hex(),
        "body": body,
        "sproof": hmac.digest(secret, shown, "sha256").hex(),
    }


def _claims() -> list[dict[str, Any]]:
    known: dict[str, Any] = {
        "secret": bytes(range(0x20, 0x30)).hex(),
        "key": bytes(range(32)).hex(),
        "sn": "SN-0001",
        "model_id": "model-x",
        "kv": 1,
        "uid": "010203040506",
        "dn": "d0" * 16,
        "claim_id": "C1",
        "cb": "00" * 32,
    }
    long = {
        **known,
        "secret": hashlib.sha256(b"a secret of nobody").hexdigest()[:32],
        "key": hashlib.sha256(b"a key of no board").hexdigest(),
        "sn": "Z" * 128,
        "model_id": "_" * 128,
        "kv": 0xFFFFFFFF,
        "uid": "ff" * 16,
        "dn": hashlib.sha256(b"dn").hexdigest()[:32],
        "claim_id": "c" * 128,
        "cb": hashlib.sha256(b"certificate").hexdigest(),
    }
    # the fields' bytes in a row are those of the known case; only the lengths before them differ
    shifted = {**known, "sn": "SN-000", "model_id": "1model-x"}
    return [_claim(known), _claim(long), _claim(shifted)]


def _requests() -> list[dict[str, str]]:
    good = {"v": 1, "sn": "SN-0001", "model_id": "model-x", "uid": "010203040506", "dn": _b64(b"\xd0" * 16)}
    good |= {"fw": "0.1.0", "claim_id": "C1", "cb": _b64(bytes(32)), "proof": _b64(b"p" * 32)}
    text = json.dumps(good)
    bad = "bad_request"
    cases = [_changed(good, ""), _changed(good, "", later=[]), _changed(good, "", sn="Z" * 128, claim_id="c" * 128)]
    cases += [{"reason": bad, "text": broken} for broken in ("", "null", "[]", text[:-1], '{"v":1,"v":1,' + text[1:])]
    cases += [{"reason": "too_large", "text": text + " " * 1024}]
    cases += [_changed(good, "version_unsupported", v=2), _changed(good, bad, v=...)]
    for name in ("sn", "model_id", "claim_id"):
        cases += [_changed(good, bad, **{name: value}) for value in (..., "", "n" * 129, "n 1", 1)]
    cases += [_changed(good, bad, uid=uid) for uid in (..., "", "012", "0A", "00" * 17)]
    cases += [_changed(good, bad, fw=fw) for fw in (..., "", "f" * 65, 1)]
    for name, size in (("dn", 16), ("cb", 32), ("proof", 32)):
        cases += [_changed(good, bad, **{name: value}) for value in (..., "", _b64(bytes(size - 1)), None)]
    return cases


def build() -> dict[str, Any]:
    """Give whole claims, and requests with the reason that refuses them (empty: they are good)."""
    return {"claims": _claims(), "requests": _requests()}
