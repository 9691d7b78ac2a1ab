"""One HTTP/1.1 exchange on an open stream, bounded in bytes and time (RFC 9112); no redirects, no chunks, no surprises.

The connection stays open: two verification requests and the WebSocket upgrade go over the same one.
"""

from callcore.compat import const, ticks_add, ticks_diff
from callcore.errors import LinkError
from handset import clock

_MAX_HEAD_BYTES = const(2048)
_MAX_BODY_BYTES = const(8192)
_POLL_MS = const(5)


class Response:
    """What came back.

    Attributes:
        status: 100 to 599.
        headers: dict, names in lower case.
        body: bytes, whole.
        rest: bytes read beyond the answer; the first bytes of the link after an upgrade.
    """

    def __init__(self, status, headers, body, rest):
        self.status = status
        self.headers = headers
        self.body = body
        self.rest = rest


async def exchange(stream, method, path, host, headers, body, timeout_ms):
    """Send one request and read its answer.

    Args:
        stream: object with `write(buf, off, n)`, `readinto(buf)` and `where`, as TlsStream.
        method: `GET` or `POST`.
        path: from the slash on.
        host: for the Host header.
        headers: tuple of (name, value) pairs; values must not hold line ends.
        body: bytes, may be empty.
        timeout_ms: for the whole exchange, the TLS handshake included.

    Returns:
        A Response.

    Raises:
        LinkError: time-out, connection lost, certificate refused, or an answer that is not HTTP/1.1 within the bounds
            (`http_garbage`).
    """
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + host]
    for name, value in headers:
        lines.append(name + ": " + value)
    if method == "POST":
        lines.append("Content-Length: %d" % len(body))
    end_ms = ticks_add(clock.now_ms(), timeout_ms)
    await _send(stream, ("\r\n".join(lines) + "\r\n\r\n").encode() + body, end_ms)
    got = bytearray()
    end = -1
    while end < 0:
        if len(got) > _MAX_HEAD_BYTES:
            raise LinkError(
                "http_garbage", "%s answered with a head of over %d bytes" % (stream.where, _MAX_HEAD_BYTES)
            )
        await _receive(stream, got, end_ms)
        end = got.find(b"\r\n\r\n")
    status, answered = _head(bytes(got[:end]), stream.where)
    rest = bytes(got[end + 4 :])
    if status == 101 or status == 204:
        return Response(status, answered, b"", rest)
    length = _content_length(answered, stream.where)
    got = bytearray(rest)
    while len(got) < length:
        await _receive(stream, got, end_ms)
    return Response(status, answered, bytes(got[:length]), bytes(got[length:]))


async def _send(stream, data, end_ms):
    """Write all of `data`."""
    off = 0
    while off < len(data):
        n = stream.write(data, off, len(data) - off)
        off += n
        if not n:
            await wait(stream, end_ms)


async def _receive(stream, got, end_ms):
    """Append at least one byte to `got`."""
    scratch = bytearray(512)
    n = stream.readinto(scratch)
    while not n:
        await wait(stream, end_ms)
        n = stream.readinto(scratch)
    got.extend(memoryview(scratch)[:n])


async def wait(stream, end_ms):
    """Sleep a little, or raise LinkError when the time is over."""
    if ticks_diff(end_ms, clock.now_ms()) <= 0:
        raise LinkError("timeout", "%s stopped answering" % stream.where)
    await clock.sleep_ms(_POLL_MS)


def _head(head, where):
    """Parse status line and headers; raises LinkError on anything that is not HTTP/1.1."""
    try:
        lines = head.decode().split("\r\n")
        version, status, *_ = lines[0].split(" ", 2)
        if version != "HTTP/1.1" or len(status) != 3 or not status.isdigit() or status[0] == "0":
            raise ValueError
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        return int(status), headers
    except (ValueError, IndexError):
        raise LinkError("http_garbage", "%s did not answer in HTTP/1.1" % where)


def _content_length(headers, where):
    """Read the length of the body; chunked answers and missing or silly lengths are refused."""
    text = headers.get("content-length", "")
    if "transfer-encoding" in headers or not text.isdigit() or len(text) > 5 or int(text) > _MAX_BODY_BYTES:
        raise LinkError("http_garbage", "%s answered without a body length of at most %d" % (where, _MAX_BODY_BYTES))
    return int(text)
