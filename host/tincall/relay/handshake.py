"""What a request on the device port asks for, and whether an upgrade to a link may be granted (RFC 6455 section 4.2).

Rules of this file: it judges requests and makes answers; who may have a link is the verifier's business, so the bearer token is
only lifted out here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from tincall.relay.http import Problem, Request

SUBPROTOCOL = "tincall.v1"
VERIFY_BEGIN = "/v1/verify/begin"
VERIFY_FINISH = "/v1/verify/finish"
CLAIM = "/v1/claim"
LINK = "/v1/link"
METHODS = {VERIFY_BEGIN: "POST", VERIFY_FINISH: "POST", CLAIM: "POST", LINK: "GET"}

WEBSOCKET_VERSION = "13"
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A well-formed wish for a link.

    Args:
        token: the bearer token, not yet judged; hidden from `repr`.
        accept: value of `Sec-WebSocket-Accept`.
    """

    token: str = field(repr=False)
    accept: str

    def headers(self) -> list[tuple[str, str]]:
        """Give the headers of the `101` answer."""
        return [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", self.accept),
            ("Sec-WebSocket-Protocol", SUBPROTOCOL),
        ]


def judge(request: Request) -> str:
    """Find the route of a request.

    Returns:
        VERIFY_BEGIN, VERIFY_FINISH, CLAIM or LINK.

    Raises:
        Problem: no such route (404, 405), or a browser asks (403).
    """
    if "origin" in request.headers:
        # a page of any site could make its visitor's browser connect; no board sends this header (RFC 6455 section 10.2)
        raise Problem(403, "browser", "This port is for boards; a browser has nothing to do here.", ends=True)
    method = METHODS.get(request.path)
    if method is None:
        raise Problem(404, "not_found", "There is nothing at this path.")
    if request.method != method:
        raise Problem(405, "bad_request", f"This path takes {method} only.", {"Allow": method})
    return request.path


def upgrade(request: Request) -> Upgrade:
    """Judge an upgrade request.

    Raises:
        Problem: a header is missing or wrong (400, 401, 426).
    """
    headers = request.headers
    if "websocket" not in _words(headers.get("upgrade", "")) or "upgrade" not in _words(headers.get("connection", "")):
        raise Problem(426, "bad_request", "A link is a WebSocket.", {"Upgrade": "websocket", "Connection": "Upgrade"})
    if headers.get("sec-websocket-version", "") != WEBSOCKET_VERSION:
        newest = {"Sec-WebSocket-Version": WEBSOCKET_VERSION}
        raise Problem(426, "version_unsupported", "Only WebSocket version 13 is spoken here.", newest)
    if SUBPROTOCOL not in _words(headers.get("sec-websocket-protocol", "")):
        raise Problem(400, "version_unsupported", f"The sub-protocol spoken here is {SUBPROTOCOL}.")
    return Upgrade(_bearer(headers.get("authorization", "")), accept_value(headers.get("sec-websocket-key", "")))


def accept_value(key: str) -> str:
    """Give the `Sec-WebSocket-Accept` for a client's key (RFC 6455 section 4.2.2).

    Raises:
        Problem: the key is not 16 bytes in base64.
    """
    try:
        is_key = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise Problem(400, "bad_request", "Sec-WebSocket-Key is not 16 bytes in base64.")
    digest = hashlib.sha1(key.encode("ascii") + WEBSOCKET_GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _bearer(value: str) -> str:
    """Lift the token out of an Authorization header (RFC 6750 section 2.1)."""
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise no_token()
    return token.strip()


def no_token() -> Problem:
    """Make the answer to a token that is missing, unknown, used up or too old: always the same."""
    detail = "The token is missing or no longer valid; verify again."
    return Problem(401, "auth_failed", detail, {"WWW-Authenticate": "Bearer"})


def _words(value: str) -> list[str]:
    """Split a list header into its members in lower case (RFC 9110 section 5.6.1)."""
    return [word.strip().lower() for word in value.split(",")]
