"""Device tickets: fresh, one question for many, refused before they are asked for, never stored."""

import asyncio

import pytest

from tincall.clock import ManualClock
from tincall.wechat import tickets as module
from tincall.wechat.tickets import KEEP_S, SnTickets, check_sn
from tincall.wechat.vocabulary import PlatformError, failure


class World:
    def __init__(self):
        self.clock = ManualClock()
        self.asked = []
        self.refuse = None
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.tickets = SnTickets(self.fetch, self.clock)

    async def fetch(self, sn, model_id):
        self.asked.append((sn, model_id))
        self.begun.set()
        number = len(self.asked)
        await self.gate.wait()
        if self.refuse is not None:
            raise self.refuse
        return f"ticket{number}"

    def later(self, seconds):
        self.clock.advance(seconds * 1000)


async def test_a_ticket_is_kept_for_four_minutes():
    world = World()
    assert await world.tickets.get("sn-1", "m") == "ticket1"
    world.later(KEEP_S)
    assert await world.tickets.get("sn-1", "m") == "ticket1"
    world.later(0.001)
    assert await world.tickets.get("sn-1", "m") == "ticket2"


async def test_its_age_counts_from_the_question():
    world = World()
    world.gate.clear()
    waiting = asyncio.create_task(world.tickets.get("sn-1", "m"))
    await world.begun.wait()
    world.later(60)
    world.gate.set()
    assert await waiting == "ticket1"
    world.later(KEEP_S - 59)
    assert await world.tickets.get("sn-1", "m") == "ticket2"


async def test_many_at_once_ask_once_for_each_device():
    world = World()
    wanted = [("sn-1", "m"), ("sn-2", "m"), ("sn-1", "n")]
    found = await asyncio.gather(*(world.tickets.get(*one) for one in wanted * 10))
    assert sorted(world.asked) == sorted(wanted)
    assert len(set(found)) == 3


async def test_one_who_gives_up_does_not_end_it_for_the_others():
    world = World()
    world.gate.clear()
    first, second = (asyncio.create_task(world.tickets.get("sn-1", "m")) for _ in range(2))
    await world.begun.wait()
    first.cancel()
    world.gate.set()
    assert await second == "ticket1"


async def test_a_failure_is_told_to_all_and_not_kept():
    world = World()
    world.refuse = failure("ticket", 48001)
    found = await asyncio.gather(*(world.tickets.get("sn-1", "m") for _ in range(3)), return_exceptions=True)
    assert [one.number for one in found] == [48001] * 3
    assert len(world.asked) == 1
    world.refuse = None
    assert await world.tickets.get("sn-1", "m") == "ticket2"


@pytest.mark.parametrize(("number", "tried"), [(10008, 2), (9800011, 2), (9, 1)])
async def test_an_expired_ticket_is_replaced_once(number, tried):
    world = World()
    used = []

    async def action(ticket):
        used.append(ticket)
        raise failure("sdk", number)

    with pytest.raises(PlatformError):
        await world.tickets.use("sn-1", "m", action)
    assert used == ["ticket1", "ticket2"][:tried]


async def test_the_second_attempt_counts():
    world = World()

    async def action(ticket):
        if ticket == "ticket1":
            raise failure("sdk", 10008)
        return ticket

    assert await world.tickets.use("sn-1", "m", action) == "ticket2"
    assert await world.tickets.get("sn-1", "m") == "ticket2"


@pytest.mark.parametrize(
    ("sn", "number"),
    [
        ("", 9800002),
        ("a" * 129, 9800001),
        ("\u4f60" * 43, 9800001),
        ("a b", 9800002),
        ("a.b", 9800002),
        ("\u00e9", 9800002),
    ]
    + [("a\n", 9800002), ("\u0661", 9800002)],
)
async def test_a_serial_number_that_is_none_is_refused_before_any_request(sn, number):
    world = World()
    with pytest.raises(PlatformError) as caught:
        await world.tickets.get(sn, "m")
    assert (caught.value.number, world.asked) == (number, [])


def test_all_that_the_platform_takes_is_a_serial_number():
    check_sn("a" * 128)
    check_sn("AZaz09_-")


async def test_the_kept_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "KEPT_MAX", 2)
    world = World()
    for sn in ("a", "b", "c"):
        await world.tickets.get(sn, "m")
    await world.tickets.get("c", "m")
    assert len(world.asked) == 3
    await world.tickets.get("a", "m")
    assert len(world.asked) == 4


async def test_requests_under_way_can_be_ended():
    world = World()
    world.gate.clear()
    waiting = asyncio.create_task(world.tickets.get("sn-1", "m"))
    await world.begun.wait()
    await world.tickets.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await world.tickets.close()


async def test_no_ticket_is_shown():
    world = World()
    await world.tickets.get("sn-1", "m")
    assert repr(world.tickets) == "<1 device tickets>"
