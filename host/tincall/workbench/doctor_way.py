"""Judges the way of a board to its relay, from one verification by the board itself: where it ended is what is wrong."""

from __future__ import annotations

import datetime
from typing import Any

from tincall.workbench import provision
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Finding, sentence
from tincall.workbench.provision import Standing, Verified

WEAK_DBM = -75
POOR_DBM = -85
_ROUTE = ("dns_fail", "connect_refused", "net_down", "timeout")
# what a person does who was not just giving the board its identity; the rest is as `provision` has it
_ADVICE = {
    "dns_fail": "Let it connect to an address, or to a name that its network knows: {provision} --host NAME",
    "net_down": "Is there a way from its network to the relay's? Or name another: {provision} --host NAME",
    "timeout": "Is there a firewall? Can its network reach the relay by that name? Or name another: {provision} --host NAME",
    "tls_wrong_ca": "Something else listens there, or another relay. If this is the right one: {provision}",
    "tls_wrong_name": "Name it as its certificate does: {provision} --host NAME; or make one: tincall ca renew --host NAME",
    "auth_failed": "Give it a new key: {provision} --again",
    "server_not_proved": "Give it a new key: {provision} --again",
    "kv_retired": "Give it a new key: {provision} --again",
    "counter_rollback": "Give it a new key: {provision} --again",
    "uid_mismatch": "Give this board a serial number of its own: tincall provision --sn SN",
}


def wifi(held: Standing, found: Verified) -> Finding:
    """Judge how the board came into a network, if it has a radio."""
    networks = held.known + [held.trial] * bool(held.trial)
    figures = {"networks": networks, "joined": found.ssid, "wifi_ms": found.wifi_ms}
    if found.step in ("identity", "wifi"):
        return _trouble(found, figures)
    if not networks:
        return Finding(OK, "It has a network without joining one.", "", figures)
    again = " It is on trial until the relay was reached." if held.trial and not found.ok else ""
    joined = f"It joined {found.ssid} in {found.wifi_ms:,} ms" if found.ssid else "It is in a network"
    return Finding(OK, f"{joined}; networks stored: {len(networks)}.{again}", "", figures)


def signal(rssi: int | None) -> Finding:
    """Judge a signal in dBm; None: the board tells of none."""
    if rssi is None:
        return Finding(NOT_TRIED, "This board does not tell of a signal.")
    figures = {"rssi_dbm": rssi}
    if rssi < POOR_DBM:
        todo = "Bring board and access point nearer, or give it another network."
        return Finding(WRONG, f"The signal is {rssi} dBm: too weak for a call.", todo, figures)
    if rssi < WEAK_DBM:
        return Finding(NOTE, f"The signal is {rssi} dBm: weak; calls will have gaps.", "Try it nearer.", figures)
    return Finding(OK, f"The signal is {rssi} dBm.", "", figures)


def clock(found: Verified, here: datetime.date) -> Finding:
    """Judge the date that the board showed before the relay said what it is; `here` is that of this computer."""
    figures = {"date": found.date, "here": str(here)}
    if found.step == "clock":
        said = f"The time server does not answer: {found.detail}."
        return Finding(WRONG, said, "See `sntp` of its identity, and whether its network lets it through.", figures)
    days = abs((datetime.date.fromisoformat(found.date) - here).days)
    if days > 1 and found.reason in ("tls_expired", "tls_not_yet_valid"):
        todo = "Take its power away for a moment. Is the date of this computer right?"
        return Finding(WRONG, f"The clock shows {found.date}, and here it is {here}.", todo, figures)
    if days > 1 and not found.ok:
        return Finding(NOTE, f"The clock shows {found.date}, and here it is {here}.", "", figures)
    if days > 1:
        said = f"The clock showed {found.date} at first; the relay has set it."
        return Finding(OK, said, "", figures)
    return Finding(OK, f"The clock shows {found.date}.", "", figures)


def way(found: Verified) -> Finding:
    """Judge the way to the relay: name and connection."""
    figures = {"where": found.where, "reason": found.reason}
    if found.step == "connect" and not found.reason.startswith("tls"):
        return _trouble(found, figures)
    if found.reason in _ROUTE and found.reason != "timeout":
        return _trouble(found, figures)
    return Finding(OK, f"{found.where} takes a connection.", "", figures)


def tls(found: Verified) -> Finding:
    """Judge what the board made of the relay's certificate."""
    figures = {"reason": found.reason}
    if found.reason.startswith("tls") or found.reason in ("link_lost", "timeout"):
        return _trouble(found, figures)
    return Finding(OK, "The relay's certificate is for its name, and of the CA that the board trusts.", "", figures)


def verification(found: Verified) -> Finding:
    """Judge whether both sides proved themselves."""
    figures = {"verify_ms": found.verify_ms, "reason": found.reason, "kv": found.kv}
    if not found.ok:
        return _trouble(found, figures)
    return Finding(OK, f"Board and relay proved themselves to each other in {found.verify_ms:,} ms.", "", figures)


def _trouble(found: Verified, figures: dict[str, Any]) -> Finding:
    problem = provision.trouble(found)
    again = f"tincall provision --sn {found.sn}"
    todo = _ADVICE.get(found.reason, "").format(provision=again) or problem.hint.replace("tincall provision", again)
    return Finding(WRONG, sentence(problem.message), todo, figures)
