#!/usr/bin/env python3
"""Hold the firmware against what MicroPython on an ESP32 has: its modules, their members and arguments, as stubs tell them.

    tools/stubs.py           check firmware/handset, firmware/chips and main.py; fetches the stubs once
    tools/stubs.py FILE...   check these instead

callcore is not among them: it is typed in place, and tools/layers.py holds what of the outside world it may import. What the
handset leaves without annotations mypy infers, which is enough to see a member that is not there; what it cannot know is off.
The stubs go into .cache/typings and not beside the packages of this Python, whose standard library they would shadow. Without a
network and without them the check is left out, except in CI.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# one version, so that a finding is a change's fault
STUBS = "micropython-esp32-stubs==1.29.0.*"
TYPINGS = ROOT / ".cache" / "typings"
FILES = ("firmware/handset", "firmware/chips", "firmware/main.py", "boards/EMULATED/board.py")
# what the stubs know wrongly, or cannot know, by file and words of the finding
KNOWN = {
    ("firmware/handset/tls.py", '"SSLContext" has no attribute "verify_mode"'): "the stub lacks it",
    ("firmware/handset/clock.py", "Unsupported operand types for &"): "ticks are integers everywhere",
    ("firmware/handset/places.py", '"insert" of "list"'): "two classes of one kind",
    ("firmware/handset/diag.py", 'named "traceback"'): "under CPython only",
}
_INFERRED = "union-attr, has-type, assignment, var-annotated, no-redef"
_CONFIG = """[mypy]
mypy_path = {typings}:{root}/firmware:{root}/boards/EMULATED
custom_typeshed_dir = {typings}
cache_dir = {root}/.mypy_cache/firmware
follow_imports = silent
no_site_packages = True
check_untyped_defs = True
explicit_package_bases = True
always_true = MICROPYTHON
disable_error_code = {inferred}
"""


def get() -> bool:
    """Fetch the stubs unless they are there, whole or not at all; tell whether they are."""
    mark = TYPINGS / "version.txt"
    if mark.is_file() and mark.read_text() == STUBS:
        return True
    TYPINGS.parent.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".typings.", dir=TYPINGS.parent))
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(fresh)]
    done = subprocess.run([*command, STUBS], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(fresh)
        print(f"stubs: {STUBS} cannot be had: {(done.stderr.strip() or 'pip failed').splitlines()[-1]}")
        return False
    (fresh / mark.name).write_text(STUBS)
    shutil.rmtree(TYPINGS, ignore_errors=True)
    fresh.rename(TYPINGS)
    return True


def findings(files: list[str]) -> list[str]:
    """Give what is wrong in our files, one line each, without what is known.

    Args:
        files: files and folders, relative to the checkout or absolute.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "mypy.ini"
        config.write_text(_CONFIG.format(typings=TYPINGS, root=ROOT, inferred=_INFERRED))
        command = [sys.executable, "-m", "mypy", "--config-file", str(config), "--no-error-summary", *files]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or done.stderr.strip():
        return [f"mypy failed: {(done.stderr or done.stdout).strip()[-500:]}"]
    stubs = os.path.relpath(TYPINGS, ROOT)
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    return [line for line in found if not line.startswith((stubs, str(TYPINGS))) and not _is_known(line)]


def _is_known(line: str) -> bool:
    return any(line.startswith(file) and words in line for file, words in KNOWN)


def main(arguments: list[str]) -> int:
    """Check and give the exit status."""
    if not get():
        return 1 if os.environ.get("CI") else 0
    found = findings(arguments or list(FILES))
    for line in found:
        print(line)
    print(f"stubs: {len(found)} findings" if found else "stubs: the firmware uses what an ESP32 has")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
