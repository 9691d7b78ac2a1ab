"""The telephone: dial, answer, hang up; drives one call machine at a time and starts and stops its sound.

Rules of this file: the call machine decides, this file carries its actions out. One call at a time; an invite during a call is
rejected as busy. The sound of a call lives on until the relay's `ended`, so that every frame that arrives is counted; then the
last `stats` go out.
"""

import binascii

from callcore import call, causes
from callcore.call import CallMachine
from callcore.compat import const, ticks_add, ticks_diff
from callcore.errors import CallError, PeerError
from handset import clock, diag

POLL_MS = const(100)  # timers of a call are seconds
STATS_MS = const(5000)
_TALKED_ON_MS = const(1000)
PTIMES_MS = (20, 40)


def offered(codecs):
    """Give the codecs of an offer: those of the board, and that it understands comfort noise, which stands there as in SDP."""
    return list(codecs) + ["CN"]


class Phone:
    """The board's telephone.

    Args:
        codecs: names the board can speak, in order of preference.
        make_sound: called with (link, media) when a call is answered; gives an object like `voice.Voice`.
        random: called with a number of bytes, gives as many.
        on_change: called with the state of the call (a name of `callcore.call`) whenever it changes.
        takes_turns: the call button is held to talk: in a call a press does not mute, and one that comes as the call ends
            does not dial.
        on_cut: called with (kind, fields) of an `event` when a call ends with its link, which the relay may not know.
        rssi: gives the radio's signal in dBm, or None.

    Attributes:
        contacts: list of `{id, name}` that the relay told.
    """

    def __init__(self, codecs, make_sound, random, on_change, takes_turns=False, on_cut=None, rssi=None):
        self._codecs = codecs
        self._make_sound = make_sound
        self._random = random
        self._on_change = on_change
        self._takes_turns = takes_turns
        self._on_cut = on_cut
        self._rssi = rssi
        self._ended_ms = None
        self._muted = False
        self._link = None
        self._call = None
        self._sound = None
        self._shown = call.IDLE
        self._stats_ms = 0
        self._ring_ms = 60000
        self.contacts = []

    # --- what a person does

    def dial(self, contact_id):
        """Call a contact.

        Returns:
            True when the invitation went out; False when there is no link, or a call already.
        """
        if self._link is None or self.busy():
            return False
        now_ms = clock.now_ms()
        self._call = CallMachine(binascii.hexlify(self._random(8)).decode(), now_ms, self._ring_ms)
        media = {"codecs": offered(self._codecs), "ptimes": list(PTIMES_MS)}
        self._call.dial({"to": contact_id, "media": media}, now_ms)
        self._act()
        return True

    def press_call(self):
        """Do what the call button means now: answer when it rings, mute or not in a talk, else call the first contact."""
        if self.busy():
            if self._call.state == call.RINGING:
                self.answer()
            elif self._call.state == call.ANSWERED and not self._takes_turns and self._sound:
                self._muted = not self._muted
                self._sound.mute(self._muted)
                diag.say("mute", call=self._call.call_id, muted=self._muted)
        elif self._takes_turns and self._ended_ms is not None:
            pass  # whoever talked on, meant it for the call that is over
        elif not self.contacts:
            diag.say("no_contact")
        elif not self.dial(self.contacts[0]["id"]):
            diag.say("no_link")

    def press_end(self):
        """Do what the end button means now: cancel, reject or hang up."""
        if self.busy():
            self._call.hangup(clock.now_ms())
            self._act()

    def answer(self):
        """Take the call that rings."""
        media = self._call.media
        self._call.answer({"codec": media["codec"], "ptime": media["ptime"]}, clock.now_ms())
        self._act()

    # --- what the link brings

    def attach(self, link):
        """Use this link from now on."""
        self._link = link

    def detach(self):
        """The link is gone; a call ends by it."""
        if self.busy():
            self._call.lost(clock.now_ms())
            kind = "missed" if self._shown == call.RINGING and self._call.cause == causes.LINK_LOST else "call"
            self._act()
            if self._on_cut:
                ended = self._call
                self._on_cut(kind, {"call": ended.call_id, "cause": ended.cause, "duration_ms": ended.duration_ms})
        self._link = None

    def message(self, message):
        """Act on one message of the relay."""
        kind = message["t"]
        if kind == "welcome":
            self.contacts = message["contacts"]
            self._ring_ms = message["settings"]["ring_ms"]
            self._link.heartbeat_ms = message["heartbeat_ms"]
            diag.say("online", contacts=len(self.contacts))
        elif kind == "contacts":
            self.contacts = message["contacts"]
        elif kind == "error":
            diag.say("relay_error", about=message["about"], reason=message["reason"])
        elif kind == "invite":
            self._invited(message)
        else:
            self._continued(message)

    def media(self, buf, off, n):
        """Give one packet of the link to the call's sound; borrowed, allocates nothing."""
        sound = self._sound
        if sound is not None:
            sound.take(buf, off, n, clock.now_ms())

    async def run(self):
        """Watch the timers of the call; never returns."""
        while True:
            await clock.sleep_ms(POLL_MS)
            now_ms = clock.now_ms()
            if self._ended_ms is not None and ticks_diff(now_ms, self._ended_ms) >= _TALKED_ON_MS:
                self._ended_ms = None
            if not self.busy():
                continue
            self._call.tick(now_ms)
            self._act()
            if self._shown == call.ANSWERED and ticks_diff(now_ms, self._stats_ms) >= 0:
                self._stats_ms = ticks_add(self._stats_ms, STATS_MS)
                self._report(False)

    # --- inside

    def busy(self):
        """Tell whether there is a call that is not over."""
        return self._call is not None and self._call.state != call.ENDED

    def _invited(self, message):
        """Ring, or say that we are busy."""
        if self.busy():
            self._link.send({"t": "reject", "call": message["call"], "cause": causes.BUSY})
            return
        now_ms = clock.now_ms()
        self._call = CallMachine(message["call"], now_ms, message["ring_ms"])
        self._call.received(message, now_ms)
        if not self._can_speak(message["media"]):
            self._call.hangup(now_ms, causes.INCOMPATIBLE)
        else:
            diag.say("caller", id=message["from"]["id"], name=message["from"]["name"])
            self._call.ring(now_ms)
        self._act()

    def _continued(self, message):
        """Give a message about a call to that call."""
        if self._call is None or self._call.call_id != message["call"]:
            if message["t"] == "ended":
                return  # the last word on an invitation that found us busy, or on a call that we gave up waiting for
            self._link.send({"t": "error", "about": message["t"], "reason": "there is no call of this name"})
            return
        try:
            self._call.received(message, clock.now_ms())
        except PeerError as error:
            self._link.send({"t": "error", "about": message["t"], "reason": error.detail[:256]})
        self._act()

    def _act(self):
        """Carry out what the call machine asks for."""
        for action in self._call.actions():
            if action[0] == "send":
                self._link.send(action[1])
            elif action[0] == "media":
                if action[1]:
                    self._talk()
                elif self._sound is not None:
                    self._sound.stop()
            else:
                self._over(action[1], action[2], action[3])
        if self._shown != self._call.state:
            self._shown = self._call.state
            if self._shown != call.ENDED:
                diag.say("call", call=self._call.call_id, state=self._shown)
            self._on_change(self._shown)

    def _can_speak(self, media):
        return media["codec"] in self._codecs and media["ptime"] in PTIMES_MS

    def _talk(self):
        """Start the sound of the call, or hang up when it cannot be had."""
        self._stats_ms = ticks_add(clock.now_ms(), STATS_MS)
        self._muted = False
        media = self._call.media
        cause = causes.INCOMPATIBLE
        if self._can_speak(media):
            try:
                self._sound = self._make_sound(self._link, media)
                self._sound.start()
                return
            except (OSError, MemoryError, CallError) as error:
                diag.failed("sound", error)
                cause = causes.TEMPORARY_FAILURE
        self._call.hangup(clock.now_ms(), cause)
        for action in self._call.actions():
            if action[0] == "send":
                self._link.send(action[1])

    def _over(self, cause, released_by, duration_ms):
        """The call is over: say the last figures and let its sound go."""
        self._ended_ms = clock.now_ms()
        if self._sound is not None:
            self._report(True)
            self._sound = None
        diag.say(
            "call",
            call=self._call.call_id,
            state=call.ENDED,
            cause=cause,
            name=causes.name(cause),
            released_by=released_by,
            duration_ms=duration_ms,
        )

    def _report(self, final):
        """Send the figures of the call so far."""
        up, down = self._sound.figures()
        if self._link is not None:
            message = {"t": "stats", "call": self._call.call_id, "final": final, "up": up, "down": down}
            rssi = self._rssi and self._rssi()
            if rssi is not None:
                message["rssi"] = rssi
            self._link.send(message)
        if final:
            diag.say("figures", call=self._call.call_id, up=up, down=down)
