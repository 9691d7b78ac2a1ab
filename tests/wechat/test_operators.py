"""Operators' routes about people: invites are told once, contacts by their opaque ids."""

from support.mini_scene import MiniScene

from tincall.wechat.contacts import GRANTED, REFUSED

ROUTES = [("POST", "/devices/SN-1/invites"), ("GET", "/devices/SN-1/contacts"), ("DELETE", "/devices/SN-1/contacts/a")]


async def test_only_operators_get_in(store):
    async with MiniScene(store) as s:
        session = await s.log_in()
        for method, path in ROUTES:
            for shown in ({}, {"Authorization": f"Bearer {session}"}):
                answer = await s.client.request(method, "/v1" + path, headers=shown, json={})
                assert (answer.status_code, answer.json()["reason"]) == (401, "auth_failed")


async def test_an_invite_is_made_and_used(store):
    async with MiniScene(store) as s:
        made = await s.operate("POST", "/devices/SN-1/invites", json={"name": " Mum ", "life_s": 600})
        body = made.json()
        assert (made.status_code, body["sn"], body["name"]) == (201, "SN-1", "Mum")
        assert body["expires_s"] == store.clock.unix_ms() // 1000 + 600
        answer = await s.ask("POST", "/bind", await s.log_in(), json={"invite": body["invite"]})
        assert answer.json()["called"] == "Mum"


async def test_what_can_be_no_invite(store):
    async with MiniScene(store) as s:
        for body in ({"life_s": 59}, {"life_s": 10**9}, {"life_s": "60"}, {"name": "x" * 65}, {"sn": "SN-1"}, []):
            assert (await s.operate("POST", "/devices/SN-1/invites", json=body)).status_code == 400
        bad = await s.operate("POST", "/devices/SN-1/invites", json={"name": "\u202eMum"})
        assert (bad.status_code, bad.json()["reason"]) == (400, "bad_value")


async def test_a_board_that_is_not_enrolled_has_nobody(store):
    async with MiniScene(store) as s:
        for method, path in ROUTES:
            answer = await s.operate(method, path.replace("SN-1", "SN-9"), json={} if method == "POST" else None)
            assert (answer.status_code, answer.json()["reason"]) == (404, "unknown")


async def test_contacts_are_listed_and_removed_without_their_openid(store):
    async with MiniScene(store) as s:
        board = s.board()
        mum = await s.contacts.put("SN-1", "openid-mum", "Mum", GRANTED)
        dad = await s.contacts.put("SN-1", "openid-dad", "Dad", REFUSED)
        other = await s.contacts.put("SN-2", "openid-mum", "Mum", GRANTED)
        listed = await s.operate("GET", "/devices/SN-1/contacts")
        assert "openid" not in listed.text
        assert [(one["id"], one["name"], one["consent"], one["shown"]) for one in listed.json()["contacts"]] == [
            (dad.contact_id, "Dad", REFUSED, False),
            (mum.contact_id, "Mum", GRANTED, True),
        ]
        for contact_id in (other.contact_id, "nobody"):
            answer = await s.operate("DELETE", f"/devices/SN-1/contacts/{contact_id}")
            assert (answer.status_code, answer.json()["reason"]) == (404, "unknown")
        gone = await s.operate("DELETE", f"/devices/SN-1/contacts/{mum.contact_id}")
        assert gone.json() == {"removed": mum.contact_id}
        assert board.last("contacts")["contacts"] == []
        assert s.people.boards("openid-mum")[0]["sn"] == "SN-2"
