"""What is taken out of the sources before they are compiled for boards: nothing that anybody would miss."""

import ast
import re
from pathlib import Path

import build
import pytest
import slim

ELSEWHERE = Path("elsewhere.py")


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A firmware of two files that show numbers."""
    (tmp_path / "callcore").mkdir()
    (tmp_path / "callcore/near.py").write_text(
        "from callcore.compat import const\n_A = const(2)\nB = const(_A * 5)\nC = const(-7)\nD = (1, 2)\n"
    )
    (tmp_path / "callcore/far.py").write_text("from callcore.near import B\nE = 4\n")
    monkeypatch.setattr(slim, "FIRMWARE", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("from callcore import near\nx = near.B + near.C\n", "pass\nx = 10 + (-7)\n"),
        ("from callcore import near\nx = near.B, near.D\n", "from callcore import near\nx = 10, near.D\n"),
        (
            "from callcore.near import (\n    B,\n    D,\n)\nx = B, D\n",
            "from callcore.near import D\n\n\n\nx = 10, D\n",
        ),
        ("from callcore.near import C as c\nx = c\n", "pass\nx = (-7)\n"),
        # by way of a file that has it from another
        ("from callcore import far\nx = far.B, far.E\n", "from callcore import far\nx = 10, far.E\n"),
        # within a function, where the import stands and where it does not
        ("def f():\n    from callcore.near import B\n    return B\n", "def f():\n    pass\n    return 10\n"),
        # what is called the same and is not the same
        ("from callcore import near\ndef f(near):\n    return near.B\n", None),
        ("from other import near\nx = near.B\n", None),
        (
            "from callcore.compat import const, ticks_add, ptr8\nX = const(1)\n",
            "from callcore.compat import ticks_add\nX = const(1)\n",
        ),
        ("from callcore.compat import micropython\nx = micropython.heap_lock\n", None),
        (
            "from callcore.compat import micropython\n@micropython.viper\ndef f():\n    pass\n",
            "pass\n@micropython.viper\ndef f():\n    pass\n",
        ),
        ("from callcore.compat import MICROPYTHON\nx = MICROPYTHON and y\n", "pass\nx = True and y\n"),
        ("x = 'ö', 1\n", None),
    ],
)
def test_numbers_are_lent_and_what_nobody_needs_goes(firmware: Path, text: str, want: str | None) -> None:
    assert slim.slim(text, ELSEWHERE) == (text if want is None else want)


def test_private_attributes_and_data_get_short_names_and_functions_keep_theirs(firmware: Path) -> None:
    text = (
        "_TABLE = (1, 2)\n_local = 3\nclass Near:\n    _shared = 1\n"
        "    def __init__(self, other):\n        self._buffer = _TABLE\n        self.shown = self._buffer\n"
        "        self._asked = other._asked\n        self._count = self._do()\n"
        "    def _do(self, _local):\n        return self._count + _local + self._shared\n"
    )
    want = text.replace("_TABLE", "_a").replace("_buffer", "_b").replace("_count", "_c")
    near = firmware / "callcore/near.py"
    assert slim.slim(text, near) == want
    assert slim.slim(text, near, keeps_names=True) == text
    assert slim.slim(text, ELSEWHERE) == text


def test_nobody_asks_a_board_for_a_private_name() -> None:
    asked = re.compile(r"(?<!self)(?<!\w)(\w+)\._[a-z]")
    for name in ("on_board.py", "probes.py"):
        found = asked.findall((build.ROOT / "host/tincall/workbench" / name).read_text())
        assert not found, f"{name} asks {found}"


def test_a_number_is_not_defined_where_all_have_it(firmware: Path) -> None:
    near = firmware / "callcore/near.py"
    assert slim.slim(near.read_text(), near) == "pass\n_A = const(2)\npass\npass\nD = (1, 2)\n"


def _shown(tree: ast.Module) -> set[str]:
    """Name what a file defines or imports at its head, whichever way its conditions go."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_all_that_a_board_asks_of_our_files_is_there() -> None:
    trees = {}
    for path in build.sources():
        text = path.read_text()
        slimmed = slim.slim(text, path)
        assert slimmed.count("\n") == text.count("\n"), path
        trees[".".join(path.relative_to(build.FIRMWARE).with_suffix("").parts)] = ast.parse(slimmed)
    shown = {module: _shown(tree) for module, tree in trees.items()}
    asked = 0
    for module, tree in trees.items():
        modules = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    if f"{node.module}.{alias.name}" in shown:
                        modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    elif node.module in shown:
                        assert alias.name in shown[node.module], f"{module} imports {alias.name} from {node.module}"
                        asked += 1
        for node in ast.walk(tree):
            # a local name may be called like a module; a name in capitals is not asked of such
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr.isupper():
                called = node.value.id
                if called in modules:
                    assert node.attr in shown[modules[called]], f"{module}: {called}.{node.attr}"
                    asked += 1
    assert asked > 100
