#!/usr/bin/env python3
"""Set up a checkout: virtual environment, dependencies, MicroPython, speech. Doing it twice costs nothing.

    tools/setup.py demo     what `tincall demo` needs
    tools/setup.py tests    that and what the checks and tests need

A demo makes do without a compiler (then without the speech score) and without MicroPython (then the board runs under
CPython), and says so; tests do not. The tests of the phone's page need Chromium: root gets it from Debian, others are told how,
and without one those tests are left out, except in CI.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RECORD = VENV / "tincall-setup.json"
LOG = VENV / "pip.log"
EXTRAS = {"demo": ["codecs", "judge"], "tests": ["boards", "codecs", "judge", "dev"]}
# what may drive the phone's page, as tests/e2e/browser.py looks for it
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_PACKAGES = ["chromium", "fonts-dejavu-core"]
# has no wheels and is built on the spot
NEEDS_COMPILER = "pesq"


class SetupError(Exception):
    """Setting up cannot go on; the text says what to do."""


def say(text: str) -> None:
    """Tell the person at the keyboard how far we are."""
    print(f"setup: {text}", flush=True)


def _apt_install(packages: list[str], only_in_ci: bool = True) -> bool:
    """Put Debian packages in where that is ours to do: as root, and in CI unless told otherwise. Tell whether it was done."""
    if (only_in_ci and not os.environ.get("CI")) or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say("installing " + " ".join(packages))
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-q", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}")
            return False
    return True


def _can_make_venv() -> bool:
    return subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


def _can_compile() -> bool:
    headers = Path(sysconfig.get_paths()["include"], "Python.h")
    return headers.is_file() and any(shutil.which(name) for name in ("cc", "gcc", "clang"))


def make_venv() -> None:
    """Make the virtual environment unless there is one that works.

    Raises:
        SetupError: this Python cannot make one.
    """
    python = VENV / "bin/python"
    if python.exists() and subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    if not _can_make_venv() and not (_apt_install(["python3-venv"]) and _can_make_venv()):
        raise SetupError(
            "this Python has no venv and ensurepip. On Debian or Ubuntu: sudo apt-get install python3-venv"
        )
    say("making .venv")
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
    if done.returncode:
        raise SetupError(f"python3 -m venv failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _pip_install(*what: str) -> bool:
    python = str(VENV / "bin/python")
    # pip compiles one file after the other; a few that are for other Pythons do not compile, which is of no account
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-compile", *what]
    with LOG.open("a") as log:
        is_in = subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT).returncode == 0
        if is_in:
            command = [python, "-m", "compileall", "-q", "-j", "0", str(VENV / "lib")]
            subprocess.run(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    return is_in


def _without_compiler() -> list[str]:
    """Name what the demo needs besides, less the one package that must be compiled."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return [one for extra in EXTRAS["demo"] for one in extras[extra] if not one.startswith(NEEDS_COMPILER)]


def install(purpose: str) -> bool:
    """Install the project and its dependencies into the virtual environment.

    Args:
        purpose: `demo` or `tests`.

    Returns:
        Whether everything is in; False when the demo goes without its speech score.

    Raises:
        SetupError: pip failed; the end of its log is in the text.
    """
    LOG.unlink(missing_ok=True)
    if not _can_compile():
        _apt_install(["build-essential", "python3-dev"])
    say("installing the dependencies (about 100 MB the first time)")
    if _pip_install("-e", f".[{','.join(EXTRAS[purpose])}]"):
        return True
    compiler = (
        f"{NEEDS_COMPILER}, which scores the speech, has to be compiled. On Debian or Ubuntu: "
        "sudo apt-get install build-essential python3-dev"
    )
    if not _can_compile():
        if purpose == "tests":
            raise SetupError(compiler)
        say(f"going without a speech score: {compiler}")
        if _pip_install("-e", ".", *_without_compiler()):
            return False
    tail = "\n".join(LOG.read_text(errors="replace").splitlines()[-15:])
    raise SetupError(f"pip failed; is there a network? The end of {LOG}:\n{tail}")


def _fingerprint() -> str:
    """Name what an installation depends on: what we ask for, and the interpreter it was made with."""
    return hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()


def already(purpose: str) -> bool:
    """Tell whether an earlier run has left all that is needed."""
    try:
        record = json.loads(RECORD.read_text())
        same = record["fingerprint"] == _fingerprint() and Path(record["at"]) == ROOT
        # what had to be left out for want of a compiler is tried again when there is one
        return same and purpose in record["for"] and (bool(record["whole"]) or not _can_compile())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def get_micropython(purpose: str) -> None:
    """Fetch MicroPython and speech; only a demo outside CI goes on without.

    Raises:
        SetupError: they cannot be had.
    """
    command = [str(VENV / "bin/python"), str(ROOT / "tools/upy.py"), "get"]
    quiet = ["--quiet"] if (ROOT / ".cache/upy/lock.json").exists() else []
    if subprocess.run([*command, *quiet], cwd=ROOT).returncode == 0:
        return
    if os.environ.get("CI"):
        raise SetupError("CI needs MicroPython; see above")
    say("going on without what is missing; a board without MicroPython runs under CPython")


def get_browser() -> None:
    """See to it that there is a Chromium for the tests of the phone's page; outside CI they can be left out.

    Raises:
        SetupError: CI has none and cannot get one.
    """
    if _has_browser() or (_apt_install(BROWSER_PACKAGES, only_in_ci=False) and _has_browser()):
        return
    if os.environ.get("CI"):
        raise SetupError("CI needs Chromium for the tests of the phone's page, and apt-get could not install it")
    say(
        "going on without Chromium; tests of the phone's page are left out. On Debian or Ubuntu: "
        "sudo apt-get install chromium. Elsewhere, name a Chromium in TINCALL_CHROMIUM."
    )


def _has_browser() -> bool:
    named = os.environ.get("TINCALL_CHROMIUM")
    return bool(named and shutil.which(named)) or any(shutil.which(name) for name in BROWSERS)


def main(purpose: str) -> None:
    """Set up for a purpose.

    Raises:
        SetupError: it cannot be done here.
    """
    is_here = already(purpose)
    if not is_here:
        make_venv()
    # it needs no package, and waits for the network while pip unpacks
    with ThreadPoolExecutor(1) as beside:
        fetched = beside.submit(get_micropython, purpose)
        if not is_here:
            whole = install(purpose)
            done = ["demo", "tests"] if purpose == "tests" else ["demo"]
            record = {"fingerprint": _fingerprint(), "for": done, "whole": whole, "at": str(ROOT)}
            RECORD.write_text(json.dumps(record) + "\n")
        fetched.result()
    if purpose == "tests":
        get_browser()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in EXTRAS:
        sys.exit("usage: tools/setup.py demo|tests")
    try:
        main(sys.argv[1])
    except SetupError as error:
        sys.exit(f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
