"""What provisioning asks of a board and writes to it, through the firmware that is installed there; the relay is not in it.

What a reader of the board's flash finds if power or cable go at any moment is what its store promises: the identity, or the
networks, of before or these. Nothing here keeps a record of its own of what is done: that is asked anew each time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from callcore import refusals
from tincall.errors import OperatorError
from tincall.workbench import probes
from tincall.workbench.facts import Facts

# a radio that scans, a flash that erases
_SLOW_S = 30.0
# how long a verification may take without a word: 4 networks of 15 s, the connection, two answers of 30 s
_VERIFY_S = 150.0
_WIFI_HINTS = {
    "no_networks": "Give it one: tincall provision --wifi SSID",
    "not_found": "Is it in reach, and on 2.4 GHz? Give it another: tincall provision --wifi SSID",
    "wrong_password": "Give it the right one: tincall provision --wifi SSID",
    "no_address": "Is the router's list of addresses full? Try again, or give another: tincall provision --wifi SSID",
    "radio": "Press its reset button and run the same again.",
}
_LINK_HINTS = {
    "dns_fail": "Let the board connect to an address, or to a name that its network knows: --host NAME",
    "connect_refused": "Does the relay run, and on that port? Does a firewall of that computer let it in?",
    "net_down": "Is the board's network the relay's, or one from which there is a way to it? Or name another: --host NAME",
    "timeout": "Is there a firewall? Can the board's network reach the relay under that name? Or name another: --host NAME",
    "link_lost": "Does something else listen there, or a proxy stand between? See what the relay writes.",
    "tls_wrong_ca": "Something else listens there, or another relay; give the data folder of the one that is meant.",
    "tls_wrong_name": "Name it as its certificate does by --host, or make one for it: tincall ca renew --host NAME",
    "tls_no_memory": "Nothing large may run beside it: is there a boot.py that takes memory?",
}
_KEY = ("auth_failed", "server_not_proved", "kv_retired")
_VERIFY_HINTS = {
    "rate_limited": "Wait a minute and run the same again.",
    "suspended": "Let it in again: tincall devices resume {sn}",
    "revoked": "End its enrolment, and run the same again: tincall devices --forget {sn}",
    "uid_mismatch": "Give this board a serial number of its own, by --sn.",
    "sn_conflict": "See which: tincall devices show {sn}",
    "counter_rollback": "Give it a new key: run the same with --again.",
    "cb_mismatch": "Take the proxy out of the way; boards talk to the relay directly.",
    "nonce_expired": "Run the same again, nearer to the access point.",
    "unavailable": "See what the relay writes, then run the same again.",
    "version_unsupported": "Install the same version of both: tincall install",
}


class Runs(Protocol):
    """What is asked of a `SerialBoard`."""

    path: str

    def run(self, code: str, timeout_s: float = ..., data: bytes | None = None) -> str:
        """Run a program on the board and give what it printed."""
        ...


@dataclass(frozen=True)
class Standing:
    """What a board holds of what provisioning gives it.

    Args:
        identity: `sn model_id kv next_kv host port name` and `ca`, the SHA-256 of its anchors as hex; None: it has none.
        known: names of the networks that it knows.
        trial: name of the network that is to be tried; empty when there is none.
        radio: whether it has one.
        online: whether it has a network this moment.
        has_word: whether its setup page has a password.
    """

    identity: dict[str, Any] | None
    known: list[str]
    trial: str
    radio: bool
    online: bool
    has_word: bool

    @property
    def needs_network(self) -> bool:
        """Tell whether it would get nowhere without being given a network."""
        return self.radio and not (self.known or self.trial or self.online)


@dataclass(frozen=True)
class Verified:
    """How a verification by the board itself went; see `probes.VERIFY`."""

    ok: bool
    step: str
    reason: str
    detail: str
    sn: str
    where: str
    ssid: str
    kv: int
    wifi_ms: int
    verify_ms: int
    date: str
    floor: int

    @property
    def is_about_key(self) -> bool:
        """Tell whether it failed since board and relay do not have the same key."""
        return not self.ok and self.reason in _KEY


def judge(facts: Facts, port: str) -> None:
    """Refuse a board without firmware that could take an identity.

    Raises:
        OperatorError: none is there, or it is not whole.
    """
    install = f"Install it: tincall install {facts.board or 'BOARD'} --port {port}"
    if facts.main == "unfinished":
        raise OperatorError(f"the firmware of the board on {port} is not whole.", install)
    if not facts.firmware or facts.main != "ours":
        raise OperatorError(f"the board on {port} has no firmware of ours.", install)


def judge_flash(facts: Facts, port: str) -> None:
    """Refuse a file system that cannot be trusted with a key.

    Raises:
        OperatorError: it is FAT.
    """
    if facts.file_system == "fat":
        flash = f"tincall flash {facts.board} --port {port}"
        raise OperatorError(
            f"the flash of the board on {port} is formatted as FAT, which a power cut can ruin.",
            f"Put MicroPython on it anew, which formats it as littlefs: {flash}; then tincall install.",
        )


def standing(board: Runs) -> Standing:
    """Ask a board what it holds.

    Raises:
        OperatorError: its firmware does not load, its store cannot be read, or it is in the midst of a factory reset.
    """
    told = _answer(board, probes.STANDING)
    if told["trouble"] == "no_firmware":
        raise OperatorError(
            f"the firmware on {board.path} does not load: {told['why']}.", "Install it anew: tincall install"
        )
    if told["trouble"]:
        raise OperatorError(f"the board on {board.path} cannot read what it stored: {told['why']}.", _newer(told))
    if told["resetting"]:
        hint = "Switch it off and on, wait until its lamp goes out, and run the same again."
        raise OperatorError(f"the board on {board.path} has not finished its factory reset.", hint)
    return Standing(told["identity"], told["known"], told["trial"], told["radio"], told["online"], told["word"])


def write_identity(board: Runs, fields: dict[str, Any]) -> None:
    """Write an identity, or fields of the one that is there when they hold no `key`; both copies are read back.

    If power or cable go, a reader finds the old identity or this one.

    Raises:
        OperatorError: the board could not, or is gone.
    """
    told = _answer(board, probes.WRITE_IDENTITY, _SLOW_S, json.dumps(fields).encode())
    if not told["ok"] or not told["both"]:
        why = told["why"] or "it reads back differently"
        hint = "Run the same again; if it stays so, its flash is worn out."
        raise OperatorError(f"the board on {board.path} could not store its identity: {why}.", hint)


def scan(board: Runs) -> list[tuple[str, int, bool]]:
    """Give the networks that the board hears, the strongest first: name, signal in dBm, whether it wants a password."""
    best: dict[str, tuple[str, int, bool]] = {}
    for ssid, rssi, locked in _answer(board, probes.SCAN, _SLOW_S):
        if ssid and (ssid not in best or best[ssid][1] < rssi):
            best[ssid] = (ssid, rssi, bool(locked))
    return sorted(best.values(), key=lambda one: -one[1])


def write_network(board: Runs, ssid: str, key: str) -> bool:
    """Store a network to be tried; those that are known stay until it has worked.

    Args:
        board: the board.
        ssid: its name.
        key: its password; empty for an open one.

    Returns:
        False when it is known already, as it is.

    Raises:
        OperatorError: it cannot be one, or cannot be stored; without the password.
    """
    told = _answer(board, probes.WRITE_NETWORK, _SLOW_S, json.dumps([ssid, key]).encode())
    if not told["ok"]:
        raise OperatorError(f"the board on {board.path} does not take the network: {told['why']}.", "Give another.")
    return bool(told["changed"])


def setup_word(board: Runs) -> str:
    """Give the password of the board's setup page, for its label; one is drawn and stored if it has none."""
    return str(_answer(board, probes.WORD, _SLOW_S))


def verify(board: Runs) -> Verified:
    """Let the board join its network, connect to the relay and verify itself, as at each start; whatever comes is given back.

    Raises:
        OperatorError: the board is gone, or its firmware fails in another way than it knows of.
    """
    return Verified(**_answer(board, probes.VERIFY, _VERIFY_S))


def trouble(found: Verified) -> OperatorError:
    """Say why a verification failed and what to do.

    Args:
        found: is not ok.
    """
    sn = found.sn
    sentence = refusals.REASONS[found.reason][2] if found.reason in refusals.REASONS else found.detail
    if found.step == "identity":
        return OperatorError(f"the board cannot read its identity: {found.detail}.", "Run the same again.")
    if found.reason in _WIFI_HINTS:
        return OperatorError(f"the board gets into no WiFi: {found.detail}.", _WIFI_HINTS[found.reason])
    if found.reason in ("tls_expired", "tls_not_yet_valid"):
        hint = f"The board's clock shows {found.date}. " + (
            "If that is wrong, take its power away for a moment; if it is right, see `tincall ca`."
            if found.reason == "tls_expired"
            else "If that is right, the relay's computer had another date when the certificate was made; see `tincall ca`."
        )
        return OperatorError(f"{sn} does not take the relay's certificate: {found.detail}.", hint)
    if found.reason in _KEY:
        hint = "Give it a new key: run the same with --again."
        return OperatorError(f"{sn} was not verified: {sentence.rstrip('.')}.", hint)
    hint = _VERIFY_HINTS.get(found.reason) or _LINK_HINTS.get(found.reason) or "Run the same again."
    return OperatorError(f"{sn} was not verified at {found.where}: {sentence.rstrip('.')}.", hint.format(sn=sn))


def _answer(board: Runs, code: str, timeout_s: float = 10.0, data: bytes | None = None) -> Any:
    """Run a program and read its last line; what it said is shown to nobody."""
    said = board.run(code, timeout_s, data)
    try:
        return json.loads(said.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise OperatorError(
            f"the board on {board.path} gave no answer that makes sense.", "Press its reset button and run it again."
        ) from None


def _newer(told: dict[str, Any]) -> str:
    if told["trouble"] == "record_newer":
        return "A later firmware wrote it: install that one again."
    return "If it stays so after a reset, format it anew: tincall flash"
