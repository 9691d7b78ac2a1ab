"""Runs on a board: what the application does with every way in which a session can end, and what it leaves open."""

import json
import sys

from board_link import WELCOME, frames_of, relay_frame
from board_stream import Stream
from board_world import World

from callcore import call, coders, framer
from callcore.compat import MICROPYTHON
from callcore.errors import AttestError, ChipError, LinkError, LocalError, StoreError
from callcore.refusals import REASONS, RETRY_BACKOFF, RETRY_NEVER
from handset import app, attestor, audio, claim, diag, identity, outbox, setup_page
from handset.identity import Identity
from handset.marks import MARKS, Marks
from handset.places import Folder
from handset.store import Store

app.heap.forget = lambda modules: None  # what a test puts in the place of one stays

FIELDS = {
    "sn": "SN-1",
    "model_id": "m",
    "kv": 1,
    "key": "5a" * 32,
    "host": "relay.example",
    "port": 8443,
    "name": "relay.example",
    "ca": "anchor",
}


NOW_S = 1795000000  # November 2026


class Random:
    """An `os` whose random bytes are chosen."""

    def __init__(self, byte):
        self.byte = byte

    def urandom(self, n):
        return bytes((self.byte,)) * n


class Alone:
    """An `asyncio` that starts no other task: nobody presses a button, nothing blinks."""

    def create_task(self, coroutine):
        coroutine.close()


class Sessions(app.App):
    """An application whose sessions end as the test says; None: the test is over."""

    def __init__(self, errors, byte=0):
        self.world = World()
        self.said = []
        self.began = []
        self._errors = list(errors)
        app.asyncio = Alone()
        app.os = Random(byte)
        diag.print = lambda text: self.said.append(
            json.loads(text) if text[:1] == "{" else {"ev": "text", "line": text}
        )
        app.App.__init__(self, Store([Folder(".")]), Identity(FIELDS))

    async def _session(self):
        self.began.append(self.world.now)
        if not self._errors:
            raise KeyboardInterrupt
        raise self._errors.pop(0)

    def play(self):
        """Run until the errors are used up or the application stops; gives the waits in ms."""
        try:
            self.error = self.world.finish(self.run(), 100000000)
        except KeyboardInterrupt:
            self.error = None
        return [two - one for one, two in zip(self.began, self.began[1:])]  # noqa: B905 - MicroPython has no strict


def waits_of(error, byte=0):
    sessions = Sessions([error], byte)
    waits = sessions.play()
    assert sessions.error is None, sessions.error
    reason = error.reason
    assert [line["reason"] for line in sessions.said if line["ev"] == "error"] == [reason]
    return waits


def test_a_lost_link_is_tried_again_soon_and_then_less_often():
    for byte, part in ((0, 2), (255, 1)):
        sessions = Sessions([LinkError("link_lost", "gone")] * 9, byte)
        want = [1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]
        assert sessions.play() == [delay // part for delay in want]


def test_reasons_of_a_link_that_will_not_go_away_soon():
    for reason, seconds in (
        ("tls_wrong_ca", 900),
        ("tls_wrong_name", 900),
        ("tls_expired", 900),
        ("revoked", 3600),  # 4403: suspended or worse; the next verification tells
        ("flood", 60),
    ):
        assert waits_of(LinkError(reason, "because")) == [seconds * 1000], reason


def test_reasons_of_a_link_that_may_go_away():
    for reason in (
        "dns_fail",
        "net_down",
        "connect_refused",
        "timeout",
        "tls_not_yet_valid",
        "tls_failed",
        "tls_no_memory",
        "http_garbage",
        "token_refused",
        "link_lost",
        "protocol",
        "relay_stopped",
    ):
        assert waits_of(LinkError(reason, "because")) == [500], reason


def test_a_superseded_board_waits_half_a_minute_to_five():
    assert waits_of(LinkError("superseded", "another"), 0) == [30000]
    assert waits_of(LinkError("superseded", "another"), 255) == [300000]


def test_every_refusal_waits_as_its_list_says_or_stops():
    stopped = []
    for reason, (_, seconds, sentence) in REASONS.items():
        waits = waits_of(AttestError(reason, sentence))
        if seconds == RETRY_NEVER:
            assert waits == [], reason
            stopped.append(reason)
        else:
            assert waits == [500 if seconds == RETRY_BACKOFF else seconds * 1000], reason
    stopped.sort()
    assert stopped == ["claim_bound", "counter_rollback", "kv_retired", "revoked", "uid_mismatch"]


def test_a_board_that_stops_says_why():
    sessions = Sessions([AttestError("revoked", "Switched off for good by the operator.")])
    sessions.play()
    assert [(line["ev"], line["reason"]) for line in sessions.said] == [("error", "revoked"), ("stopped", "revoked")]
    assert sessions.said[0]["detail"] == "Switched off for good by the operator."


def test_marks_that_cannot_be_written_are_an_error_and_not_the_end():
    assert waits_of(StoreError("storage", "the file system is full")) == [500]


# --- one session, with the network played by the test


class Network:
    """Puts itself in the place of connect, verify and upgrade."""

    def __init__(self, playing):
        self.stream = Stream()
        self.verified = None
        app.tls.connect = self._connect
        attestor.verify = self._verify
        app.link.upgrade = self._upgrade
        self._playing = playing
        self.rest = b""
        self.more = {}

    async def _connect(self, host, port, name, anchor, timeout_ms, pair=()):
        assert (host, port, name, anchor) == ("relay.example", 8443, "relay.example", b"anchor")
        return self.stream

    async def _verify(self, stream, store, who, marks, uid, firmware):
        assert stream is self.stream and who.sn == "SN-1" and 1 <= len(uid) <= 16
        return dict({"ws": "/v1/link", "token": "the-token", "now": NOW_S}, **self.more)

    async def _upgrade(self, stream, path, host, token, timeout_ms):
        assert (path, host, token) == ("/v1/link", "relay.example", "the-token")
        return self.rest


class Playing(Sessions):
    """An application with its real session, on a network of the test."""

    def __init__(self):
        Sessions.__init__(self, [])
        self.network = Network(self)

    async def _session(self):
        self.began.append(self.world.now)
        if len(self.began) > self.sessions:
            raise KeyboardInterrupt
        self.network.stream = Stream()
        self.network.stream.feed(self.feed)
        if self.hangs_up:
            self.network.stream.hang_up()
        try:
            await app.App._session(self)
        finally:
            self.streams.append(self.network.stream)


def played(sessions, feed, hangs_up=True, more=None):
    """Let the relay say `feed` and close or fall silent, so many times over; gives the application and its waits."""
    playing = Playing()
    playing.network.more = more or {}
    playing.sessions, playing.feed, playing.streams, playing.hangs_up = sessions, feed, [], hangs_up
    real = app.tls.connect, attestor.verify, app.link.upgrade
    try:
        return playing, playing.play()
    finally:
        app.tls.connect, attestor.verify, app.link.upgrade = real


def test_a_session_says_hello_first_and_closes_what_it_opened():
    playing, _ = played(1, b"")
    stream = playing.streams[0]
    hello = json.loads(frames_of(stream.sent)[0][1])
    assert hello["t"] == "hello" and hello["v"] == 1 and hello["board"] == "EMULATED"
    assert (
        hello["codecs"] == list(app.CODECS) + ["CN"] and hello["ptimes"] == [20, 40] and hello["features"] == ["events"]
    )
    assert stream.closed >= 1
    assert [line["ev"] for line in playing.said] == ["verified", "error", "waiting"]
    assert playing.said[0]["verify_ms"] >= 0
    assert hello["ca"] == "79bfb0e2ba76b9d4"
    assert playing._phone._link is None


def test_a_copy_that_failed_is_told_once_before_the_next_session():
    sessions = Playing()
    sessions.sessions, sessions.feed, sessions.streams, sessions.hangs_up = 2, b"", [], True
    sessions._store.fault = StoreError("storage", "NVS tincall/marks: cannot be written: full")
    real = app.tls.connect, attestor.verify, app.link.upgrade
    try:
        sessions.play()
    finally:
        app.tls.connect, attestor.verify, app.link.upgrade = real
    told = [line for line in sessions.said if line["ev"] == "error" and line["step"] == "store"]
    assert len(told) == 1 and told[0] is sessions.said[0]
    assert told[0]["reason"] == "storage" and "NVS" in told[0]["detail"]
    assert sessions._store.fault is None


def test_flash_that_is_fat_is_told_and_nothing_starts():
    said = []

    def fat(board):
        raise StoreError("storage", "/store is FAT")

    real = app.places.open_places, diag.print
    app.places.open_places, diag.print = fat, lambda text: said.append(json.loads(text))
    try:
        app.run()
    finally:
        app.places.open_places, diag.print = real
    assert (said[-1]["ev"], said[-1]["step"], said[-1]["reason"]) == ("error", "identity", "storage")


def test_a_proved_grant_sets_the_clock_and_raises_the_floor():
    Store([Folder(".")]).forget(MARKS)
    playing, _ = played(1, b"")
    assert playing._marks.floor_s == NOW_S == Marks(Store([Folder(".")])).floor_s
    assert app.clock.known_s() > 0


def trusting(more, context):
    """Play a session whose grant says more, with a TLS library of the test; gives the application and what its hello said."""
    store = Store([Folder(".")])
    identity.save(store, FIELDS)
    real = app.tls.context
    app.tls.context = context
    try:
        playing, _ = played(1, b"", more=more)
    finally:
        app.tls.context = real
        who = identity.load(store)
        store.forget(identity.IDENTITY)
    return playing, who, json.loads(frames_of(playing.streams[0].sent)[0][1])["ca"]


def test_other_trust_anchors_are_stored_before_hello_says_so():
    seen = []
    playing, stored, said = trusting({"ca": "-new"}, seen.append)
    assert seen == [b"-new"] and playing._who.anchor == stored.anchor == b"-new"
    assert stored.time_s == NOW_S and stored.key == Identity(FIELDS).key
    assert said == "f8d5b0e30dc0fe63"
    assert "anchors" in [line["ev"] for line in playing.said]


def test_the_anchors_that_it_has_are_not_written_again():
    playing, stored, said = trusting({"ca": "anchor"}, None)
    assert stored.time_s == 0 and said == "79bfb0e2ba76b9d4"


def test_anchors_that_cannot_be_read_are_told_and_not_taken_and_the_link_goes_on():
    def refuse(anchor):
        raise ValueError("invalid cert")

    playing, stored, said = trusting({"ca": "-new"}, refuse)
    assert playing._who.anchor == stored.anchor == b"anchor" and said == "79bfb0e2ba76b9d4"
    assert [line["detail"] for line in playing.said if line.get("step") == "grant"] == ["invalid cert"]


def test_a_board_offers_g722_where_its_data_says_so():
    assert app.board.G722 == MICROPYTHON == ("G722" in app.CODECS)
    assert [name for name in coders.NAMES if name != "G722"] == [name for name in app.CODECS if name != "G722"]


def test_a_link_given_up_is_closed_with_a_goodbye():
    playing, _ = played(1, relay_frame(WELCOME), hangs_up=False)
    assert frames_of(playing.streams[0].sent)[-1][:2] == (framer.CLOSE, framer.close_payload(1000, ""))
    assert playing.streams[0].closed >= 1 and "silent" in playing.said[-2]["detail"]


def test_a_relay_that_takes_every_link_and_drops_it_is_not_hammered():
    assert played(5, b"")[1] == [500, 1000, 2000, 4000, 8000]


def test_a_link_that_was_welcome_starts_the_delays_anew():
    assert played(4, relay_frame(WELCOME))[1] == [500, 500, 500, 500]


# --- a board without a key


class Claims:
    """Puts itself in the place of `handset.claim`."""

    def __init__(self, errors):
        self.errors = errors
        self.took = 0
        self.over = 0

    async def who(self, store, made):
        assert made is identity
        self.took += 1
        if self.errors:
            raise self.errors.pop(0)
        return Identity(FIELDS)

    def forget(self, store):
        self.over += 1


def claimed(errors, sessions, verify=None):
    """Let a board that has a claim try to come in; gives the application, what was claimed, and its waits."""
    real = app.tls.connect, attestor.verify, app.link.upgrade, claim.who, claim.over
    playing = Playing()
    playing.sessions, playing.feed, playing.streams, playing.hangs_up = sessions, b"", [], True
    playing._who = None
    attestor.verify = verify or attestor.verify
    claims = Claims(errors)
    claim.who, claim.over = claims.who, claims.forget
    try:
        return playing, claims, playing.play()
    finally:
        app.tls.connect, attestor.verify, app.link.upgrade, claim.who, claim.over = real


def test_a_board_claims_once_verifies_and_forgets_the_claim():
    playing, claims, _ = claimed([], 3)
    assert (claims.took, claims.over) == (1, 1), "the second session has the key"
    assert playing._who.sn == "SN-1"


def test_a_claim_is_forgotten_after_a_right_verification_only():
    errors = [LinkError("link_lost", "gone"), AttestError("unavailable", "later")]

    async def verify(*what):
        if errors:
            raise errors.pop(0)
        return {"ws": "/v1/link", "token": "the-token"}

    _, claims, _ = claimed([], 4, verify)
    assert (claims.took, claims.over) == (3, 1)


def test_a_claim_that_fails_is_tried_again_as_its_reason_says():
    errors = [LinkError("link_lost", "gone"), AttestError("claim_refused", "no"), AttestError("unavailable", "later")]
    _, claims, waits = claimed(errors, 4)
    assert (claims.took, claims.over) == (4, 1)
    assert waits == [500, 900000, 1000, 2000]


def test_a_claim_that_another_board_has_used_stops_the_board():
    playing, claims, waits = claimed([AttestError("claim_bound", "no")], 4)
    assert (claims.took, claims.over, waits) == (1, 0, [])
    assert playing.said[-1]["ev"] == "stopped" and playing.said[-1]["reason"] == "claim_bound"


# --- what a person does while there is no link


def pressed(sessions, at_ms, act):
    """Play while somebody does something at a time; gives the waits."""

    async def person():
        await app.clock.sleep_ms(at_ms)
        act()

    sessions.world.create_task(person())
    return sessions.play()


def test_the_call_button_ends_a_wait_but_not_before_three_seconds():
    suspended = AttestError("suspended", "switched off")
    for at_ms, want in ((20 * 60000, 20 * 60000), (100, 3000)):
        sessions = Sessions([suspended])
        (wait,) = pressed(sessions, at_ms, sessions._press_call)
        assert want <= wait <= want + 200, wait
        assert "no_contact" in [line["ev"] for line in sessions.said], "there is nobody to call yet"


def test_a_press_before_the_wait_does_not_shorten_it():
    sessions = Sessions([AttestError("suspended", "switched off")])
    sessions._press_call()
    assert sessions.play() == [3600000]


class Pages:
    """Puts itself in the place of `setup_page.run`."""

    def __init__(self, *done):
        self.done = list(done)
        self.ports = []

    async def run(self, way, store, ports):
        self.ports.append(ports)
        return self.done.pop(0)


def set_up(pages, errors, holds_ms=None):
    """Play sessions with a page of the test; gives the application, its waits and how often it was reset."""
    resets = []
    real = setup_page.run, app.machine.reset
    setup_page.run, app.machine.reset = pages.run, lambda: resets.append(1)
    try:
        sessions = Sessions(errors)
        if holds_ms is None:
            return sessions, sessions.play(), len(resets)
        return (
            sessions,
            pressed(sessions, holds_ms, lambda: [sessions._long(False, n) for n in (1, 2, 3, 4, 5, 6)]),
            len(resets),
        )
    finally:
        setup_page.run, app.machine.reset = real


def test_a_board_that_knows_no_network_shows_its_page_once():
    pages = Pages(False)
    _, waits, resets = set_up(pages, [LinkError("no_networks", "none")] * 3)
    assert len(pages.ports) == 1 and resets == 0 and len(waits) == 3


def test_a_page_that_was_used_starts_the_board_anew():
    pages = Pages(True)
    assert set_up(pages, [LinkError("no_networks", "none")])[2] == 1


def test_the_call_button_held_for_five_seconds_without_a_link_shows_the_page():
    pages = Pages(False)
    sessions, waits, _ = set_up(pages, [LinkError("not_found", "none")] * 9, 20000)
    assert len(pages.ports) == 1 and len(waits) == 9
    assert sessions._wlan.stop, "an attempt under way was given up"


def test_with_a_link_a_held_call_button_means_nothing():
    pages = Pages()
    sessions = Sessions([])
    sessions._line = object()
    for seconds in range(1, 20):
        sessions._long(False, seconds)
    assert not sessions._sets_up and not sessions._wlan.stop and pages.ports == []


def test_the_end_button_held_without_a_call_sets_the_volume_and_beeps():
    sessions = Sessions([])
    Store([Folder(".")]).forget(app.volume.SETTINGS)
    played = []
    sessions._play = played.append
    level = sessions._volume.level
    sessions._press_end()
    for seconds in (1, 2, 3):
        sessions._long(True, seconds)
    assert played == [True] * 3 and sessions._volume.level == 6 != level
    assert Sessions([])._volume.level == 6, "it is there after a start"
    Store([Folder(".")]).forget(app.volume.SETTINGS)


def test_the_end_button_that_hung_up_does_not_set_the_volume():
    sessions = Sessions([])
    played = []
    sessions._play = played.append
    busy = [True]
    sessions._phone.busy = lambda: busy[0]
    sessions._phone.press_end = lambda: busy.pop() and busy.append(False)
    sessions._press_end()
    sessions._long(True, 1)
    assert played == []


def test_the_lamp_tells_how_the_board_stands_while_there_is_no_call():
    sessions = Playing()
    sessions.sessions, sessions.feed, sessions.streams, sessions.hangs_up = 1, relay_frame(WELCOME), [], True
    modes = []
    sessions._panel.show = modes.append
    real = app.tls.connect, attestor.verify, app.link.upgrade
    try:
        sessions.play()
    finally:
        app.tls.connect, attestor.verify, app.link.upgrade = real
    assert modes == [app.panel.NO_RELAY, app.panel.OFF, app.panel.NO_RELAY]


def test_the_lamp_of_a_board_that_was_switched_off_for_good_shines():
    sessions = Sessions([AttestError("revoked", "for good")])
    shown = []
    sessions._panel.show = shown.append
    sessions.play()
    assert shown[-1] == app.panel.ON


# --- sound and lamp


class Opened:
    """A stream of handset.audio that remembers whether it was closed."""

    def __init__(self):
        self.closed = False

    def deinit(self):
        self.closed = True


def test_sound_that_cannot_be_had_leaves_nothing_open():
    sessions = Sessions([])
    media = {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2}
    opened = []

    def opens(board):
        opened.append(Opened())
        return opened[-1]

    def fails(board):
        raise OSError(19)

    real = audio.open_microphone, audio.open_speaker
    try:
        audio.open_speaker, audio.open_microphone = opens, fails
        try:
            sessions._sound(None, media)
            raise AssertionError("it was had")
        except OSError:
            pass
        audio.open_microphone = opens
        media["codec"] = "opus"
        try:
            sessions._sound(None, media)
            raise AssertionError("it was had")
        except LocalError:
            pass
    finally:
        audio.open_microphone, audio.open_speaker = real
    assert len(opened) == 3 and all(stream.closed for stream in opened)


class Half(Opened):
    """Streams that take turns; fails to when told so."""

    def __init__(self, board, codec):
        Opened.__init__(self)
        self.codec = codec
        self.turned = []
        self.error = None

    def turn(self, talk):
        if self.error:
            raise self.error
        self.turned.append(talk)


def half_board(work):
    """Call `work(application, media)` as on a board with one I2S peripheral."""
    real = audio.Turns, app.voice.Voice
    app.board.DUPLEX = "half"
    audio.Turns = Half
    app.voice.Voice = lambda line, microphone, speaker, *rest, **more: (microphone, speaker, more)
    try:
        return work(Sessions([]), {"codec": "PCMA", "ptime": 20, "ssrc": 1, "remote_ssrc": 2})
    finally:
        app.board.DUPLEX = "full"
        audio.Turns, app.voice.Voice = real


def test_a_board_with_one_peripheral_talks_while_the_call_button_is_held():
    def work(sessions, media):
        sessions._hold(True)  # no call yet
        sessions._hold(False)
        microphone, speaker, more = sessions._sound(None, media)
        assert microphone is speaker and microphone.turned == [] and microphone.codec is None
        assert more == {"agc": app.board.AGC, "echo": app.board.ECHO, "volume": app.board.VOLUME}
        sessions._hold(True)
        sessions._hold(False)
        return microphone.turned

    assert half_board(work) == [True, False]


def test_a_board_with_a_codec_gives_it_to_the_streams():
    class Silent:
        """An I2C on which nobody answers."""

        def __init__(self, *_, **__):
            pass

        def readfrom_mem(self, *_):
            raise OSError(19)

    def work(sessions, media):
        codec = sessions._sound(None, media)[0].codec
        try:
            codec.turn(False)
        except ChipError as error:
            return error.detail

    told = {"CHIPS": ("es8311",), "I2C_SCL": 39, "I2C_SDA": 38, "AMP": None, "CODEC_GAIN_DB": 36}
    for name, value in told.items():
        setattr(app.board, name, value)
    app.machine.I2C = Silent
    try:
        assert "0x18" in half_board(work)
    finally:
        app.board.CHIPS = ()
        del app.machine.I2C


def test_a_turn_that_fails_ends_the_call_and_is_told():
    def work(sessions, media):
        ended = []
        sessions._phone.press_end = lambda: ended.append(1)
        turns = sessions._sound(None, media)[0]
        for error in (OSError(-257, "ESP_ERR_NO_MEM"), ChipError("nobody is there")):
            turns.error = error
            sessions._hold(True)
        assert [line["step"] for line in sessions.said] == ["turn"] * 2
        return ended

    assert half_board(work) == [1, 1]


def test_the_call_button_means_nothing_to_the_sound_of_a_board_with_two():
    sessions = Sessions([])
    sessions._hold(True)
    sessions._hold(False)
    assert sessions._turns is None and sessions.said == []


class Quiet:
    """Tones that are told to stop."""

    def __init__(self, played):
        self._played = played

    def stop(self):
        self._played.append("stop")


def test_the_lamp_blinks_while_it_rings_and_shines_while_we_talk():
    sessions = Sessions([])
    modes = []
    played = []
    sessions._play = played.append
    sessions._tones = Quiet(played)
    sessions._panel.show = modes.append
    for state in call.STATES:
        sessions._show(state)
    assert played == ["stop", "stop", "stop", False, "stop", "stop", "stop"], played
    shown = dict(zip(call.STATES, modes))  # noqa: B905 - MicroPython has no strict
    assert shown == {
        call.IDLE: app.panel.OFF,
        call.DIALLING: app.panel.BLINK,
        call.RINGBACK: app.panel.BLINK,
        call.RINGING: app.panel.BLINK,
        call.ANSWERED: app.panel.ON,
        call.CLOSING: app.panel.OFF,
        call.ENDED: app.panel.OFF,
    }


def test_a_task_that_crashed_is_told_and_kept_and_the_board_starts_anew():
    resets = []
    real = app.machine.reset
    app.machine.reset = lambda: resets.append(1)
    try:
        board = Sessions([])
        board.crashed(None, {"message": "in a task", "exception": ZeroDivisionError("one by\nnothing")})
        board.crashed(None, {"message": "without one"})
        board.crashed(None, {"message": "without one"})
    finally:
        app.machine.reset = real
    assert len(resets) == 3
    assert [line["error"] for line in board.said if line["ev"] == "crash"][1:] == ["'without one'"] * 2
    kept = json.loads(Store([Folder(".")]).load(outbox.OUTBOX).decode())["kept"]
    assert [one["kind"] for one in kept] == ["crash", "crash"], kept
    assert kept[0]["text"].endswith("ZeroDivisionError: one by|nothing") and kept[1]["text"] == "without one"


def test_a_board_that_cannot_even_keep_its_last_words_starts_anew():
    resets = []
    real = app.machine.reset
    app.machine.reset = lambda: resets.append(1)
    board = Sessions([])
    board._outbox.put = None
    try:
        board.crashed(None, {"message": "oh"})
    except TypeError:
        pass
    finally:
        app.machine.reset = real
    assert resets == [1]


def test_what_is_needed_once_in_a_life_is_not_loaded_at_the_start():
    assert "handset.app" in sys.modules and "handset.reset" not in sys.modules
