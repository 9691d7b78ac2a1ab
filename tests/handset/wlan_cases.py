"""Runs on a board: joining, trials and their end, against a radio that the test plays, in invented time."""

import json

from board_world import World

from callcore.errors import LinkError, StoreError
from handset import diag, wlan
from handset.places import Folder
from handset.store import Store
from handset.wlan import NETWORKS, Wlan, read, store_trial

HOME, SHOP, NEW = ["home", "home-word"], ["shop", "shop-word"], ["new", "new-word-1"]


class Radio:
    """A station interface; `air` is ssid: (key, rssi, what becomes of an attempt with the right key).

    Attributes:
        log: `off`, `on`, `scan` and names that were tried.
        lies: it says that it is connected, whatever is so.
    """

    PM_NONE, PM_PERFORMANCE = 0, 1

    def __init__(self, air):
        self.air = air
        self.log = []
        self.settings = {}
        self.broken = None
        self.lies = False
        self._asked = None

    def active(self, on):
        self._asked = None
        self.log.append("on" if on else "off")
        if on and self.broken:
            raise self.broken

    def scan(self):
        self.log.append("scan")
        heard = [(b"" if told == "hidden" else ssid.encode(), rssi) for ssid, (_, rssi, told) in self.air.items()]
        return [(name, b"", 1, rssi, 3, 0) for name, rssi in heard]

    def connect(self, ssid, key):
        self.log.append(ssid)
        self._asked = ssid, key

    def disconnect(self):
        self._asked = None

    def isconnected(self):
        return self.lies or self.status() == 1010

    def status(self, what=None):
        if what:
            return self.air[self._asked[0]][1]
        if not self._asked:
            return 1000
        key, _, told = self.air.get(self._asked[0], ("", 0, 201))
        if told == 201 or isinstance(told, int) and told:
            return told
        return 1010 if key == self._asked[1] else 202

    def config(self, **settings):
        self.settings.update(settings)


class Network:
    """The module of that name."""

    STA_IF = 0
    WLAN = None


class Maker:
    """`network.WLAN`: called with an interface, and a holder of constants."""

    PM_NONE, PM_PERFORMANCE = 0, 1

    def __init__(self, radio):
        self._radio = radio

    def __call__(self, interface):
        return self._radio


class Scene:
    """A board in a world: its store, its radio, what it said."""

    def __init__(self, air, known=(), trial=None):
        self.world = World()
        self.said = []
        diag.print = lambda text: self.said.append(json.loads(text))
        self.store = Store([Folder(".")])
        self.store.forget(NETWORKS)
        if known or trial:
            box = {"known": list(known)}
            if trial:
                box["trial"] = trial
            self.store.save(NETWORKS, json.dumps(box).encode())
        self.radio = Radio(air)
        wlan.network = module = Network()
        module.WLAN = Maker(self.radio)
        module.hostname = lambda name: self.radio.log.append(name[:8])
        self.wlan = Wlan(self.store)

    def joins(self):
        self.radio.log.append("joins")

    def up(self):
        """Have a network; gives the reason why not, or nothing."""
        error = self.world.finish(self.wlan.up(self.joins))
        assert error is None or isinstance(error, LinkError), repr(error)
        return error.reason if error else ""

    def tried(self):
        """Give the names tried since the last call."""
        log, self.radio.log[:] = list(self.radio.log), []
        return [word for word in log if word in self.radio.air or word in ("home", "shop", "new")]


def test_a_board_without_a_radio_or_on_somebody_elses_network_is_left_alone():
    scene = Scene({})
    scene.radio.lies = True
    assert scene.up() == "" and scene.radio.log == []
    wlan.network = None
    assert scene.up() == "" and scene.radio.log == []


def test_a_board_that_knows_none_says_so():
    assert Scene({"home": ("", -40, 0)}).up() == "no_networks"


def test_the_strongest_that_it_knows_is_joined_with_the_radio_begun_anew():
    scene = Scene({"home": (HOME[1], -70, 0), "shop": (SHOP[1], -50, 0), "near": ("", -20, 0)}, [HOME, SHOP])
    assert scene.up() == ""
    assert scene.radio.log == ["joins", "off", "tincall-", "on", "scan", "shop"]
    assert scene.radio.settings == {"reconnects": 0}
    assert scene.said[-1]["ev"] == "wifi" and scene.said[-1]["ssid"] == "shop" and scene.said[-1]["rssi"] == -50
    assert scene.wlan.rssi() == -50
    assert "word" not in json.dumps(scene.said)


def test_none_here_a_wrong_password_no_address_and_no_radio_are_told_apart():
    for air, reason in (
        ({"near": ("", -20, 0)}, "not_found"),
        ({"home": ("another", -20, 0)}, "wrong_password"),
        ({"home": (HOME[1], -20, 1001)}, "no_address"),
        ({"home": (HOME[1], -20, 201)}, "not_found"),
        ({"home": (HOME[1], -20, 15)}, "wrong_password"),
    ):
        assert Scene(air, [HOME]).up() == reason, reason
    scene = Scene({}, [HOME])
    for error in (OSError("Wifi Internal Error"), RuntimeError("Wifi Unknown Error 0x3001")):
        scene.radio.broken = error
        assert scene.up() == "radio"


def test_an_attempt_takes_fifteen_seconds_at_most():
    scene = Scene({"home": (HOME[1], -20, 1001)}, [HOME])
    scene.up()
    assert 15000 <= scene.world.now <= 15500


def test_what_failed_goes_behind_what_did_not():
    scene = Scene({"home": ("another", -20, 0), "shop": (SHOP[1], -80, 0)}, [HOME, SHOP])
    assert scene.up() == "" and scene.tried() == ["home", "shop"]
    assert [line["reason"] for line in scene.said if line["ev"] == "error"] == ["wrong_password"]
    scene.wlan.proved()
    scene.radio.disconnect()
    assert scene.up() == "" and scene.tried() == ["shop"]


def test_one_that_does_not_say_its_name_is_tried_by_name():
    scene = Scene({"home": (HOME[1], -20, "hidden")}, [HOME])
    assert scene.up() == "" and scene.tried() == ["home"]


def test_a_network_over_which_the_relay_is_not_reached_is_left_though_the_radio_is_content():
    scene = Scene({"home": (HOME[1], -20, 0), "shop": (SHOP[1], -80, 0)}, [HOME, SHOP])
    for _ in range(3):
        assert scene.up() == ""
    assert scene.tried() == ["home"]
    assert scene.up() == "" and scene.tried() == ["shop"]
    for _ in range(20):
        scene.wlan.proved()
        assert scene.up() == ""
    assert scene.tried() == [], "one that serves is kept"


def test_a_trial_is_first_and_known_only_when_the_relay_was_reached():
    air = {"home": (HOME[1], -20, 0), "new": (NEW[1], -90, 0)}
    scene = Scene(air, [HOME], NEW)
    assert scene.up() == "" and scene.tried() == ["new"]
    assert read(scene.store) == {"known": [HOME], "trial": NEW}
    scene.wlan.proved()
    assert read(scene.store) == {"known": [NEW, HOME]}
    assert scene.said[-1]["ev"] == "wifi_kept" and scene.said[-1]["ssid"] == "new"
    scene.wlan.proved()
    assert [line["ev"] for line in scene.said].count("wifi_kept") == 1


def test_the_known_ones_serve_when_a_trial_does_not():
    for there in (("another", -20, 0), (NEW[1], -20, 1001)):
        scene = Scene({"home": (HOME[1], -60, 0), "new": there}, [HOME], NEW)
        assert scene.up() == "" and scene.tried() == ["new", "home"]
        scene.wlan.proved()
        assert read(scene.store) == {"known": [HOME], "trial": NEW}


def test_a_trial_without_a_way_to_the_relay_gives_way_to_the_known_ones():
    scene = Scene({"home": (HOME[1], -60, 0), "new": (NEW[1], -20, 0)}, [HOME], NEW)
    for _ in range(4):
        assert scene.up() == ""
    assert scene.tried() == ["new", "home"]


def test_a_new_password_for_a_known_name_replaces_the_old_one_when_it_worked():
    other = ["home", "another-word"]
    scene = Scene({"home": (other[1], -60, 0)}, [SHOP, HOME], other)
    assert scene.up() == "" and read(scene.store)["known"] == [SHOP, HOME]
    scene.wlan.proved()
    assert read(scene.store) == {"known": [other, SHOP]}


def test_four_are_known_and_the_oldest_goes():
    known = [[name, "password"] for name in ("a", "b", "c", "d")]
    scene = Scene({"new": (NEW[1], -60, 0)}, known, NEW)
    scene.up()
    scene.wlan.proved()
    assert [one[0] for one in read(scene.store)["known"]] == ["new", "a", "b", "c"]


def test_an_attempt_can_be_given_up():
    scene = Scene({"home": (HOME[1], -20, 1001), "shop": (SHOP[1], -30, 1001)}, [HOME, SHOP])
    task = scene.world.create_task(scene.wlan.up(scene.joins))
    scene.world.run(3000)
    scene.wlan.stop = True
    scene.world.run(200)
    assert task.done() and isinstance(task.error, LinkError) and scene.tried() == ["home"]


def test_the_radio_is_kept_awake_in_a_call_where_it_can_sleep():
    scene = Scene({"home": (HOME[1], -20, 0)}, [HOME])
    scene.wlan.quick(True)
    assert scene.wlan.rssi() is None
    scene.up()
    scene.wlan.quick(True)
    assert scene.radio.settings["pm"] == 0
    scene.wlan.quick(False)
    assert scene.radio.settings["pm"] == 1

    def refuses(**settings):
        raise ValueError("unknown config param")

    scene.radio.config = refuses
    scene.wlan.quick(True)


def test_a_signal_is_told_within_its_bounds():
    scene = Scene({"home": (HOME[1], -20, 0)}, [HOME])
    scene.up()
    for told, want in ((-200, -127), (5, 0), (-63, -63), (None, None)):
        scene.radio.air["home"] = (HOME[1], told, 0)
        assert scene.wlan.rssi() == want


def test_what_cannot_be_a_network_is_refused_without_its_password():
    store = Scene({}).store
    for ssid, key in (("", ""), ("x" * 33, ""), ("é" * 17, ""), ("a", "short"), ("a", "x" * 65), ("a", "tab\tin it")):
        try:
            store_trial(store, ssid, key)
            raise AssertionError(ssid)
        except ValueError as error:
            assert not key or key not in str(error)
    assert read(store) == {"known": []}
    for ssid, key in (("a", ""), ("é" * 16, "x" * 8), ('q"\\', "0" * 64)):
        store_trial(store, ssid, key)
        assert read(store) == {"known": [], "trial": [ssid, key]}


def test_a_trial_leaves_the_known_ones_and_all_else():
    scene = Scene({}, [HOME, SHOP])
    store_trial(scene.store, NEW[0], NEW[1])
    assert read(scene.store) == {"known": [HOME, SHOP], "trial": NEW}


def test_a_record_that_cannot_be_read_is_told_and_nothing_is_known():
    scene = Scene({})
    scene.store.save(NETWORKS, b"no JSON")
    assert read(scene.store) == {"known": []} and scene.said[-1]["step"] == "wifi"
    with open("networks.bin", "wb") as file:
        file.write(b"damaged")
    assert read(scene.store) == {"known": []} and scene.said[-1]["reason"] == "record_damaged"
    store_trial(scene.store, NEW[0], NEW[1])
    assert read(scene.store)["trial"] == NEW


def test_what_cannot_be_read_now_is_not_written_over():
    scene = Scene({}, [HOME])

    def fails(fact):
        raise StoreError("storage", "cannot be read")

    load, scene.store.load = scene.store.load, fails
    try:
        store_trial(scene.store, NEW[0], NEW[1])
        raise AssertionError("written")
    except StoreError:
        pass
    scene.store.load = load
    assert read(scene.store) == {"known": [HOME]}


def test_a_trial_that_cannot_be_kept_is_an_error_and_stays_a_trial():
    scene = Scene({"new": (NEW[1], -60, 0)}, [], NEW)
    scene.up()

    def full(fact, body):
        raise StoreError("storage", "full")

    scene.store.save = full
    try:
        scene.wlan.proved()
        raise AssertionError("kept")
    except StoreError:
        pass
    assert read(scene.store)["trial"] == NEW
