"""WiFi: joins the strongest network that the board knows, and keeps old credentials until new ones have reached the relay.

One record holds what is known: `known`, up to 4 networks that have worked, `trial`, one that has not yet, and `word`, the
password of the setup page's access point. Rules of this file:

- A trial is tried first. It becomes known once the board was welcome at the relay over it, in one save; until then, and if it
  never works, the known ones are as they were. If power fails, a reader finds the record before or after.
- What failed goes behind what did not, then the stronger signal comes first; so no bad network keeps the board from a good one.
- Nothing is believed of the radio's own reconnecting, which is off. Each attempt to join begins with the radio off and on. A
  network over which no relay was reached in `_SESSIONS` sessions is left, however well the radio says it stands.
- A board without a radio, or with a network that somebody else joined and none of its own, is left as it is.
"""

import json

import machine

from callcore.compat import const, json_loads, ticks_add, ticks_diff
from callcore.errors import LinkError, StoreError
from handset import clock, diag

try:
    import network
except ImportError:
    network = None  # the computer's own

NETWORKS = ("networks", 6)
MOST = const(4)
_JOIN_MS = const(15000)  # a slow router's DHCP takes 10 s
_POLL_MS = const(100)
_SESSIONS = const(3)
_CONNECTING = (1000, 1001, 1010)  # idle, connecting, has an address
_SECURITY = (15, 202, 204)  # handshake without an end, refused, the same as some versions tell it


class Wlan:
    """The board's way into a network.

    Args:
        store: a Store.

    Attributes:
        stop: set to give up the attempt that is under way.
        joined: name and password of the network that it joined, or None.
    """

    def __init__(self, store):
        self._store = store
        self._radio = None
        self.joined = None
        self._sessions = 0
        self._failed = {}
        self.stop = False

    async def up(self, joins):
        """Have a network, or join one.

        Args:
            joins: called before it is tried.

        Raises:
            LinkError: `no_networks`, `not_found`, `wrong_password`, `no_address` or `radio`.
        """
        if network is None:
            return
        self._radio = radio = network.WLAN(network.STA_IF)
        box = read(self._store)
        known = box["known"]
        if "trial" in box:
            known.append(box["trial"])
            self._failed.setdefault(str(box["trial"]), -1)
        self._sessions += 1
        if radio.isconnected() and (not known or self.joined in known and self._sessions <= _SESSIONS):
            return
        if not known:
            raise LinkError("no_networks", "this board knows no WiFi network")
        if self.joined and self._sessions > _SESSIONS:
            self._fail(self.joined)
        self.joined = None
        self._sessions = 1
        self.stop = False
        joins()
        try:
            await self._join(radio, known)
        except (OSError, RuntimeError) as error:
            raise LinkError("radio", "the radio does not work: %s" % error)

    def proved(self):
        """Hear that the relay was reached: what was on trial is known from now on."""
        self._sessions = 0
        joined = self.joined
        if joined is None:
            return
        self._failed.pop(str(joined), None)
        box = read(self._store)
        if box.get("trial") == joined:
            box["known"] = [joined] + [one for one in box["known"] if one[0] != joined[0]][: MOST - 1]
            del box["trial"]
            save(self._store, box)
            diag.say("wifi_kept", ssid=joined[0])

    def quick(self, on):
        """Keep the radio awake in a call: asleep between beacons it brings sound 100 to 500 ms late, and in bursts."""
        if self._radio:
            try:
                self._radio.config(pm=network.WLAN.PM_NONE if on else network.WLAN.PM_PERFORMANCE)
            except (AttributeError, OSError, ValueError):
                pass  # a port without it does not sleep

    def rssi(self):
        """Give the signal in dBm, -127 to 0, or None where there is none."""
        try:
            return min(max(self._radio.status("rssi"), -127), 0)
        except (AttributeError, OSError, TypeError, ValueError):
            return None

    def _fail(self, one):
        self._failed[str(one)] = max(self._failed.get(str(one), 0), 0) + 1

    async def _join(self, radio, known):
        """Try the known networks that are here, one after the other."""
        radio.active(False)
        await clock.sleep_ms(_POLL_MS)
        network.hostname("tincall-%02x%02x" % tuple(machine.unique_id()[-2:]))
        radio.active(True)
        try:
            radio.config(reconnects=0)
        except ValueError:
            pass
        heard = {}
        for seen in radio.scan():
            heard[seen[0]] = max(seen[3], heard.get(seen[0], -128))
        order = []
        for one in known:
            rssi = heard.get(one[0].encode(), -128)
            if rssi > -128 or b"" in heard:  # one that does not say its name may be it
                order.append((self._failed.get(str(one), 0), -rssi, one))
        order.sort()
        fault = LinkError("not_found", "none of the %d known WiFi networks is here" % len(known))
        for _, _, one in order:
            fault = await self.attempt(radio, one)
            if fault is None:
                self.joined = one
                diag.say("wifi", ssid=one[0], rssi=self.rssi())
                return
            self._fail(one)
            if self.stop:
                break
            diag.failed("wifi", fault)
        raise fault

    async def attempt(self, radio, one):
        """Try to join one network, name and password; gives None, or a LinkError that says why not."""
        radio.connect(one[0], one[1])
        end_ms = ticks_add(clock.now_ms(), _JOIN_MS)
        while not self.stop and ticks_diff(end_ms, clock.now_ms()) > 0:
            await clock.sleep_ms(_POLL_MS)
            if radio.isconnected():
                return None
            status = radio.status()
            if status not in _CONNECTING:
                radio.disconnect()
                if status in _SECURITY:
                    return LinkError("wrong_password", "WiFi %s does not take our password" % one[0])
                return LinkError("not_found", "WiFi %s does not answer" % one[0])
        radio.disconnect()
        return LinkError("no_address", "WiFi %s gives us no address" % one[0])


def read(store):
    """Give what is known; damage is told, and as if nothing were known.

    Raises:
        StoreError: the flash cannot be read now, or later firmware wrote it: nobody may write over that.
    """
    try:
        return json_loads(store.load(NETWORKS).decode())
    except (StoreError, ValueError) as error:
        reason = getattr(error, "reason", "record_damaged")
        if reason in ("storage", "record_newer"):
            raise
        if reason != "record_missing":
            diag.failed("wifi", error)
        return {"known": []}


def store_trial(store, ssid, key):
    """Store a network to be tried; the known ones stay until it has worked.

    Args:
        store: a Store.
        ssid: its name, 1 to 32 bytes.
        key: its password, 8 to 63 printable characters or 64 hexadecimal digits; empty for an open network.

    Raises:
        ValueError: it cannot be one; says why, without the password.
        StoreError: it cannot be stored.
    """
    check(ssid, key)
    box = read(store)
    box["trial"] = [ssid, key]
    save(store, box)


def check(ssid, key):
    """Refuse what cannot be a network, by a ValueError as for `store_trial`."""
    if not 1 <= len(ssid.encode()) <= 32:
        raise ValueError("a network's name has 1 to 32 bytes")
    if key and (not 8 <= len(key) <= 64 or min(key) < " " or max(key) > "~"):
        raise ValueError("a password has 8 to 63 characters")


def save(store, box):
    """Store what `read` gave, changed."""
    store.save(NETWORKS, json.dumps(box).encode())
