"""Legs of phones: made with workers, expected while the platform may push, consent noted from its answers."""

import asyncio

import pytest
from support.legs import OFFER, Witness, until
from support.push_scene import KEY, PushScene

from callcore import causes
from callcore.errors import CallError
from tincall.leg import CallOffer
from tincall.wechat import payload
from tincall.wechat.contacts import GRANTED, UNKNOWN, WITHDRAWN
from tincall.wechat.rooms import Room
from tincall.wechat.vocabulary import PlatformError

ROOM = Room("wx1", "room-1", "call-1", "SN-1", "m1", "in", "voice", "token", "key", "pay", 0)
OF_SN_1 = CallOffer("c-1", "out", "SN-1", "SN-1", OFFER.media, 5000)


async def test_the_platform_is_asked_for_the_contacts_person_with_our_payload(store, sealing):
    async with PushScene(store, sealing) as scene:
        leg = await scene.legs.out(scene.mum.contact_id)
        leg.invite(OF_SN_1)
        assert scene.legs.expected("c-1") is leg
        await until(lambda: scene.questions)
        question = scene.questions[0]
        assert (question.sn, question.model_id, question.openid, question.name) == ("SN-1", "m1", "openid-mum", "Mum")
        assert payload.read(KEY, question.payload) == payload.CallToken("c-1", "out", "voice")
        assert "openid-mum" not in repr(question)
        leg.release(causes.NORMAL, "device", 0)
        assert scene.legs.expected("c-1") is None


async def test_nobody_is_rung_for_a_board_that_does_not_have_the_contact(store, sealing):
    async with PushScene(store, sealing) as scene:
        leg = await scene.legs.out(scene.mum.contact_id)
        witness = Witness(leg)
        leg.invite(CallOffer("c-1", "out", "SN-2", "SN-2", OFFER.media, 5000))
        assert await witness.until("released") == ("released", causes.UNALLOCATED)
        assert scene.questions == []
        with pytest.raises(CallError) as caught:
            await scene.legs.out("nobody")
        assert caught.value.cause == causes.UNALLOCATED


async def test_a_name_of_a_call_that_fits_into_no_payload(store, sealing):
    async with PushScene(store, sealing) as scene:
        leg = await scene.legs.out(scene.mum.contact_id)
        witness = Witness(leg)
        leg.invite(CallOffer("c 1", "out", "SN-1", "SN-1", OFFER.media, 5000))
        assert await witness.until("released") == ("released", causes.PROTOCOL_ERROR)


@pytest.mark.parametrize(
    ("number", "before", "after"),
    [(9, GRANTED, WITHDRAWN), (None, UNKNOWN, GRANTED), (None, GRANTED, GRANTED), (45009, GRANTED, GRANTED)],
)
async def test_consent_is_what_the_platform_shows(store, sealing, number, before, after):
    async with PushScene(store, sealing) as scene:
        await scene.contacts.set_consent(scene.mum.contact_id, before)

        async def refuse(question):
            if number is not None:
                raise PlatformError("no", api="call", number=number, cause=causes.BARRED)

        scene.on_question = refuse
        leg = await scene.legs.out(scene.mum.contact_id)
        leg.invite(OF_SN_1)
        await until(lambda: "asked_ms" in leg.facts)
        await scene.legs.stop()
        assert scene.contacts.get(scene.mum.contact_id).consent == after


async def test_a_phone_that_calls_gets_a_worker_that_knows_the_room(store, sealing):
    async with PushScene(store, sealing) as scene:
        leg = await scene.legs.incoming(ROOM)
        leg.place(OF_SN_1)
        assert scene.workers.made[0].room == ROOM.fields()


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_without_a_worker_the_room_of_a_phone_is_hung_up(store, sealing, is_cancelled, monkeypatch):
    async with PushScene(store, sealing) as scene:
        abandoned = []
        monkeypatch.setattr(scene.rooms, "abandon", abandoned.append)
        if is_cancelled:
            scene.workers.gate.clear()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await scene.legs.incoming(ROOM)
        else:
            scene.workers.fault = ("none", causes.CONGESTION)
            with pytest.raises(CallError):
                await scene.legs.incoming(ROOM)
        assert abandoned == [ROOM]
