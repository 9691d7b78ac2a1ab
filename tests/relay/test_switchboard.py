"""The switchboard with boards and phones in memory: every way in which a call begins, is refused, and ends."""

import asyncio
from dataclasses import replace

import pytest
from support.board_end import HELLO, packet
from support.exchange import Exchange, settle, talking

from callcore import causes
from callcore.errors import CallError
from tincall.errors import OperatorError
from tincall.leg import Media
from tincall.relay.cdr import NO_FRAMES, Frames
from tincall.relay.switchboard import CallRefused
from tincall.settings import CallSettings

TALK = [("opened", "board-1", "mum", "out"), ("ringing",), ("answered", "PCMA")]


@pytest.fixture
def exchange():
    return Exchange()


def ended(exchange, call_id="c1"):
    """Give cause and released_by of a call's record, which must be closed exactly once."""
    closed = [write for write in exchange.records.of(call_id) if write[0] == "ended"]
    assert len(closed) == 1
    return closed[0][1:3]


# the board calls


async def test_a_call_out_from_dial_to_last_figures(exchange):
    board = exchange.board()
    board.dials()
    await settle()
    offer = exchange.phone.offer
    assert (offer.call_id, offer.direction, offer.peer_id) == ("c1", "out", "board-1")
    exchange.phone.rings()
    exchange.phone.answers()
    agreed = board.last("answer")["media"]
    assert [message["t"] for message in board.texts] == ["welcome", "ringing", "answer"]
    assert agreed == {
        "codec": "PCMA",
        "ptime": 20,
        "ssrc": offer.media.remote_ssrc,
        "remote_ssrc": offer.media.ssrc,
    }
    for i in range(3):
        board.speaks(i, agreed["ssrc"])
        exchange.phone.speaks(packet(i, agreed["remote_ssrc"]))
    exchange.clock.advance(1234)
    board.say({"t": "bye", "call": "c1", "cause": causes.NORMAL})
    await settle()
    assert exchange.phone.verbs == ["invite", "release"]
    assert exchange.phone.told[-1] == ("release", causes.NORMAL, "device", 1234)
    assert board.heard("ended") == [
        {"t": "ended", "call": "c1", "cause": 16, "released_by": "device", "duration_ms": 1234}
    ]
    exchange.phone.reports(received=3, sent=3)
    board.reports(sent=3, received=3)
    await settle()
    three = Frames(3, 3, 0)
    written = exchange.records.of("c1")
    assert written[:4] == [*TALK, ("ended", 16, "device", 1234, three, three)]
    name, stats, report, up, down = written[4]
    assert (name, stats["sent"], report, up, down) == ("reported", 3, {"received": 3, "sent": 3}, three, three)
    assert exchange.switchboard._calls == {} and exchange.switchboard.live() == []
    assert exchange.phone.got == [packet(i, agreed["ssrc"]) for i in range(3)] and len(board.packets) == 3


async def test_the_phone_hangs_up(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    exchange.clock.advance(10)
    phone.ends(causes.NORMAL)
    await settle()
    assert board.last("ended") == {"t": "ended", "call": "c1", "cause": 16, "released_by": "phone", "duration_ms": 10}
    assert ended(exchange) == (16, "phone") and "release" not in phone.verbs


@pytest.mark.parametrize("cause", [causes.REJECTED, causes.BUSY, causes.NO_ANSWER])
async def test_the_phone_does_not_take_the_call(exchange, cause):
    board = exchange.board()
    board.dials()
    await settle()
    exchange.phone.rings()
    exchange.phone.ends(cause)
    exchange.phone.reports()
    await settle()
    assert board.last("ended")["cause"] == cause and board.last("ended")["duration_ms"] == 0
    assert ended(exchange) == (cause, "phone")
    assert exchange.switchboard._calls == {}


async def test_the_board_gives_up_while_it_rings(exchange):
    board = exchange.board()
    board.dials()
    await settle()
    exchange.phone.rings()
    board.say({"t": "cancel", "call": "c1"})
    await settle()
    assert ended(exchange) == (causes.ORIGINATOR_CANCEL, "device")
    assert exchange.phone.verbs == ["invite", "release"]
    assert board.last("ended")["cause"] == causes.ORIGINATOR_CANCEL


async def test_the_board_gives_up_before_there_is_a_phone(exchange):
    exchange.phone_gate.clear()
    board = exchange.board()
    board.dials()
    await settle()
    board.say({"t": "cancel", "call": "c1"})
    await settle()
    assert ended(exchange) == (causes.ORIGINATOR_CANCEL, "device")
    exchange.phone_gate.set()
    await settle()
    assert exchange.phone.verbs == ["release"], "a leg that comes late is given back"
    assert exchange.switchboard._calls == {}


async def test_a_phone_that_rings_for_ever_is_ended_by_the_relay(exchange):
    board = exchange.board()
    board.dials(ring_ms=5000)
    await settle()
    exchange.phone.rings()
    await exchange.advance(9000, 1000)
    assert ended(exchange) == (causes.NO_ANSWER, "relay")


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (CallError("no worker", causes.DESTINATION_OUT_OF_ORDER), causes.DESTINATION_OUT_OF_ORDER),
        (CallError("no word of a cause"), causes.DESTINATION_OUT_OF_ORDER),
        (CallError("too many", causes.CONGESTION), causes.CONGESTION),
    ],
)
async def test_there_is_no_leg_for_the_phone(exchange, fault, cause):
    exchange.phone_fault = fault
    board = exchange.board()
    board.dials()
    await settle()
    assert ended(exchange) == (cause, "relay")
    assert board.last("ended")["cause"] == cause
    assert exchange.switchboard._calls == {}


async def test_a_worker_that_dies_in_a_talk(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    phone.ends(causes.DESTINATION_OUT_OF_ORDER)
    phone.reports()
    await settle()
    assert ended(exchange) == (causes.DESTINATION_OUT_OF_ORDER, "phone")
    assert board.last("ended")["cause"] == causes.DESTINATION_OUT_OF_ORDER


async def test_nobody_is_under_that_number(exchange):
    board = exchange.board()
    board.dials(to="nobody")
    await settle()
    assert ended(exchange) == (causes.UNALLOCATED, "relay") and exchange.phones == []


async def test_the_two_have_no_codec_in_common(exchange):
    exchange.phone_codecs = ("L16",)
    board = exchange.board()
    board.dials()
    await settle()
    assert ended(exchange) == (causes.INCOMPATIBLE, "relay")
    assert exchange.phone.verbs == ["release"]


async def test_the_boards_first_codec_that_the_phone_can_is_taken(exchange):
    exchange.phone_codecs = ("PCMA", "PCMU")
    board = exchange.board()
    board.dials(codecs=("opus", "PCMU", "PCMA"), ptimes=(40, 20))
    await settle()
    assert (exchange.phone.offer.media.codec, exchange.phone.offer.media.ptime) == ("PCMU", 40)


@pytest.mark.parametrize(
    ("board_codecs", "phone_codecs", "saves", "cn", "ptime"),
    [
        (("CN", "PCMU"), ("PCMU", "CN"), True, True, 40),
        (("PCMU", "CN"), ("PCMU",), True, False, 40),
        (("PCMU",), ("PCMU", "CN"), True, False, 40),
        (("PCMU", "CN"), ("PCMU", "CN"), False, False, 20),
    ],
)
async def test_bytes_are_saved_where_it_is_asked_for_and_both_ends_can(
    exchange, board_codecs, phone_codecs, saves, cn, ptime
):
    exchange.switchboard._settings = CallSettings(save_bytes=saves)
    exchange.phone_codecs = phone_codecs
    board = exchange.board()
    board.dials(codecs=board_codecs, ptimes=(20, 40))
    await settle()
    media = exchange.phone.offer.media
    assert (media.codec, media.cn, media.ptime) == ("PCMU", cn, ptime)
    exchange.phone.answers()
    await settle()
    assert board.last("answer")["media"].get("cn", False) is cn


async def test_comfort_noise_alone_is_no_codec(exchange):
    exchange.phone_codecs = ("CN", "PCMA")
    board = exchange.board()
    board.dials(codecs=("CN",))
    await settle()
    assert ended(exchange) == (causes.INCOMPATIBLE, "relay")


async def test_a_phone_that_wants_noise_the_board_does_not_know_is_refused(exchange):
    board = exchange.board()
    board.dials(codecs=("PCMA",))
    await settle()
    exchange.phone.answers(replace(exchange.phone.offer.media, cn=True))
    await settle()
    assert ended(exchange) == (causes.INCOMPATIBLE, "phone")


async def test_a_phone_that_chooses_what_the_board_cannot_is_refused(exchange):
    board = exchange.board()
    board.dials(codecs=("PCMA",))
    await settle()
    exchange.phone.answers(Media("PCMU", 20, 1, 2))
    await settle()
    assert ended(exchange) == (causes.INCOMPATIBLE, "phone")


async def test_the_link_is_lost_in_a_talk(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    board.vanishes()
    await settle()
    assert ended(exchange) == (causes.LINK_LOST, "device")
    assert phone.verbs[-1] == "release" and board.heard("ended") == []
    phone.reports()
    await settle()
    assert exchange.switchboard._calls == {} and exchange.switchboard.online("board-1") is None


async def test_silence_on_the_link_is_a_lost_link(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    ssrc = phone.offer.media.ssrc
    for i in range(26):
        phone.speaks(packet(i, ssrc))
        await exchange.advance(1000, 1000)
    assert ended(exchange) == (causes.LINK_LOST, "device")


async def test_no_sound_from_either_side_ends_the_call(exchange):
    board = exchange.board()
    await talking(exchange, board)
    for i in range(22):
        await exchange.advance(1000, 1000)
        board.say({"t": "ping", "id": i})
    assert ended(exchange) == (causes.MEDIA_TIMEOUT, "relay")
    assert board.last("ended")["cause"] == causes.MEDIA_TIMEOUT


async def test_the_longest_call_ends(exchange):
    exchange = Exchange(allotted_ms=3000)
    board = exchange.board()
    phone = await talking(exchange, board)
    for i in range(4):
        phone.speaks(packet(i, phone.offer.media.ssrc))
        await exchange.advance(1000, 1000)
    assert ended(exchange) == (causes.ALLOTTED_TIMEOUT, "relay")
    assert board.last("ended")["duration_ms"] == 3000


async def test_a_second_call_of_the_same_board_is_busy(exchange):
    board = exchange.board()
    await talking(exchange, board)
    board.dials("c2", to="dad")
    await settle()
    assert board.last("ended") == {"t": "ended", "call": "c2", "cause": 17, "released_by": "relay", "duration_ms": 0}
    with pytest.raises(CallRefused) as refused:
        exchange.switchboard.phone_calls("board-1", "dad")
    assert (refused.value.reason, refused.value.cause) == ("busy", causes.BUSY)
    assert [call["call_id"] for call in exchange.switchboard.live()] == ["c1"]


async def test_the_next_call_may_begin_while_the_last_one_is_still_accounted_for(exchange):
    board = exchange.board()
    first = await talking(exchange, board)
    board.speaks(1, first.offer.media.remote_ssrc)
    board.say({"t": "bye", "call": "c1", "cause": 16})
    await settle()
    second = await talking(exchange, board, "c2")
    assert second is not first
    board.speaks(1, second.offer.media.remote_ssrc)
    first.reports(received=1)
    board.reports("c1", sent=1)
    await settle()
    board.speaks(2, second.offer.media.remote_ssrc)
    assert len(second.got) == 2 and len(first.got) == 1
    assert [call["call_id"] for call in exchange.switchboard.live()] == ["c2"]


async def test_a_call_id_that_was_used_before_ends_the_call_and_leaves_the_old_record(exchange):
    exchange.records.used.add("c1")
    board = exchange.board()
    board.dials()
    await settle()
    assert board.last("ended")["cause"] == causes.PROTOCOL_ERROR
    assert [name for name, *_ in exchange.records.of("c1")] == ["opened"]


async def test_two_boards_with_one_call_id(exchange):
    one, two = exchange.board("board-1"), exchange.board("board-2")
    await talking(exchange, one)
    two.dials()
    await settle()
    assert two.last("ended")["cause"] == causes.PROTOCOL_ERROR
    assert exchange.switchboard.live()[0]["state"] == "answered"


async def test_the_same_invite_twice_is_an_error_and_harms_nothing(exchange):
    board = exchange.board()
    await talking(exchange, board)
    board.dials()
    assert board.last("error")["about"] == "invite"
    assert exchange.switchboard.live()[0]["state"] == "answered"


async def test_more_calls_than_settings_allow(exchange):
    exchange = Exchange(max_calls=1)
    await talking(exchange, exchange.board("board-1"))
    other = exchange.board("board-2")
    other.dials("c2")
    await settle()
    assert other.last("ended")["cause"] == causes.CONGESTION


# the phone calls


async def called(exchange, board):
    call_id = exchange.switchboard.phone_calls(board.sn, "mum")
    await settle()
    return call_id


async def test_a_call_in_from_the_phone_to_the_last_figures(exchange):
    board = exchange.board()
    call_id = await called(exchange, board)
    invite = board.last("invite")
    assert invite["call"] == call_id and invite["from"] == {"id": "mum", "name": "Mum"}
    assert invite["ring_ms"] == 60_000 and invite["media"]["codec"] == "PCMA"
    board.say({"t": "ringing", "call": call_id})
    board.say({"t": "answer", "call": call_id, "media": {"codec": "PCMA", "ptime": 20}})
    board.speaks(1, invite["media"]["ssrc"])
    phone = exchange.phone
    assert phone.verbs == ["place", "ringing", "answer"]
    answered = phone.told[-1][1]
    assert (answered.ssrc, answered.remote_ssrc) == (invite["media"]["remote_ssrc"], invite["media"]["ssrc"])
    assert phone.got == [packet(1, invite["media"]["ssrc"])]
    board.say({"t": "bye", "call": call_id, "cause": 16})
    await settle()
    phone.reports(received=1)
    board.reports(call_id, sent=1)
    await settle()
    names = [name for name, *_ in exchange.records.of(call_id)]
    assert names == ["opened", "ringing", "answered", "ended", "reported"]
    assert exchange.records.of(call_id)[0][1:] == ("board-1", "mum", "in")
    assert ended(exchange, call_id) == (16, "device") and exchange.switchboard._calls == {}


async def test_the_board_rejects(exchange):
    board = exchange.board()
    call_id = await called(exchange, board)
    board.say({"t": "ringing", "call": call_id})
    board.say({"t": "reject", "call": call_id, "cause": causes.REJECTED})
    await settle()
    assert ended(exchange, call_id) == (causes.REJECTED, "device")
    assert exchange.phone.told[-1][:2] == ("release", causes.REJECTED)
    assert board.last("ended")["cause"] == causes.REJECTED


async def test_the_board_does_not_answer(exchange):
    exchange = Exchange(ring_ms=2000)
    board = exchange.board()
    call_id = await called(exchange, board)
    board.say({"t": "ringing", "call": call_id})
    await exchange.advance(3000, 500)
    assert ended(exchange, call_id) == (causes.NO_ANSWER, "relay")
    assert board.last("ended")["cause"] == causes.NO_ANSWER


async def test_the_phone_gives_up(exchange):
    board = exchange.board()
    call_id = await called(exchange, board)
    exchange.phone.ends(causes.ORIGINATOR_CANCEL)
    await settle()
    assert ended(exchange, call_id) == (causes.ORIGINATOR_CANCEL, "phone")
    assert board.last("ended")["cause"] == causes.ORIGINATOR_CANCEL


async def test_the_board_answers_with_another_codec(exchange):
    board = exchange.board()
    call_id = await called(exchange, board)
    board.say({"t": "answer", "call": call_id, "media": {"codec": "PCMU", "ptime": 20}})
    await settle()
    assert ended(exchange, call_id) == (causes.INCOMPATIBLE, "device")


async def test_the_link_is_lost_before_the_board_hears_of_the_call(exchange):
    exchange.phone_gate.clear()
    board = exchange.board()
    call_id = exchange.switchboard.phone_calls("board-1", "mum")
    board.vanishes()
    await settle()
    assert ended(exchange, call_id) == (causes.LINK_LOST, "device")
    exchange.phone_gate.set()
    await settle()
    assert exchange.phone.verbs == ["release"] and exchange.switchboard._calls == {}


@pytest.mark.parametrize(
    ("sn", "phone_id", "reason", "cause"),
    [
        ("board-9", "mum", "not_connected", causes.NOT_REGISTERED),
        ("board-1", "nobody", "unknown_phone", causes.UNALLOCATED),
    ],
)
async def test_a_phone_that_cannot_call_is_told_why(exchange, sn, phone_id, reason, cause):
    exchange.board()
    with pytest.raises(CallRefused) as refused:
        exchange.switchboard.phone_calls(sn, phone_id)
    assert (refused.value.reason, refused.value.cause) == (reason, cause)
    assert exchange.records.written == []


async def test_a_board_that_has_not_said_hello_is_not_connected(exchange):
    board = exchange.board()
    board.session.state = "CONNECTED"
    assert exchange.switchboard.online("board-1") is None
    with pytest.raises(CallRefused):
        exchange.switchboard.phone_calls("board-1", "mum")


async def test_two_phones_call_at_once_and_one_is_busy(exchange):
    exchange.board()
    exchange.phone_gate.clear()
    exchange.switchboard.phone_calls("board-1", "mum")
    with pytest.raises(CallRefused) as refused:
        exchange.switchboard.phone_calls("board-1", "dad")
    assert refused.value.reason == "busy"


# operators


async def test_an_operator_hangs_up(exchange):
    board = exchange.board()
    await talking(exchange, board)
    assert exchange.switchboard.hangup("c1") is True
    await settle()
    assert ended(exchange) == (causes.NORMAL, "relay")
    assert exchange.switchboard.hangup("c1") is False and exchange.switchboard.hangup("nothing") is False


async def test_what_operators_see(exchange):
    board = exchange.board(firmware="1.2.3")
    phone = await talking(exchange, board)
    board.speaks(1, phone.offer.media.remote_ssrc)
    (live,) = exchange.switchboard.live()
    assert live["call_id"] == "c1" and live["state"] == "answered" and live["codec"] == "PCMA"
    assert live["up"] == {"in": 1, "out": 1, "dropped": 0, "after_end": 0}
    assert live["board_stats"] is None
    board.reports(sent=1, received=7, final=False)
    await settle()
    (live,) = exchange.switchboard.live()
    assert (live["board_stats"]["sent"], live["board_stats"]["received"]) == (1, 7)
    seen = exchange.switchboard.online("board-1")
    assert (seen["firmware"], seen["call"], seen["address"]) == ("1.2.3", "c1", "192.0.2.1")
    assert seen["media"]["media_in"] == 1


async def test_the_relay_stops(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    stopping = asyncio.create_task(exchange.switchboard.stop())
    await settle()
    assert board.last("ended")["cause"] == causes.TEMPORARY_FAILURE
    phone.reports()
    board.reports()
    await stopping
    assert ended(exchange) == (causes.TEMPORARY_FAILURE, "relay")
    assert exchange.records.of("c1")[-1][0] == "reported"
    board.dials("c2")
    await settle()
    assert board.last("ended")["cause"] == causes.TEMPORARY_FAILURE
    with pytest.raises(CallRefused) as refused:
        exchange.switchboard.phone_calls("board-1", "mum")
    assert refused.value.reason == "stopping"


async def test_a_relay_without_calls_stops_at_once(exchange):
    await exchange.switchboard.stop()


# links


async def test_the_newest_link_of_a_board_wins(exchange):
    older = exchange.board()
    phone = await talking(exchange, older)
    newer = exchange.board()
    await settle()
    assert older.close_code == 4409 and older.session.state == "CLOSED"
    assert ended(exchange) == (causes.LINK_LOST, "device") and phone.is_over
    assert exchange.switchboard.online("board-1") is not None
    newer.dials("c2")
    await settle()
    assert exchange.switchboard.online("board-1")["call"] == "c2"


async def test_a_board_that_is_no_longer_welcome_loses_its_link(exchange):
    board = exchange.board()
    exchange.switchboard.device_changed("board-1", "active")
    assert board.close_code == 0
    exchange.switchboard.device_changed("board-1", "revoked")
    await settle()
    assert board.close_code == 4403 and exchange.switchboard.online("board-1") is None
    exchange.switchboard.device_changed("board-2", "revoked")


async def test_a_board_in_no_call_is_asked_to_verify_anew_at_once(exchange):
    board, other = exchange.board(), exchange.board("board-2")
    exchange.switchboard.renew("board-1")
    exchange.switchboard.renew("board-3")
    await settle()
    assert (board.close_code, other.close_code) == (4401, 0)
    again = exchange.board()
    await talking(exchange, again)
    exchange.switchboard.hangup("c1")
    await settle()
    assert again.close_code == 0, "the word held for the link that there was"


async def test_a_board_in_a_call_is_asked_to_verify_anew_after_it(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    exchange.switchboard.renew("board-1")
    await settle()
    assert board.close_code == 0
    exchange.switchboard.hangup("c1")
    await settle()
    assert (ended(exchange), board.close_code) == ((causes.NORMAL, "relay"), 0), "its last figures are wanted"
    phone.reports()
    board.reports()
    await settle()
    assert board.close_code == 4401


@pytest.mark.parametrize("state", ["suspended", "conflict", "revoked", "forgotten"])
async def test_a_board_that_is_no_longer_welcome_loses_its_call_with_a_cause(exchange, state):
    board = exchange.board()
    phone = await talking(exchange, board)
    other = exchange.board("board-2")
    await talking(exchange, other, "c2")
    exchange.switchboard.device_changed("board-1", state)
    assert board.session.state == "CLOSED", "at once"
    await settle()
    assert board.close_code == 4403 and phone.is_over
    assert ended(exchange) == (causes.BARRED, "relay")
    assert other.close_code == 0 and exchange.switchboard.online("board-2")["call"] == "c2"
    with pytest.raises(CallRefused) as caught:
        exchange.switchboard.phone_calls("board-1", "mum")
    assert caught.value.reason == "not_connected"
    assert len(exchange.phones) == 2, "no phone is asked for in the name of a board that is not let in"


async def test_a_board_that_rings_is_told_off_too(exchange):
    board = exchange.board()
    exchange.switchboard.phone_calls("board-1", "mum")
    await settle()
    exchange.switchboard.device_changed("board-1", "suspended")
    await settle()
    assert board.close_code == 4403 and exchange.phone.is_over
    assert [one[2:4] for one in exchange.records.written if one[0] == "ended"] == [(causes.BARRED, "relay")]
    assert exchange.switchboard.live() == []


async def test_a_board_that_closes_in_a_talk(exchange):
    board = exchange.board()
    await talking(exchange, board)
    board.closes()
    await settle()
    assert ended(exchange) == (causes.LINK_LOST, "device") and board.close_code == 1000


# the end and the disk


async def test_the_last_word_waits_for_the_disk_and_the_media_does_not(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    exchange.records.hold()
    phone.ends(causes.NORMAL)
    await settle()
    assert board.heard("ended") == []
    phone.speaks(packet(9, phone.offer.media.ssrc))
    assert board.packets == [], "media has stopped already"
    exchange.records.disk.set()
    await settle()
    assert board.last("ended")["released_by"] == "phone"


async def test_a_disk_that_hangs_is_not_waited_for(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    exchange.records.hold()
    phone.ends(causes.NORMAL)
    await exchange.advance(2000, 250)
    assert len(board.heard("ended")) == 1
    exchange.records.disk.set()
    await settle()
    assert len(board.heard("ended")) == 1 and ended(exchange) == (16, "phone")


async def test_a_disk_that_fails_does_not_stop_calls(exchange):
    exchange.records.fault = OperatorError("the disk is full")
    board = exchange.board()
    phone = await talking(exchange, board)
    phone.ends(causes.NORMAL)
    phone.reports()
    await settle()
    board.reports()
    await settle()
    assert board.last("ended")["cause"] == causes.NORMAL and exchange.switchboard._calls == {}


async def test_what_comes_after_the_end_is_counted_in_the_record(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    ours, theirs = phone.offer.media.remote_ssrc, phone.offer.media.ssrc
    board.speaks(1, ours)
    phone.ends(causes.NORMAL)
    board.speaks(2, ours)
    phone.speaks(packet(1, theirs))
    await settle()
    phone.reports(received=1, sent=1)
    board.reports(sent=2)
    await settle()
    assert exchange.records.of("c1")[-1][3:] == (Frames(2, 1, 1), Frames(1, 0, 1))


async def test_reports_that_never_come_are_not_waited_for_for_ever(exchange):
    board = exchange.board()
    phone = await talking(exchange, board)
    board.say({"t": "bye", "call": "c1", "cause": 16})
    await exchange.advance(20_000, 1000)
    assert exchange.switchboard._calls == {} and not phone.report
    assert exchange.records.of("c1")[-1] == ("reported", None, None, NO_FRAMES, NO_FRAMES)


async def test_contacts_that_do_not_fit_are_left_out_of_welcome(exchange):
    many = [{"id": f"phone-{i}", "name": "N" * 60} for i in range(64)]
    exchange.switchboard.contacts = lambda sn: many
    board = exchange.board()
    assert 20 < len(board.last("welcome")["contacts"]) <= 32
    assert board.last("welcome")["heartbeat_ms"] == 10_000 and HELLO["t"] == "hello"


# a phone says itself that it is gone


@pytest.mark.parametrize("is_answered", [False, True])
async def test_a_phone_that_is_gone_ends_its_call(exchange, is_answered):
    board = exchange.board()
    call_id = exchange.switchboard.phone_calls("board-1", "mum")
    await settle()
    board.say({"t": "ringing", "call": call_id})
    if is_answered:
        board.say({"t": "answer", "call": call_id, "media": {"codec": "PCMA", "ptime": 20}})
    await settle()
    assert exchange.switchboard.phone_left(call_id) and not exchange.switchboard.phone_left(call_id)
    await settle()
    cause = causes.NORMAL if is_answered else causes.ORIGINATOR_CANCEL
    assert ended(exchange, call_id) == (cause, "phone") and board.last("ended")["cause"] == cause
    assert exchange.phone.verbs[-1] == "release" and not exchange.switchboard.phone_left("nothing")


# a phone that is calling already, from beyond the relay


async def incoming(exchange, call_id="in-1", sn="board-1", name="Mother"):
    async def phone_leg():
        return await exchange._make_phone("mum")

    exchange.switchboard.incoming(sn, "mum", name, call_id, phone_leg)
    await settle()


async def test_a_phone_that_calls_already_reaches_the_board(exchange):
    board = exchange.board()
    assert exchange.switchboard.refusal("board-1") is None
    await incoming(exchange)
    assert exchange.phone.verbs == ["place"] and exchange.phone.offer.call_id == "in-1"
    assert board.last("invite")["from"] == {"id": "mum", "name": "Mother"}
    board.say({"t": "answer", "call": "in-1", "media": {"codec": "PCMA", "ptime": 20}})
    await settle()
    exchange.phone.ends(causes.NORMAL)
    await settle()
    exchange.phone.facts["talk_ms"] = 5
    exchange.phone.reports(received=1)
    board.reports("in-1")
    await settle()
    assert ended(exchange, "in-1") == (causes.NORMAL, "phone")
    written = [write[0] for write in exchange.records.of("in-1")]
    assert written == ["answered", "ended", "reported"], "its record was begun elsewhere"
    assert exchange.records.of("in-1")[-1][2] == {"received": 1, "platform": {"talk_ms": 5}}


@pytest.mark.parametrize(
    ("state", "reason"), [("none", "not_connected"), ("in a call", "busy"), ("full", "too_many_calls")]
)
async def test_a_phone_that_calls_already_meets_an_obstacle(state, reason):
    exchange = Exchange(max_calls=1)
    if state == "full":
        exchange.board("board-2").dials("other")
    if state != "none":
        board = exchange.board()
        if state == "in a call":
            board.dials()
        await settle()
    assert exchange.switchboard.refusal("board-1").reason == reason
    made = len(exchange.phones)
    with pytest.raises(CallRefused) as caught:
        await incoming(exchange)
    assert caught.value.reason == reason and exchange.records.of("in-1") == [] and len(exchange.phones) == made


async def test_where_phones_are_peoples_own_no_operator_lets_one_call(exchange):
    board = exchange.board()
    exchange.switchboard._plays_phones = False
    with pytest.raises(CallRefused) as caught:
        exchange.switchboard.phone_calls(board.sn, "mum")
    assert (caught.value.reason, caught.value.cause) == ("not_for_operators", causes.BARRED)
    await incoming(exchange)
    assert board.heard("invite") != []


async def test_who_ended_it_is_what_the_leg_says(exchange, monkeypatch):
    board = exchange.board()
    phone = await talking(exchange, board)
    monkeypatch.setattr(type(phone), "released_by", "relay")
    phone.ends(causes.TEMPORARY_FAILURE)
    await settle()
    assert ended(exchange) == (causes.TEMPORARY_FAILURE, "relay")
