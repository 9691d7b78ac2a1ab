#!/usr/bin/env python3
"""Run the tests of the sample mini program with Node's own test runner; nothing is installed from a registry.

    tools/node_tests.py

Without Node it is a notice, and a failure in CI (the variable CI is set).
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests/miniprogram"
OLDEST = (18, 17)  # its test runner is stable, and it lists folders with what is in them
GET_ONE = "On Debian or Ubuntu: sudo apt-get install nodejs"


def version(program: str) -> tuple[int, int]:
    """Ask a Node how old it is; (0, 0) when it does not say."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def missing() -> str:
    """Say why the tests cannot run here; empty: they can."""
    program = shutil.which("node")
    if program is None:
        return f"there is no Node. {GET_ONE}"
    have = version(program)
    if have < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return f"Node >= {wanted} is needed, {program} is {'.'.join(map(str, have))}. {GET_ONE}"
    return ""


def main() -> int:
    """Run the tests and give their exit status; 0 too where they cannot run outside CI."""
    why = missing()
    if why:
        print(f"miniprogram: {'' if os.environ.get('CI') else 'skipped: '}{why}", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    # file by file: what a folder stands for differs between versions of Node
    files = [str(path.relative_to(ROOT)) for path in sorted(TESTS.glob("*.test.mjs"))]
    if not files:
        print(f"miniprogram: no tests in {TESTS}", file=sys.stderr)
        return 1
    return subprocess.run(["node", "--test", *files], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
