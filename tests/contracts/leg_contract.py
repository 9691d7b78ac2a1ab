"""What every leg does, whoever its party is; see the rules at the head of `tincall/leg.py`.

A party (`Party`) is the far end of one leg, played by the test. `test_leg_contract.py` runs every case of this file against
every party of `conftest.py`.
"""

import asyncio
from abc import ABC, abstractmethod

import pytest
from support.legs import MEDIA, OFFER, Witness, packets, until

from callcore import causes
from callcore.errors import LocalError
from tincall.leg import Media


class Party(ABC):
    """The far end of one leg.

    Attributes:
        leg: the leg; idle for a callee, calling for a caller.
        words: what the party was told, in order: "invite", "ringing", "answer", then one word for the end of the call.
        heard: RTP packets it got.
        media_back: what its packets must look like: the media it was offered, seen from it.
    """

    leg = None

    def __init__(self):
        self.words = []
        self.heard = []

    @abstractmethod
    async def ring(self):
        """Say that it is being rung."""

    @abstractmethod
    async def answer(self):
        """Take the call."""

    @abstractmethod
    async def hang_up(self, cause):
        """End the call as its state asks: refuse, cancel or bye."""

    @abstractmethod
    async def speak(self, made):
        """Send RTP packets; all have left it when this returns."""

    @abstractmethod
    async def report(self, figures):
        """Send its own figures, the last it does."""

    @abstractmethod
    async def vanish(self):
        """Be gone without a word."""

    @abstractmethod
    async def stall(self):
        """Stop reading."""

    @abstractmethod
    async def close(self):
        """Free what it holds."""


async def invited(party):
    """Give a witness of a leg whose party has been invited."""
    witness = Witness(party.leg)
    party.leg.invite(OFFER)
    await until(lambda: party.words == ["invite"], "the invitation")
    return witness


async def talking(party, role):
    """Give a witness of a leg that is answered."""
    if role == "callee":
        witness = await invited(party)
        await party.answer()
        await witness.until("answered")
    else:
        witness = Witness(party.leg)
        party.leg.answer(MEDIA)
        await until(lambda: party.words == ["answer"], "the answer")
    return witness


# the callee


async def case_callee_rings_and_answers(party):
    witness = await invited(party)
    await party.ring()
    await witness.until("ringing")
    await party.answer()
    _, media = await witness.until("answered")
    assert witness.names == ["ringing", "answered"]
    assert isinstance(media, Media) and (media.ssrc, media.remote_ssrc) == (MEDIA.ssrc, MEDIA.remote_ssrc)


async def case_callee_answers_without_ringing(party):
    witness = await invited(party)
    await party.answer()
    await witness.until("answered")
    assert witness.names == ["answered"]


async def case_callee_refuses(party):
    witness = await invited(party)
    await party.ring()
    await witness.until("ringing")
    await party.hang_up(causes.REJECTED)
    assert await witness.until("released") == ("released", causes.REJECTED)
    party.leg.release(causes.REJECTED, party.leg.name, 0)
    await party.report({"sent": 0})
    await witness.until("reported")
    assert witness.names == ["ringing", "released", "reported"]


async def case_callee_is_released_before_it_answers(party):
    witness = await invited(party)
    party.leg.release(causes.ORIGINATOR_CANCEL, "relay", 0)
    await until(lambda: len(party.words) == 2, "the end")
    await party.report({"sent": 0})
    await witness.until("reported")
    assert witness.names == ["reported"]


async def case_callee_packets_before_the_answer_go_nowhere(party):
    witness = await invited(party)
    assert party.leg.send_media(packets(1)[0]) is False
    assert party.leg.counters.dropped == 1
    await party.answer()
    await witness.until("answered")
    assert witness.heard == [] and party.heard == []


async def case_callee_cannot_be_treated_as_a_caller(party):
    witness = await invited(party)
    for verb in (party.leg.ringing, lambda: party.leg.answer(MEDIA), lambda: party.leg.invite(OFFER)):
        with pytest.raises(LocalError):
            verb()
    await party.answer()
    await witness.until("answered")
    assert party.words == ["invite"]


async def case_callee_that_is_idle_is_let_go_without_a_word(party):
    witness = Witness(party.leg)
    party.leg.release(causes.NORMAL, "relay", 0)
    party.leg.release(causes.NORMAL, "relay", 0)
    await asyncio.sleep(0.05)
    assert witness.events == [] and "invite" not in party.words
    with pytest.raises(LocalError):
        party.leg.invite(OFFER)


async def case_callee_answer_that_crosses_the_end_is_not_told(party):
    witness = await invited(party)
    party.leg.release(causes.ORIGINATOR_CANCEL, "relay", 0)
    await party.answer()
    await party.hang_up(causes.NORMAL)
    await party.report({"sent": 0})
    await witness.until("reported")
    assert witness.names == ["reported"]


async def case_callee_vanishes_while_it_rings(party):
    witness = await invited(party)
    await party.ring()
    await witness.until("ringing")
    await party.vanish()
    await witness.until("released")
    party.leg.release(causes.LINK_LOST, party.leg.name, 0)
    assert (await witness.until("reported"))[1] == {}
    assert witness.names == ["ringing", "released", "reported"]


# the caller


async def case_caller_hears_ringing_then_the_answer(party):
    Witness(party.leg)
    party.leg.ringing()
    party.leg.answer(MEDIA)
    await until(lambda: party.words == ["ringing", "answer"], "ringing and answer")


async def case_caller_gives_up(party):
    witness = Witness(party.leg)
    party.leg.ringing()
    await party.hang_up(causes.ORIGINATOR_CANCEL)
    assert await witness.until("released") == ("released", causes.ORIGINATOR_CANCEL)
    party.leg.release(causes.ORIGINATOR_CANCEL, party.leg.name, 0)
    await party.report({"sent": 0})
    await witness.until("reported")
    assert witness.names == ["released", "reported"]


async def case_caller_is_refused(party):
    witness = Witness(party.leg)
    party.leg.release(causes.BUSY, "device", 0)
    await until(lambda: len(party.words) == 1, "the end")
    await party.report({"sent": 0})
    await witness.until("reported")
    assert witness.names == ["reported"]


async def case_caller_cannot_be_invited_or_told_late(party):
    Witness(party.leg)
    with pytest.raises(LocalError):
        party.leg.invite(OFFER)
    party.leg.answer(MEDIA)
    for verb in (party.leg.ringing, lambda: party.leg.answer(MEDIA)):
        with pytest.raises(LocalError):
            verb()
    await until(lambda: party.words == ["answer"], "the answer")


# both roles, in a talk


async def case_media_flows_both_ways_and_is_counted(party, role):
    witness = await talking(party, role)
    out, back = packets(10), packets(7, ssrc=MEDIA.ssrc)
    assert [party.leg.send_media(packet) for packet in out] == [True] * 10
    await party.speak(back)
    await until(lambda: len(witness.heard) == 7 and len(party.heard) == 10, "the packets")
    assert witness.heard == back and party.heard == out
    counters = party.leg.counters
    assert (counters.received, counters.sent, counters.dropped) == (7, 10, 0)


async def case_every_packet_is_sent_or_dropped_and_none_waits(party, role):
    await talking(party, role)
    await party.stall()
    taken = sum(party.leg.send_media(packet) for packet in packets(3000))
    counters = party.leg.counters
    assert counters.sent == taken and counters.sent + counters.dropped == 3000
    assert counters.dropped > 0


async def case_a_packet_too_long_is_dropped(party, role):
    await talking(party, role)
    assert party.leg.send_media(bytes(2049)) is False
    assert party.leg.counters.dropped == 1


async def case_the_party_hangs_up(party, role):
    witness = await talking(party, role)
    await party.speak(packets(5, ssrc=MEDIA.ssrc))
    await party.hang_up(causes.NORMAL)
    assert await witness.until("released") == ("released", causes.NORMAL)
    assert len(witness.heard) == 5
    assert party.leg.send_media(packets(1)[0]) is False
    party.leg.release(causes.NORMAL, party.leg.name, 1000)
    await party.report({"sent": 5, "received": 0})
    assert (await witness.until("reported"))[1]["sent"] == 5
    assert party.leg.counters.received == 5
    assert witness.names[-2:] == ["released", "reported"]


async def case_the_leg_is_released(party, role):
    witness = await talking(party, role)
    before, told = len(witness.events), len(party.words)
    party.leg.release(causes.NORMAL, "relay", 1000)
    party.leg.release(causes.NORMAL, "relay", 1000)
    assert len(witness.events) == before, "an event was told from inside a verb"
    await until(lambda: len(party.words) > told, "the end")
    await party.report({"sent": 0, "received": 0})
    await witness.until("reported")
    party.leg.release(causes.NORMAL, "relay", 1000)
    assert witness.names[before:] == ["reported"]
    assert len(party.words) == told + 1, "the end was told twice"


async def case_what_was_under_way_at_the_end_still_counts(party, role):
    witness = await talking(party, role)
    await party.speak(packets(6, ssrc=MEDIA.ssrc))
    party.leg.release(causes.NORMAL, "relay", 1000)
    await party.speak(packets(4, ssrc=MEDIA.ssrc, first=6))
    await party.report({"sent": 10, "received": 0})
    await witness.until("reported")
    assert party.leg.counters.received == 10 and len(witness.heard) == 10


async def case_a_hang_up_that_crosses_the_end_is_not_told(party, role):
    witness = await talking(party, role)
    before = len(witness.events)
    party.leg.release(causes.NORMAL, "relay", 1000)
    await party.hang_up(causes.NORMAL)
    await party.report({"sent": 0})
    await witness.until("reported")
    assert witness.names[before:] == ["reported"]


async def case_the_party_vanishes(party, role):
    witness = await talking(party, role)
    before = len(witness.events)
    await party.vanish()
    cause = (await witness.until("released"))[1]
    assert cause not in (0, causes.NORMAL)
    party.leg.release(cause, party.leg.name, 1000)
    assert (await witness.until("reported"))[1] == {}
    assert witness.names[before:] == ["released", "reported"]


async def case_the_party_vanishes_after_the_end(party, role):
    witness = await talking(party, role)
    before = len(witness.events)
    party.leg.release(causes.NORMAL, "relay", 1000)
    await party.vanish()
    assert (await witness.until("reported"))[1] == {}
    assert witness.names[before:] == ["reported"]


CASES = [value for name, value in globals().items() if name.startswith("case_")]
CALLEE_CASES = [case for case in CASES if case.__name__.startswith("case_callee_")]
CALLER_CASES = [case for case in CASES if case.__name__.startswith("case_caller_")]
TALK_CASES = [case for case in CASES if case not in CALLEE_CASES and case not in CALLER_CASES]
