"""Golden verifications of profile voip1, computed with the `hmac` module and `cryptography`; and requests to refuse."""

import base64
import hashlib
import hmac
import json
import struct
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _session(case: dict[str, Any], body: str) -> dict[str, Any]:
    """Compute all that follows from what was said; bytes in `case` and in the result are in hexadecimal."""
    key = bytes.fromhex(case["key"])
    auth = HKDFExpand(SHA256(), 32, b"voip1 auth").derive(key)
    media = HKDFExpand(SHA256(), 32, b"voip1 media").derive(key)
    said = (b"voip1 verify", case["sn"].encode(), case["model_id"].encode(), struct.pack(">I", case["kv"]))
    said += tuple(bytes.fromhex(case[name]) for name in ("uid", "dn", "nonce"))
    said += (case["sid"].encode(), struct.pack(">Q", case["ctr"]), bytes.fromhex(case["cb"]))
    th = hashlib.sha256(b"".join(struct.pack(">H", len(field)) + field for field in said)).digest()
    shown = b"\x02" + th + hashlib.sha256(body.encode()).digest()
    ikm = media + bytes.fromhex(case["seed"])
    wrap = HKDFExpand(SHA256(), 32, b"voip1 wrap").derive(key)
    mask = HKDFExpand(SHA256(), 32, b"r" + th).derive(wrap)
    return {
        **case,
        "body": body,
        "k_auth": auth.hex(),
        "k_media": media.hex(),
        "k_wrap": wrap.hex(),
        "th": th.hex(),
        "proof": hmac.digest(auth, b"\x01" + th, "sha256").hex(),
        "sproof": hmac.digest(auth, shown, "sha256").hex(),
        "c2s": HKDF(SHA256(), 30, th, b"voip1 srtp c2s").derive(ikm).hex(),
        "s2c": HKDF(SHA256(), 30, th, b"voip1 srtp s2c").derive(ikm).hex(),
        "masked_key": (int.from_bytes(mask) ^ int.from_bytes(bytes.fromhex(case["next_key"]))).to_bytes(32).hex(),
    }


def _sessions() -> list[dict[str, Any]]:
    known: dict[str, Any] = {
        "key": bytes(range(32)).hex(),
        "sn": "SN-0001",
        "model_id": "model-x",
        "kv": 1,
        "uid": "010203040506",
        "dn": "d0" * 16,
        "nonce": "50" * 32,
        "sid": "S1",
        "ctr": 7,
        "cb": "00" * 32,
        "seed": "5e" * 32,
        "next_key": bytes(range(32, 64)).hex(),
    }
    # every field at its longest, numbers that do not fit into 32 bits or a double's neighbour
    long = {
        **known,
        "key": hashlib.sha256(b"a key of no board").hexdigest(),
        "sn": "Z" * 128,
        "model_id": "_" * 128,
        "kv": 0xFFFFFFFF,
        "uid": "ff" * 16,
        "dn": hashlib.sha256(b"dn").hexdigest()[:32],
        "nonce": hashlib.sha256(b"nonce").hexdigest(),
        "sid": "s" * 128,
        "ctr": 2**53 - 1,
        "cb": hashlib.sha256(b"certificate").hexdigest(),
        "seed": hashlib.sha256(b"seed").hexdigest(),
        "next_key": hashlib.sha256(b"the next key of no board").hexdigest(),
    }
    # the fields' bytes in a row are those of the known case; only the lengths before them differ
    shifted = {**known, "sn": "SN-000", "model_id": "1model-x"}
    granted = {
        "token": "t" * 43,
        "exp": 3600,
        "now": 1790000000,
        "epoch": 12,
        "ws": "/v1/link",
        "seed": _b64(b"\x5e" * 32),
    }
    return [_session(known, '{"exp":3600}'), _session(long, json.dumps(granted)), _session(shifted, "{}")]


def _changed(good: dict[str, Any], reason: str, **changes: Any) -> dict[str, str]:
    request = {key: value for key, value in {**good, **changes}.items() if value is not ...}
    return {"reason": reason, "text": json.dumps(request)}


def _begins() -> list[dict[str, str]]:
    good = {"v": 1, "sn": "SN-0001", "model_id": "model-x", "kv": 1, "uid": "010203040506", "fw": "0.1.0"}
    good["dn"] = _b64(b"\xd0" * 16)
    text = json.dumps(good)
    bad = "bad_request"
    cases = [_changed(good, ""), _changed(good, "", later={"a": [1, {"b": None}]}), _changed(good, "", sn="Z" * 128)]
    cases += [{"reason": bad, "text": broken} for broken in ("", "null", "[]", "[" * 900, text[:-1], text + " {}")]
    cases += [{"reason": bad, "text": '{"v":1,"v":1,' + text[1:]}, {"reason": "too_large", "text": text + " " * 1024}]
    cases += [_changed(good, "version_unsupported", v=version) for version in (0, 2, 2**53 - 1)]
    cases += [_changed(good, bad, v=version) for version in (..., "1", 1.0, True, None, -1)]
    cases += [
        _changed(good, bad, sn=sn) for sn in (..., "", "Z" * 129, "SN 1", "SN\n", "SN.1", "\u00dc", 1, None, ["SN"])
    ]
    cases += [_changed(good, bad, model_id=name) for name in (..., "", "m" * 129, "m/1")]
    cases += [_changed(good, bad, kv=kv) for kv in (..., 0, -1, 2**32, "1", 1.5, False)]
    cases += [_changed(good, bad, uid=uid) for uid in (..., "", "0", "012", "0A", "0x01", "00" * 17, 1)]
    dns = (_b64(b"d" * 15), _b64(b"d" * 17), "0NDQ0NDQ0NDQ0NDQ0NDQ0B==", " " + good["dn"][1:], good["dn"][:-2], 16)
    cases += [_changed(good, bad, dn=dn) for dn in (..., "", *dns)]
    return cases + [_changed(good, bad, fw=fw) for fw in (..., "", "f" * 65, "0.1\n", 1)]


def _finishes() -> list[dict[str, str]]:
    good = {"v": 1, "sid": "S1", "ctr": 7, "cb": _b64(bytes(32)), "proof": _b64(b"p" * 32)}
    bad = "bad_request"
    cases = [_changed(good, ""), _changed(good, "", ctr=2**53 - 1), _changed(good, "version_unsupported", v=2)]
    cases += [_changed(good, bad, sid=sid) for sid in (..., "", "s" * 129, "S 1", 1)]
    cases += [_changed(good, bad, ctr=ctr) for ctr in (..., 0, -1, 2**53, 1e3, "7", True)]
    for name in ("cb", "proof"):
        wrong = (..., "", _b64(b"p" * 31), _b64(b"p" * 33), "=" * 44, "\u00e9" * 44, None)
        cases += [_changed(good, bad, **{name: value}) for value in wrong]
    return cases


def build() -> dict[str, Any]:
    """Give whole sessions, requests with the reason that refuses them (empty: they are good), and keys of certificates."""
    return {"sessions": _sessions(), "begin": _begins(), "finish": _finishes(), "certified": _certified()}


def _certified() -> list[dict[str, str]]:
    """Give private keys of certificates, and K of a board that has one."""
    secrets = (bytes(range(0x20, 0x40)), b"\x01".rjust(32, b"\0"), hashlib.sha256(b"certified").digest())
    keys = [HKDFExpand(SHA256(), 32, b"voip1 mtls").derive(secret) for secret in secrets]
    return [{"secret": secret.hex(), "key": key.hex()} for secret, key in zip(secrets, keys, strict=True)]
