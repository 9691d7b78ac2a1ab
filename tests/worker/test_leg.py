"""What is particular to a leg over a worker; what every leg does is in tests/contracts."""

import pytest
from contracts.worker_party import WorkerParty
from support.legs import MEDIA, OFFER, Witness, packets, run, until

from callcore import causes
from callcore.errors import LocalError
from tincall.worker import leg as leg_file
from tincall.worker.leg import HEARD
from tincall.worker.process import Limits


def play(scene, role="callee", **limits):
    async def main():
        party = await WorkerParty.make(role, Limits(**limits))
        try:
            await scene(party)
        finally:
            await party.close()

    run(main())


def test_the_worker_is_told_the_phone_and_the_media():
    async def scene(party):
        Witness(party.leg)
        party.leg.invite(OFFER)
        await until(lambda: party.messages)
        assert party.messages == [
            {
                "t": "start",
                "call": "c-1",
                "role": "callee",
                "phone": {"id": "mum"},
                "media": {"codec": "PCMA", "ptime": 20, "ssrc": MEDIA.ssrc, "remote_ssrc": MEDIA.remote_ssrc},
                "ring_ms": 5000,
            }
        ]

    play(scene)


@pytest.mark.parametrize("state", sorted({state for state, _ in HEARD} | {leg_file.IDLE}))
@pytest.mark.parametrize("word", ["ready", "ringing", "answer", "release", "report", "status"])
def test_a_word_out_of_turn_ends_the_leg(state, word):
    bodies = {
        "ready": {"v": 1, "kind": "test", "codecs": ["PCMA"]},
        "answer": {"media": {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2}},
        "release": {"cause": 16},
        "report": {"figures": {"sent": 0}},
        "status": {"number": 1},
    }

    async def scene(party):
        witness = Witness(party.leg)
        party.leg.state = state
        await party.say({"t": word, **bodies.get(word, {})})
        if (state, word) in HEARD:
            await until(lambda: party.leg.state == HEARD[state, word])
            assert ("released", causes.DESTINATION_OUT_OF_ORDER) not in witness.events
        elif state == leg_file.IDLE:
            await until(lambda: not party.process.is_usable)
            assert witness.events == []
        else:
            assert (await witness.until("reported"))[1] == {}
            released = [] if state == leg_file.RELEASED else [("released", causes.DESTINATION_OUT_OF_ORDER)]
            assert witness.events == [*released, ("reported", {})]

    play(scene)


def test_a_worker_lost_before_the_call_is_met_by_the_first_verb():
    async def scene(party):
        witness = Witness(party.leg)
        await party.vanish()
        await until(lambda: not party.process.is_usable)
        assert witness.events == []
        party.leg.invite(OFFER)
        assert witness.events == []
        await witness.until("reported")
        assert witness.names == ["released", "reported"]

    play(scene)


def test_packets_around_the_answer_and_the_end_are_sorted_by_when_they_were_sent():
    async def scene(party):
        witness = Witness(party.leg)
        early, first, last = packets(3), packets(2, first=10), packets(2, first=20)
        party.leg.invite(OFFER)
        party.control.drain()
        # all of it waits in the kernel before the leg gets a turn
        await party.speak(early)
        party.leg.process.drain_media()
        await party.ring()
        await party.answer()
        await party.speak(first)
        await party.hang_up(causes.NORMAL)
        await party.speak(last)
        await party.report({"sent": 7})
        await witness.until("reported")
        assert witness.names == ["ringing", "answered", "released", "reported"]
        assert witness.heard == first + last
        assert party.leg.counters.received == 7

    play(scene)


def test_a_worker_that_hangs_up_is_released_at_once():
    async def scene(party):
        witness = Witness(party.leg)
        party.leg.invite(OFFER)
        await party.hang_up(causes.BUSY)
        await witness.until("released")
        await until(lambda: len(party.messages) == 2)
        assert party.messages[-1] == {"t": "release", "cause": causes.BUSY}
        party.leg.release(causes.BUSY, "phone", 0)
        await party.report({"sent": 0})
        await witness.until("reported")
        assert len(party.messages) == 2 and party.leg.done.done()

    play(scene)


def test_a_report_that_does_not_come_is_not_waited_for():
    async def scene(party):
        witness = Witness(party.leg)
        party.leg.invite(OFFER)
        party.leg.release(causes.NORMAL, "relay", 0)
        assert (await witness.until("reported"))[1] == {}
        assert party.leg.done.done() and witness.names == ["reported"]

    play(scene, report_s=0.05)


def test_speech_is_no_flood_but_three_times_as_much_is():
    async def scene(party):
        clock = [0.0]
        party.leg._loop = type("Loop", (), {"time": staticmethod(lambda: clock[0])})
        party.leg._window_began_s = 0.0
        witness = Witness(party.leg)
        party.leg.state = leg_file.ANSWERED
        for packet in packets(600):
            clock[0] += 0.02
            party.leg._media(packet)
        assert witness.events == []
        for packet in packets(600):
            clock[0] += 0.005
            party.leg._media(packet)
        assert witness.events[0] == ("released", causes.DESTINATION_OUT_OF_ORDER)

    play(scene)


def test_settings_of_a_phone_that_fit_into_no_message_are_a_bug_of_ours():
    async def scene(party):
        party.leg._phone = {"id": "x" * 5000}
        with pytest.raises(LocalError, match="at most 4096"):
            party.leg.invite(OFFER)
        assert party.leg.state == leg_file.IDLE

    play(scene)


def test_a_calling_phone_is_told_in_order_and_speaks():
    async def scene(party):
        party.leg.ringing()
        party.leg.answer(MEDIA)
        await until(lambda: party.words == ["ringing", "answer"])
        assert party.messages[-1]["media"]["ssrc"] == MEDIA.ssrc

    play(scene, role="caller")


def test_a_room_that_comes_later_is_handed_on_once():
    async def scene(party):
        party.leg.invite(OFFER)
        party.leg.room({"room_id": "r-1"})
        await until(lambda: len(party.messages) == 2)
        assert party.messages[-1] == {"t": "room", "room": {"room_id": "r-1"}}
        with pytest.raises(LocalError, match="has one"):
            party.leg.room({"room_id": "r-2"})
        await party.ring()
        await until(lambda: party.leg.state == leg_file.RINGING)

    play(scene)


@pytest.mark.parametrize("state", [leg_file.IDLE, leg_file.RINGING, leg_file.ANSWERED, leg_file.RELEASED])
def test_a_room_is_for_a_leg_that_waits_for_one(state):
    async def scene(party):
        party.leg.state = state
        with pytest.raises(LocalError, match=state):
            party.leg.room({"room_id": "r-1"})
        party.leg.state = leg_file.IDLE

    play(scene)


def test_statuses_are_told_before_what_they_lead_to_and_also_after_the_end():
    async def scene(party):
        witness = Witness(party.leg)
        told = []
        party.leg.on_status = lambda number: told.append((number, witness.names[:]))
        party.leg.invite(OFFER)
        await party.say({"t": "status", "number": 1})
        await party.ring()
        await party.say({"t": "status", "number": 3})
        await party.hang_up(causes.REJECTED)
        await party.say({"t": "status", "number": 7})
        await party.report({"sent": 0})
        await witness.until("reported")
        assert told == [(1, []), (3, ["ringing"]), (7, ["ringing", "released"])]

    play(scene)


def test_the_platforms_word_for_the_cause_goes_with_the_release():
    async def scene(party):
        Witness(party.leg)
        party.leg.invite(OFFER)
        party.leg.release(causes.BUSY, "device", 0, reason=9)
        await until(lambda: len(party.messages) == 2)
        assert party.messages[-1] == {"t": "release", "cause": causes.BUSY, "reason": 9}

    play(scene)
