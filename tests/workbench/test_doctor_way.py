"""Where a verification ended is what is wrong with the way to the relay, and what to do can be typed as it stands."""

import datetime

import pytest

from tincall.workbench import doctor_way
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG
from tincall.workbench.provision import Standing, Verified

TODAY = datetime.date(2026, 7, 8)
HELD = Standing({"sn": "SN-1"}, ["home"], "", True, False, True)


def verified(**change):
    fields = {
        **{
            "ok": not change.get("reason"),
            "step": "done",
            "reason": "",
            "detail": "it is so",
            "sn": "SN-1",
            "ssid": "home",
        },
        **{"where": "relay:8443", "kv": 1, "wifi_ms": 9, "verify_ms": 99, "date": str(TODAY), "floor": 0},
    }
    return Verified(**{**fields, **change})


@pytest.mark.parametrize(
    ("reason", "step", "judge", "todo"),
    [
        ("auth_failed", "verify", doctor_way.verification, "tincall provision --sn SN-1 --again"),
        ("counter_rollback", "verify", doctor_way.verification, "tincall provision --sn SN-1 --again"),
        ("suspended", "verify", doctor_way.verification, "tincall devices resume SN-1"),
        ("dns_fail", "connect", doctor_way.way, "tincall provision --sn SN-1 --host NAME"),
        ("connect_refused", "verify", doctor_way.way, "Does the relay run"),
        ("timeout", "connect", doctor_way.way, "tincall provision --sn SN-1 --host NAME"),
        ("tls_wrong_ca", "verify", doctor_way.tls, "tincall provision --sn SN-1"),
        ("tls_expired", "verify", doctor_way.tls, "tincall ca"),
        ("timeout", "verify", doctor_way.tls, "firewall"),
        (
            "wrong_password",
            "wifi",
            lambda found: doctor_way.wifi(HELD, found),
            "tincall provision --sn SN-1 --wifi SSID",
        ),
    ],
)
def test_each_reason_is_wrong_in_one_place(reason, step, judge, todo):
    finding = judge(verified(reason=reason, step=step))
    assert finding.state == WRONG and todo in finding.todo and "run the same with" not in finding.todo
    assert judge(verified()).state == OK


def test_a_network_on_trial_and_a_board_without_a_radio_are_told():
    trial = Standing({"sn": "SN-1"}, [], "home", True, False, True)
    assert "on trial" in doctor_way.wifi(trial, verified(reason="dns_fail", step="connect")).said
    bare = Standing({"sn": "SN-1"}, [], "", False, True, True)
    assert doctor_way.wifi(bare, verified(ssid="")).said == "It has a network without joining one."


def test_a_clock_is_the_cause_only_where_a_certificate_was_refused_for_it():
    for reason, state in (("tls_expired", WRONG), ("connect_refused", NOTE), ("", OK)):
        found = verified(reason=reason, date="2000-01-01")
        assert doctor_way.clock(found, TODAY).state == state
    assert doctor_way.clock(verified(reason="tls_expired"), TODAY).state == OK
    assert doctor_way.clock(verified(reason="timeout", step="clock", date=""), TODAY).state == WRONG


@pytest.mark.parametrize(("rssi", "state"), [(-90, WRONG), (-80, NOTE), (-50, OK), (None, NOT_TRIED)])
def test_a_signal_is_judged(rssi, state):
    assert doctor_way.signal(rssi).state == state
