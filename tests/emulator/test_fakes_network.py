"""The radio of the emulated board: a network that is always there, or a world that a test changes."""

import json

WAIT = """
def until(radio, *states):
    for _ in range(3000):
        if radio.status() in states:
            return radio.status()
        time.sleep_ms(10) if hasattr(time, "sleep_ms") else time.sleep(0.01)
    return -1
"""


def test_without_a_world_there_is_a_network_from_the_start(bench) -> None:
    assert bench.results("""
import network
wlan = network.WLAN(network.STA_IF)
say("off", [wlan.active(), wlan.isconnected(), kind_of(wlan.connect, "home", "word")])
wlan.active(True)
wlan.connect("home", "word")
wlan.config(pm=network.WLAN.PM_NONE, reconnects=0)
say("on", [wlan.active(), wlan.isconnected(), wlan.status() == network.STAT_GOT_IP])
say("config", [network.WLAN(network.STA_IF).config("pm"), wlan.config("ssid"), len(wlan.config("mac"))])
say("wrong", [kind_of(wlan.config, "nothing"), kind_of(network.WLAN, 7)])
say("rssi", wlan.status("rssi"))
network.hostname("x")
say("names", [network.hostname(), network.country()])
""") == {
        "off": [False, True, "OSError"],
        "on": [True, True, True],
        "config": [0, "home", 6],
        "wrong": ["ValueError", "ValueError"],
        "rssi": -40,
        "names": ["x", "XX"],
    }


def world(bench, **more):
    home = {"ssid": "home", "key": "home-word", "rssi": -61}
    networks = [home, {"ssid": "deaf", "address": False}, {"ssid": "shy", "hidden": True}]
    folder = bench.folder / "board"
    folder.mkdir(exist_ok=True)
    (folder / "wifi.json").write_text(json.dumps({"networks": networks, **more}))


def test_a_world_has_networks_that_take_their_own_password_only(bench) -> None:
    world(bench)
    assert bench.results(
        WAIT
        + """
import network
wlan = network.WLAN(network.STA_IF)
say("off", [wlan.isconnected(), wlan.status(), kind_of(wlan.scan)])
wlan.active(True)
say("heard", [[one[0].decode(), one[3], one[4] > 0, one[5]] for one in wlan.scan()])
wlan.connect("home", "home-word")
say("soon", [wlan.status(), until(wlan, 1010), wlan.isconnected(), wlan.status("rssi")])
wlan.connect("home", "another")
say("wrong", [until(wlan, 202, 1010), wlan.isconnected()])
wlan.connect("none", "")
say("none", until(wlan, 201))
wlan.connect("shy", "")
say("shy", until(wlan, 1010))
wlan.connect("deaf", "")
time.sleep(0.1)
say("deaf", [wlan.status(), wlan.isconnected()])
say("long", kind_of(wlan.connect, "x" * 33, ""))
wlan.active(False)
say("end", [wlan.isconnected(), wlan.status()])
"""
    ) == {
        "off": [False, 1000, "OSError"],
        "heard": [["home", -61, True, False], ["deaf", -50, False, False], ["", -50, False, True]],
        "soon": [1001, 1010, True, -61],
        "wrong": [202, False],
        "none": 201,
        "shy": 1010,
        "deaf": [1001, False],
        "long": "ValueError",
        "end": [False, 1000],
    }


def test_a_world_changes_under_a_board_that_runs(bench) -> None:
    world(bench, setup_ports=[1234, 1235])
    assert bench.results(
        WAIT
        + """
import network
wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("home", "home-word")
say("before", [until(wlan, 1010), list(network.setup_ports())])
with open("../wifi.json", "w") as file:
    file.write("{}")
say("after", [until(wlan, 201), wlan.isconnected(), len(wlan.scan())])
"""
    ) == {"before": [1010, [1234, 1235]], "after": [201, False, 0]}


def test_the_access_point_is_an_interface_of_its_own(bench) -> None:
    world(bench)
    assert bench.results("""
import network
point = network.WLAN(network.AP_IF)
point.active(True)
point.config(ssid="Tincall-1", key="password", security=network.AUTH_WPA2_PSK, max_clients=1)
sta = network.WLAN(network.STA_IF)
say("point", [point.active(), sta.active(), point.isconnected(), point.ifconfig()[0], point.config("ssid")])
""") == {"point": [True, False, False, "127.0.0.1", "Tincall-1"]}
