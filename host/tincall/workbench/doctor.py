"""The checks of a board on a port, in the order in which one rests upon the other.

Each asks the board at the time of need, through `SerialBoard`; nothing on the board is changed, but that damaged copies are
mended and that it verifies itself once, as at each start. What sound is judged by is in `doctor_sound`, what runs on the board
in `doctor_programs` and `probes`.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from tincall.errors import OperatorError
from tincall.workbench import doctor_programs, doctor_sound, firmware, installer, plan, provision
from tincall.workbench.facts import EMULATED, Facts
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Check, Finding, sentence
from tincall.workbench.serial_board import SerialBoard

GROUP = "board"
# mbedTLS takes two buffers of 16 KB and some in one go each, the handshake the rest
TLS_BYTES = 45_000
# what a call needs of the heap with all firmware in it, see docs/heap.md
CALL_BYTES = 176 << 10
# records are written anew in whole blocks
LEAST_BLOCKS = 8
WEAK_DBM = -75
POOR_DBM = -85
SOUND_MS = 1000
SKIP_MS = 300
_SLOW_S = 30.0
_DAY_S = 86_400
_ROUTE = ("dns_fail", "connect_refused", "net_down", "timeout")

Answer = Callable[[str], bool]


class BoardDoctor:
    """The checks of one board.

    Args:
        path: its port.
        open_board: opens it.
        ask: asks the person a question with yes or no; None: nobody is to be asked.

    Attributes:
        board: the connection, once it is open; whoever made this closes it.
        is_emulated: whether it is an emulated one, once it has answered.
    """

    def __init__(self, path: str, open_board: Callable[[], SerialBoard], ask: Answer | None = None) -> None:
        self.path = path
        self.board: SerialBoard | None = None
        self._open = open_board
        self._ask = ask
        self._facts: Facts | None = None
        self._verified: provision.Verified | None = None
        self._before: doctor_sound.Heard | None = None
        self._during: doctor_sound.Heard | None = None

    @property
    def is_emulated(self) -> bool:
        """Tell whether it is an emulated board, as far as it has answered."""
        return self._facts is not None and self._facts.chip == EMULATED

    def checks(self) -> list[Check]:
        """Give all checks in order."""
        sounds = ("firmware", "heap")
        return [
            Check("port", self._port),
            Check("interpreter", self._interpreter, ("port",)),
            Check("flash", self._flash, ("port",)),
            Check("firmware", self._firmware, ("interpreter", "flash")),
            Check("heap", self._heap, ("port",)),
            Check("memory for TLS", self._tls_memory, ("port",)),
            Check("records", self._records, ("firmware",)),
            Check("identity", self._identity, ("records",)),
            Check("WiFi", self._wifi, ("identity",)),
            Check("signal", self._signal, ("WiFi",)),
            Check("clock", self._clock, ("WiFi",)),
            Check("way to the relay", self._way, ("WiFi",)),
            Check("TLS", self._tls, ("clock", "way to the relay")),
            Check("verification", self._verification, ("TLS",)),
            Check("microphone", self._microphone, sounds),
            Check("speaker", self._speaker, sounds),
            Check("loop-back", self._loop_back, ("microphone", "speaker")),
        ]

    def _port(self) -> Finding:
        self.board = self._open()
        self._facts = self.board.facts()
        return Finding(OK, f"A board answers on {self.path}.", "", {"port": self.path, "uid": self._known.uid})

    def _interpreter(self) -> Finding:
        facts = self._known
        figures = {"version": facts.micropython, "chip": facts.chip, "arch": facts.arch}
        flash = f"Put a newer one on it: tincall flash {facts.board or 'BOARD'} --port {self.path}"
        if facts.version < installer.OLDEST:
            oldest = ".".join(map(str, installer.OLDEST[:2]))
            said = f"MicroPython {facts.micropython} is too old; {oldest} is the oldest that will do."
            return Finding(WRONG, said, flash, figures)
        if not facts.arch or facts.mpy_version != installer.MPY:
            said = f"This MicroPython loads no machine code of ours (its number is {facts.mpy})."
            return Finding(WRONG, said, flash, figures)
        return Finding(OK, f"MicroPython {facts.micropython} on {facts.machine}, {facts.arch}.", "", figures)

    def _flash(self) -> Finding:
        facts = self._known
        figures = {"free_bytes": facts.free_bytes, "total_bytes": facts.total_bytes, "file_system": facts.file_system}
        provision.judge_flash(facts, self.path)
        room = f"{facts.free_bytes >> 10:,} of {facts.total_bytes >> 10:,} KB are free"
        if facts.free_bytes < LEAST_BLOCKS * facts.block_bytes:
            return Finding(WRONG, f"The flash is full: {room}.", "Remove files that you do not need.", figures)
        return Finding(
            OK, f"The flash is {facts.file_system or 'of a kind that it does not tell'}; {room}.", "", figures
        )

    def _firmware(self) -> Finding:
        facts = self._known
        provision.judge(facts, self.path)
        install = f"tincall install {facts.board} --port {self.path}"
        if facts.shadow:
            todo = "Remove it there; if it is frozen into the interpreter, put the stock one on: tincall flash"
            return Finding(WRONG, f"The firmware is elsewhere, too ({facts.shadow}), and that one is started.", todo)
        held = self._on.tree(plan.LOOKED_AT)
        marker = self._told(doctor_programs.MARKER)
        figures = {"version": facts.firmware, "board": facts.board, "files": len(held)}
        if _set_of(held) == marker.get("set") and facts.firmware != firmware.version():
            said = f"Firmware {facts.firmware} for {facts.board} is whole; this program has {firmware.version()}."
            return Finding(NOTE, said, f"To have the same of both: {install}", figures)
        wanted = plan.marked(firmware.files(facts.arch, facts.board), firmware.version(), facts.board, facts.arch)
        bad = sorted(path for path in wanted if held.get(path, (0, ""))[1] != _sha256(wanted[path]))
        if not bad:
            return Finding(
                OK, f"Firmware {facts.firmware} for {facts.board} is whole: {len(wanted)} files.", "", figures
            )
        if _set_of(held) == marker.get("set"):
            said = f"The firmware is whole, but {len(bad)} files are others than this program has."
            return Finding(NOTE, said, f"To have the same: {install}", figures)
        missing = [path for path in bad if path not in held]
        what = f"{len(missing)} files are missing" if missing else f"{len(bad)} files are not as they should be"
        first = (missing or bad)[0]
        return Finding(WRONG, f"The firmware is not whole: {what}, {first} first.", f"Install it: {install}", figures)

    def _heap(self) -> Finding:
        told = self._told(doctor_programs.MEMORY)
        free = told["free"] + sum(region[1] for region in told["chip"])
        figures = {"free_bytes": free, "chip": told["chip"]}
        if free < CALL_BYTES:
            said = (
                f"{free >> 10:,} KB of memory are free; a call takes up to {CALL_BYTES >> 10} with the firmware in it."
            )
            return Finding(NOTE, said, "A board with PSRAM, or firmware that is frozen into its interpreter.", figures)
        return Finding(OK, f"{free >> 10:,} KB of memory are free.", "", figures)

    def _tls_memory(self) -> Finding:
        told = self._told(doctor_programs.MEMORY)
        if not told["chip"]:
            return Finding(NOT_TRIED, "This board does not tell of its chip's own memory.")
        largest = max(region[2] for region in told["chip"])
        figures = {"largest_bytes": largest}
        if largest < TLS_BYTES:
            said = f"The largest piece of the chip's memory has {largest >> 10} KB; TLS takes {TLS_BYTES // 1000}."
            return Finding(
                WRONG, said, "Is there a boot.py that takes memory? Take it away, and reset the board.", figures
            )
        return Finding(OK, f"The largest piece of the chip's memory has {largest >> 10} KB.", "", figures)

    def _records(self) -> Finding:
        held: list[list[str]] = self._told(doctor_programs.RECORDS)
        figures = {name: state for name, state, _ in held}
        for name, state, detail in held:
            if state == "record_newer":
                todo = "Install the firmware that wrote it."
                return Finding(WRONG, f"The record `{name}` was written by a later firmware.", todo, figures)
            if state not in ("ok", "healed", "record_missing"):
                todo = "Give the board its identity anew: tincall provision --sn SN --again"
                if name == "networks":
                    todo = "Give it a network anew: tincall provision --wifi SSID"
                return Finding(WRONG, f"The record `{name}` is damaged in both places: {detail}.", todo, figures)
        healed = [(name, detail) for name, state, detail in held if state == "healed"]
        if healed:
            said = (
                f"A copy of the record `{healed[0][0]}` was damaged ({healed[0][1]}), and is mended from the other one."
            )
            return Finding(NOTE, said, "If that comes again, the flash is worn out.", figures)
        there = sum(state == "ok" for _, state, _ in held)
        return Finding(OK, f"Both copies of the {there} records that are there are sound.", "", figures)

    def _identity(self) -> Finding:
        held = provision.standing(self._on)
        if held.identity is None:
            return Finding(WRONG, "The board has no identity.", "Give it one: tincall provision --sn SN")
        said = held.identity
        figures = {name: said[name] for name in ("sn", "model_id", "kv", "next_kv", "host", "port", "name")}
        coming = f", and {said['next_kv']} to come" if said["next_kv"] else ""
        where = f"{said['host']}:{said['port']}"
        return Finding(OK, f"It is {said['sn']}, key version {said['kv']}{coming}, of the relay {where}.", "", figures)

    def _wifi(self) -> Finding:
        held = provision.standing(self._on)
        found = self._verified = provision.verify(self._on)
        networks = held.known + [held.trial] * bool(held.trial)
        figures = {"networks": networks, "joined": found.ssid, "wifi_ms": found.wifi_ms}
        if found.step in ("identity", "wifi"):
            problem = provision.trouble(found)
            return Finding(WRONG, sentence(problem.message), problem.hint, figures)
        if not networks:
            return Finding(OK, "It has a network without joining one.", "", figures)
        again = " It is on trial until the relay was reached." if found.ssid == held.trial else ""
        joined = f"It joined {found.ssid} in {found.wifi_ms:,} ms" if found.ssid else "It is in a network"
        return Finding(OK, f"{joined}; {len(networks)} are stored.{again}", "", figures)

    def _signal(self) -> Finding:
        rssi = self._told(doctor_programs.SIGNAL)
        if rssi is None:
            return Finding(NOT_TRIED, "This board does not tell of a signal.")
        figures = {"rssi_dbm": rssi}
        if rssi < POOR_DBM:
            todo = "Bring board and access point nearer, or give it another network."
            return Finding(WRONG, f"The signal is {rssi} dBm: too weak for a call.", todo, figures)
        if rssi < WEAK_DBM:
            return Finding(NOTE, f"The signal is {rssi} dBm: weak; calls will have gaps.", "Try it nearer.", figures)
        return Finding(OK, f"The signal is {rssi} dBm.", "", figures)

    def _clock(self) -> Finding:
        found, here = self._proved, datetime.datetime.fromtimestamp(time.time(), datetime.UTC).date()
        figures = {"date": found.date, "here": str(here)}
        if found.step == "clock":
            said = f"The time server does not answer: {found.detail}."
            return Finding(WRONG, said, "See `sntp` of its identity, or take it out: tincall provision", figures)
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

    def _way(self) -> Finding:
        found = self._proved
        figures = {"where": found.where, "reason": found.reason}
        if found.step == "connect" and not found.reason.startswith("tls"):
            return self._trouble(found, figures)
        if found.reason in _ROUTE and found.reason != "timeout":
            return self._trouble(found, figures)
        return Finding(OK, f"{found.where} takes a connection.", "", figures)

    def _tls(self) -> Finding:
        found = self._proved
        figures = {"reason": found.reason}
        if found.reason.startswith("tls") or found.reason in ("link_lost", "timeout"):
            return self._trouble(found, figures)
        return Finding(OK, "The relay's certificate is for its name, and of the CA that the board trusts.", "", figures)

    def _verification(self) -> Finding:
        found = self._proved
        figures = {"verify_ms": found.verify_ms, "reason": found.reason, "kv": found.kv}
        if not found.ok:
            return self._trouble(found, figures)
        return Finding(OK, f"Board and relay proved themselves to each other in {found.verify_ms:,} ms.", "", figures)

    def _microphone(self) -> Finding:
        self._before = self._sound(False, True)
        return doctor_sound.microphone(self._before, self.is_emulated)

    def _speaker(self) -> Finding:
        streams = self._told(doctor_programs.STREAMS)
        is_full = streams["duplex"] == "full"
        heard = self._sound(True, is_full)
        if is_full:
            self._during = heard
        finding = doctor_sound.speaker(heard, 16_000, SOUND_MS)
        if finding.state == OK and self._ask is not None and not self._ask("Did you hear a tone?"):
            todo = "See the speaker's wires: DIN, BCLK and LRC, 5 V, and SD of the amplifier, which is off while it is low."
            return Finding(WRONG, "Nobody heard the tone that the speaker played.", todo, finding.figures)
        return finding

    def _loop_back(self) -> Finding:
        streams = self._told(doctor_programs.STREAMS)
        if self._during is None or self._before is None:
            return doctor_sound.one_way(streams["duplex"])
        return doctor_sound.loop_back(self._before, self._during, streams["echo"], self.is_emulated)

    def _sound(self, plays: bool, listens: bool) -> doctor_sound.Heard:
        program = doctor_programs.SOUND % (plays, listens, SOUND_MS + SKIP_MS * listens, SKIP_MS)
        return doctor_sound.read(self._told(program, _SLOW_S))

    @property
    def _known(self) -> Facts:
        assert self._facts is not None
        return self._facts

    @property
    def _proved(self) -> provision.Verified:
        assert self._verified is not None
        return self._verified

    @property
    def _on(self) -> SerialBoard:
        assert self.board is not None
        return self.board

    def _trouble(self, found: provision.Verified, figures: dict[str, Any]) -> Finding:
        problem = provision.trouble(found)
        return Finding(WRONG, sentence(problem.message), problem.hint, figures)

    def _told(self, program: str, timeout_s: float = 10.0) -> Any:
        """Run a program and read its last line."""
        said = self._on.run(program, timeout_s)
        try:
            return json.loads(said.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise OperatorError(
                f"the board on {self.path} gave no answer that makes sense.", "Press its reset button; run it again."
            ) from None


def _set_of(held: dict[str, tuple[int, str]]) -> str:
    """Give the hash over the set of files that lie on a board, as `plan.marked` writes it into their marker."""
    files = {path: digest for path, (_, digest) in held.items() if path != plan.MARKER}
    return hashlib.sha256("".join(f"{path} {digest}\n" for path, digest in sorted(files.items())).encode()).hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
