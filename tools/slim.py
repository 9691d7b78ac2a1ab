"""What the compiler for boards need not see: lends it the numbers of other files, and takes out what only the source needs.

Compiled file by file, a name costs its text in each file, and a place in a table and in the heap. So before mpy-cross reads a
file, four things are done to its text; every line stays where it is, and functions keep their names, for tracebacks:

- The name of a number that another file marks by `const(...)` becomes the number: `framer.TEXT`, or `TEXT` after `from
  callcore.framer import TEXT`. mpy-cross does that itself within one file.
- The definition goes, since nobody is left who asks for it. Code that is not ours cannot ask for such a number at run time.
- An import goes when nothing of it is left, and from `callcore.compat` what the compiler itself knows.
- A private attribute, such as `self._buffer`, and private data of a file, such as `_TABLE`, get names of a letter, the same
  ones in each file: they are nobody else's. Firmware compiled with `--lines`, to look for faults, keeps the names.
"""

import ast
import functools
import itertools
import string
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parent.parent / "firmware"
_ROOMS = ("callcore", "handset")
_COMPAT = "callcore.compat"
# words that mpy-cross knows without any import
_KNOWN = ("const", "ptr8", "ptr16", "ptr32", "uint")
_BOARD = "MICROPYTHON"


@functools.cache
def _numbers(path: Path) -> dict[str, int]:
    """Give the numbers that a file marks by `const(...)` and shows to others, by name, and those it has from others."""
    found: dict[str, int] = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            theirs = numbers(node.module)
            found |= {alias.asname or alias.name: theirs[alias.name] for alias in node.names if alias.name in theirs}
        target, value = (node.targets[0], node.value) if isinstance(node, ast.Assign) else (None, None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Call) and _is_const(value):
            # one number may be made of those before it; it is our own file
            found[target.id] = eval(ast.unparse(value.args[0]), {}, found)
    return {name: value for name, value in found.items() if not name.startswith("_")}


def numbers(module: str) -> dict[str, int]:
    """Give the numbers of one of our modules, such as `callcore.framer`; none for a module that is not ours."""
    path = FIRMWARE / (module.replace(".", "/") + ".py")
    return _numbers(path) if module.split(".")[0] in _ROOMS and path.is_file() else {}


def _is_const(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "const"


class _Slimmer:
    """The changes to one file, each a place in its text and what shall stand there."""

    def __init__(self, text: str, own: dict[str, int], shortens: bool) -> None:
        self._tree = ast.parse(text)
        self._lines = [line.encode() for line in text.splitlines(keepends=True)]
        self._own = own
        self._shortens = shortens
        self._changes: list[tuple[tuple[int, int], tuple[int, int], bytes]] = []
        self._nodes = list(ast.walk(self._tree))
        names = [node for node in self._nodes if isinstance(node, ast.Name)]
        self._bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        self._arguments = {node.arg for node in self._nodes if isinstance(node, ast.arg)}
        # a local name may hide an import: then nothing is known of it
        self._hidden = self._bound | self._arguments

    def slim(self) -> str:
        if self._shortens:
            self._shorten()
        names, modules = self._lend()
        used = self._fold(names, modules)
        for node in self._nodes:
            if isinstance(node, ast.ImportFrom):
                self._import(node, names, modules, used)
        for statement in self._tree.body:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            if isinstance(target, ast.Name) and target.id in self._own:
                self._put(statement, "pass")
        return self._text()

    def _lend(self) -> tuple[dict[str, int | bool], dict[str, dict[str, int]]]:
        """Give the names that stand for numbers here, and the modules that have some, as this file calls them."""
        names: dict[str, int | bool] = dict(self._own)
        modules: dict[str, dict[str, int]] = {}
        for node in self._nodes:
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            theirs = numbers(node.module)
            for alias in node.names:
                called = alias.asname or alias.name
                if called in self._hidden:
                    continue
                if alias.name in theirs:
                    names[called] = theirs[alias.name]
                elif node.module == _COMPAT and alias.name == _BOARD:
                    names[called] = True
                elif has := numbers(f"{node.module}.{alias.name}"):
                    modules[called] = has
        return names, modules

    def _fold(self, names: dict[str, int | bool], modules: dict[str, dict[str, int]]) -> set[str]:
        """Put numbers in the place of names; gives the names that are still used."""
        used: set[str] = set()
        lent: set[int] = set()
        for node in self._nodes:  # what holds comes before what it holds
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                if node.attr in modules[node.value.id]:
                    self._put(node, _literal(modules[node.value.id][node.attr]))
                    lent.add(id(node.value))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in lent:
                if node.id in names:
                    self._put(node, _literal(names[node.id]))
                else:
                    used.add(node.id)
        return used

    def _import(
        self, node: ast.ImportFrom, names: dict[str, int | bool], modules: dict[str, object], used: set[str]
    ) -> None:
        left = []
        for alias in node.names:
            called = alias.asname or alias.name
            goes = called in names or called in modules and called not in used
            if node.module == _COMPAT:
                goes = goes or alias.name in _KNOWN or alias.name == "micropython" and not self._asks_micropython()
            if not goes:
                left.append(alias)
        if len(left) < len(node.names):
            self._put(node, ast.unparse(ast.ImportFrom(node.module, left, node.level)) if left else "pass")

    def _shorten(self) -> None:
        """Give private attributes and private data of the file short names, in the order in which they come."""
        attributes = [node for node in self._nodes if isinstance(node, ast.Attribute)]
        # asked of somebody else, or the name of a function
        theirs = {node.attr for node in attributes if not isinstance(node.value, ast.Name) or node.value.id != "self"}
        theirs |= {str(getattr(node, "name", None)) for node in self._nodes} | self._arguments
        data = self._private_data()
        words = [node for node in self._nodes if isinstance(node, ast.Name) and node.id in data - theirs]
        words += [node for node in attributes if node.attr not in theirs | self._bound]
        short: dict[str, str] = {}
        letters = (f"_{letter}" for letter in itertools.chain(string.ascii_lowercase, itertools.count()))
        free = (name for name in letters if name not in theirs | self._bound)
        for node in sorted(words, key=lambda node: (node.lineno, node.col_offset)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name.startswith("_") and not name.startswith("__"):
                if name not in short:
                    short[name] = next(free)
                assert node.end_lineno is not None and node.end_col_offset is not None
                start, end = (
                    (node.end_lineno - 1, node.end_col_offset - len(name)),
                    (node.end_lineno - 1, node.end_col_offset),
                )
                self._changes.append((start, end, short[name].encode()))

    def _private_data(self) -> set[str]:
        """Name what is bound at the head of the file, nowhere else, and is no number that mpy-cross folds.

        None of a file with machine code, which tools/viper_machine.py runs beside the source: both go by the same names.
        """
        if any(isinstance(node, ast.Attribute) and ast.unparse(node) == "micropython.viper" for node in self._nodes):
            return set()
        targets = [
            node.targets[0] for node in self._tree.body if isinstance(node, ast.Assign) and not _is_const(node.value)
        ]
        heads = [target.id for target in targets if isinstance(target, ast.Name)]
        stored = [node.id for node in self._nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        return {name for name in heads if name.startswith("_") and stored.count(name) == 1}

    def _asks_micropython(self) -> bool:
        """Tell whether the module of that name is used for more than to mark functions."""
        asked = [
            node.attr
            for node in self._nodes
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "micropython"
        ]
        return any(name != "viper" for name in asked)

    def _put(self, node: ast.expr | ast.stmt, text: str) -> None:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start, end = (node.lineno - 1, node.col_offset), (node.end_lineno - 1, node.end_col_offset)
        self._changes.append((start, end, text.encode()))

    def _text(self) -> str:
        kept: list[tuple[tuple[int, int], tuple[int, int], bytes]] = []
        for change in sorted(self._changes):
            # a change within another is gone with it
            if not kept or change[0] >= kept[-1][1]:
                kept.append(change)
        # from the last to the first, so that the places before keep
        for (line, column), (last, end), text in reversed(kept):
            rest = self._lines[last][end:]
            self._lines[line] = self._lines[line][:column] + text + rest
            for between in range(line + 1, last + 1):
                self._lines[between] = b"\n"
            if last > line and not rest.endswith(b"\n"):
                self._lines[line] += b"\n"
        return b"".join(self._lines).decode()


def _literal(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def slim(text: str, path: Path, keeps_names: bool = False) -> str:
    """Take out of a file what the compiler for boards need not see.

    Args:
        text: Python.
        path: the file it came from, which says which numbers it shows to others.
        keeps_names: whether private attributes keep their names.

    Returns:
        As many lines.

    Raises:
        SyntaxError: it is no Python.
    """
    ours = path.parent.parent == FIRMWARE and path.parent.name in _ROOMS
    return _Slimmer(text, _numbers(path) if ours else {}, ours and not keeps_names).slim()
