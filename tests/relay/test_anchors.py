"""Who trusts what: a bundle goes to whoever has not said that he has it, and to whoever is there without an end to a call."""

import asyncio

from relay_store import Store, run

from callcore.evidence import MAX_ANCHOR_CHARS
from tincall.relay.anchors import AT_ONCE, Anchors
from tincall.relay.rollover import anchor_id

OLD, BOTH = "old\n", "old\nnew\n"


class Links:
    def __init__(self):
        self.boards = {}
        self.asked = []
        self.was_asked = asyncio.Event()

    def plug(self, sn, bundle=None):
        self.boards[sn] = {"ca": "" if bundle is None else anchor_id(bundle)}

    def online(self, sn):
        return self.boards.get(sn)

    def renew(self, sn):
        self.asked.append(sn)
        self.was_asked.set()
        del self.boards[sn]


def scene(tmp_path, test, boards=("A", "B")):
    async def go():
        async with Store(tmp_path) as store:
            for sn in boards:
                await store.registry.enrol(sn, "model")
            anchors = Anchors(store.database, store.registry, OLD)
            await anchors.load()
            await test(store, anchors, Links())

    run(go())


def test_a_bundle_goes_to_whoever_has_not_said_that_he_has_it(tmp_path):
    async def go(store, anchors, links):
        assert (anchors.wanted("A"), anchors.lacking()) == (OLD, ["A", "B"])
        links.plug("A", OLD)
        await anchors.look(links)
        assert (anchors.wanted("A"), anchors.wanted("B"), anchors.lacking()) == ("", OLD, ["B"])
        anchors.use(BOTH)
        assert (anchors.wanted("A"), anchors.lacking()) == (BOTH, ["A", "B"])

    scene(tmp_path, go)


def test_what_was_said_outlives_the_relay_and_not_the_enrolment(tmp_path):
    async def go(store, anchors, links):
        links.plug("A", OLD)
        links.plug("B", OLD)
        await anchors.look(links)
        again = Anchors(store.database, store.registry, OLD)
        await again.load()
        assert again.lacking() == []
        await store.registry.forget("A")
        await store.registry.enrol("A", "model")
        assert (again.lacking(), again.wanted("A")) == (["A"], OLD)
        last = Anchors(store.database, store.registry, OLD)
        await last.load()
        assert last.lacking() == ["A"]

    scene(tmp_path, go)


def test_a_revoked_board_holds_nothing_up_and_a_suspended_one_does(tmp_path):
    async def go(store, anchors, links):
        await store.registry.decide("A", "revoke")
        await store.registry.decide("B", "suspend")
        assert anchors.lacking() == ["B"]

    scene(tmp_path, go)


def test_who_is_linked_is_asked_once_for_each_bundle(tmp_path):
    async def go(store, anchors, links):
        links.plug("A", OLD)
        await anchors.look(links)
        assert links.asked == []
        anchors.use(BOTH)
        await anchors.look(links)
        assert links.asked == ["A"]
        links.plug("A", OLD)  # it comes back and could not take it
        links.plug("B", OLD)
        await anchors.look(links)
        await anchors.look(links)
        assert links.asked == ["A", "B"]
        links.plug("B", BOTH)
        await anchors.look(links)
        assert anchors.lacking() == ["A"]
        anchors.use(OLD)
        await anchors.look(links)
        assert links.asked == ["A", "B", "B"]

    scene(tmp_path, go)


def test_a_board_that_says_nothing_of_it_is_not_sent_round_in_circles(tmp_path):
    async def go(store, anchors, links):
        links.plug("A")
        await anchors.look(links)
        assert links.asked == [] and anchors.wanted("A") == OLD

    scene(tmp_path, go)


def test_a_crowd_is_asked_a_few_at_a_time(tmp_path):
    names = [f"N{number}" for number in range(AT_ONCE + 3)]

    async def go(store, anchors, links):
        anchors.use(BOTH)
        for sn in names:
            links.plug(sn, OLD)
        await anchors.look(links)
        assert len(links.asked) == AT_ONCE
        await anchors.look(links)
        assert sorted(links.asked) == sorted(names)

    scene(tmp_path, go, names)


def test_what_a_grant_cannot_carry_is_not_sent(tmp_path):
    async def go(store, anchors, links):
        anchors.use("x" * (MAX_ANCHOR_CHARS + 1))
        links.plug("A", OLD)
        await anchors.look(links)
        assert (anchors.wanted("A"), links.asked, anchors.lacking()) == ("", [], ["A", "B"])

    scene(tmp_path, go)


def test_it_looks_by_itself_and_stops(tmp_path):
    async def go(store, anchors, links):
        anchors.use(BOTH)
        links.plug("A", OLD)
        anchors.start(links)
        async with asyncio.timeout(30):
            await links.was_asked.wait()
        await anchors.stop()
        await Anchors(store.database, store.registry, OLD).stop()

    scene(tmp_path, go)
