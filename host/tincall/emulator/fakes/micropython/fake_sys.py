"""`sys` and `os` as a board has them: they say what the interpreter is, or what it pretends to be, and are else the real ones.

The real modules cannot be written to, so these stand in their places among the loaded ones. What is pretended comes as JSON in
`TINCALL_PRETEND`: `version` (list), `mpy` (number of `_mpy`), `machine`, `platform`.
"""

import json
import os as real_os
import sys as real_sys
from collections import namedtuple

_MACHINE = "Emulated board with unix port"
_FIELDS = ("name", "version", "_machine", "_mpy", "_build")
_Implementation = namedtuple("implementation", _FIELDS)
_Uname = namedtuple("uname_result", ("sysname", "nodename", "release", "version", "machine"))


class _Sys:
    """`sys`; what is not here is the real one's."""

    def __getattr__(self, name):
        return getattr(real_sys, name)


class _Os:
    """`os`; what is not here is the real one's."""

    def __getattr__(self, name):
        return getattr(real_os, name)


def leave(status=None):
    """End what runs, with a soft reset; never returns."""
    raise SystemExit(status)


def stand_in():
    """Take the places of the real modules."""
    pretended = json.loads(real_os.getenv("TINCALL_PRETEND") or "{}")
    real = real_sys.implementation
    version = tuple(pretended.get("version") or real.version)
    machine = pretended.get("machine") or _MACHINE
    sys, os = _Sys(), _Os()
    sys.implementation = _Implementation(
        "micropython", version, machine, pretended.get("mpy") or real._mpy, real._build
    )
    sys.platform = pretended.get("platform") or real_sys.platform
    dotted = ".".join(str(part) for part in version[:3])
    sys.version = "%s; MicroPython v%s" % (real_sys.version.split(";")[0], dotted)
    os.uname = lambda: _Uname(sys.platform, sys.platform, dotted, "v" + dotted, machine)
    os.sync = lambda: None
    for name, module in (("sys", sys), ("os", os), ("usys", sys), ("uos", os)):
        real_sys.modules[name] = module
