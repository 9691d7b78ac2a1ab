"""`network` of the emulated board: a radio in a world of wireless networks, over the machine's own network.

The file `wifi.json` of the board's folder is the world, and is read anew at each question, so that it may change under a board
that runs:

    {"networks": [{"ssid": "home", "key": "password", "rssi": -50, "address": true, "hidden": false}], "join_ms": 20,
     "setup_ports": [8080, 5353]}

`key` is empty for an open network, `address` false for one whose DHCP does not answer. Without the file the board has a network
from the start, as if by a cable. `setup_ports` are the setup page's, web and names: its access point is 127.0.0.1.
"""

import json
import os
import time

from lines import outside

STA_IF = 0
AP_IF = 1
AUTH_OPEN = 0
AUTH_WPA2_PSK = 3
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202

_JOIN_MS = 20
_MOST_BYTES = 32


def world():
    """Give the world, None when there is no file."""
    try:
        with outside.open((os.getenv("TINCALL_BOARD") or ".") + "/wifi.json", "r") as file:
            return json.loads(file.read())
    except OSError:
        return None


def setup_ports():
    """Give the ports of the setup page."""
    return tuple((world() or {}).get("setup_ports", (8080, 5353)))


class WLAN:
    """A radio interface; every object of one interface is the same interface.

    Args:
        interface: `STA_IF` or `AP_IF`.
    """

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _is_active = [False, False]
    _asked = None  # what `connect` asked for, and when
    _settings = (
        {"mac": b"\x02\x00\x00\x00\x00\x01", "pm": 1, "reconnects": -1, "ssid": "", "hostname": "mpy-esp32"},
        {"mac": b"\x02\x00\x00\x00\x00\x02", "ssid": "", "key": "", "security": 0, "channel": 1, "max_clients": 4},
    )

    def __init__(self, interface=STA_IF):
        if interface not in (STA_IF, AP_IF):
            raise ValueError("there are two interfaces")
        self._interface = interface

    def active(self, on=None):
        """Tell or set whether the radio is on."""
        if on is None:
            return WLAN._is_active[self._interface]
        WLAN._is_active[self._interface] = bool(on)
        if not on and self._interface == STA_IF:
            WLAN._asked = None
        return None

    def scan(self):
        """Give the networks that are heard: (ssid, bssid, channel, rssi, security, hidden).

        Raises:
            OSError: the radio is off.
        """
        self._must_be_on()
        return [
            (
                b"" if one.get("hidden") else one["ssid"].encode(),
                b"\x02\x00\x00\x00\x01" + bytes([at]),
                1,
                one.get("rssi", -50),
                AUTH_WPA2_PSK if one.get("key") else AUTH_OPEN,
                bool(one.get("hidden")),
            )
            for at, one in enumerate((world() or {}).get("networks", ()))
        ]

    def connect(self, ssid=None, key=None):
        """Begin to join.

        Raises:
            OSError: the radio is off.
            ValueError: the name or the password is too long.
        """
        self._must_be_on()
        if len(ssid or "") > _MOST_BYTES or len(key or "") > 2 * _MOST_BYTES:
            raise ValueError("too long")
        WLAN._settings[STA_IF]["ssid"] = ssid or ""
        WLAN._asked = (ssid or "", key or "", time.time())

    def disconnect(self):
        """Leave."""
        WLAN._asked = None

    def isconnected(self):
        """Tell whether the board has an address."""
        if self._interface == AP_IF:
            return False
        return self.status() == STAT_GOT_IP

    def status(self, what=None):
        """Give the state of the link, or the signal strength in dBm for `rssi`."""
        now = world()
        if now is None:
            return -40 if what == "rssi" else STAT_GOT_IP
        asked = WLAN._asked
        if not asked:
            return STAT_IDLE
        found = [one for one in now.get("networks", ()) if one["ssid"] == asked[0]]
        if what == "rssi":
            return found[0].get("rssi", -50) if found else 0
        if time.time() - asked[2] < now.get("join_ms", _JOIN_MS) / 1000:
            return STAT_CONNECTING
        if not found:
            return STAT_NO_AP_FOUND
        if found[0].get("key", "") != asked[1]:
            return STAT_WRONG_PASSWORD
        return STAT_GOT_IP if found[0].get("address", True) else STAT_CONNECTING

    def ifconfig(self, settings=None):
        """Give address, mask, gateway and name server; what is set is what they are anyway."""
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def config(self, name=None, **settings):
        """Give one setting by name, or set some.

        Raises:
            ValueError: there is no such setting.
        """
        mine = WLAN._settings[self._interface]
        for key in settings if name is None else (name,):
            if key not in mine:
                raise ValueError("unknown config param")
        mine.update(settings)
        return None if name is None else mine[name]

    def _must_be_on(self):
        if not WLAN._is_active[self._interface]:
            raise OSError("Wifi Not Started")


def hostname(name=None):
    """Give or set the name the board tells the network."""
    mine = WLAN._settings[STA_IF]
    return mine["hostname"] if name is None else mine.update(hostname=name)


def country(code=None):
    """Give or set the country; this radio obeys none."""
    return "XX" if code is None else None
