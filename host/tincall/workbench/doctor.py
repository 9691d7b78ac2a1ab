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
from dataclasses import replace
from typing import Any

from tincall.errors import OperatorError
from tincall.workbench import doctor_programs, doctor_sound, doctor_way, faults, firmware, installer, plan, provision
from tincall.workbench.facts import EMULATED, Facts
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Check, Finding
from tincall.workbench.serial_board import SerialBoard

GROUP = "board"
# mbedTLS takes two buffers of 16 KB and some in one go each, the handshake the rest
TLS_BYTES = 45_000
# what a call needs of the heap with all firmware in it, see docs/heap.md
CALL_BYTES = 176 << 10
# records are written anew in whole blocks
LEAST_BLOCKS = 8
SOUND_MS = 1000
SKIP_MS = 300
_SLOW_S = 30.0

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
        self._is_gone = False
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
        found = [
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
        return [replace(check, look=self._while_there(check.look)) for check in found]

    def _while_there(self, look: Callable[[], Finding]) -> Callable[[], Finding]:
        """Make of a check one that asks nothing of a board that was pulled out meanwhile."""

        def looked() -> Finding:
            if self._is_gone:
                return Finding(NOT_TRIED, "The board does not answer any more.")
            try:
                return look()
            except faults.GoneError:
                self._is_gone = True
                raise

        return looked

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
            said = f"The firmware is whole, and another than this program has. Files that differ: {len(bad)}, {bad[0]} first."
            return Finding(NOTE, said, f"To have the same: {install}", figures)
        missing = [path for path in bad if path not in held]
        what = f"missing: {len(missing)}" if missing else f"not as they should be: {len(bad)}"
        first = (missing or bad)[0]
        return Finding(
            WRONG, f"The firmware is not whole. Files {what}, {first} first.", f"Install it: {install}", figures
        )

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
                    todo = "Give it a network anew: tincall provision --sn SN --wifi SSID"
                return Finding(WRONG, f"The record `{name}` is damaged in both places: {detail}.", todo, figures)
        healed = [(name, detail) for name, state, detail in held if state == "healed"]
        if healed:
            said = (
                f"A copy of the record `{healed[0][0]}` was damaged ({healed[0][1]}), and is mended from the other one."
            )
            return Finding(NOTE, said, "If that comes again, the flash is worn out.", figures)
        there = sum(state == "ok" for _, state, _ in held)
        return Finding(OK, f"Records that are there: {there}, each sound in both copies.", "", figures)

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
        return doctor_way.wifi(held, found)

    def _signal(self) -> Finding:
        rssi = self._told(doctor_programs.SIGNAL)
        return doctor_way.signal(rssi)

    def _clock(self) -> Finding:
        here = datetime.datetime.fromtimestamp(time.time(), datetime.UTC).date()
        return doctor_way.clock(self._proved, here)

    def _way(self) -> Finding:
        return doctor_way.way(self._proved)

    def _tls(self) -> Finding:
        return doctor_way.tls(self._proved)

    def _verification(self) -> Finding:
        return doctor_way.verification(self._proved)

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
