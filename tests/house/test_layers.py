"""The import plan holds, and tools/layers notices when it does not."""

import re
import shutil
from pathlib import Path

import layers
import pytest


def test_the_code_keeps_the_plan(checkout: Path) -> None:
    plan = layers.load_plan(checkout / "tools/layers.toml")
    assert list(layers.breaches(checkout, plan)) == []


@pytest.fixture
def copy(checkout: Path, tmp_path: Path) -> Path:
    """Give a checkout with all our modules, each of them empty."""
    for name in ("firmware", "host", "boards"):
        for file in (checkout / name).rglob("*.py"):
            empty = tmp_path / file.relative_to(checkout)
            empty.parent.mkdir(parents=True, exist_ok=True)
            empty.touch()
    (tmp_path / "tools").mkdir()
    shutil.copy(checkout / "tools/layers.toml", tmp_path / "tools")
    return tmp_path


PLANTED = [
    ("firmware/callcore/planted.py", "import time", "callcore may not import time"),
    ("firmware/callcore/planted.py", "def f():\n    import socket", "callcore may not import socket"),
    ("firmware/callcore/planted.py", "from tincall import ids", "callcore may not import ground"),
    ("firmware/callcore/planted.py", "import typing", "typing is not there on boards"),
    ("firmware/handset/planted.py", "import ssl", "handset may not import ssl"),
    ("firmware/handset/planted.py", "from tincall.relay import gate", "handset may not import relay"),
    ("firmware/handset/planted.py", "import tincall", "handset may not import ground"),
    ("firmware/handset/planted.py", "from handset.voice import Voice", "they meet in handset.app"),
    ("boards/EMULATED/board.py", "from tincall import ids", "board may not import ground"),
    ("host/tincall/relay/planted.py", "from tincall.worker import protocol", "relay may not import worker"),
    ("host/tincall/relay/planted.py", "from ..worker import protocol", "relay may not import worker"),
    ("host/tincall/relay/store/planted.py", "from ...worker import protocol", "relay may not import worker"),
    ("host/tincall/relay/planted.py", "from tincall import worker", "relay may not import worker"),
    ("host/tincall/worker/planted.py", "import tincall.cli.main", "worker may not import cli"),
    ("host/tincall/emulator/planted.py", "from handset import app", "emulator may not import handset"),
    ("host/tincall/measure/planted.py", "from tincall.cli import main", "measure may not import cli"),
    ("host/tincall/errors.py", "from tincall.relay import gate", "ground may not import relay"),
    ("host/tincall/planted.py", "", "tincall.planted has no room"),
    ("host/tincall/planted/planted.py", "", "tincall.planted.planted has no room"),
    ("host/tincall/cli/planted.py", "import ssl\nx = ssl.CERT_NONE", "no CERT_NONE"),
    ("firmware/handset/planted.py", "import tls\nx = getattr(tls, 'CERT_NONE')", "no CERT_NONE"),
    ("firmware/handset/planted.py", "def f(c):\n    c.verify_mode = 0", "no verify_mode = False"),
    ("host/tincall/cli/planted.py", "def f(c):\n    c.check_hostname = False", "no check_hostname = False"),
    ("host/tincall/cli/planted.py", "import requests\nrequests.get('x', verify=False)", "no verify=False"),
]


@pytest.mark.parametrize(("path", "text", "expected"), PLANTED, ids=[f"{p}:{t[:30]!r}" for p, t, _ in PLANTED])
def test_a_planted_breach_is_found_and_named(copy: Path, path: str, text: str, expected: str) -> None:
    plan = layers.load_plan(copy / "tools/layers.toml")
    (copy / path).parent.mkdir(parents=True, exist_ok=True)
    (copy / path).write_text(text + "\n")
    found = [line for line in layers.breaches(copy, plan) if line.startswith(f"{path}:")]
    assert len(found) == 1
    assert expected in found[0]


ALLOWED = [
    ("firmware/callcore/planted.py", "from callcore.compat import MICROPYTHON\nif not MICROPYTHON:\n    import typing"),
    ("firmware/handset/planted.py", "from callcore import wire\nfrom handset import clock\nimport machine"),
    ("firmware/handset/app.py", "from handset.voice import Voice\nfrom handset import link"),
    ("host/tincall/simulator/planted.py", "from tincall.worker import protocol\nfrom callcore import wire"),
    ("host/tincall/cli/planted.py", "from tincall.relay import gate\nimport tincall"),
]


@pytest.mark.parametrize(("path", "text"), ALLOWED, ids=[path for path, _ in ALLOWED])
def test_what_the_plan_allows_is_left_alone(copy: Path, path: str, text: str) -> None:
    plan = layers.load_plan(copy / "tools/layers.toml")
    (copy / path).write_text(text + "\n")
    assert [line for line in layers.breaches(copy, plan) if line.startswith(f"{path}:")] == []


def test_the_program_fails_on_a_breach(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "firmware/callcore/planted.py").write_text("import os\n")
    assert layers.main([str(copy)]) == 1
    assert "firmware/callcore/planted.py:1: callcore may not import os" in capsys.readouterr().out


def _rooms_on_the_page(checkout: Path) -> set[str]:
    """Give the modules named in the first column of the table in docs/architecture.md."""
    found: set[str] = set()
    for path in re.findall(
        r"^\| `(?:firmware|host)/([^`]+)` \|", (checkout / "docs/architecture.md").read_text(), re.M
    ):
        head, _, several = path.partition("{")
        found.update(head.replace("/", ".") + name for name in several.rstrip("}").split(","))
    return found


def test_the_plan_is_the_one_on_the_architecture_page(checkout: Path) -> None:
    # the page speaks of folders and files; these hold nothing or are data
    beside = {"tincall", "tincall.__main__", "main", "boot", "board"}
    planned = {module for room in layers.load_plan(checkout / "tools/layers.toml") for module in room.modules}
    assert _rooms_on_the_page(checkout) == planned - beside
