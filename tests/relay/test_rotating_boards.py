"""The relay's own code and the board's own code change keys in one process: any order of faults, and nobody is locked out.

What may happen: every message of a verification is lost, the board is reset, its power fails in the midst of a write, a place
of its flash fails or rots, the relay is killed, it is put back to an older copy of its database, it is told to rotate. T-ID-13.
"""

import asyncio
import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relay_store import KEK, Store, run

from callcore.errors import AttestError, LinkError, StoreError
from tincall.relay import device_rows
from tincall.relay.registry import Registry
from tincall.relay.verifier import Verifier
from tincall.settings import LimitSettings

with pytest.MonkeyPatch.context() as patched:
    patched.setattr(asyncio, "sleep_ms", None, raising=False)  # MicroPython's; nothing here sleeps
    from handset import attestor, identity, rekey
    from handset.marks import Marks
    from handset.store import Store as Flash

CERTIFICATE = b"certificate"
PLENTY = LimitSettings(attempts_per_minute=1_000_000, attempts_per_minute_address=1_000_000)
MESSAGES = 12  # of a session in which both keys are tried and the key changes


class PowerCut(Exception):
    """The board is dead until it is reset."""


class Place:
    """A place of the board's flash."""

    where = "memory/%s"

    def __init__(self):
        self.blobs = {}
        self.cut = None  # what the next write leaves: none, half or all of it
        self.is_broken = False

    def read(self, name):
        return self.blobs.get(name, b"")

    def write(self, name, blob):
        if self.is_broken:
            raise OSError(5)
        cut, self.cut = self.cut, None
        self.blobs[name] = {None: blob, "all": blob, "half": blob[: len(blob) // 2], "none": self.read(name)}[cut]
        if cut is not None:
            raise PowerCut

    def remove(self, name):
        self.blobs.pop(name, None)


class Answer:
    def __init__(self, answer):
        self.status = answer.status
        self.body = json.dumps(answer.body).encode()


class World:
    """One relay over a database, and one board with two places; `certificate` makes it the board's stream, too."""

    def __init__(self, store, sn):
        self.store = store
        self.sn = sn
        self.copies = []
        self.places = [Place(), Place()]

    async def begin(self):
        await self.kill()
        key = await self.registry.enrol(self.sn, "m")
        fields = {
            "sn": self.sn,
            "model_id": "m",
            "kv": 1,
            "key": key.hex(),
            "host": "h",
            "port": 1,
            "name": "n",
            "ca": "c",
        }
        identity.save(Flash(self.places), fields)
        self.reset()
        self.marks.draw()
        await self.backup()
        return self

    def certificate(self):
        return CERTIFICATE

    # what may happen

    async def kill(self):
        """Start the relay anew from its database."""
        self.registry = Registry(self.store.database, KEK, self.store.clock)
        await self.registry.load()
        self.verifier = Verifier(self.registry, CERTIFICATE, PLENTY, self.store.clock)

    async def rotate(self):
        await self.registry.rotate(self.sn)

    async def backup(self):
        self.copies.append(self.registry.get(self.sn))

    async def restore(self, back):
        """Put the relay back to a copy; those that came after it belong to a past that is no more."""
        del self.copies[max(1, len(self.copies) - back) :]
        row = self.copies[-1]
        await self.store.database.run(device_rows.change, {self.sn: {n: getattr(row, n) for n in row.__slots__}})
        await self.kill()

    def reset(self):
        try:
            self.flash = Flash(self.places)
            self.who = identity.load(self.flash)
            self.marks = Marks(self.flash)
        except PowerCut:  # while it mended a copy
            self.reset()
        # a place that could not be mended now cannot stand in for the other one any more
        self.is_doubled = self._held(0) == self._held(1)

    def _held(self, at):
        return self.places[at].read("identity")

    def rot(self, at):
        """Damage one copy of the identity; the other one must do, as it has been sound since the board began."""
        if self.is_doubled and self._held(1 - at)[:4] == self._held(at)[:4]:
            self.places[at].blobs["identity"] = bytes(9)
            self.places[1 - at].is_broken = False
            self.reset()

    async def verify(self, lost=0):
        """Let the board verify with message `lost` lost; gives the reason why it failed, or nothing."""
        messages = 0

        def arrives():
            nonlocal messages
            messages += 1
            if messages == lost:
                raise LinkError("link_lost", "")

        async def post(stream, who, path, message):
            arrives()
            ask = self.verifier.begin if path.endswith("begin") else self.verifier.finish
            answer = await ask(json.dumps(message).encode(), "192.0.2.7")
            arrives()
            return Answer(answer)

        attestor._post = post
        kv = self.who.kv
        try:
            await attestor.verify(self, self.flash, self.who, self.marks, b"\x02", "1.0")
        except (LinkError, AttestError, StoreError) as error:
            return error.reason
        except PowerCut:
            self.reset()
            return "power_cut"
        finally:
            if self.who.kv > kv:  # it has given the older key up: a copy that knows nothing of the newer one is too old
                assert self.registry.get(self.sn).kv == self.who.kv, "only when the relay has taken the newer one"
                self.copies = [c for c in self.copies if self._knows(c)] or [self.registry.get(self.sn)]
        return ""

    def _knows(self, copy):
        return self.who.kv in ((copy.kv, copy.kv + 1) if copy.next_key else (copy.kv,))

    async def happens(self, what, number):
        if what == "verify":
            await self.verify(number % (MESSAGES + 1))
        elif what == "reset":
            self.reset()
        elif what == "cut":
            self.places[number % 2].cut = ("none", "half", "all")[number % 3]
        elif what == "rot":
            self.rot(number % 2)
        elif what == "break":
            self.places[number % 2].is_broken = True
        elif what == "mend":
            self._mend()
        elif what == "restore":
            await self.restore(number % 4)
        else:
            await {"rotate": self.rotate, "kill": self.kill, "backup": self.backup}[what]()

    def _mend(self):
        for place in self.places:
            place.is_broken = False
            place.cut = None

    async def is_well(self):
        """See that the board comes in at once, and that a change that is pending is over then."""
        self._mend()
        was_pending = self.registry.get(self.sn).next_key is not None
        assert await self.verify() == ""
        device = self.registry.get(self.sn)
        assert self.who.kv == device.kv
        if was_pending:  # a next key that the board still holds is one that a relay put back does not know of
            assert device.next_key is None and (self.who.next is None or self.who.next[0] == device.kv + 1)
        stored = identity.load(Flash(self.places))
        assert (stored.kv, stored.key) == (self.who.kv, self.who.key)
        self.reset()
        assert await self.verify() == "", "and so it does when it starts anew"
        assert hashlib.sha256(self.who.key).digest() == hashlib.sha256(self.registry.key(self.sn, device.kv)).digest()


EVENTS = st.tuples(
    st.sampled_from(("verify", "verify", "verify", "rotate", "rotate", "reset", "cut", "cut", "break", "rot", "mend", "kill",
                     "backup", "restore", "restore")),
    st.integers(0, 11),
)  # fmt: skip


@pytest.fixture(scope="module")
def lives(tmp_path_factory):
    """Let a board live through a list of events, in a database that all share."""
    folder = tmp_path_factory.mktemp("rotating")
    right, told = attestor._post, rekey.diag.failed
    rekey.diag.failed = lambda step, error: None
    number = 0

    def live(events):
        nonlocal number
        number += 1

        async def go():
            async with Store(folder) as store:
                world = await World(store, f"SN-{number}").begin()
                for at, event in enumerate(events):
                    await world.happens(*event)
                    if at % 7 == 6:
                        await world.is_well()
                await world.is_well()

        run(go())

    yield live
    attestor._post, rekey.diag.failed = right, told


SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=40, **SETTINGS)
@given(st.lists(EVENTS, max_size=14))
def test_no_order_of_faults_locks_a_board_out(lives, events):
    lives(events)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=3000, **SETTINGS)
@given(st.lists(EVENTS, max_size=40))
def test_no_long_order_of_faults_locks_a_board_out(lives, events):
    lives(events)


@pytest.mark.parametrize("lost", range(MESSAGES + 1))
def test_every_message_lost_with_a_relay_that_dies_then(lives, lost):
    lives([("rotate", 0), ("verify", lost), ("kill", 0), ("reset", 0)])
    lives(
        [("backup", 0), ("rotate", 0), ("verify", lost), ("restore", 0), ("verify", 0), ("rotate", 0), ("verify", lost)]
    )


def test_a_place_that_fails_while_the_next_key_is_written_and_the_other_rots_then(lives):
    for broken in (0, 1):
        lives([("rotate", 0), ("break", broken), ("verify", 0), ("rot", 1 - broken), ("verify", 0)])


def test_two_verifications_of_one_board_at_once_leave_it_able_to_go_on(lives, tmp_path):
    async def go():
        async with Store(tmp_path) as store:
            world = await World(store, "SN-1").begin()
            await world.rotate()
            await asyncio.gather(world.verify(), world.verify())
            await world.is_well()

    run(go())
