"""What heap a call takes on a board: per frame, by the run that locks it, and in all, by the least with which a call passes.

Per frame: tests/handset/voice_heap.py, which talks over TLS with the heap locked and says how far it grew. In all: whole calls
of `tincall demo --direct` on the i386 unix port, whose objects are as large as a board's, with the firmware loaded from .mpy
files that tools/build.py made. Machine code is not in that heap, on neither. What stands in for the chip's drivers is, so it
is weighed alone and told beside the figure.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import build
from mpyfile import MeasureError

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "host"), str(ROOT / "firmware")]

from tincall.emulator.child import BOARD, FAKES  # noqa: E402 - found by the line above
from tincall.emulator.interpreters import VARIABLES, find  # noqa: E402
from tincall.errors import OperatorError  # noqa: E402

PAGE = ROOT / "docs/heap.md"
# what follows it in that file is written here
MARK = "<!-- tools/measure.py --heap --write -->"
BOARDS = ("unix", "unix32")
CODECS = ("G722", "PCMA")
# of a whole call, in KiB of heap, by codec
BUDGETS_KIB = {"PCMA": 128, "G722": 160}
# of a call's data, after imports
DATA_BUDGET = 40 * 1024
# modules that stand in for drivers, which a chip has in C
_STAND_INS = ("machine", "network", "esp32")
_STEP_KIB = 4
_LEAST_KIB, _MOST_KIB = 64, 1024
_TALK_S = 3
_CALL_S = 120

_WEIGH = """\
import gc, sys
def used():
    gc.collect()
    return gc.mem_alloc()
last = used()
for name in sys.argv[1:]:
    __import__(name)
    now = used()
    print(name, now - last)
    last = now
print("together", last)
from handset import link, voice
for codec in "PCMA", "G722":
    used()
    line = link.Link(None, b"", None, None)
    sound = voice.Voice(line, None, None, {"codec": codec, "ptime": 20, "ssrc": 1, "remote_ssrc": 2}, 1, 2, 60, 40)
    print(codec, used() - last)
    line = sound = None
"""


def per_frame() -> dict[str, int]:
    """Talk for 3 s with the heap locked, on each interpreter that is there, with G.722.

    Returns:
        By interpreter and codec how many bytes the heap grew by; the run allows none, and fails at one.

    Raises:
        MeasureError: the run broke off.
    """
    sys.path.insert(0, str(ROOT / "tests"))
    from support import boards
    from support.authority import TestAuthority
    from support.peer import Connection, Peer

    from callcore import framer

    def echo(connection: Connection) -> None:
        connection.upgrade()
        while True:
            kind, payload = connection.frame()
            if kind == framer.BINARY:
                connection.send(kind, payload)

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        authority = TestAuthority(Path(folder))
        for board in BOARDS:
            try:
                find(board)
            except OperatorError:
                continue
            with Peer(authority.server(), echo) as peer:
                script = ROOT / "tests/handset/voice_heap.py"
                done = boards.run(board, script, peer.port, authority.anchor, CODECS[0], folder=Path(folder))
            said = re.search(r"grown (-?\d+) alive True", done.stdout)
            if said is None:
                raise MeasureError(
                    f"no call with a locked heap on {board}: {(done.stdout + done.stderr).strip()[-300:]}"
                )
            found[f"{board}, {CODECS[0]}"] = int(said[1])
    return found


class Bench:
    """A board of 32 bits with the compiled firmware, and as much heap as is tried.

    Args:
        folder: where files may lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._firmware = folder / "firmware.mpy"
        self._fakes = folder / "fakes.mpy"
        self._launcher = folder / "board"
        self._command = find("unix32")
        build.build("x86", self._firmware)
        self._fakes.mkdir()
        for source in [*(FAKES / "common").glob("*.py"), *(FAKES / "micropython").glob("*.py"), BOARD / "board.py"]:
            build.compile_file(source, "x86", self._fakes / f"{source.stem}.mpy")

    def passes(self, codec: str, kib: int) -> tuple[bool, str]:
        """Make a call with so much heap; gives whether it passed, and what was wrong if not."""
        self._write_launcher(kib)
        command = [sys.executable, "-m", "tincall", "demo", "--direct", "--board", "unix32", "--codec", codec]
        kept = self._folder / f"call-{codec}-{kib}"
        command += ["--seconds", str(_TALK_S), "--keep", str(kept), "--json"]
        environment = {**os.environ, VARIABLES["unix32"]: str(self._launcher)}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=_CALL_S, check=False
            )
        except subprocess.TimeoutExpired:
            return False, f"the call did not end within {_CALL_S} s"
        report = kept / "report.json"
        if not report.is_file():
            return False, self._reason(kept) or done.stderr.strip()[-300:]
        facts = json.loads(report.read_text())["verdict"]["facts"]
        # a few seconds of speech are too little for a score, and this is not about one
        wrong = [fact["what"] for fact in facts if not fact["ok"] and "PESQ" not in fact["what"]]
        return not wrong, "; ".join(wrong)

    def _reason(self, kept: Path) -> str:
        """Give the last error that the board told."""
        log = kept / "board/board.log"
        said = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
        return next((str(event.get("detail")) for event in reversed(said) if event.get("ev") == "error"), "")

    def weigh(self) -> dict[str, int]:
        """Say what each module takes of the heap once it is imported, in bytes, in the order in which a board loads them, all
        `together`, and under the name of a codec the link and the sound of a call with it.
        """
        self._write_launcher(_MOST_KIB)
        script = self._folder / "weigh.py"
        script.write_text(_WEIGH)
        names = [
            "asyncio",
            "machine",
            "network",
            "esp32",
            "board",
            "callcore.errors",
            "callcore.framer",
            "callcore.wire",
        ]
        names += ["callcore.messages", "callcore.call", "callcore.attest", "callcore.evidence", "callcore.record"]
        names += ["callcore.g711", "callcore.pcm", "callcore.coders", "callcore.jitter", "callcore.plc", "callcore.vad"]
        names += ["callcore.level", "handset.link", "handset.tls", "handset.attestor", "handset.voice", "handset.app"]
        names += ["callcore.g722"]
        done = subprocess.run(
            [str(self._launcher), str(script), *names], capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise MeasureError(f"the firmware cannot be weighed: {done.stdout[-200:]} {done.stderr[-300:]}")
        return {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines() if len(line.split()) == 2}

    def _write_launcher(self, kib: int) -> None:
        """Write a program that starts the interpreter with so much heap, and with our modules in place of the sources."""
        path = f"{self._fakes}:{self._firmware}:.frozen"
        started = " ".join(self._command)
        self._launcher.write_text(f'#!/bin/sh\nMICROPYPATH="{path}" exec {started} -X heapsize={kib}k "$@"\n')
        self._launcher.chmod(0o755)


def least(bench: Bench, codec: str) -> tuple[int, str]:
    """Find the least heap, in KiB, with which a call passes, and what is wrong with less.

    Raises:
        MeasureError: it does not pass with the most either.
    """
    low, high, why = _LEAST_KIB, _MOST_KIB, ""
    passed, why_not = bench.passes(codec, high)
    if not passed:
        raise MeasureError(f"no call with {high} KiB of heap: {why_not}")
    while high - low > _STEP_KIB:
        middle = (low + high) // 2 // _STEP_KIB * _STEP_KIB
        passed, why_not = bench.passes(codec, middle)
        print(f"measure: {codec} with {middle} KiB: {'passes' if passed else 'does not pass'}", file=sys.stderr)
        if passed:
            high = middle
        else:
            low, why = middle, why_not
    return high, why


def main(as_json: bool, writes: bool = False) -> int:
    """Find the heap of a whole call with each codec, show it, and write it into its page; gives the exit status."""
    with tempfile.TemporaryDirectory(prefix="tincall-heap-") as folder:
        bench = Bench(Path(folder))
        weights = bench.weigh()
        found: dict[str, Any] = {"weights": weights, "kib": {}, "fails_with_less": {}}
        for codec in BUDGETS_KIB:
            found["kib"][codec], found["fails_with_less"][codec] = least(bench, codec)
    if writes:
        head, mark, _ = PAGE.read_text().partition(MARK)
        PAGE.write_text(f"{head}{mark}\n\n{table(found)}")
    print(json.dumps(found) if as_json else table(found))
    beyond = [f"the heap of a call with {codec}" for codec, most in BUDGETS_KIB.items() if found["kib"][codec] > most]
    beyond += [f"the data of a call with {codec}" for codec in BUDGETS_KIB if weights[codec] > DATA_BUDGET]
    for what in beyond:
        print(f"measure: {what} is beyond its budget", file=sys.stderr)
    return 1 if beyond else 0


def table(found: dict[str, Any]) -> str:
    """Draw what `main` found as Markdown."""
    lines = ["| heap of a whole call, i386 unix port | KiB | budget | with less |", "|---|---|---|---|"]
    for codec, most in BUDGETS_KIB.items():
        lines.append(f"| {codec} | {found['kib'][codec]} | {most} | {found['fails_with_less'][codec]} |")
    weights = dict(found["weights"])
    stand_ins = sum(weights.get(name, 0) for name in _STAND_INS)
    lines.append(f"| of either, modules that stand in for drivers | {stand_ins // 1024} | | |")
    lines += ["", "| data of a call, after imports | bytes | budget |", "|---|---|---|"]
    lines += [f"| {codec} | {weights.pop(codec):,} | {DATA_BUDGET:,} |" for codec in BUDGETS_KIB]
    lines += ["", "| imported, with what it imports first | bytes of heap |", "|---|---|"]
    lines += [f"| {name} | {size:,} |" for name, size in weights.items()]
    return "\n".join(lines) + "\n"
