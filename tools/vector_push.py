"""Golden pushes: the samples of the platform's page on message push, and one of our own; each computed once more.

The page's key is 43 times `A`. Padding is done by another library's PKCS#7 with a block of 256 bits, the key is decoded
with its own bytes, and the signature is that of the sorted strings: the text of the page in code, apart from ours.
"""

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

_PAGE = {"token": "AAAAA", "aes_key": "A" * 43, "appid": "wxba5fad812f8e6fb9"}
_OURS = {
    "token": "relayToken7",
    "aes_key": "MDEyMzQ1Njc4OWFiY2RlZkdISUpLTE1OT1BRUlNUVVY",
    "appid": "wx0123456789abcdef",
}
_EVENT = {
    "ToUserName": "gh_0a1b2c3d4e5f",
    "FromUserName": "oTEST_openid_0000000000000001",
    "CreateTime": 1760000000,
    "MsgType": "event",
    "Event": "iot_voip_notify",
    "Action": "join_voip_room",
    "Payload": "djE6Y2FsbC03",
    "RoomId": "wxf830863afde621ebWmpfVoip700000000000001",
    "SessionKey": "U0VTU0lPTktFWQ",
    "ServerToken": "U0VSVkVSVE9LRU4=",
    "ModelId": "mDL_TestModel",
    "Sn": "sn-0007",
}
# the push of the page's section on security mode
_PAGE_ENCRYPT = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8"
    "XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32II"
    "jdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="
)
_PAGE_ANSWER = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="


def _same(published: str, computed: str) -> str:
    if published != computed:
        raise ValueError(f"a published value was copied wrongly: {published[:40]}")
    return published


def _begins(beginning: str, text: str) -> str:
    if hashlib.sha256(text.encode()).hexdigest()[: len(beginning)] != beginning:
        raise ValueError(f"not what was agreed: {text[:40]}")
    return text


def _signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _cipher(aes_key: str) -> "Cipher[modes.CBC]":
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES256(key), modes.CBC(key[:16]))


def _sealed(keys: dict[str, str], random: str, message: str) -> str:
    pad = PKCS7(256).padder()
    data = message.encode()
    clear = b"".join([random.encode(), len(data).to_bytes(4, "big"), data, keys["appid"].encode()])
    seal = _cipher(keys["aes_key"]).encryptor()
    padded = pad.update(clear) + pad.finalize()
    return base64.b64encode(seal.update(padded) + seal.finalize()).decode()


def _opened(keys: dict[str, str], text: str) -> str:
    """Decrypt, and hold what the page says of its sample: 224 bytes, 205 of them clear, 167 the message."""
    opened = _cipher(keys["aes_key"]).decryptor()
    padded = opened.update(base64.b64decode(text)) + opened.finalize()
    unpad = PKCS7(256).unpadder()
    clear = unpad.update(padded) + unpad.finalize()
    if (len(padded), len(clear), int.from_bytes(clear[16:20], "big")) != (224, 205, 167):
        raise ValueError("the page's sample was copied wrongly")
    return clear[20 : 20 + 167].decode()


def build() -> dict[str, Any]:
    """Give signatures, messages to seal with given random bytes, and whole pushes to open."""
    event = _begins("30f18b2ac5ac6920", json.dumps(_EVENT, separators=(",", ":")))
    ours = _begins("64788f992e9b1e77", _sealed(_OURS, "abcdefghijklmnop", event))
    answer = _same(_PAGE_ANSWER, _sealed(_PAGE, "707722b803182950", '{"demo_resp":"good luck"}'))
    signatures = [
        (["AAAAA", "1714036504", "1514711492"], "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        (["AAAAA", "1714037059", "486452656"], "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        (["AAAAA", "1714112445", "415670741"], "6c5c811b55cc85e0e1b54100749188c20beb3f5d"),
        (["AAAAA", "1714112445", "415670741", _PAGE_ENCRYPT], "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"),
        (["AAAAA", "1713424427", "415670741", answer], "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"),
        (["relayToken7", "1760000001", "987654321"], "bcb2ad33e48cf08dd01037ef5ddda7c3e7eb3700"),
        (["relayToken7", "1760000001", "987654321", ours], "e38ed0ff3143c63b4a2331c53c5e33515daa77bb"),
    ]
    sealed = [
        (_PAGE, "707722b803182950", '{"demo_resp":"good luck"}', answer),
        (_OURS, "abcdefghijklmnop", event, ours),
        # aligned already: a whole block of padding
        (_OURS, "abcdefghijklmnop", "x" * 26, _sealed(_OURS, "abcdefghijklmnop", "x" * 26)),
    ]
    pushes = [
        (_PAGE, "1714112445", "415670741", signatures[3][1], _PAGE_ENCRYPT, _opened(_PAGE, _PAGE_ENCRYPT)),
        (_OURS, "1760000001", "987654321", signatures[6][1], ours, event),
    ]
    return {
        "signatures": [{"parts": parts, "signature": _same(made, _signature(*parts))} for parts, made in signatures],
        "sealed": [{**k, "random": random, "message": said, "encrypt": text} for k, random, said, text in sealed],
        "pushes": [
            {**k, "timestamp": at, "nonce": nonce, "msg_signature": made, "encrypt": text, "message": said}
            for k, at, nonce, made, text, said in pushes
        ],
    }
