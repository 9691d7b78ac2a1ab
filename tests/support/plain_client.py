"""A client of the device port that knows nothing of ours but callcore: TLS from the standard library, HTTP by hand."""

import asyncio
import base64
import json
import os
import ssl
from dataclasses import dataclass

from support.board_end import HELLO, BoardEnd, text


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)


class PlainClient(BoardEnd):
    """One connection to the device port; after `upgrade` a board's end of a link."""

    def __init__(self, reader, writer):
        super().__init__()
        self.reader = reader
        self.writer = writer
        self._changed = asyncio.Event()
        self._task = None

    @classmethod
    async def connect(cls, port, anchor, newest="1.3"):
        """Connect with TLS; the server's certificate is verified against `anchor`."""
        context = ssl.create_default_context(cafile=str(anchor))
        context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[newest]
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1"))

    async def request(self, method, path, body=b"", **headers):
        """Make one request and read its answer."""
        self.send(method, path, body, **headers)
        return await self.answer()

    def send(self, method, path, body=b"", **headers):
        """Send one request."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        fields = {"Host": "relay", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body:
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.writer.write("\r\n".join(lines).encode() + body)

    async def answer(self):
        """Read one answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        status = int(head[0].split()[1])
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in head[1:] if line)}
        return Answer(status, headers, await self.reader.readexactly(int(headers.get("content-length", 0))))

    async def upgrade(self, token, **headers):
        """Ask for a link; on `101` frames are read from here on."""
        fields = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec_WebSocket_Version": "13",
            "Sec_WebSocket_Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec_WebSocket_Protocol": "tincall.v1",
            "Authorization": f"Bearer {token}",
            **headers,
        }
        answer = await self.request("GET", "/v1/link", **fields)
        if answer.status == 101:
            self._task = asyncio.get_running_loop().create_task(self._read())
        return answer

    async def link(self, token):
        """Get a link and be welcomed."""
        answer = await self.upgrade(token)
        assert answer.status == 101, answer
        self.say(HELLO)
        await self.until(lambda: self.heard("welcome"))
        return self

    def say(self, message):
        """Send one message."""
        self.writer.write(text(message))

    async def until(self, condition):
        """Wait until something that was heard makes `condition()` true."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def ended(self):
        """Wait for the end of the stream; gives what was left to read."""
        async with asyncio.timeout(10):
            if self._task is not None:
                await self._task
                return b""
            try:
                return await self.reader.read()
            except OSError:
                return b""

    async def close(self):
        """Close the connection."""
        self.writer.transport.abort()
        if self._task is not None:
            await self._task
        await asyncio.sleep(0)

    async def _read(self):
        try:
            while data := await self.reader.read(65536):
                self.take(data)
                self._changed.set()
        except OSError:
            pass
        self._changed.set()
