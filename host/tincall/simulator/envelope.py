"""How the platform wraps a push, by its public rules: encryption, signatures, JSON and XML; and how an answer is unwrapped.

Written apart from the relay's own code and sharing nothing with it, so that each is the other's judge. No I/O.

Rules: key = base64 of EncodingAESKey + "=", AES-256-CBC, IV = first 16 bytes of the key; the clear text is 16 random bytes,
the message's length (4 bytes, big-endian), the message, the appid; padded by PKCS#7 to a multiple of 32. A signature is
the lower-case hex SHA-1 of its parts, sorted as text and joined.
"""

from __future__ import annotations

import base64
import hashlib
import json
import xml.etree.ElementTree as ElementTree
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tincall.ids import Random

BLOCK_BYTES = 32
RANDOM_BYTES = 16
AES_KEY_CHARS = 43

# what can be wrong with an envelope on demand
FLAWS = ("wrong_appid", "wrong_padding", "wrong_length", "wrong_signature", "wrong_key", "replayed")


class BadAnswer(Exception):
    """The answer to a push is not what the platform takes."""


class Envelope:
    """Wraps and unwraps for one app.

    Args:
        token: the push Token of the console.
        aes_key: EncodingAESKey, 43 characters.
        appid: the app.
        random: for the 16 bytes.
    """

    def __init__(self, token: str, aes_key: str, appid: str, random: Random) -> None:
        if len(aes_key) != AES_KEY_CHARS:
            raise ValueError(f"EncodingAESKey has {AES_KEY_CHARS} characters")
        self._token = token
        self._key = base64.b64decode(aes_key + "=")
        self._appid = appid
        self._random = random

    def seal(self, message: bytes, flaw: str = "") -> str:
        """Encrypt a message; gives base64.

        Args:
            message: the clear text of the push.
            flaw: one of `FLAWS`, or nothing; what concerns the signature changes nothing here.
        """
        appid = "wx00000000deadbeef" if flaw == "wrong_appid" else self._appid
        length = len(message) + (1_000_000 if flaw == "wrong_length" else 0)
        clear = self._random(RANDOM_BYTES) + length.to_bytes(4, "big") + message + appid.encode()
        count = BLOCK_BYTES - len(clear) % BLOCK_BYTES
        # 0 and 33 to 255 pad nothing
        clear += bytes([0 if flaw == "wrong_padding" else count]) * count
        encryptor = self._cipher(bytes(byte ^ 0x55 for byte in self._key) if flaw == "wrong_key" else self._key)
        cipher = encryptor.encryptor()
        return base64.b64encode(cipher.update(clear) + cipher.finalize()).decode()

    def open(self, sealed: str) -> bytes:
        """Decrypt an answer.

        Raises:
            BadAnswer: it is not one of this app.
        """
        try:
            raw = base64.b64decode(sealed, validate=True)
            cipher = self._cipher(self._key).decryptor()
            clear = cipher.update(raw) + cipher.finalize()
        except ValueError:
            raise BadAnswer("Encrypt is not base64 of whole blocks") from None
        count = clear[-1] if clear else 0
        if not 1 <= count <= BLOCK_BYTES or clear[-count:] != bytes([count]) * count:
            raise BadAnswer("the padding is wrong")
        clear = clear[:-count]
        length = int.from_bytes(clear[RANDOM_BYTES : RANDOM_BYTES + 4], "big")
        message, appid = clear[RANDOM_BYTES + 4 :][:length], clear[RANDOM_BYTES + 4 + length :]
        if appid != self._appid.encode():
            raise BadAnswer("the appid in the answer is not this one")
        return message

    def sign(self, *parts: str) -> str:
        """Give the signature over the push Token and the parts."""
        return hashlib.sha1("".join(sorted((self._token, *parts))).encode()).hexdigest()

    def query(self, timestamp: str, nonce: str, sealed: str = "", flaw: str = "") -> dict[str, str]:
        """Give the parameters of a push's URL; without `sealed`, those of plain mode and the URL check."""
        found = {"signature": self.sign(timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        if sealed:
            signature = self.sign(timestamp, nonce, sealed)
            if flaw == "wrong_signature":
                signature = signature[:-1] + ("0" if signature[-1] != "0" else "1")
            found |= {"encrypt_type": "aes", "msg_signature": signature}
        return found

    def _cipher(self, key: bytes) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(key), modes.CBC(self._key[:16]))


def write(fields: dict[str, Any], form: str) -> bytes:
    """Write a document.

    Args:
        fields: text and integers by name.
        form: `json` or `xml`.
    """
    if form == "json":
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}><![CDATA[{_cdata(value)}]]></{name}>"
        for name, value in fields.items()
    ]
    return f"<xml>{''.join(parts)}</xml>".encode()


def verdict(body: bytes, expected: str, envelope: Envelope, nonce: str) -> int:
    """Read the answer to `iot_voip_notify`.

    Args:
        body: as the relay gave it.
        expected: `clear`, `encrypted`, or `either`.
        envelope: opens encrypted ones.
        nonce: of the push; an encrypted answer gives it back.

    Returns:
        Its `errcode`.

    Raises:
        BadAnswer: it is something else.
    """
    fields = _fields(body)
    if "Encrypt" in fields:
        if expected == "clear":
            raise BadAnswer("the answer is encrypted, and a clear one is taken")
        fields = _fields(_opened(fields, envelope, nonce))
    elif expected == "encrypted":
        raise BadAnswer("the answer is clear, and an encrypted one is taken")
    number = fields.get("errcode")
    if isinstance(number, bool) or not isinstance(number, int) or not isinstance(fields.get("errmsg"), str):
        raise BadAnswer("the answer has no errcode that is a number, or no errmsg that is text")
    return number


def _opened(fields: dict[str, Any], envelope: Envelope, nonce: str) -> bytes:
    sealed, stamp = fields.get("Encrypt"), fields.get("TimeStamp")
    if not isinstance(sealed, str) or isinstance(stamp, bool) or not isinstance(stamp, int):
        raise BadAnswer("Encrypt is not text or TimeStamp not a number")
    if fields.get("Nonce") != nonce:
        raise BadAnswer("the Nonce is not that of the push")
    if fields.get("MsgSignature") != envelope.sign(str(stamp), nonce, sealed):
        raise BadAnswer("the MsgSignature is wrong")
    return envelope.open(sealed)


def _fields(body: bytes) -> dict[str, Any]:
    text = body.strip()
    try:
        if text.startswith(b"<"):
            root = ElementTree.fromstring(text.decode())
            found: Any = {child.tag: child.text or "" for child in root}
            for name in ("TimeStamp", "errcode"):
                if name in found:
                    found[name] = int(found[name])
        else:
            found = json.loads(text)
    except (ValueError, ElementTree.ParseError):
        raise BadAnswer("the answer is neither JSON nor XML") from None
    if not isinstance(found, dict):
        raise BadAnswer("the answer is no JSON object")
    return found


def _cdata(text: str) -> str:
    return text.replace("]]>", "]]]]><![CDATA[>")
