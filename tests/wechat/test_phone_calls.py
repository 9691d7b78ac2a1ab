"""Calls of people: the one-time payload, giving up in every moment, and what phones tell afterwards."""

import pytest
from support.exchange import settle
from support.mini_scene import MODEL, MiniScene

from callcore import causes
from tincall.errors import OperatorError
from tincall.leg import IN
from tincall.wechat import call_tickets, payload
from tincall.wechat.contacts import GRANTED, WITHDRAWN
from tincall.wechat.people import Refusal
from tincall.wechat.phone_calls import LIFE_S, LOOKS_S

MUM, DAD = "openid-mum", "openid-dad"
KEY = payload.derive_key(bytes(32))


async def ready(s, board=True):
    """Let mum have SN-1; gives the board's end if it is connected."""
    await s.contacts.put("SN-1", MUM, "Mum", GRANTED)
    return s.board() if board else None


async def permit(s, openid=MUM):
    return await s.calls.permit(openid, "SN-1", "voice")


async def pushed(s, given, **changes):
    fields = {"sn": given.sn, "model_id": given.model_id, "payload": given.payload, "room_type": given.room_type}
    return await s.push(s.call_device(fields, **changes))


async def refused(work):
    with pytest.raises(Refusal) as caught:
        await work
    return caught.value.reason


async def test_a_permit_is_a_signed_one_time_call(store):
    async with MiniScene(store) as s:
        await ready(s)
        given = await permit(s)
        token = payload.read(KEY, given.payload)
        assert (token.call_id, token.direction, token.room_type) == (given.call_id, IN, "voice")
        assert (given.sn, given.model_id, given.device_name, given.expires_in_s) == (
            "SN-1",
            MODEL,
            "Front door",
            LIFE_S,
        )
        assert given.payload not in repr(given) and given.payload.isascii() and len(given.payload) < 128


async def test_what_forbids_a_call(store):
    async with MiniScene(store) as s:
        await ready(s, board=False)
        assert await refused(permit(s)) == "not_connected"
        board = s.board()
        assert await refused(permit(s, DAD)) == "unknown_board"
        given = await permit(s)
        assert await pushed(s, given) == 0
        assert board.last("invite")["from"]["name"] == "Mum"
        assert await refused(permit(s)) == "busy"
        await s.stop_calls()
        assert await refused(permit(s)) == "unavailable"


async def test_a_payload_works_once_soon_and_for_its_board_and_person(store):
    async with MiniScene(store) as s:
        board = await ready(s)
        s.board("SN-2")
        given = await permit(s)
        assert await pushed(s, given, sn="SN-2") != 0
        assert await pushed(s, given, openid=DAD) != 0
        assert await pushed(s, given, payload=given.payload.swapcase()) != 0
        assert await pushed(s, given) == 0
        assert await pushed(s, given) != 0
        s.switchboard.phone_left(given.call_id)
        await s.ended(board, given.call_id)
        late = await permit(s)
        s.clock.advance(LIFE_S * 1000)
        assert await pushed(s, late) != 0


async def test_giving_up_before_the_push_makes_it_worthless(store):
    async with MiniScene(store) as s:
        await ready(s)
        given = await permit(s)
        assert await s.calls.cancelled(MUM, given.call_id, "manual") == "unused"
        assert await pushed(s, given) != 0
        assert await s.calls.cancelled(MUM, given.call_id, "manual") == "over" and s.naps == []


async def test_giving_up_while_it_rings_ends_it_on_the_board(store):
    async with MiniScene(store) as s:
        board = await ready(s)
        given = await permit(s)
        assert await pushed(s, given) == 0
        assert await s.calls.cancelled(MUM, given.call_id, "unloadCallPage") == "live"
        ended = await s.ended(board, given.call_id)
        assert (ended["call"], ended["cause"], ended["released_by"]) == (
            given.call_id,
            causes.ORIGINATOR_CANCEL,
            "phone",
        )
        record = await store.records.get(given.call_id)
        assert record["phone_report"] == {"cancelled": "unloadCallPage"} and record["released_by"] == "phone"
        assert s.legs.phones[0].verbs[-1] == "release"
        assert await s.calls.cancelled(MUM, given.call_id, "manual") == "over"


async def test_giving_up_while_the_push_is_answered_is_not_lost(store):
    async with MiniScene(store) as s:
        board = await ready(s)
        given = await permit(s)
        fields = {"sn": given.sn, "model_id": MODEL, "payload": given.payload, "room_type": "voice"}
        answer = await s.notify.take(s.call_device(fields))

        async def nap(seconds):
            s.naps.append(seconds)
            s.notify.answered(answer)
            await s.done()

        s.calls._sleep = nap
        assert await s.calls.cancelled(MUM, given.call_id, "manual") == "live"
        assert s.naps == [LOOKS_S[0]] and await s.ended(board, given.call_id)


async def test_a_call_that_never_comes_is_not_waited_for_for_ever(store):
    async with MiniScene(store) as s:
        await ready(s)
        given = await permit(s)
        await store.database.run(call_tickets.use, given.call_id)
        assert await s.calls.cancelled(MUM, given.call_id, "manual") == "over"
        assert s.naps == list(LOOKS_S) and sum(LOOKS_S) <= 1.5


async def test_nobody_ends_the_calls_of_others(store):
    async with MiniScene(store) as s:
        board = await ready(s)
        given = await permit(s)
        await pushed(s, given)
        for work in (
            s.calls.cancelled(DAD, given.call_id, "manual"), s.calls.ended(DAD, given.call_id, {"event": "endVoip"}),
            s.calls.cancelled(MUM, "a" * 20, "manual"), s.calls.ended(MUM, "a" * 20, {"event": "endVoip"}),
        ):  # fmt: skip
            assert await refused(work) == "unknown_call"
        assert board.heard("ended") == []


async def test_what_a_phone_tells_afterwards_is_in_the_record(store):
    async with MiniScene(store) as s:
        board = await ready(s)
        given = await permit(s)
        await pushed(s, given)
        board.say({"t": "answer", "call": given.call_id, "media": {"codec": "PCMA", "ptime": 20}})
        await settle()
        s.clock.advance(61_000)
        assert await s.calls.ended(MUM, given.call_id, {"event": "endVoip", "keep_time": 60}) == "live"
        assert (await s.ended(board, given.call_id))["released_by"] == "phone"
        assert await s.calls.ended(MUM, given.call_id, {"event": "finishVoip", "keep_time": 61}) == "over"
        assert s.naps == []
        told = (await store.records.get(given.call_id))["phone_report"]
        assert told == {"event": "finishVoip", "keep_time": 61}


@pytest.mark.parametrize(("errcode", "consent"), [(9, WITHDRAWN), (12, GRANTED)])
async def test_error_9_says_that_consent_is_missing(store, errcode, consent):
    async with MiniScene(store) as s:
        await ready(s)
        given = await permit(s)
        assert await s.calls.ended(MUM, given.call_id, {"event": "callFailed", "errcode": errcode}) == "unused"
        assert s.contacts.find("SN-1", MUM).consent == consent


async def test_error_9_after_leaving_the_board_harms_nobody(store):
    async with MiniScene(store) as s:
        await ready(s)
        given = await permit(s)
        await s.people.unbind(MUM, "SN-1")
        assert await s.calls.ended(MUM, given.call_id, {"event": "callFailed", "errcode": 9}) == "over"


async def test_a_record_that_cannot_be_written_does_not_keep_the_board_ringing(store, monkeypatch):
    async with MiniScene(store) as s:
        board = await ready(s)
        given = await permit(s)
        await pushed(s, given)

        async def fail(*_):
            raise OperatorError("the disk is full")

        monkeypatch.setattr(store.records, "phone_told", fail)
        assert await s.calls.cancelled(MUM, given.call_id, "manual") == "live"
        assert await s.ended(board, given.call_id)
