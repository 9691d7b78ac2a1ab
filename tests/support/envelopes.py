"""Envelopes for tests: keys of the tests' own and pushes in every form, made apart from the code under test."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tincall.wechat.pushes import PushKeys, decode_aes_key

APPID = "wx0123456789abcdef"
TOKEN = "relayToken7"
ENCODING_KEY = "MDEyMzQ1Njc4OWFiY2RlZkdISUpLTE1OT1BRUlNUVVY"
KEYS = PushKeys(APPID, TOKEN, decode_aes_key(ENCODING_KEY))
TIMESTAMP = 1760000001
NONCE = "987654321"
# the event of the vector that the facts give, byte for byte
EVENT_TEXT = (
    '{"ToUserName":"gh_0a1b2c3d4e5f","FromUserName":"oTEST_openid_0000000000000001","CreateTime":1760000000,'
    '"MsgType":"event","Event":"iot_voip_notify","Action":"join_voip_room","Payload":"djE6Y2FsbC03",'
    '"RoomId":"wxf830863afde621ebWmpfVoip700000000000001","SessionKey":"U0VTU0lPTktFWQ",'
    '"ServerToken":"U0VSVkVSVE9LRU4=","ModelId":"mDL_TestModel","Sn":"sn-0007"}'
)
EVENT: dict[str, Any] = json.loads(EVENT_TEXT)


def signed(*parts: str) -> str:
    """Sign as the platform does."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def sealed(message: bytes, appid: str = APPID, random: bytes = b"abcdefghijklmnop", pad: int | None = None) -> str:
    """Encrypt as the platform does; another `pad` is wrong on purpose."""
    clear = random + len(message).to_bytes(4, "big") + message + appid.encode()
    short = 32 - len(clear) % 32
    return encrypted(clear + bytes([short if pad is None else pad]) * short)


def encrypted(padded: bytes, key: bytes = KEYS.aes_key) -> str:
    """Encrypt what is padded already."""
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def query(text: str, timestamp: int = TIMESTAMP, nonce: str = NONCE, token: str = TOKEN) -> dict[str, str]:
    """Make the query that goes with a ciphertext."""
    return {
        "signature": signed(token, str(timestamp), nonce),
        "timestamp": str(timestamp),
        "nonce": nonce,
        "openid": "oTEST_openid_0000000000000001",
        "encrypt_type": "aes",
        "msg_signature": signed(token, str(timestamp), nonce, text),
    }


def as_json(text: str) -> bytes:
    """Put a ciphertext into a JSON body."""
    return json.dumps({"ToUserName": "gh_0a1b2c3d4e5f", "Encrypt": text}).encode()


def as_xml(text: str) -> bytes:
    """Put a ciphertext into an XML body."""
    return (
        f"<xml><ToUserName><![CDATA[gh_0a1b2c3d4e5f]]></ToUserName>\n<Encrypt><![CDATA[{text}]]></Encrypt></xml>"
    ).encode()


def event_xml(event: dict[str, Any]) -> bytes:
    """Write an event as the platform does in the XML format."""
    fields = [
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{value}]]></{name}>"
        for name, value in event.items()
    ]
    return ("<xml>" + "".join(fields) + "</xml>").encode()
