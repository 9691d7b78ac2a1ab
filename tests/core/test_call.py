"""The call machine: its tables row by row, its timers, its glare, and two machines in all interleavings."""

from callcore import causes
from callcore.authority import AUTHORITY, Authority
from callcore.call import (
    ANSWERED,
    BOARD,
    CLOSING,
    CLOSING_MS,
    DEVICE,
    DIALLING,
    ENDED,
    IDLE,
    PHONE,
    RELAY,
    RING_MARGIN_MS,
    RINGBACK,
    RINGING,
    SHARED,
    STATES,
    STAY,
    CallMachine,
)
from callcore.compat import MICROPYTHON, ticks_add
from callcore.errors import LocalError, PeerError
from callcore.messages import FROM_BOARD, FROM_RELAY, decode, encode

RING_MS = 30000
AGREED = {"codec": "PCMA", "ptime": 20, "ssrc": 0xDEADBEEF, "remote_ssrc": 1}
OFFER = {"codecs": ["PCMA"], "ptimes": [20]}
CHOICE = {"codec": "PCMA", "ptime": 20}
KINDS = ("invite", "ringing", "answer", "cancel", "reject", "bye", "ended")
VERBS = ("dial", "ring", "answer", "hangup", "finish")


def message(kind, from_relay, cause=16):
    """Give a message of call c1 as decode would."""
    made = {"t": kind, "call": "c1"}
    if kind == "invite":
        made["media"] = AGREED if from_relay else OFFER
        made["ring_ms"] = RING_MS
        made["from" if from_relay else "to"] = {"id": "c2", "name": "Grandma"} if from_relay else "c2"
    elif kind == "answer":
        made["media"] = AGREED if from_relay else CHOICE
    elif kind in ("reject", "bye", "ended"):
        made["cause"] = cause
    if kind == "ended":
        made["released_by"] = PHONE
        made["duration_ms"] = 4321
    return made


def act(machine, verb, now_ms=0):
    """Let the user of `machine` do something, in the usual way."""
    if verb == "dial":
        invite = {"from": {"id": "c2", "name": "Grandma"}, "media": AGREED}
        machine.dial(invite if machine.authority else {"to": "c2", "media": OFFER}, now_ms)
    elif verb == "ring":
        machine.ring(now_ms)
    elif verb == "answer":
        machine.answer(AGREED if machine.authority else CHOICE, now_ms)
    elif verb == "hangup":
        machine.hangup(now_ms)
    elif verb == "finish":
        machine.finish(causes.NORMAL, PHONE, now_ms)


def machine_in(state, authority, caller=True, now_ms=0):
    """Give a machine brought into `state` by legal steps, its actions drained."""
    machine = (Authority if authority else CallMachine)("c1", now_ms, RING_MS)
    far = not authority
    if state == IDLE:
        return machine
    if caller:
        act(machine, "dial", now_ms)
        if state == RINGBACK:
            machine.received(message("ringing", far), now_ms)
        if state == ANSWERED:
            machine.received(message("answer", far), now_ms)
    else:
        machine.received(message("invite", far), now_ms)
        if state == ANSWERED:
            act(machine, "answer", now_ms)
    if state == CLOSING:
        machine.hangup(now_ms)
    if state == ENDED:
        if authority:
            act(machine, "finish", now_ms)
        else:
            machine.received(message("ended", far), now_ms)
    assert machine.state == state, (machine, state)
    machine.actions()
    return machine


def everything(machine):
    """Give all that must not change when something illegal happens."""
    return (
        machine.state,
        machine.cause,
        machine.released_by,
        machine.media,
        machine.answered_at,
        machine.duration_ms,
        machine.next_wake_ms(),
    )


def roles():
    """Every (state, authority, caller) that exists."""
    for authority in (False, True):
        for state in STATES:
            if state == CLOSING and authority:
                continue
            for caller in (True, False):
                if state in (DIALLING, RINGBACK) and not caller or state == RINGING and caller:
                    continue
                yield state, authority, caller


def row_for(state, authority, event):
    rows = [row for row in SHARED + (AUTHORITY if authority else BOARD) if event in row[1] and state in row[0]]
    assert len(rows) <= 1, (state, event)
    return rows[0] if rows else None


def wrong_way(kind, caller, state):
    return state != IDLE and kind in (("cancel",) if caller else ("ringing", "answer", "reject"))


def sent(machine):
    return [action[1]["t"] for action in machine.actions() if action[0] == "send"]


# --- the tables


def test_tables_name_only_states_and_events_that_exist():
    events = [">" + verb for verb in VERBS] + ["<" + kind for kind in KINDS] + ["!timeout", "!lost"]
    for row in SHARED + BOARD + AUTHORITY:
        states, named, following, send = row
        assert following == STAY or following in STATES
        assert send == "" or send in KINDS
        for state in states:
            assert state in STATES
        for event in named:
            assert event in events


def test_every_verb_in_every_state_does_what_the_table_says():
    for state, authority, caller in roles():
        for verb in VERBS:
            if verb == "finish" and not authority:
                continue  # the board's machine has no such verb
            machine = machine_in(state, authority, caller)
            before = everything(machine)
            row = row_for(state, authority, ">" + verb)
            try:
                act(machine, verb, 7)
                assert row is not None, (state, authority, verb)
            except LocalError as error:
                assert row is None, (state, authority, verb)
                assert verb in error.detail and state in error.detail
                assert everything(machine) == before and machine.actions() == []
                continue
            assert machine.state == (row[2] or state)
            assert sent(machine) == ([row[3]] if row[3] else [])
            if row[2] == STAY:
                assert everything(machine) == before


def test_every_message_in_every_state_does_what_the_table_says():
    for state, authority, caller in roles():
        for kind in KINDS:
            machine = machine_in(state, authority, caller)
            before = everything(machine)
            row = None if wrong_way(kind, caller, state) else row_for(state, authority, "<" + kind)
            try:
                machine.received(message(kind, not authority), 7)
                assert row is not None, (state, authority, caller, kind)
            except PeerError as error:
                assert row is None, (state, authority, caller, kind)
                assert kind in error.detail and state in error.detail
                assert everything(machine) == before and machine.actions() == []
                continue
            assert machine.state == (row[2] or state)
            assert sent(machine) == ([row[3]] if row[3] else [])
            if row[2] == STAY:
                assert everything(machine) == before


def test_losing_the_link_ends_every_state_without_a_word():
    for state, authority, caller in roles():
        machine = machine_in(state, authority, caller)
        cause = machine.cause
        machine.lost(7)
        assert machine.state == ENDED
        actions = machine.actions()
        assert [action[0] for action in actions if action[0] == "send"] == []
        if state != ENDED:
            assert actions[-1] == ("ended", cause or causes.LINK_LOST, machine.released_by, machine.duration_ms)
            assert machine.released_by == (DEVICE if authority or cause else RELAY)
        else:
            assert actions == []


def test_illegal_things_are_illegal():
    """The cases that the protocol names, said once without the table."""
    for state, kind in ((IDLE, "answer"), (IDLE, "bye"), (IDLE, "ended"), (ANSWERED, "invite"), (RINGBACK, "bye")):
        machine = machine_in(state, False)
        try:
            machine.received(message(kind, True), 0)
            raise AssertionError((state, kind))
        except PeerError:
            assert machine.state == state
    # the callee does not cancel, the caller does not reject
    for caller, kind in ((True, "cancel"), (False, "reject"), (False, "ringing"), (False, "answer")):
        machine = machine_in(ANSWERED, False, caller)
        try:
            machine.received(message(kind, True), 0)
            raise AssertionError(kind)
        except PeerError:
            assert machine.state == ANSWERED
    # nobody tells the authority that it is over
    machine = machine_in(ANSWERED, True)
    try:
        machine.received(message("ended", False), 0)
        raise AssertionError
    except PeerError:
        assert machine.state == ANSWERED


def test_a_message_of_another_call_is_our_mistake():
    machine = machine_in(ANSWERED, False)
    other = message("bye", True)
    other["call"] = "c9"
    try:
        machine.received(other, 0)
        raise AssertionError
    except LocalError as error:
        assert "c9" in error.detail
    assert machine.state == ANSWERED


# --- a call as people know it


def test_board_calls_and_hangs_up():
    machine = CallMachine("c1", 1000, RING_MS)
    assert machine.began_at == 1000
    machine.dial({"to": "c2", "media": OFFER}, 1000)
    invite = {"t": "invite", "call": "c1", "to": "c2", "media": OFFER, "ring_ms": RING_MS}
    assert machine.actions() == [("send", invite)]
    machine.received(message("ringing", True), 1100)
    assert (machine.state, machine.actions()) == (RINGBACK, [])
    machine.received(message("answer", True), 2000)
    assert machine.actions() == [("media", True)]
    assert (machine.answered_at, machine.media, machine.next_wake_ms()) == (2000, AGREED, None)
    machine.hangup(9000)
    assert machine.actions() == [("media", False), ("send", {"t": "bye", "call": "c1", "cause": 16})]
    assert (machine.state, machine.cause, machine.released_by, machine.duration_ms) == (CLOSING, 16, DEVICE, 7000)
    last_word = message("ended", True)
    last_word["released_by"] = DEVICE
    machine.received(last_word, 9010)
    assert machine.actions() == [("ended", 16, DEVICE, 4321)]
    assert (machine.state, machine.next_wake_ms()) == (ENDED, None)


def test_board_is_called_and_the_phone_hangs_up():
    machine = CallMachine("c1", 0, 100)
    machine.received(message("invite", True), 0)
    assert machine.media == AGREED
    # the invite's own ring time counts
    assert machine.next_wake_ms() == RING_MS + RING_MARGIN_MS
    machine.ring(5)
    machine.answer(CHOICE, 10)
    ringing = {"t": "ringing", "call": "c1"}
    answer = {"t": "answer", "call": "c1", "media": CHOICE}
    assert machine.actions() == [("send", ringing), ("send", answer), ("media", True)]
    machine.received(message("ended", True), 3000)
    assert machine.actions() == [("media", False), ("ended", 16, PHONE, 4321)]


def test_relay_answers_whatever_ends_the_call_with_its_last_word():
    for kind, state, caller, cause in (
        ("cancel", RINGING, False, causes.ORIGINATOR_CANCEL),
        ("cancel", ANSWERED, False, causes.ORIGINATOR_CANCEL),
        ("reject", DIALLING, True, causes.BUSY),
        ("reject", RINGBACK, True, causes.BUSY),
        ("bye", ANSWERED, True, causes.BUSY),
        ("bye", ANSWERED, False, causes.BUSY),
    ):
        machine = machine_in(state, True, caller)
        machine.received(message(kind, False, causes.BUSY), 500)
        talk_ms = 500 if state == ANSWERED else 0
        ended = {"t": "ended", "call": "c1", "cause": cause, "released_by": DEVICE, "duration_ms": talk_ms}
        actions = machine.actions()
        assert actions[-2:] == [("send", ended), ("ended", cause, DEVICE, talk_ms)], kind
        assert actions[:-2] == ([("media", False)] if state == ANSWERED else [])


def test_cancel_may_bring_its_cause():
    machine = machine_in(RINGING, True, False)
    cancel = message("cancel", False)
    cancel["cause"] = causes.NO_ANSWER
    machine.received(cancel, 0)
    assert machine.cause == causes.NO_ANSWER


def test_hangup_chooses_message_and_cause_by_state():
    for state, caller, kind, usual in (
        (DIALLING, True, "cancel", causes.ORIGINATOR_CANCEL),
        (RINGBACK, True, "cancel", causes.ORIGINATOR_CANCEL),
        (RINGING, False, "reject", causes.REJECTED),
        (ANSWERED, True, "bye", causes.NORMAL),
    ):
        for given in (0, causes.BUSY):
            machine = machine_in(state, False, caller)
            machine.hangup(0, given)
            said = {"t": kind, "call": "c1", "cause": given or usual}
            assert ("send", said) in machine.actions()
            assert (machine.state, machine.cause, machine.released_by) == (CLOSING, given or usual, DEVICE)


def test_duration_counts_over_the_edge_of_the_clock():
    answered_at = (1 << 30) - 100
    machine = machine_in(ANSWERED, True, True, answered_at)
    machine.finish(causes.NORMAL, PHONE, 400)
    assert machine.duration_ms == 500


# --- timers


def test_the_waits_are_those_of_the_protocol():
    assert (RING_MARGIN_MS, CLOSING_MS) == (3000, 3000)


def test_caller_rings_out_with_no_answer():
    for state in (DIALLING, RINGBACK):
        machine = machine_in(state, False)
        assert machine.next_wake_ms() == RING_MS
        machine.tick(RING_MS - 1)
        assert (machine.state, machine.actions()) == (state, [])
        machine.tick(RING_MS)
        assert machine.actions() == [("send", {"t": "cancel", "call": "c1", "cause": causes.NO_ANSWER})]
        assert (machine.state, machine.released_by) == (CLOSING, DEVICE)


def test_callee_gives_the_caller_time_to_cancel_first():
    machine = machine_in(RINGING, False, False)
    machine.tick(RING_MS + RING_MARGIN_MS - 1)
    assert machine.state == RINGING
    machine.tick(RING_MS + RING_MARGIN_MS)
    assert machine.actions() == [("send", {"t": "reject", "call": "c1", "cause": causes.NO_ANSWER})]


def test_relay_ends_by_itself_when_ringing_has_been_enough():
    for state, caller, wake_ms in ((DIALLING, True, RING_MS), (RINGING, False, RING_MS + RING_MARGIN_MS)):
        machine = machine_in(state, True, caller)
        assert machine.next_wake_ms() == wake_ms
        machine.tick(wake_ms)
        assert machine.actions()[-1] == ("ended", causes.NO_ANSWER, RELAY, 0)
        assert machine.state == ENDED


def test_board_stops_waiting_for_the_last_word():
    machine = machine_in(ANSWERED, False)
    machine.hangup(1000)
    machine.actions()
    assert machine.next_wake_ms() == 1000 + CLOSING_MS
    # hanging up again does not start the wait again
    machine.hangup(2000)
    machine.tick(1000 + CLOSING_MS)
    assert machine.actions() == [("ended", causes.NORMAL, DEVICE, 1000)]
    # the word comes late: it changes nothing more
    machine.received(message("ended", True, causes.BUSY), 9000)
    assert (machine.actions(), machine.cause) == ([], causes.NORMAL)


def test_alarms_hold_over_the_edge_of_the_clock():
    start = (1 << 30) - 5
    machine = machine_in(DIALLING, False, True, start)
    machine.tick((1 << 30) - 1)
    assert machine.state == DIALLING
    machine.tick(ticks_add(start, RING_MS))
    assert machine.state == CLOSING


def test_nothing_is_waited_for_outside_set_up_and_closing():
    for state, authority, caller in roles():
        machine = machine_in(state, authority, caller)
        waits = state in (DIALLING, RINGBACK, RINGING, CLOSING)
        assert (machine.next_wake_ms() is not None) == waits
        machine.tick(100000)
        if not waits:
            assert (machine.state, machine.actions()) == (state, [])


# --- another relay, which tells before it says its last word


def test_board_told_by_the_relay_stops_at_once_and_waits():
    for state, caller, kind, cause in (
        (RINGING, False, "cancel", causes.ORIGINATOR_CANCEL),
        (ANSWERED, False, "cancel", causes.ORIGINATOR_CANCEL),
        (DIALLING, True, "reject", causes.BUSY),
        (RINGBACK, True, "reject", causes.BUSY),
        (ANSWERED, True, "bye", causes.BUSY),
    ):
        machine = machine_in(state, False, caller)
        machine.received(message(kind, True, causes.BUSY), 100)
        assert machine.actions() == ([("media", False)] if state == ANSWERED else [])
        assert (machine.state, machine.cause, machine.released_by) == (CLOSING, cause, PHONE)
        machine.received(message("ended", True, causes.MEDIA_TIMEOUT), 200)
        assert machine.actions() == [("ended", causes.MEDIA_TIMEOUT, PHONE, 4321)]


# --- two machines and a link between them


class Pair:
    """A board's machine and a relay's, joined by two queues of encoded messages."""

    def __init__(self, board_dials):
        self.now_ms = 0
        self.board = CallMachine("c1", 0, RING_MS)
        self.relay = Authority("c1", 0, RING_MS)
        self.to_relay = []
        self.to_board = []
        self.done = {False: [], True: []}
        self.do("board" if board_dials else "relay", "dial")

    def drain(self):
        for machine, queue, sender in (
            (self.board, self.to_relay, FROM_BOARD),
            (self.relay, self.to_board, FROM_RELAY),
        ):
            for action in machine.actions():
                self.done[machine.authority].append(action)
                if action[0] == "send":
                    queue.append(encode(action[1], sender))

    def do(self, who, what):
        """Make one move; False when it is not possible now."""
        machine = self.board if who == "board" else self.relay
        if machine.state == IDLE and what not in ("deliver", "dial"):
            # a machine comes into being with the first message of its call
            return False
        if what == "deliver":
            queue, sender = (self.to_board, FROM_RELAY) if who == "board" else (self.to_relay, FROM_BOARD)
            if not queue:
                return False
            machine.received(decode(queue.pop(0), sender), self.now_ms)
        elif what == "ring out":
            # time passes only on a quiet link: messages take milliseconds, ringing takes seconds
            if self.to_board or self.to_relay or machine.next_wake_ms() is None:
                return False
            self.now_ms = machine.next_wake_ms()
            self.board.tick(self.now_ms)
            self.relay.tick(self.now_ms)
        else:
            try:
                act(machine, what, self.now_ms)
            except LocalError:
                return False
        self.now_ms = ticks_add(self.now_ms, 1)
        self.drain()
        return True

    def settle(self):
        """Deliver everything, then let all timers run out."""
        for _ in range(20):
            moved = self.do("relay", "deliver") or self.do("board", "deliver")
            if not moved and not self.do("board", "ring out") and not self.do("relay", "ring out"):
                if self.relay.state == ANSWERED:
                    self.do("board", "hangup")
                elif self.board.state == ENDED and self.relay.state == ENDED:
                    return

    def judge(self, moves):
        assert self.board.state == ENDED and self.relay.state == ENDED, moves
        assert self.board.cause == self.relay.cause and self.board.cause, moves
        assert self.board.released_by == self.relay.released_by, moves
        assert self.board.duration_ms == self.relay.duration_ms, moves
        for actions in self.done.values():
            media = [action[1] for action in actions if action[0] == "media"]
            assert media in ([], [True, False]), moves
            assert [action[0] for action in actions].count("ended") == 1, moves
            assert actions[-1][0] == "ended", moves
        last_words = [a for a in self.done[True] if a[0] == "send" and a[1]["t"] == "ended"]
        assert len(last_words) == 1, moves


MOVES = [
    ("board", "deliver"),
    ("relay", "deliver"),
    ("board", "hangup"),
    ("relay", "finish"),
    ("board", "answer"),
    ("relay", "answer"),
    ("board", "ring"),
    ("relay", "ring"),
    ("board", "ring out"),
]
# a board's interpreter walks the same tree less deep
DEPTH = 5 if MICROPYTHON else 7


def play(board_dials, moves):
    """Make the moves; give the pair, or None if the last one was not possible."""
    pair = Pair(board_dials)
    possible = True
    for who, what in moves:
        possible = pair.do(who, what)
    return pair if possible else None


def walk(board_dials):
    """Play every sequence of possible moves up to DEPTH, and let each come to its end; give how many there were."""
    stack = [[]]
    played = 0
    while stack:
        moves = stack.pop()
        pair = play(board_dials, moves)
        if pair is None:
            continue
        played += 1
        over = pair.board.state == ENDED and pair.relay.state == ENDED
        if len(moves) < DEPTH and not (over and not pair.to_board and not pair.to_relay):
            stack.extend([moves + [move] for move in MOVES])
        pair.settle()
        pair.judge(moves)
    return played


def test_every_interleaving_of_an_outgoing_call_ends_well():
    assert walk(True) > 200


def test_every_interleaving_of_an_incoming_call_ends_well():
    assert walk(False) > 200


def test_glare_of_cancel_and_answer():
    pair = Pair(True)
    pair.do("relay", "deliver")
    pair.do("relay", "answer")
    pair.do("board", "hangup")
    assert pair.do("board", "deliver") and pair.board.state == CLOSING
    assert pair.do("relay", "deliver") and pair.relay.state == ENDED
    pair.settle()
    pair.judge("cancel x answer")
    assert pair.board.cause == causes.ORIGINATOR_CANCEL
    # the board never heard the answer, so its media never ran
    assert ("media", True) not in pair.done[False]


def test_glare_of_bye_and_ended():
    pair = Pair(True)
    pair.do("relay", "deliver")
    pair.do("relay", "answer")
    pair.do("board", "deliver")
    pair.do("board", "hangup")
    pair.relay.finish(causes.MEDIA_TIMEOUT, RELAY, pair.now_ms)
    pair.drain()
    pair.settle()
    pair.judge("bye x ended")
    assert pair.board.cause == causes.MEDIA_TIMEOUT
    assert pair.board.released_by == RELAY


def test_glare_of_answer_and_ended():
    pair = Pair(False)
    pair.do("board", "deliver")
    pair.do("board", "answer")
    pair.relay.finish(causes.ORIGINATOR_CANCEL, PHONE, pair.now_ms)
    pair.drain()
    pair.settle()
    pair.judge("answer x ended")
    assert pair.board.cause == causes.ORIGINATOR_CANCEL
    assert ("media", True) not in pair.done[True]
