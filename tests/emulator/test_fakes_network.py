"""The wireless network that is always there."""


def test_a_board_joins_and_sets_its_radio(bench) -> None:
    assert bench.results("""
import network
wlan = network.WLAN(network.STA_IF)
say("off", [wlan.active(), wlan.isconnected(), kind_of(wlan.connect, "home", "word")])
wlan.active(True)
wlan.connect("home", "word")
wlan.config(pm=network.WLAN.PM_NONE, reconnects=0)
say("on", [wlan.active(), wlan.isconnected(), wlan.status() == network.STAT_GOT_IP])
say("config", [network.WLAN(network.STA_IF).config("pm"), wlan.config("ssid"), len(wlan.config("mac"))])
say("wrong", [kind_of(wlan.config, "nothing"), kind_of(network.WLAN, network.AP_IF)])
say("rssi", wlan.status("rssi"))
wlan.active(False)
say("end", wlan.isconnected())
""") == {
        "off": [False, False, "OSError"],
        "on": [True, True, True],
        "config": [0, "home", 6],
        "wrong": ["ValueError", "ValueError"],
        "rssi": -40,
        "end": False,
    }
