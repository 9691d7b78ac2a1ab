"""The composition root of the board: the only file that knows all the others; builds every object and starts the tasks.

Life: read the identity; then for ever connect, verify, upgrade, talk, and when the link ends wait and begin again. What went
wrong is said on the console with its reason. The order of connecting before any audio matters: a TLS handshake keeps a small
chip busy for a second. It is one thing, though long: whatever joins two parts of the board stands here, and a second file that
knows them all would cost a small chip's memory their names once more.
"""

import asyncio
import binascii
import os
import time

import board
import machine

from callcore import VERSION, call, coders
from callcore.backoff import SUPERSEDED_MS, Backoff, between_ms
from callcore.compat import const, ticks_diff
from callcore.errors import AttestError, CallError, LinkError, StoreError
from callcore.mac import sha256
from callcore.refusals import RETRY_BACKOFF, RETRY_NEVER
from handset import (
    audio,
    clock,
    diag,
    heap,
    identity,
    link,
    outbox,
    panel,
    phone,
    places,
    tls,
    voice,
    volume,
    wlan,
)
from handset.marks import Marks
from handset.store import Store

_CONNECT_MS = const(10000)
# what this board can speak, best first: G.722 takes a sixth of a small chip, so the board says whether it has that to spare
CODECS = [name for name in coders.NAMES if board.G722 or name != "G722"]
_FLOOR_MS = const(3000)  # however often somebody presses, the relay hears no more knocks than this
_KNOCK_POLL_MS = const(100)
_SETUP_S = const(5)
# loaded to verify, and let go before there is a call: a tenth of the firmware
_VERIFYING = (
    "handset.certified",
    "handset.rekey",
    "handset.attestor",
    "callcore.attest",
    "callcore.evidence",
    "callcore.refusals",
    "handset.https",
)
_BLINKING = (call.DIALLING, call.RINGBACK, call.RINGING)

# reasons of a LinkError after which trying again soon would be useless or harmful: seconds to wait
_LINK_RETRY_S = {"tls_wrong_ca": 900, "tls_wrong_name": 900, "tls_expired": 900, "revoked": 3600, "flood": 60}


class App:
    """Everything a board runs, joined.

    Args:
        store: a Store.
        who: an Identity, or None for a board that has a claim.

    Raises:
        StoreError: the marks are damaged.
    """

    def __init__(self, store, who):
        self._store = store
        self._who = who
        self._marks = Marks(store)
        self._backoff = Backoff(1000, 60000)
        self._turns = None
        self._wlan = wlan.Wlan(store)
        self._step = "wifi"
        self._volume = volume.Volume(store, board.VOLUME)
        self._tones = None
        self._knocks = False
        self._sets_up = False
        self._was_idle = False  # when the end button went down
        self._idle = panel.OFF
        self._outbox = outbox.Outbox(store, clock.known_s)
        half = board.DUPLEX == "half"
        self._phone = phone.Phone(CODECS, self._sound, os.urandom, self._show, half, self._outbox.put, self._wlan.rssi)
        self._line = None
        self._panel = panel.Panel(
            machine.Pin(board.BUTTON_CALL, machine.Pin.IN, machine.Pin.PULL_UP),
            machine.Pin(board.BUTTON_END, machine.Pin.IN, machine.Pin.PULL_UP),
            _fittings().lamp(board, machine) if board.CHIPS else machine.Pin(board.LAMP, machine.Pin.OUT),
            board.BUTTON_ACTIVE,
            self._press_call,
            self._press_end,
            self._hold,
            self._long,
            board.LAMP_ACTIVE,
        )

    async def run(self):
        """Keep a link to the relay; never returns unless the relay has switched this board off for good."""
        asyncio.create_task(self._panel.run())
        asyncio.create_task(self._phone.run())
        offered = False
        while True:
            try:
                await self._session()
                continue
            except LinkError as error:
                reason = error.reason
                # the relay closes with `revoked` whatever it holds against this board: the next verification tells
                seconds = _LINK_RETRY_S.get(reason, RETRY_BACKOFF)
                diag.failed(self._step, error)
            except AttestError as error:
                from callcore.refusals import retry_s

                reason = error.reason
                seconds = retry_s(reason)
                diag.failed("verify", error)
            except StoreError as error:
                reason = error.reason
                seconds = RETRY_BACKOFF
                diag.failed("store", error)
            self._rest(panel.NO_WIFI if self._step == "wifi" else panel.NO_RELAY)
            if self._sets_up or reason == "no_networks" and not offered:
                self._sets_up, offered = False, True
                if await self._setup():
                    machine.reset()
            wait_ms = self._wait_ms(reason, seconds)
            if wait_ms is None:
                diag.say("stopped", reason=reason)
                self._rest(panel.ON)
                return
            diag.say("waiting", reason=reason, wait_ms=wait_ms)
            await self._wait(wait_ms)

    async def _wait(self, wait_ms):
        """Wait, or until somebody presses the call button."""
        self._knocks = False
        waited_ms = 0
        while waited_ms < wait_ms and not (self._knocks and waited_ms >= _FLOOR_MS):
            nap_ms = min(_KNOCK_POLL_MS, wait_ms - waited_ms)
            await clock.sleep_ms(nap_ms)
            waited_ms += nap_ms

    async def _setup(self):
        """Let somebody name a WiFi network; tells whether there is one to be tried."""
        from handset import setup_page  # seldom in a board's life

        self._rest(panel.SETUP)
        ports = wlan.network.setup_ports() if hasattr(wlan.network, "setup_ports") else (80, 53)
        done = await setup_page.run(self._wlan, self._store, ports)
        self._rest(panel.NO_WIFI)
        return done

    async def _session(self):
        """Connect, verify, and serve one link until it is lost, which is an exception; returns to begin anew at once."""
        self._step = "wifi"
        await self._wlan.up(self._joins)
        self._step = "link"
        self._rest(panel.NO_RELAY)
        who = self._who
        if who is None:
            from handset import claim  # a board needs it once in its life

            who = await claim.who(self._store, identity)
        self._tell_fault()
        clock.raise_to(max(who.time_s, self._marks.floor_s))
        if who.sntp and not clock.known_s():
            from handset import sntp

            clock.hint(await sntp.ask(who.sntp))
        began_ms = clock.now_ms()
        stream = await tls.connect(who.host, who.port, who.name, who.anchor, _CONNECT_MS, _shown(who))
        try:
            grant = await self._verify(stream, who)
            if grant is None:
                return
            diag.say("verified", kv=who.kv, verify_ms=ticks_diff(clock.now_ms(), began_ms))
            if self._who is None:
                self._who = who
                claim.over(self._store)  # as it is at the relay with this session
            self._obey(grant)
            rest = await link.upgrade(stream, grant["ws"], who.name, grant["token"], _CONNECT_MS)
            heap.forget(_VERIFYING)
            line = link.Link(stream, rest, self._message, self._phone.media)
            self._line = line
            self._phone.attach(line)
            line.send(_hello(self._who.anchor))
            try:
                await line.run()
            finally:
                self._line = None
                self._phone.detach()
                line.close()
        finally:
            stream.close()

    async def _verify(self, stream, who):
        """Prove board and relay to each other; nothing else may hold what is loaded for it, which is let go afterwards."""
        if who.cert:
            from handset import certified as prover
        else:
            from handset import attestor as prover
        return await prover.verify(stream, self._store, who, self._marks, machine.unique_id(), VERSION)

    def _obey(self, grant):
        """Take the time of a proved grant, and other trust anchors if it names some; what cannot be stored comes again."""
        who = self._who
        now_s = grant["now"]
        clock.correct(now_s)
        try:
            self._marks.raise_floor(now_s)
            anchor = grant.get("ca", "").encode()
            if anchor and anchor != who.anchor:
                tls.context(anchor)
                who.trust(self._store, anchor, now_s)
                diag.say("anchors")
        except (OSError, StoreError, ValueError) as error:
            diag.failed("grant", error)

    def _tell_fault(self):
        """Say what is wrong with a copy that the store could do without."""
        fault = self._store.fault
        if fault is not None:
            self._store.fault = None
            diag.failed("store", fault)

    def _message(self, message):
        """Take a message of the relay."""
        if message["t"] == "event_ok":
            self._outbox.delivered(message["n"])
            return
        self._phone.message(message)
        if message["t"] == "welcome":
            self._sets_up = False
            self._rest(panel.OFF)
            self._backoff.reset()  # not earlier: a relay that takes every link and drops it at once is not to be hammered
            try:
                self._wlan.proved()
            except StoreError as error:
                diag.failed("wifi", error)
            if outbox.FEATURE in message["features"]:
                self._outbox.deliver(self._line)

    def _wait_ms(self, reason, seconds):
        """Choose how long to wait after a session that ended for `reason`; None means for ever."""
        random_byte = os.urandom(1)[0]
        if reason == "superseded":
            return between_ms(SUPERSEDED_MS[0], SUPERSEDED_MS[1], random_byte)
        if seconds == RETRY_NEVER:
            return None
        if seconds == RETRY_BACKOFF:
            return self._backoff.next_ms(random_byte)
        return seconds * 1000

    def _sound(self, line, media):
        """Open microphone and speaker and make the sound of a call; everything is allocated here, before it starts."""
        heap.never()
        noise = os.urandom(6)
        seq = (noise[0] << 8) | noise[1]
        stamp = int.from_bytes(noise[2:], "big")
        speaker = microphone = None
        if self._tones:
            self._tones.stop()
        ring_ms = board.SPK_IBUF_BYTES * 500 // board.RATE_HZ
        try:
            if board.DUPLEX == "half":
                speaker = microphone = self._turns = _speaker()
            else:
                speaker = _speaker()
                microphone = audio.open_microphone(board)
            governed = {"agc": board.AGC, "echo": board.ECHO, "volume": self._volume.level}
            return voice.Voice(line, microphone, speaker, media, seq, stamp, board.JITTER_MS, ring_ms, **governed)
        except (OSError, MemoryError, CallError):
            audio.close(speaker)
            audio.close(microphone)
            heap.often()
            raise

    def _hold(self, held):
        """Talk while the call button is held, on a board that takes turns; the press that answers comes before the sound."""
        if self._turns:
            try:
                self._turns.turn(held)
            except (OSError, MemoryError, CallError) as error:
                diag.failed("turn", error)
                self._phone.press_end()

    def _press_call(self):
        """Do what the call button means, and knock at the relay if we wait for it."""
        self._knocks = True
        self._phone.press_call()

    def _press_end(self):
        """Do what the end button means."""
        self._was_idle = not self._phone.busy()
        self._phone.press_end()

    def _long(self, is_end, seconds):
        """Hear that a button is held: without a call the end button sets the volume, without a link the other the WiFi."""
        if is_end:
            if self._was_idle and not self._phone.busy():
                self._volume.step()
                self._play(True)
        elif seconds == _SETUP_S and self._line is None and wlan.network:
            self._sets_up = self._knocks = self._wlan.stop = True

    def _play(self, beeps):
        """Beep, or ring."""
        from handset import tones  # a board that only calls never needs it

        if self._tones is None:
            self._tones = tones.Tones(_speaker)
        self._tones.start(tones.BEEP if beeps else tones.RING, self._volume.level)

    def _joins(self):
        self._rest(panel.JOINING)

    def _rest(self, mode):
        """Let the lamp show how the board stands, while there is no call."""
        self._idle = mode
        if not self._phone.busy():
            self._panel.show(mode)

    def _show(self, state):
        """Let the lamp and the radio follow the call, and sweep again when it is over."""
        if state == call.ENDED:
            heap.often()
        self._wlan.quick(state not in (call.IDLE, call.ENDED))
        if state == call.RINGING:
            self._play(False)
        elif self._tones:
            self._tones.stop()
        if state in _BLINKING:
            self._panel.show(panel.BLINK)
        else:
            self._panel.show(panel.ON if state == call.ANSWERED else self._idle)

    def crashed(self, loop, context):
        """Say what nobody expected in a task, keep its last words, and start anew: half a telephone is none."""
        error = context.get("exception") or context["message"]
        diag.crashed(error)
        try:
            heap.never()  # it may have been memory that there was too little of
            self._outbox.put("crash", {"text": outbox.last_words(error)})
        finally:
            machine.reset()


def _shown(who):
    """Give the certificate that this board shows, as `tls.connect` takes it; most have none."""
    if not who.cert:
        return ()
    from handset import certified

    return certified.show(who)


def _speaker():
    """Open the speaker; on a board that takes turns, both ways, listening."""
    if board.DUPLEX != "half":
        return audio.open_speaker(board)
    return audio.Turns(board, _fittings().codec(board, machine, time.sleep_ms) if board.CHIPS else None)


def _fittings():
    """Load what is for boards with chips of their own."""
    from chips import fittings

    return fittings


def _hello(anchor):
    """The first message on a link."""
    return {
        "t": "hello",
        "v": 1,
        "firmware": VERSION,
        "board": board.NAME,
        "codecs": phone.offered(CODECS),
        "ptimes": list(phone.PTIMES_MS),
        "features": [outbox.FEATURE],
        "ca": binascii.hexlify(sha256(anchor)[:8]).decode(),
    }


async def _live(app):
    asyncio.get_event_loop().set_exception_handler(app.crashed)
    await app.run()


def _claims(store):
    """Tell whether there is a claim, in whichever place; what becomes of it is `claim`'s, which is loaded then."""
    try:
        store.load(("claim", 5))
        return True
    except StoreError as error:
        return error.reason == "record_damaged"


def run():
    """Run the board until power is cut; returns when it has no identity or was switched off for good."""
    diag.say("boot", firmware=VERSION, board=board.NAME, interpreter=diag.interpreter(), heap_free=diag.heap_free())
    try:
        opened = places.open_places(board)
        end = machine.Pin(board.BUTTON_END, machine.Pin.IN, machine.Pin.PULL_UP)
        if end.value() == board.BUTTON_ACTIVE or places.has_file(board.FLASH + "/reset.bin"):
            from handset import reset  # not in the memory of a board that just starts

            asyncio.run(reset.run(board, places.file_system(board.FLASH) == "<VfsLfs2>"))
        store = Store(opened)
        app = App(store, None if _claims(store) else identity.load(store))
    except StoreError as error:
        diag.failed("identity", error)
        return
    try:
        asyncio.run(_live(app))
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody is at the console
        app.crashed(None, {"exception": error})
