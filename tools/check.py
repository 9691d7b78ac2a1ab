#!/usr/bin/env python3
"""Run every check and test in the order in which CI does; stop before the next group when something fails.

    tools/check.py [STEP...]      all steps, or the named ones

In CI (the variable CI is set) a missing MicroPython is a failure; elsewhere it is a notice.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
PYTEST = [PYTHON, "-m", "pytest"]
TESTS = ROOT / "tests"


def marked(mark: str) -> list[str]:
    """Name the test files that use a mark: a step that wants no others need not read them.

    The last by name come first: among those that keep step with time, the longest calls are in tests/wechat.
    """
    found = (str(path.relative_to(ROOT)) for path in TESTS.rglob("test_*.py") if f"mark.{mark}" in path.read_text())
    return sorted(found, reverse=True)


# cheapest first; what measures comes last and alone, so that nothing else holds the machine
STEPS = {
    "lint": [PYTHON, "-m", "ruff", "check"],
    "format": [PYTHON, "-m", "ruff", "format", "--check"],
    "types": [PYTHON, "-m", "mypy"],
    "stubs": [PYTHON, "tools/stubs.py"],
    "layers": [PYTHON, "tools/layers.py"],
    "vectors": [PYTHON, "tools/vectors.py", "--check"],
    "miniprogram": [PYTHON, "tools/node_tests.py"],
    # read once, tests are compiled for all the processes that read them afterwards
    "collect": [*PYTEST, "--collect-only", "-qqq", "-m", "paced"],
    "core": [PYTHON, "tools/upy.py", "run", "tests/core", "--on", "unix,unix32"],  # CPython has them among "tests"
    # more than there are processors: a test waits a good part of its time
    "tests": [*PYTEST, "-n", "5", "--dist", "worksteal", "-m", "not paced and not alone and not long"],
    "paced": [*PYTEST, "-n", "3", "--dist", "loadgroup", "-m", "paced and not long", *marked("paced")],
    "alone": [*PYTEST, "-m", "alone and not long", *marked("alone")],
}
# these do not disturb each other: two at once, the words of each when it ends
TOGETHER = ("collect", "core", "lint", "format", "types", "stubs", "layers", "vectors", "miniprogram")
AT_ONCE = 2


def main(names: list[str]) -> int:
    """Run steps and give the exit status of the first that failed, or 0."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"check: no step {unknown[0]!r}; there are {', '.join(STEPS)}", file=sys.stderr)
        return 2
    # programs of the virtual environment are found by name too: tests start `tincall`
    path = f"{Path(PYTHON).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    # where containers set it, each of hundreds of processes would compile all it imports
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    # each would start threads for arithmetic of which a test does too little to gain
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")
    took: list[str] = []

    def run(name: str, is_told_at_the_end: bool) -> int:
        """Run a step; gives its exit status."""
        if not is_told_at_the_end:
            print(f"== {name}", flush=True)
        began = time.monotonic()
        told = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if is_told_at_the_end else {}
        done = subprocess.run(STEPS[name], cwd=ROOT, env=environment, check=False, text=True, **told)
        took.append(f"{name} {time.monotonic() - began:.1f} s")
        if is_told_at_the_end:
            print(f"== {name}\n{done.stdout}", end="", flush=True)
        return done.returncode

    chosen = names or list(STEPS)
    together = [name for name in TOGETHER if name in chosen]  # the longest stands first
    with ThreadPoolExecutor(AT_ONCE) as lanes:
        statuses = dict(zip(together, lanes.map(lambda name: run(name, True), together), strict=True))
    for name in chosen:
        if name not in statuses:
            if any(statuses.values()):
                break
            statuses[name] = run(name, False)
    failed = [f"{name} FAILED (status {status})" for name, status in statuses.items() if status]
    if failed:
        print(f"== {', '.join(failed)}; {', '.join(took)}", flush=True)
        return 1
    print("== all passed: " + ", ".join(took), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
