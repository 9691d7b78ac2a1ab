"""A person's whole way, against the simulator's platform: login, invite, consent, calls that are made, given up and ended."""

import json

from support.exchange import settle
from support.mini_scene import SECRET, MiniScene

from tincall.simulator.numbers import Refused
from tincall.wechat.phone_calls import LIFE_S


async def test_a_persons_whole_way(store):
    async with MiniScene(store) as s:
        board = s.board()
        # the operator makes an invite, the person logs in and comes to the board
        session = await s.log_in()
        invite = await s.invite(name="Mum")
        shown = (await s.ask("POST", "/bind", session, json={"invite": invite})).json()
        assert (shown["online"], shown["consent"], shown["advice"]) == (True, "unknown", "prompt")
        assert [one["name"] for one in board.last("contacts")["contacts"]] == ["Mum"]
        # the platform asks for consent with our ticket; the person refuses first, and agrees in the settings
        ticket = (await s.ask("POST", "/ticket", session, json={"sn": "SN-1"})).json()
        asked = ("openid-mum", ticket["sn"], ticket["model_id"], ticket["sn_ticket"])
        number = _number(lambda: s.cloud.accounts.request_consent(*asked, False))
        assert number == 10021
        told = (await s.ask("POST", "/consent", session, json={"sn": "SN-1", "state": "refused"})).json()
        assert told["advice"] == "settings" and board.last("contacts")["contacts"] == []
        s.cloud.accounts.set_consent("openid-mum", "SN-1", True)
        assert _number(lambda: s.cloud.accounts.request_consent(*asked, True)) == 10001
        await s.ask("POST", "/consent", session, json={"sn": "SN-1", "state": "granted"})
        assert [one["name"] for one in board.last("contacts")["contacts"]] == ["Mum"]
        # a call that is given up while the board rings
        permit = await s.permit(session)
        assert await s.push(s.call_device(permit)) == 0
        assert board.last("invite")["call"] == permit["call"]
        await s.ask("POST", f"/calls/{permit['call']}/cancelled", session, json={"reason": "manual"})
        assert await s.ended(board, permit["call"])
        s.legs.phones[0].reports()
        board.reports(permit["call"])
        # a call that is answered, talked, and hung up by the phone
        permit = await s.permit(session)
        assert await s.push(s.call_device(permit)) == 0
        board.say({"t": "answer", "call": permit["call"], "media": {"codec": "PCMA", "ptime": 20}})
        await settle()
        assert (await s.ask("GET", "/devices", session)).json()["devices"][0]["busy"]
        s.clock.advance(30_000)
        s.legs.phones[1].ends(16)
        await s.ended(board, permit["call"])
        path = f"/calls/{permit['call']}/ended"
        assert (await s.ask("POST", path, session, json={"event": "hangUpVoip", "keep_time": 30})).json()[
            "was"
        ] == "over"
        record = await s.store.records.get(permit["call"])
        assert record["phone_report"] == {"event": "hangUpVoip", "keep_time": 30}
        assert (record["duration_ms"], record["released_by"], record["direction"]) == (30_000, "phone", "in")
        assert record["phone"] == s.contacts.find("SN-1", "openid-mum").contact_id


async def test_what_must_not_work(store):
    async with MiniScene(store) as s:
        board = s.board()
        s.board("SN-2")
        mum, dad = await s.bound(), await s.bound("openid-dad", "SN-2", "Dad")
        permit, other = await s.permit(mum), await s.permit(dad, "SN-2")
        refused = [
            s.call_device(permit, sn="SN-2"),  # another board
            s.call_device(permit, openid="openid-dad"),  # another person
            s.call_device(permit | {"payload": other["payload"]}),  # another payload
            s.call_device(permit, payload="made-up"),
            s.call_device(permit, payload=permit["payload"].swapcase()),
        ]
        for event in refused:
            assert await s.push(event) != 0
        event = s.call_device(permit)
        assert await s.push(event) == await s.push(event) == 0, "a repeat is answered the same"
        assert len(board.heard("invite")) == 1
        assert await s.push(s.call_device(permit)) != 0, "used"
        s.clock.advance(LIFE_S * 1000)
        assert await s.push(s.call_device(other)) != 0, "too old"


async def test_a_removed_person_cannot_use_what_they_hold(store):
    async with MiniScene(store) as s:
        board = s.board()
        session = await s.bound()
        permit = await s.permit(session)
        (contact,) = (await s.operate("GET", "/devices/SN-1/contacts")).json()["contacts"]
        await s.operate("DELETE", f"/devices/SN-1/contacts/{contact['id']}")
        assert await s.push(s.call_device(permit)) != 0 and board.heard("invite") == []
        assert (await s.ask("GET", "/devices", session)).json() == {"devices": []}


async def test_no_answer_and_no_log_holds_what_is_not_theirs(store, capfd):
    async with MiniScene(store) as s:
        s.board()
        session = await s.bound()
        permit = await s.permit(session)
        token = await s.api.tokens.get()
        answers = [
            await s.ask("GET", "/devices", session), await s.ask("GET", "/consent", session),
            await s.ask("POST", "/ticket", session, json={"sn": "SN-1"}),
            await s.ask("POST", "/calls", session, json={"sn": "SN-1"}),
        ]  # fmt: skip
        ticket = answers[2].json()["sn_ticket"]
        s.fails(40125)
        answers.append(await s.ask("POST", "/login", json={"code": "x"}))
        said = json.dumps([answer.text for answer in answers])
        logged = "".join(capfd.readouterr())
        for secret in ("openid-mum", SECRET, token):
            assert secret not in said + logged
        for secret in (session, permit["payload"], ticket):
            assert secret not in logged


async def test_its_parts_hang_on_the_board_and_end(store):
    async with MiniScene(store) as s:
        assert s.people.board_changed in store.registry.watchers
        prefixes = {router.prefix for router in s.side.routers(lambda request: None)}
        assert prefixes == {"/v1/mini", "/v1/devices/{sn}"}


def _number(ask):
    try:
        ask()
    except Refused as refused:
        return refused.number
    return 0
