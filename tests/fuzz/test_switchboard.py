"""Boards and phones that say anything at any time: every call ends once, and nothing is left of it when both have gone."""

import asyncio
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.board_end import packet
from support.exchange import Exchange, settle

from tincall.relay.switchboard import CallRefused

CALLS = st.sampled_from(["c1", "c2"])
BOARDS = st.sampled_from([0, 1])
STEPS = st.one_of(
    st.tuples(st.just("dial"), BOARDS, CALLS),
    st.tuples(st.just("phone calls"), BOARDS),
    st.tuples(
        st.just("say"),
        BOARDS,
        st.sampled_from(["ringing", "answer", "cancel", "reject", "bye", "stats"]),
        CALLS | st.just("it"),
    ),
    st.tuples(st.just("phone"), st.sampled_from(["rings", "answers", "ends", "reports", "speaks"])),
    st.tuples(st.just("speak"), BOARDS),
    st.tuples(st.just("hang up"), CALLS),
    st.tuples(st.just("vanish"), BOARDS),
    st.tuples(st.just("come back"), BOARDS),
    st.tuples(st.just("wait"), st.sampled_from([50, 1500, 30_000])),
    st.tuples(st.just("settle")),
)
FIELDS = {
    "answer": {"media": {"codec": "PCMA", "ptime": 20}},
    "reject": {"cause": 21},
    "bye": {"cause": 16},
}


class Scene:
    """Two boards of an exchange, and the steps they take."""

    def __init__(self):
        self.exchange = Exchange(ring_ms=20_000)
        self.names = ["board-1", "board-2"]
        self.links = [self.exchange.board(name) for name in self.names]
        self.everybody = list(self.links)

    async def step(self, step):
        verb, *more = step
        await getattr(self, "do_" + verb.replace(" ", "_"))(*more)

    async def do_dial(self, board, call):
        self.links[board].dials(call)

    async def do_phone_calls(self, board):
        try:
            self.exchange.switchboard.phone_calls(self.names[board], "mum")
        except CallRefused:
            pass

    async def do_say(self, board, kind, call):
        link = self.links[board]
        if call == "it":
            invites = link.heard("invite")
            call = invites[-1]["call"] if invites else "none"
        if kind == "stats":
            link.reports(call)
        else:
            link.say({"t": kind, "call": call, **FIELDS.get(kind, {})})

    async def do_phone(self, verb):
        if not self.exchange.phones:
            return
        phone = self.exchange.phone
        state = (verb, phone.is_over, "invite" in phone.verbs or "place" in phone.verbs)
        if verb == "ends" and state[1:] == (False, True):
            phone.ends(16)
        elif verb == "reports" and state[1:] == (True, True) and not phone.report:
            phone.reports(sent=1)
        elif verb in ("rings", "answers") and "invite" in phone.verbs and not phone.is_over:
            getattr(phone, verb)()
        elif verb == "speaks" and phone.sink is not None:
            phone.speaks(packet(1, phone.offer.media.ssrc))

    async def do_speak(self, board):
        if self.exchange.phones and self.exchange.phone.offer:
            self.links[board].speaks(1, self.exchange.phone.offer.media.remote_ssrc)

    async def do_hang_up(self, call):
        self.exchange.switchboard.hangup(call)

    async def do_vanish(self, board):
        if self.links[board].session.state != "CLOSED":
            self.links[board].vanishes()
        await settle()

    async def do_come_back(self, board):
        self.links[board] = self.exchange.board(self.names[board])
        self.everybody.append(self.links[board])

    async def do_wait(self, ms):
        await self.exchange.advance(ms, max(50, ms // 20))

    async def do_settle(self):
        await settle()

    async def end(self):
        for board in (0, 1):
            await self.do_vanish(board)
        await self.exchange.advance(40_000, 2000)

    def judge(self):
        written = Counter(write[:2] for write in self.exchange.records.written)
        opened = [call for name, call in written if name == "opened"]
        for call in opened:
            assert written["ended", call] == 1, (call, self.exchange.records.written)
            assert written["reported", call] == 1
        for link in self.everybody:
            told = Counter(message["call"] for message in link.heard("ended"))
            assert all(count == 1 for count in told.values()), told
        for _, _, _, _, up, down in (write for write in self.exchange.records.written if write[0] == "reported"):
            assert up.came == up.went + up.dropped and down.came == down.went + down.dropped
        assert self.exchange.switchboard._calls == {} and self.exchange.switchboard._lines == {}


async def play(steps):
    scene = Scene()
    trouble = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: trouble.append(context))
    await settle()
    for step in steps:
        await scene.step(step)
    await scene.end()
    scene.judge()
    assert trouble == []


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=30))
def test_whatever_is_said_every_call_ends_once(steps):
    asyncio.run(play(steps))
