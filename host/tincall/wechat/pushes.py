"""The envelope of the platform's pushes, without I/O: URL check, signature, decryption, both data formats, sealed answers.

Only the console's security mode is taken: nothing of a body is decrypted or believed before its signature is right, and
what is not authentic is refused with a status of 4xx, whatever it is. The page on message push of the platform is the
source: signature = SHA-1 over token, timestamp, nonce and ciphertext, sorted and joined; AES-256-CBC with the first 16
bytes of the key as IV; PKCS#7 to 32 bytes; clear text = 16 random bytes | length (4, big-endian) | message | appid.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from callcore.compat import json_loads
from callcore.errors import LocalError, PeerError
from tincall.ids import Random
from tincall.wechat.plainxml import flat_xml

BODY_MAX_BYTES = 64 * 1024  # a push of this product has about 1 KiB; other events of the mini program stay far below
QUERY_VALUE_MAX_CHARS = 256
ECHO_MAX_CHARS = 256
# as long as an answer is remembered; what is older was held back by somebody
FRESH_S = 600
AES_BLOCK_BYTES = 16
PAD_BYTES = 32
RANDOM_BYTES = 16
HEAD_BYTES = RANDOM_BYTES + 4

# fields that stand beside `Encrypt` only where the console is set to send every event in clear as well
_CLEAR_FIELDS = ("MsgType", "Event", "FromUserName", "CreateTime", "Content")

_REFUSALS = {
    "too_large": (413, f"A push has at most {BODY_MAX_BYTES} bytes."),
    "wrong_type": (415, "A push is JSON or XML."),
    "bad_query": (400, "The query misses timestamp, nonce or signature, or they are too long."),
    "bad_body": (400, "The body cannot be read."),
    "plain_mode": (403, "The message push is set to plain mode; set it to security mode in the console."),
    "compatible_mode": (403, "The message push is set to compatible mode; set it to security mode in the console."),
    "bad_signature": (403, "The signature is wrong; compare Token and EncodingAESKey with the console."),
    "stale": (403, "The push is old, or this machine's clock is wrong."),
    "bad_cipher": (403, "The push cannot be decrypted; compare EncodingAESKey with the console."),
    "wrong_appid": (403, "The push is for another appid; compare appid with the console."),
    "bad_message": (400, "The decrypted push cannot be read."),
}


@dataclass(frozen=True, slots=True)
class PushKeys:
    """What the console and this relay share about the message push.

    Args:
        appid: of the mini program.
        token: the console's Token.
        aes_key: the console's EncodingAESKey, decoded; 32 bytes.
    """

    appid: str
    token: str = field(repr=False)
    aes_key: bytes = field(repr=False)


class PushRefused(PeerError):
    """A push, or a check of the URL, is not authentic or not of a kind that is taken.

    Args:
        reason: one of the words of `_REFUSALS`, which also give the sentence.
    """

    def __init__(self, reason: str) -> None:
        status, sentence = _REFUSALS[reason]
        super().__init__(sentence)
        self.reason = reason
        self.status = status


def decode_aes_key(text: str) -> bytes:
    """Decode the console's EncodingAESKey; its 43rd character may have unused bits set, which mean nothing.

    Raises:
        ValueError: it is not 43 characters of base64; the text is not shown.
    """
    if not re.fullmatch(r"[A-Za-z0-9+/]{43}", text):
        raise ValueError("an EncodingAESKey has 43 letters and digits")
    return binascii.a2b_base64(text + "=")


def signature(*parts: str) -> str:
    """Sign as the platform does: SHA-1 over the sorted, joined parts, in lower-case hexadecimal."""
    joined = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def check_url(query: Mapping[str, str], token: str) -> str:
    """Answer the console's check of the push URL.

    Args:
        query: of the GET.
        token: the console's Token.

    Returns:
        What to answer, as plain text.

    Raises:
        PushRefused: it is not the console that asks.
    """
    given, timestamp, nonce = _values(query, "signature", "timestamp", "nonce")
    echo = query.get("echostr", "")
    if not re.fullmatch(r"[!-~]+", echo) or len(echo) > ECHO_MAX_CHARS:
        raise PushRefused("bad_query")
    _compare(given, signature(token, timestamp, nonce))
    return echo


def open_push(
    query: Mapping[str, str], body: bytes, content_type: str, keys: PushKeys, now_s: float | None = None
) -> dict[str, Any]:
    """Take a push out of its envelope.

    Args:
        query: of the POST.
        body: as it came.
        content_type: as it came; the platform's is not documented, so the body itself tells JSON from XML, and what
            names another kind of document is refused.
        keys: what the console and this relay share.
        now_s: seconds since 1970, to refuse what is older than `FRESH_S`; None: the age does not matter.

    Returns:
        The event. From XML it holds what is text; `CreateTime` is a number in both formats.

    Raises:
        PushRefused: it is not authentic, or not readable.
    """
    if len(body) > BODY_MAX_BYTES:
        raise PushRefused("too_large")
    if re.match(r"\s*(multipart|image|audio|video|application/x-www-form-urlencoded)\b", content_type, re.I):
        raise PushRefused("wrong_type")
    outer = _parse(body, "bad_body")
    encrypted = _encrypted(query, outer)
    given, timestamp, nonce = _values(query, "msg_signature", "timestamp", "nonce")
    _compare(given, signature(keys.token, timestamp, nonce, encrypted))
    _check_age(timestamp, now_s)
    event = _parse(unseal(encrypted, keys), "bad_message")
    if isinstance(event.get("CreateTime"), str) and re.fullmatch(r"[0-9]{1,15}", event["CreateTime"]):
        event["CreateTime"] = int(event["CreateTime"])
    return event


def seal_answer(
    text: str, keys: PushKeys, nonce: str, timestamp_s: int, as_xml: bool = False, random: Random = os.urandom
) -> str:
    """Encrypt an answer to a push.

    Args:
        text: the answer.
        keys: what the console and this relay share.
        nonce: of the push's query.
        timestamp_s: seconds since 1970.
        as_xml: whether the console is set to XML; JSON else.
        random: source of bytes.

    Returns:
        The body to answer with.
    """
    encrypted = seal(text.encode(), keys, random)
    signed = signature(keys.token, str(timestamp_s), nonce, encrypted)
    if not as_xml:
        told = {"Encrypt": encrypted, "MsgSignature": signed, "TimeStamp": timestamp_s, "Nonce": nonce}
        return json.dumps(told, separators=(",", ":"))
    if "]]>" in nonce:
        raise LocalError("a nonce with ]]> does not fit into XML")
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signed}]]></MsgSignature>"
        f"<TimeStamp>{timestamp_s}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )


def seal(message: bytes, keys: PushKeys, random: Random = os.urandom) -> str:
    """Encrypt a message into the text of `Encrypt`."""
    clear = random(RANDOM_BYTES) + len(message).to_bytes(4, "big") + message + keys.appid.encode()
    pad = PAD_BYTES - len(clear) % PAD_BYTES
    encryptor = _cipher(keys).encryptor()
    sealed = encryptor.update(clear + bytes([pad]) * pad) + encryptor.finalize()
    return base64.b64encode(sealed).decode("ascii")


def unseal(encrypted: str, keys: PushKeys) -> bytes:
    """Decrypt the text of `Encrypt`, whose signature has been checked.

    Raises:
        PushRefused: `bad_cipher` or `wrong_appid`.
    """
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        raise PushRefused("bad_cipher") from None
    if not sealed or len(sealed) % AES_BLOCK_BYTES:
        raise PushRefused("bad_cipher")
    decryptor = _cipher(keys).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    pad = padded[-1]
    if not 1 <= pad <= PAD_BYTES or padded[-pad:] != bytes([pad]) * pad:
        raise PushRefused("bad_cipher")
    clear = padded[:-pad]
    end = HEAD_BYTES + int.from_bytes(clear[RANDOM_BYTES:HEAD_BYTES], "big")
    if end > len(clear):
        raise PushRefused("bad_cipher")
    if not hmac.compare_digest(clear[end:], keys.appid.encode()):
        raise PushRefused("wrong_appid")
    return clear[HEAD_BYTES:end]


def _cipher(keys: PushKeys) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(keys.aes_key), modes.CBC(keys.aes_key[:AES_BLOCK_BYTES]))


def _values(query: Mapping[str, str], *names: str) -> list[str]:
    found = [query.get(name, "") for name in names]
    if not all(0 < len(value) <= QUERY_VALUE_MAX_CHARS for value in found):
        raise PushRefused("bad_query")
    return found


def _compare(given: str, wanted: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode()):
        raise PushRefused("bad_signature")


def _check_age(timestamp: str, now_s: float | None) -> None:
    if now_s is None:
        return
    if not re.fullmatch(r"[0-9]{1,15}", timestamp) or abs(now_s - int(timestamp)) > FRESH_S:
        raise PushRefused("stale")


def _encrypted(query: Mapping[str, str], outer: dict[str, Any]) -> str:
    """Give the text of `Encrypt`, or say which other mode the console is in."""
    encrypted = outer.get("Encrypt")
    if encrypted is None or query.get("encrypt_type") != "aes":
        raise PushRefused("plain_mode")
    if any(name in outer for name in _CLEAR_FIELDS):
        raise PushRefused("compatible_mode")
    if not isinstance(encrypted, str):
        raise PushRefused("bad_body")
    return encrypted


def _parse(data: bytes, reason: str) -> dict[str, Any]:
    """Read JSON or XML, whichever it is; `reason` says what to refuse it with."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    try:
        found = flat_xml(data) if start == b"<" else json_loads(data.decode("utf-8-sig"))
    except ValueError:
        raise PushRefused(reason) from None
    if not isinstance(found, dict):
        raise PushRefused(reason)
    return found
