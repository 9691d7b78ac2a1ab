"""The mini program behind the browser phones, against a relay that speaks the real words and remembers what it was told."""

import contextlib

import pytest
from fastapi import FastAPI, HTTPException, Request
from sim import EndWitness, PhoneWitness, run, until

from tincall.simulator.accounts import ANY, User
from tincall.simulator.mini_program import APP_NAME, NO_DOOR, MiniProgram
from tincall.simulator.numbers import Refused
from tincall.simulator.server import SimulatorServer
from tincall.simulator.service import Service
from tincall.wechat import mini_words as words

BOARD = {
    "sn": "sn-1",
    "model_id": "tincall",
    "name": "Front door",
    "device_name": "Front door",
    "called": "Ann",
    "online": True,
    "busy": False,
    "consent": "unknown",
    "advice": "prompt",
}


class Relay:
    """A relay with one board; bodies and answers are checked by the relay's own words."""

    def __init__(self, service):
        self.service = service
        self.told = []
        self.logins = 0
        self.sessions = set()
        self.refuses = 0
        app = self.app = FastAPI()
        mini = "/v1/mini"

        @app.post(f"{mini}/login")
        async def login(asked: words.Login) -> words.LoggedIn:
            console = service.console
            service.cloud.accounts.session(console.appid, console.secret, asked.code)
            self.logins += 1
            self.sessions = {f"session-{self.logins}"}
            return words.LoggedIn(session=f"session-{self.logins}", expires_in_s=60)

        @app.get(f"{mini}/devices")
        async def devices(request: Request) -> words.BoardList:
            self.who(request)
            return words.BoardList(devices=[words.Board(**BOARD)])

        @app.post(f"{mini}/ticket")
        async def ticket(asked: words.OneBoard, request: Request) -> words.Ticket:
            self.who(request)
            made = service.cloud.accounts.ticket(service.console.appid, asked.sn, "tincall")
            return words.Ticket(sn=asked.sn, sn_ticket=made, model_id="tincall", device_name="Front door")

        @app.post(f"{mini}/consent")
        async def consent(asked: words.ConsentReport, request: Request) -> words.ConsentState:
            self.who(request)
            self.told.append(("consent", asked.sn, asked.state))
            return words.ConsentState(sn=asked.sn, state="granted", advice="none", updated_s=1)

        @app.post(f"{mini}/calls", status_code=201)
        async def call(asked: words.Call, request: Request) -> words.Permit:
            self.who(request)
            if self.refuses:
                raise HTTPException(self.refuses, "The board has no link.")
            return words.Permit(
                call="call-1",
                sn=asked.sn,
                model_id="tincall",
                device_name="Front door",
                room_type=asked.room_type,
                payload="given-payload",
                expires_in_s=60,
            )

        @app.post(f"{mini}/calls/{{call_id}}/cancelled")
        async def cancelled(call_id: str, asked: words.Cancelled, request: Request) -> words.Outcome:
            self.who(request)
            self.told.append(("cancelled", call_id, asked.reason))
            return words.Outcome(call=call_id, was="live")

        @app.post(f"{mini}/calls/{{call_id}}/ended")
        async def ended(call_id: str, asked: words.Ended, request: Request) -> words.Outcome:
            self.who(request)
            self.told.append(("ended", call_id, asked.event))
            return words.Outcome(call=call_id, was="over")

        @app.post("/push")
        async def push() -> dict[str, object]:
            return {"errcode": 0, "errmsg": "ok"}

    def who(self, request):
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.sessions:
            raise HTTPException(401, "no session")


@contextlib.asynccontextmanager
async def home():
    """Give a mini program of one person with one board, and its relay."""
    service = Service()
    service.cloud.accounts.add_user(User("o1", service.console.appid, "Ann"))
    service.cloud.accounts.add_user(User("o9", "wxother"))
    relay = Relay(service)
    server = await SimulatorServer.open(relay.app)
    service.pusher.url = f"{server.url}/push"
    desk = MiniProgram(service)
    try:
        yield desk, relay, service
    finally:
        await desk.close()
        await service.stop()
        await server.close()


def played(scene):
    async def main():
        async with home() as parts:
            await scene(*parts)

    run(main())


async def listed(desk):
    await until(lambda: desk.devices("o1"), "the list")
    return desk.devices("o1")


def test_people_are_those_of_this_app():
    async def scene(desk, relay, service):
        assert [(one.openid, one.name) for one in desk.people()] == [("o1", "Ann")]
        assert desk.app_name == APP_NAME

    played(scene)


def test_the_list_comes_from_the_relay_and_new_boards_ask_for_consent():
    async def scene(desk, relay, service):
        changes, asked = [], []
        desk.changed = lambda: changes.append(1)
        desk.ask = lambda openid, sn: asked.append((openid, sn))
        assert list(desk.devices("o1")) == []
        (device,) = await listed(desk)
        assert (device.sn, device.name, device.consent) == ("sn-1", "Front door", "unasked")
        await until(lambda: asked == [("o1", "sn-1")], "the question")
        assert changes == [1] and relay.logins == 1

    played(scene)


def test_the_first_answer_goes_by_a_ticket_and_later_ones_by_the_settings_page():
    async def scene(desk, relay, service):
        await listed(desk)
        for allow, shown in ((False, "refused"), (True, "allowed"), (False, "refused")):
            desk.decide("o1", "sn-1", allow)
            state = "granted" if allow else "refused"
            await until(lambda state=state: relay.told[-1:] == [("consent", "sn-1", state)], "the report")
            assert desk.devices("o1")[0].consent == shown
        assert service.cloud.accounts.users["o1"].consents == set()

    played(scene)


def test_a_call_takes_the_relays_payload_and_its_end_is_reported():
    async def scene(desk, relay, service):
        service.rooms.attach("o1", PhoneWitness())
        room = await desk.place("o1", "sn-1", "voice")
        assert (room.order.payload, room.order.appid) == ("given-payload", service.console.appid)
        await until(lambda: room.state == "ringing", "the relay's yes")
        keys, end = room.keys, EndWitness()
        service.rooms.join(room.order.appid, keys.room_id, keys.session_key, keys.server_token, "given-payload", end)
        service.rooms.hang_up(room, 1)
        await until(lambda: relay.told == [("ended", "call-1", "finishVoip")], "the report")

    played(scene)


def test_a_cancelled_call_is_reported_since_nobody_else_does():
    async def scene(desk, relay, service):
        line = service.rooms.attach("o1", PhoneWitness())
        await desk.place("o1", "sn-1", "voice")
        line.hang_up()
        await until(lambda: relay.told == [("cancelled", "call-1", "manual")], "the report")

    played(scene)


def test_a_session_that_is_over_is_made_anew():
    async def scene(desk, relay, service):
        await listed(desk)
        relay.sessions.clear()
        await desk.place("o1", "sn-1", "voice")
        assert relay.logins == 2

    played(scene)


def test_what_the_relay_refuses_is_told_to_the_person():
    async def scene(desk, relay, service):
        relay.refuses = 409
        with pytest.raises(Refused, match="The board has no link") as caught:
            await desk.place("o1", "sn-1", "voice")
        assert caught.value.number == 1002

    played(scene)


def test_without_a_relay_nothing_is_listed_and_calls_say_why():
    async def scene(desk, relay, service):
        service.pusher.url = ""
        with pytest.raises(Refused, match="no push URL"):
            await desk.place("o1", "sn-1", "voice")
        service.pusher.url = "http://127.0.0.1:1/push"
        with pytest.raises(Refused, match="did not answer"):
            await desk.place("o1", "sn-1", "voice")
        assert list(desk.devices("o1")) == []

    played(scene)


def test_consent_to_everything_is_shown_and_there_is_no_door_yet():
    async def scene(desk, relay, service):
        service.cloud.accounts.users["o1"].consents.add(ANY)
        assert (await listed(desk))[0].consent == "allowed"
        room = await desk.place("o1", "sn-1", "voice")
        assert await desk.press(room) == (False, NO_DOOR)

    played(scene)
