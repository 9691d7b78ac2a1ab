#!/usr/bin/env python3
"""Count what the board's sound costs: instructions of both kinds of ESP32 for each 20 ms, heap, and bytes of firmware.

    tools/measure.py              a table, and exit status 1 when a budget is passed
    tools/measure.py --json       the same as one JSON document
    tools/measure.py --write      the table into docs/figures.md
    tools/measure.py --heap       instead, in what heap a whole call runs (tools/heap.py; takes minutes); --write: docs/heap.md

mpy-cross compiles the firmware as for a board; emulated processors run the machine code of each function, and every instruction
is counted. What they come to is compared with the Python source run on the same numbers. A count depends on nothing but
compiler and code, so it is the same on every machine. Python around the functions, as bytecode, is not in it.
"""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "host")]

import board_call  # noqa: E402 - found by the line above
import build  # noqa: E402
import frames  # noqa: E402
import heap  # noqa: E402
from mpyfile import MeasureError  # noqa: E402
from shadow import Shadow  # noqa: E402

FIGURES = ROOT / "docs/figures.md"
# what follows it in that file is written here
MARK = "<!-- tools/measure.py --write -->"

SIZE_BUDGET = 84 * 1024
SIZE_BUDGET_NARROW = 64 * 1024
# neither is reached: sound takes 27 KB, identity, TLS, link and signalling 45, what follows below 4; so that they grow no
# further, this much is held
SIZE_HELD = 97_400
SIZE_HELD_NARROW = 87_900
WIDE = "callcore/g722.mpy"
# of the sum, what is loaded once in a board's life, or where its identity asks for it: it takes room in the flash and none in
# the memory of a telephone
ONCE = (
    "handset/reset.mpy",
    "handset/rekey.mpy",
    "handset/certified.mpy",
    "handset/claim.mpy",
    "callcore/claim.mpy",
    "handset/sntp.mpy",
    "handset/setup_page.mpy",
)


def instructions() -> dict[str, dict[str, int]]:
    """Count the instructions of each row of tools/frames.py, by architecture."""
    board_call.prepare()
    # the shadow covers what is there when it is laid
    for path in (build.FIRMWARE / "callcore").glob("*.py"):
        importlib.import_module(f"callcore.{path.stem}")
    importlib.import_module("handset.voice")
    with tempfile.TemporaryDirectory() as folder, Shadow(Path(folder)) as shadow:
        return frames.count(shadow)


def sizes() -> dict[str, int]:
    """Give the bytes of each file of callcore and handset that the manifest gives to an ESP32, as it gets it."""
    with tempfile.TemporaryDirectory() as folder:
        made = build.build("xtensawin", Path(folder) / "made")
    return {name: size for name, size in made.items() if name != build.MAIN}


def figures() -> dict[str, Any]:
    """Measure everything but the heap of a whole call.

    Returns:
        `instructions` by row and architecture, `bytes` by file, `bytes_total`, `bytes_narrow` (without G.722), `bytes_once`
        (of the total, what is loaded once in a life), `heap_per_frame` by interpreter and codec in bytes, and `passed`, the
        names of the budgets that are.
    """
    counts, compiled, per_frame = instructions(), sizes(), heap.per_frame()
    total = sum(compiled.values())
    narrow = total - compiled[WIDE]
    passed = frames.passed(counts)
    passed += [f"heap per frame ({where})" for where, grown in per_frame.items() if grown]
    passed += ["size"] if total > SIZE_HELD else []
    passed += ["size without G.722"] if narrow > SIZE_HELD_NARROW else []
    return {
        "instructions": counts,
        "bytes": compiled,
        "bytes_total": total,
        "bytes_narrow": narrow,
        "bytes_once": sum(compiled.get(name, 0) for name in ONCE),
        "heap_per_frame": per_frame,
        "passed": passed,
    }


def counted(found: dict[str, dict[str, int]]) -> str:
    """Draw the counts as Markdown."""
    lines = ["| 20 ms of sound | RV32 instructions | budget | Xtensa instructions | budget |", "|---|---|---|---|---|"]
    for name, row in frames.ROWS.items():
        cells = [name]
        for arch in (frames.RV32, frames.XTENSA):
            budget = (row.budgets or {}).get(arch)
            cells += [f"{found[name][arch]:,}", f"{budget:,}" if budget else ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def table(found: dict[str, Any]) -> str:
    """Draw all figures as Markdown."""
    lines = ["| heap per 20 ms of a call, TLS link, heap locked | bytes | budget |", "|---|---|---|"]
    lines += [f"| {where} | {grown} | 0 |" for where, grown in found["heap_per_frame"].items()]
    lines += ["", "| compiled for Xtensa | bytes | budget |", "|---|---|---|"]
    largest = sorted(found["bytes"].items(), key=lambda item: -item[1])[:8]
    lines += [f"| {name.removesuffix('.mpy')} | {size:,} | |" for name, size in largest]
    for what, size, budget, held in (
        ("callcore and handset together", found["bytes_total"], SIZE_BUDGET, SIZE_HELD),
        ("the same without G.722", found["bytes_narrow"], SIZE_BUDGET_NARROW, SIZE_HELD_NARROW),
    ):
        told = f"; not reached, held at {held:,}" if size > budget else ""
        lines.append(f"| {what} | {size:,} | {budget:,}{told} |")
    names = ", ".join(name.removesuffix(".mpy") for name in ONCE)
    lines.append(f"| of both, once in a board's life: {names} | {found['bytes_once']:,} | |")
    return counted(found["instructions"]) + "\n" + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Measure and show; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--heap", action="store_true")
    given = parser.parse_args(arguments)
    try:
        if given.heap:
            return heap.main(as_json=given.json, writes=given.write)
        found = figures()
    except (MeasureError, build.BuildError) as error:
        print(f"measure: {error}", file=sys.stderr)
        return 1
    if given.write:
        head, mark, _ = FIGURES.read_text().partition(MARK)
        FIGURES.write_text(f"{head}{mark}\n\n{table(found)}")
    print(json.dumps(found) if given.json else table(found))
    for what in found["passed"]:
        print(f"measure: {what} is beyond its budget", file=sys.stderr)
    return 1 if found["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
