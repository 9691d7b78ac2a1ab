#!/usr/bin/env python3
"""Run every check and test in the order in which CI does; stop at the first that fails.

    tools/check.py [STEP...]      all steps, or the named ones

In CI (the variable CI is set) a missing MicroPython is a failure; elsewhere it is a notice.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
PYTEST = [PYTHON, "-m", "pytest"]
# cheapest first; the steps that measure come last and one at a time, so that nothing else holds the machine
STEPS = {
    "lint": [PYTHON, "-m", "ruff", "check"],
    "format": [PYTHON, "-m", "ruff", "format", "--check"],
    "types": [PYTHON, "-m", "mypy"],
    "layers": [PYTHON, "tools/layers.py"],
    "vectors": [PYTHON, "tools/vectors.py", "--check"],
    "miniprogram": [PYTHON, "tools/node_tests.py"],
    "measure": [PYTHON, "tools/measure.py"],
    "core": [PYTHON, "tools/upy.py", "run", "tests/core", "--on", "unix,unix32"],  # CPython has them among "tests"
    "tests": [*PYTEST, "-n", "4", "--dist", "worksteal", "-m", "not alone and not long"],
    "alone": [*PYTEST, "-m", "alone and not long"],
}


def main(names: list[str]) -> int:
    """Run steps and give the exit status of the first that failed, or 0."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"check: no step {unknown[0]!r}; there are {', '.join(STEPS)}", file=sys.stderr)
        return 2
    # programs of the virtual environment are found by name too: tests start `tincall`
    path = f"{Path(PYTHON).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    took = []
    for name in names or STEPS:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        status = subprocess.run(STEPS[name], cwd=ROOT, env=environment, check=False).returncode
        took.append(f"{name} {time.monotonic() - began:.1f} s")
        if status:
            print(f"== {name} FAILED (status {status}); " + ", ".join(took), flush=True)
            return 1
    print("== all passed: " + ", ".join(took), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
