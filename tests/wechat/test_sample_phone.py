"""The sample mini program itself, under Node, against the relay's real routes over HTTP and the simulator's platform."""

import asyncio
import contextlib
import json
import os
import shutil
import socket

import pytest
import uvicorn
from support.exchange import settle
from support.mini_scene import MODEL, MiniScene

NODE = shutil.which("node")
# in CI the check named miniprogram says that Node is missing
pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")
SCRIPT = os.path.join(os.path.dirname(__file__), "..", "miniprogram", "phone.mjs")


@contextlib.asynccontextmanager
async def served(app):
    """Serve an application on a free port of this machine; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setblocking(False)
    config = uvicorn.Config(app, http="h11", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


class Phone:
    """The program under Node."""

    def __init__(self, process):
        self._process = process

    async def ask(self, verb, **more):
        """Let it do something; gives its answer."""
        self._process.stdin.write(json.dumps({"verb": verb, **more}).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), 20)
        assert line, (await self._process.stderr.read()).decode()
        return json.loads(line)


@contextlib.asynccontextmanager
async def phone(base):
    """Start the program; it ends with its standard input."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(NODE, SCRIPT, base, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield Phone(process)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_the_sample_walks_a_persons_whole_way(store):
    async with MiniScene(store) as s, served(s.app) as base, phone(base) as mum:
        board = s.board()
        login = s.cloud.accounts.login("openid-mum")
        assert (await mum.ask("list", login=login)) == {"boards": [], "fault": ""}
        assert "not good" in (await mum.ask("bind", code="0000-0000-0000"))["fault"]
        bound = await mum.ask("bind", code=(await s.invite(name="Mum")).lower())
        assert bound == {"said": "Front door: The board is yours now.", "fault": ""}
        (shown,) = (await mum.ask("list"))["boards"]
        assert (shown["link_text"], shown["advice"]) == ("connected", "prompt")
        # consent: refused, then given
        await mum.ask("open", sn="SN-1")
        refused = await mum.ask("consent", answer={"errCode": 10021})
        assert refused["board"]["advice"] == "settings" and board.last("contacts")["contacts"] == []
        given = await mum.ask("consent", answer=None)
        assert given["board"]["consent"] == "granted" and given["words"]["modelId"] == MODEL
        words = given["words"]
        s.cloud.accounts.request_consent("openid-mum", words["sn"], words["modelId"], words["snTicket"], True)
        assert [one["name"] for one in board.last("contacts")["contacts"]] == ["Mum"]
        # a call, given up while the board rings
        call = (await mum.ask("call"))["words"]
        assert (call["isCloud"], call["deviceName"], words["deviceName"]) == (True, "Front door", "Front door")
        permit = {
            "sn": call["sn"],
            "model_id": call["modelId"],
            "payload": call["payload"],
            "room_type": call["roomType"],
        }
        assert await s.push(s.call_device(permit)) == 0
        ringing = board.last("invite")["call"]
        await mum.ask("event", name="cancelVoip", data={"status": "manual"})
        assert await s.ended(board, ringing)
        assert (await store.records.get(ringing))["phone_report"] == {"cancelled": "manual"}
        # a session that is over is renewed without a word
        await store.database.run(lambda connection: connection.exec_driver_sql("DELETE FROM wechat_people"))
        again = await mum.ask("list", login=s.cloud.accounts.login("openid-mum"))
        assert len(again["boards"]) == 1 and again["fault"] == ""
        # nobody answers at the board's place
        board.vanishes()
        await settle()
        assert "not connected" in (await mum.ask("call"))["fault"]
        assert "logged out" in (await mum.ask("out"))["said"]
