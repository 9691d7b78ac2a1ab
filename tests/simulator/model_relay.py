"""A relay as small as can be that keeps the platform's rules: the scenarios are tried on it, and on it with one rule broken.

It knows one board, which does what a scenario's `device` says. It is no part of the product and shares nothing with it but
the table of causes.
"""

import asyncio
import contextlib
import json
import secrets
import xml.etree.ElementTree as ElementTree

import httpx
import websockets.asyncio.client
from fastapi import FastAPI, Request, Response

from tincall.simulator.envelope import BadAnswer, Envelope, write
from tincall.simulator.server import SimulatorServer
from tincall.wechat import vocabulary

CALL = "/wxa/business/iot/voip/call"
PUSH_WAIT_S = 4.0
OUT, IN = "out", "in"
CAUSES = {3: 21, 4: 487, 5: 16, 6: 16, 7: 41, 8: 17, 9: 19}
FRAME = bytes(640)


class ModelRelay:
    """The relay.

    Args:
        platform: the simulator's URL.
        console: the app's credentials.
        device: a scenario's `device`.
        encrypted: answers pushes so.
        broken: names of rules that it breaks.
    """

    def __init__(self, platform, console, device, encrypted=False, broken=()):
        self.records = []
        self.console = console
        self._device = device
        self._encrypted = encrypted
        self._broken = broken
        self._envelope = Envelope(console.push_token, console.aes_key, console.appid, secrets.token_bytes)
        self._client = httpx.AsyncClient(base_url=platform, trust_env=False, timeout=10)
        self._room_url = platform.replace("http", "ws", 1) + "/sim/room"
        self._answers = {}
        self._waiting = {}
        self._offers = {}
        self._tasks = set()
        self._server = None
        self._token = ""

    async def start(self):
        """Listen; gives the push URL."""
        app = FastAPI()
        app.add_api_route("/wechat/push", self._check, methods=["GET"])
        app.add_api_route("/wechat/push", self._push, methods=["POST"])
        self._server = await SimulatorServer.open(app)
        return f"{self._server.url}/wechat/push"

    async def stop(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.close()
        await self._client.aclose()

    def offer(self):
        """Give a payload for one call of a phone; the record is appended when that call is over."""
        payload = "in-" + secrets.token_hex(8)
        self._offers[payload] = asyncio.get_running_loop().create_future()
        return payload

    async def call(self, openid):
        """Call a phone and live the call to its end."""
        payload = "out-" + secrets.token_hex(8)
        pushed = self._waiting[payload] = asyncio.get_running_loop().create_future()
        gave_up = asyncio.Event()
        body = {"model_id": self.console.model_id, "sn": "board-1", "openid": openid, "room_type": "voice"}
        asked = asyncio.create_task(self._ask(CALL, {**body, "payload": payload}))
        try:
            if self._device.does == "cancel":
                asyncio.get_running_loop().call_later(self._device.after_ms / 1000, gave_up.set)
            number = await asked
            if number not in (0, None):
                self._record(OUT, vocabulary.meaning("call", number).cause, "relay")
                return
            giving_up = asyncio.create_task(gave_up.wait())
            await asyncio.wait({pushed, giving_up}, timeout=PUSH_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
            giving_up.cancel()
            if not pushed.done():
                # number None: nothing is known, and a push that comes now is refused
                by = "device" if gave_up.is_set() else "relay"
                self._record(OUT, 487 if gave_up.is_set() else 41, by)
                return
            await self._live(OUT, pushed.result(), gave_up)
        finally:
            del self._waiting[payload]

    # the platform's API

    async def _ask(self, path, body):
        """POST with a token; gives the number, None without an answer that says one."""
        for _ in range(2):
            if not self._token or "forces" in self._broken:
                form = {"grant_type": "client_credential", "appid": self.console.appid, "secret": self.console.secret}
                if "forces" in self._broken:
                    form["force_refresh"] = True
                self._token = (await self._client.post("/cgi-bin/stable_token", json=form)).json()["access_token"]
            try:
                answer = await self._client.post(path, params={"access_token": self._token}, json=body)
                number = answer.json()["errcode"]
            except (httpx.HTTPError, ValueError):
                return None
            if number not in (40001, 40014, 42001):
                break
            self._token = ""
        return number

    # pushes

    async def _check(self, request: Request):
        query = request.query_params
        good = self._envelope.sign(query["timestamp"], query["nonce"]) == query["signature"]
        return Response(query["echostr"] if good else "", status_code=200 if good else 403)

    async def _push(self, request: Request):
        query, body = request.query_params, await request.body()
        try:
            outer = _fields(body)
            sealed = outer.get("Encrypt", "")
            if query.get("encrypt_type") != "aes" or set(outer) != {"ToUserName", "Encrypt"}:
                return Response("security mode is wanted", status_code=400)
            signature = self._envelope.sign(query["timestamp"], query["nonce"], sealed)
            if signature != query["msg_signature"] and "unsigned" not in self._broken:
                return Response("", status_code=403)
            event = _fields(self._envelope.open(sealed))
        except (BadAnswer, ValueError, KeyError):
            return Response("", status_code=400)
        if event["Event"] != "iot_voip_notify":
            return Response("success")
        room_id = event["RoomId"]
        if room_id not in self._answers or "forgets" in self._broken:
            again = room_id in self._answers
            self._answers[room_id] = 10 if again else self._decide(event)
        if "slow" in self._broken:
            await asyncio.sleep(2.2)
        return self._said(self._answers[room_id], query["nonce"])

    def _said(self, number, nonce):
        clear = json.dumps({"errcode": number, "errmsg": "ok" if not number else "no"}).encode()
        if "vague" in self._broken:
            return Response("success")
        if not self._encrypted:
            return Response(clear, media_type="application/json")
        sealed = self._envelope.seal(clear)
        stamp = 1_790_000_000
        fields = {"Encrypt": sealed, "MsgSignature": self._envelope.sign(str(stamp), nonce, sealed)}
        return Response(write({**fields, "TimeStamp": stamp, "Nonce": nonce}, "json"))

    def _decide(self, event):
        payload = event["Payload"]
        waiting = self._waiting.get(payload)
        if waiting is not None and not waiting.done():
            waiting.set_result(event)
            return 0
        offer = self._offers.pop(payload, None)
        if offer is None and "trusts" not in self._broken:
            return 1
        if self._device.does == "busy":
            self._record(IN, 17, "device")
            return 1
        self._spawn(self._ring_board(event))
        return 0

    # rooms

    async def _ring_board(self, event):
        does = self._device.does
        keys = {"server_token": event["ServerToken"], "payload": event["Payload"]}
        if does in ("reject", "no_answer"):
            await asyncio.sleep(self._device.after_ms / 1000 if does == "reject" else 2.0)
            async with self._connect() as socket:
                await socket.send(
                    json.dumps({"t": "listener_hangup", **keys, "reason": 11 if does == "reject" else 10})
                )
                await socket.recv()
            self._record(IN, 21 if does == "reject" else 19, "device")
            return
        await self._live(IN, event, asyncio.Event())

    async def _live(self, direction, event, gave_up):
        """Join, talk and stay until the room is over."""
        if "absent" in self._broken:
            await asyncio.sleep(1)
            self._record(direction, 16, "device")
            return
        join = {"t": "join", "appid": self.console.appid, "room_type": "voice"}
        join |= {"server_token": event["ServerToken"], "room_id": event["RoomId"]}
        join |= {"session_key": event["SessionKey"], "payload": event["Payload"]}
        talking, over = asyncio.Event(), []
        async with self._connect() as socket:
            await socket.send(json.dumps(join))
            helpers = [asyncio.create_task(self._speak(socket, talking))]
            helpers.append(asyncio.create_task(self._hang_up(socket, talking, gave_up)))
            try:
                async for message in socket:
                    if isinstance(message, str):
                        number = json.loads(message)["number"]
                        if number == 2:
                            talking.set()
                        elif number > 2:
                            over.append(number)
            except websockets.ConnectionClosed:
                pass
            finally:
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
        number = over[-1] if over else 7
        sides = ("device", "phone") if direction == OUT else ("phone", "device")
        by = {3: sides[1], 4: sides[0], 5: sides[0], 6: sides[1], 7: "relay", 8: sides[1], 9: sides[1]}[number]
        self._record(direction, CAUSES[number], by)

    async def _speak(self, socket, talking):
        await talking.wait()
        with contextlib.suppress(websockets.ConnectionClosed):
            while "mute" not in self._broken:
                await socket.send(FRAME)
                await asyncio.sleep(0.02)

    async def _hang_up(self, socket, talking, gave_up):
        if self._device.does == "hang_up":
            await talking.wait()
            await asyncio.sleep(self._device.after_ms / 1000)
        else:
            await gave_up.wait()
        with contextlib.suppress(websockets.ConnectionClosed):
            await socket.send(json.dumps({"t": "hangup", "reason": 1}))

    def _connect(self):
        return websockets.asyncio.client.connect(self._room_url, proxy=None)

    def _record(self, direction, cause, by):
        self.records.append({"direction": direction, "cause": cause, "released_by": by})

    def _spawn(self, work):
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _fields(text):
    if text.strip().startswith(b"<"):
        return {child.tag: child.text or "" for child in ElementTree.fromstring(text.decode())}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
