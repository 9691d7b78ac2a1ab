"""People of the mini program: logging in, coming to a board and leaving it, consent; without HTTP."""

import asyncio

import pytest
from support.exchange import settle
from support.mini_scene import MODEL, MiniScene

from tincall.errors import OperatorError
from tincall.wechat.contacts import GRANTED, REFUSED, UNKNOWN, WITHDRAWN
from tincall.wechat.logins import SESSION_S
from tincall.wechat.people import ADVICE, PEOPLE_MAX, Refusal, device_name

MUM, DAD = "openid-mum", "openid-dad"


async def bind(s, openid=MUM, sn="SN-1", name="Mum", own_name=""):
    made = await s.side._invites.make(sn, name)
    return await s.people.bind(openid, made.code, own_name)


async def refused(work):
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value


async def test_the_platform_vouches_and_its_words_stay_here(store):
    async with MiniScene(store) as s:
        session = await s.people.log_in(s.cloud.accounts.login(MUM))
        assert session.expires_in_s == SESSION_S and session.token not in repr(session)
        assert await s.people.who(session.token) == MUM
        await s.people.log_out(MUM)
        assert await s.people.who(session.token) is None


@pytest.mark.parametrize(
    ("number", "reason"), [(40029, "bad_code"), (40226, "blocked"), (45011, "unavailable"), (40125, "unavailable")]
)
async def test_why_somebody_cannot_log_in(store, number, reason):
    async with MiniScene(store) as s:
        s.fails(number)
        refusal = await refused(s.people.log_in(s.cloud.accounts.login(MUM)))
        assert refusal.reason == reason and "secret" not in refusal.detail.lower()
        assert refusal.__cause__ is None and refusal.__suppress_context__


async def test_a_code_works_once(store):
    async with MiniScene(store) as s:
        code = s.cloud.accounts.login(MUM)
        await s.people.log_in(code)
        assert (await refused(s.people.log_in(code))).reason == "bad_code"


async def test_an_invite_makes_a_contact_and_the_same_again_changes_nothing(store):
    async with MiniScene(store) as s:
        made = await s.side._invites.make("SN-1", "Mum")
        first = await s.people.bind(MUM, made.code, "Ignored")
        contact = s.contacts.find("SN-1", MUM)
        await s.contacts.set_consent(contact.contact_id, GRANTED)
        again = await s.people.bind(MUM, made.code.lower(), "")
        assert again == first | {"consent": GRANTED, "advice": "none"}
        assert s.contacts.of("SN-1") == [s.contacts.find("SN-1", MUM)]
        assert (await refused(s.people.bind(DAD, made.code, ""))).reason == "bad_invite"


async def test_a_person_says_the_name_where_the_operator_did_not(store):
    async with MiniScene(store) as s:
        assert (await bind(s, name="", own_name="Mother"))["called"] == "Mother"
        assert (await bind(s, name="", own_name=""))["called"] == "Mother"
        assert (await bind(s, name="Mum", own_name="Mother"))["called"] == "Mum"


async def test_what_is_shown_of_a_board(store):
    async with MiniScene(store) as s:
        shown = await bind(s)
        assert shown == {
            "sn": "SN-1", "model_id": MODEL, "name": "Front door", "device_name": "Front door", "called": "Mum",
            "online": False, "busy": False, "consent": UNKNOWN, "advice": "prompt",
        }  # fmt: skip
        s.board()
        await bind(s, sn="SN-2")
        first, second = s.people.boards(MUM)
        assert first["online"] and not second["online"] and second["name"] == "SN-2"
        assert s.people.boards(DAD) == []
        assert MUM not in str([first, second])


async def test_a_board_has_so_many_people_and_no_more(store):
    async with MiniScene(store) as s:
        for i in range(PEOPLE_MAX):
            await s.contacts.put("SN-1", f"openid-{i}", f"P{i}", GRANTED)
        assert (await refused(bind(s))).reason == "board_full"
        assert (await bind(s, openid="openid-3", name="P3"))["called"] == "P3"


async def test_who_leaves_is_gone_with_all_ways_back(store):
    async with MiniScene(store) as s:
        made = await s.side._invites.make("SN-1", "Mum")
        await s.people.bind(MUM, made.code, "")
        s.board()
        permit = await s.calls.permit(MUM, "SN-1", "voice")
        await s.people.unbind(MUM, "SN-1")
        assert s.people.boards(MUM) == [] and s.contacts.shown("SN-1") == []
        assert (await refused(s.people.bind(MUM, made.code, ""))).reason == "bad_invite"
        assert (await s.side.calls._tickets.find(permit.call_id)).state == "cancelled"
        assert (await refused(s.people.unbind(MUM, "SN-1"))).reason == "unknown_board"


@pytest.mark.parametrize("sn", ["SN-2", "SN-9"])
async def test_a_board_of_others_is_as_one_that_is_not_there(store, sn):
    async with MiniScene(store) as s:
        await bind(s)
        await bind(s, openid=DAD, sn="SN-2")
        for work in (
            s.people.unbind(MUM, sn), s.people.ticket(MUM, sn), s.people.report_consent(MUM, sn, GRANTED),
            s.calls.permit(MUM, sn, "voice"),
        ):  # fmt: skip
            refusal = await refused(work)
            assert (refusal.reason, refusal.detail) == ("unknown_board", "You have no board of that number.")


async def test_the_ticket_is_for_the_board_as_the_platform_knows_it(store):
    async with MiniScene(store) as s:
        await bind(s)
        given = await s.people.ticket(MUM, "SN-1")
        assert (given["sn"], given["model_id"], given["device_name"]) == ("SN-1", MODEL, "Front door")
        s.cloud.accounts.request_consent(MUM, "SN-1", MODEL, given["sn_ticket"], True)
        s.clock.advance(300_000)
        s.fails(48001, "/wxa/getsnticket")
        assert (await refused(s.people.ticket(MUM, "SN-1"))).reason == "unavailable"


@pytest.mark.parametrize(
    ("before", "reported", "after"),
    [
        (UNKNOWN, "granted", GRANTED), (GRANTED, "granted", GRANTED), (REFUSED, "granted", GRANTED),
        (UNKNOWN, "refused", REFUSED), (GRANTED, "refused", REFUSED),
        (GRANTED, "missing", WITHDRAWN), (UNKNOWN, "missing", UNKNOWN), (REFUSED, "missing", REFUSED),
        (WITHDRAWN, "missing", WITHDRAWN), (WITHDRAWN, "granted", GRANTED),
    ],
)  # fmt: skip
async def test_consent_goes_as_reported(store, before, reported, after):
    async with MiniScene(store) as s:
        await bind(s)
        await s.contacts.set_consent(s.contacts.find("SN-1", MUM).contact_id, before)
        told = await s.people.report_consent(MUM, "SN-1", reported)
        assert (told["state"], told["advice"]) == (after, ADVICE[after])
        assert s.people.consents(MUM) == [told]


async def test_a_connected_board_hears_who_comes_and_goes(store):
    async with MiniScene(store) as s:
        board = s.board()
        assert board.last("welcome")["contacts"] == []
        await bind(s)
        contact = s.contacts.find("SN-1", MUM)
        assert board.last("contacts")["contacts"] == [{"id": contact.contact_id, "name": "Mum"}]
        await s.people.report_consent(MUM, "SN-1", "refused")
        assert board.last("contacts")["contacts"] == []


async def test_a_forgotten_board_takes_its_people_along(store):
    async with MiniScene(store) as s:
        open_one = await s.side._invites.make("SN-1")
        await bind(s)
        await bind(s, sn="SN-2")
        await store.registry.forget("SN-1")
        await s.people.stop()
        assert [one["sn"] for one in s.people.boards(MUM)] == ["SN-2"] and s.contacts.of("SN-1") == []
        await store.registry.enrol("SN-1", MODEL)
        assert (await refused(s.people.bind(DAD, open_one.code, ""))).reason == "bad_invite"


async def test_a_disk_that_fails_then_is_told_and_nothing_more(store, monkeypatch):
    async with MiniScene(store) as s:
        await bind(s)

        async def fail(*_):
            raise OperatorError("the disk is full")

        monkeypatch.setattr(s.side._invites, "forget", fail)
        s.people.board_changed("SN-1", "forgotten")
        await s.people.stop()
        s.people.board_changed("SN-1", "suspended")
        await asyncio.wait_for(settle(), 5)
        assert s.contacts.find("SN-1", MUM) is not None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Front door", "Front door"),
        ("0123456789abcdef", "0123456789abc"),
        ("门" * 20, "门" * 13),
        ("😀" * 10, "😀" * 6),
        ("0123456789ab x", "0123456789ab"),
        ("", "SN-1"),
    ],
)
async def test_a_name_is_as_long_as_the_platform_takes_it(store, name, shown):
    async with MiniScene(store):
        await store.registry.enrol("SN-3", MODEL, name)
        assert device_name(store.registry.get("SN-3")) == (shown if name else "SN-3")
        assert len(device_name(store.registry.get("SN-3")).encode("utf-16-le")) <= 26
