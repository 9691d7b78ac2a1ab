"""The files of the phone's page and who may have them: a strict policy on every answer, and no page of another origin.

The Host header must name us: a name that somebody else's DNS points here (rebinding) gets nothing. Origin, where a browser
says one, must agree with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Site:
    """The page's files, read once, and its names.

    Args:
        hosts: names and addresses under which the page may be opened; IPv6 addresses without brackets.

    Attributes:
        files: file name to its bytes and media type; nothing else can be fetched.
    """

    def __init__(self, hosts: Iterable[str] = LOOPBACK) -> None:
        self._hosts = frozenset(hosts)
        self.files = {
            file.name: (file.read_bytes(), TYPES[file.suffix]) for file in FOLDER.iterdir() if file.suffix in TYPES
        }

    def is_own_host(self, host: str) -> bool:
        """Tell whether a Host header is one of ours, with any port."""
        try:
            parts = urlsplit(f"//{host}")
            # a port that is no number raises; a name with anything else in it is not what a browser says
            return parts.port != 0 and parts.netloc == host and "@" not in host and parts.hostname in self._hosts
        except ValueError:
            return False


def is_own_origin(origin: str | None, host: str) -> bool:
    """Tell whether a request is of our own page, or of no page: programs say no origin, pages cannot keep silent."""
    return origin is None or origin in (f"http://{host}", f"https://{host}")


def headers(host: str) -> dict[str, str]:
    """Give the headers of every file: nothing from elsewhere, nothing inline, no text that becomes markup.

    Args:
        host: the Host header of the request, checked; browsers differ in whether 'self' covers its WebSockets.
    """
    policy = [
        "default-src 'self'",
        f"connect-src 'self' ws://{host} wss://{host}",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    return {
        "content-security-policy": "; ".join(policy),
        "permissions-policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-cache",
    }
