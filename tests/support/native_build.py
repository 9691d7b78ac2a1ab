"""Builds `host/native` against the stand-in library, plain or with a sanitizer."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NATIVE = ROOT / "host/native"
STANDIN = ROOT / "tests/support/native_sdk"
# what a build is made with; a sanitizer stops the program at its first find, with its own exit status
SANITIZERS = {
    "plain": "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong",
    "address": "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all",
    "thread": "-O1 -fsanitize=thread",
}


# deadlines short enough to be waited for
QUICK = "-DINIT_MS=400 -DJOIN_MS=400 -DHANGUP_MS=300 -DLATE_JOIN_MS=200 -DLEAVE_S=1"


def compiler():
    """Name the C compiler, or None when there is none."""
    return shutil.which("gcc") or shutil.which("cc")


def build(folder, sanitizer="plain", is_old=False, is_quick=False):
    """Build stand-in and room end into `folder`.

    Args:
        folder: where; made if missing.
        sanitizer: a name of `SANITIZERS`.
        is_old: whether the library's header is of the older kind, with one listener function.
        is_quick: whether the deadlines are those of `QUICK`.

    Returns:
        The room end's path.
    """
    sdk = folder / "sdk"
    shutil.copytree(STANDIN, sdk)
    (sdk / "lib").mkdir()
    if is_old:
        _make_old(sdk / "include/wmpf/cloudvoip_server.h")
    flags = [*SANITIZERS[sanitizer].split(), "-g", *(QUICK.split() if is_quick else ())]
    library = ["-fPIC", "-shared", f"-I{sdk}/include", f"{sdk}/src/standin.c", "-lpthread"]
    strict = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    run([compiler(), *strict, *flags, *library, "-o", f"{sdk}/lib/libwxcloudvoip_server.so"])
    out = folder / "tincall-room-end"
    settings = [f"SDK={sdk}", f"OUT={out}", f"CC={compiler()}", "CRYPTO_LIBS=", f"CFLAGS={' '.join(flags)}"]
    run(["make", "-s", "-C", str(NATIVE), *settings])
    return out


def run(command):
    """Run a build step; its words are in the error when it fails."""
    # as a user's make has it, whatever runs the tests
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    assert done.stderr == "", done.stderr


def _make_old(header):
    """Take out what only newer headers have."""
    kept, is_in = [], True
    for line in header.read_text().splitlines():
        if "/* BEGIN" in line:
            is_in = False
        if is_in:
            kept.append(line)
        if "/* END" in line:
            is_in = True
    header.write_text("\n".join(kept) + "\n")
