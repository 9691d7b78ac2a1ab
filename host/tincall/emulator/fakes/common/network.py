"""`network` of the emulated board: a wireless network that is always there, over the machine's own."""

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010


class WLAN:
    """The one station interface; every object of the class is the same interface.

    Args:
        interface: `STA_IF`.
    """

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    _is_active = False
    _is_connected = False
    _settings = {"mac": b"\x02\x00\x00\x00\x00\x01", "pm": 1, "reconnects": -1, "ssid": "", "hostname": "mpy-esp32"}

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("the emulated board has a station interface only")

    def active(self, on=None):
        """Tell or set whether the radio is on."""
        if on is None:
            return WLAN._is_active
        WLAN._is_active = bool(on)
        if not on:
            WLAN._is_connected = False
        return None

    def connect(self, ssid=None, key=None):
        """Join; succeeds at once.

        Raises:
            OSError: the radio is off.
        """
        if not WLAN._is_active:
            raise OSError("Wifi Not Started")
        WLAN._settings["ssid"] = ssid or ""
        WLAN._is_connected = True

    def disconnect(self):
        """Leave."""
        WLAN._is_connected = False

    def isconnected(self):
        """Tell whether the board has a network; one that is on has, even before `connect`."""
        return WLAN._is_active

    def status(self, what=None):
        """Give the state of the link, or the signal strength in dBm for `rssi`."""
        if what == "rssi":
            return -40
        return STAT_GOT_IP if self.isconnected() else STAT_IDLE

    def ifconfig(self):
        """Give address, mask, gateway and name server."""
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")

    def config(self, name=None, **settings):
        """Give one setting by name, or set some.

        Raises:
            ValueError: there is no such setting.
        """
        for key in settings if name is None else (name,):
            if key not in WLAN._settings:
                raise ValueError("unknown config param")
        WLAN._settings.update(settings)
        return None if name is None else WLAN._settings[name]


def hostname(name=None):
    """Give or set the name the board tells the network."""
    return WLAN._settings["hostname"] if name is None else WLAN._settings.update(hostname=name)
