#!/usr/bin/env python3
"""Hold the import plan (tools/layers.toml) against the code, and refuse what would switch certificate checks off.

    tools/layers.py [FOLDER]      FOLDER is a checkout; this one by default

Reads source, imports nothing. Prints `path:line: what` for each breach and exits 1 when there is one.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# where our packages lie, and the prefix by which they are imported from there
ROOTS = ("firmware", "host")
OURS = ("callcore", "handset", "tincall", "chips")
SEAM = "MICROPYTHON"


@dataclass(frozen=True)
class Import:
    """One import statement's one name.

    Args:
        module: as far as it is known to be a module or package, `tincall.relay.gate`.
        line: where.
        guarded: it stands under an `if` that asks which interpreter runs.
    """

    module: str
    line: int
    guarded: bool


@dataclass(frozen=True)
class Room:
    """One line of the plan; the fields are those of layers.toml."""

    name: str
    modules: tuple[str, ...]
    imports: tuple[str, ...]
    outside: tuple[str, ...] | None
    forbidden: tuple[str, ...]
    siblings: tuple[str, ...] | None
    meets_in: str


def load_plan(file: Path) -> list[Room]:
    """Read layers.toml."""
    rooms = tomllib.loads(file.read_text())["rooms"]
    return [
        Room(
            name,
            tuple(room["modules"]),
            tuple(room["imports"]),
            tuple(room["outside"]) if "outside" in room else None,
            tuple(room.get("forbidden", ())),
            tuple(room["siblings"]) if "siblings" in room else None,
            room.get("meets_in", ""),
        )
        for name, room in rooms.items()
    ]


def room_of(module: str, plan: list[Room]) -> Room | None:
    """Give the room a module belongs to: the longest prefix that the plan names."""
    best, length = None, -1
    for room in plan:
        for prefix in room.modules:
            # the bare package `tincall` is a room's member, everything below it has to be named
            exact = prefix == module
            if (exact or (prefix != "tincall" and module.startswith(prefix + "."))) and len(prefix) > length:
                best, length = room, len(prefix)
    return best


def module_name(file: Path, root: Path) -> str:
    """Give the name under which a file is imported."""
    parts = list(file.relative_to(root).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def _is_module(name: str, roots: list[Path]) -> bool:
    path = name.replace(".", "/")
    return any((root / f"{path}.py").is_file() or (root / path).is_dir() for root in roots)


def _guards(tree: ast.AST) -> set[ast.AST]:
    """Collect the nodes that stand under an `if` on the interpreter."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and any(isinstance(n, ast.Name) and n.id == SEAM for n in ast.walk(node.test)):
            for branch in [*node.body, *node.orelse]:
                found.update(ast.walk(branch))
    return found


def imports_of(tree: ast.AST, package: str, roots: list[Path]) -> Iterator[Import]:
    """Give all that a file imports, wherever in it the statement stands.

    Args:
        tree: the parsed file.
        package: package of the file, for relative imports.
        roots: folders from which our packages are imported.
    """
    guarded = _guards(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, node in guarded)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(full if _is_module(full, roots) else base, node.lineno, node in guarded)


def _judge_import(module: str, room: Room, one: Import, plan: list[Room]) -> str:
    """Say what is wrong with an import, or nothing."""
    head = one.module.split(".")[0]
    target = room_of(one.module, plan)
    if target is None and head not in OURS:
        if head == "typing" and room.name in ("callcore", "handset"):
            return "" if one.guarded else f"typing is not there on boards: import it under `if not {SEAM}`"
        if room.outside is not None and head not in room.outside:
            return f"{room.name} may not import {head}"
        return f"{room.name} may not import {head}" if head in room.forbidden else ""
    if target is None:
        return f"{one.module} has no room in layers.toml"
    if target.name != room.name:
        return "" if target.name in room.imports else f"{room.name} may not import {target.name} ({one.module})"
    beyond = room.siblings is not None and one.module not in (*room.siblings, module, *room.modules)
    if beyond and module != room.meets_in:
        return f"{module} may not import its sibling {one.module}; they meet in {room.meets_in}"
    return ""


def judge_trust(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Find what switches certificate checks off."""
    for node in ast.walk(tree):
        names = (
            getattr(node, "id", None),
            getattr(node, "attr", None),
            node.value if isinstance(node, ast.Constant) else None,
        )
        if isinstance(node, ast.expr) and ("CERT_NONE" in names or "_create_unverified_context" in names):
            yield node.lineno, "certificates are always checked: no CERT_NONE"
        if isinstance(node, ast.keyword) and node.arg in ("verify", "check_hostname") and _is_false(node.value):
            yield node.value.lineno, f"certificates are always checked: no {node.arg}=False"
        if isinstance(node, ast.Assign) and _is_false(node.value):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in ("verify", "verify_mode", "check_hostname"):
                    yield node.lineno, f"certificates are always checked: no {target.attr} = False"


def _is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in (False, 0)


def _modules(checkout: Path) -> Iterator[tuple[Path, str]]:
    """Give every file with an import rule and the name under which it is imported."""
    for root in (checkout / name for name in ROOTS):
        for file in sorted(root.rglob("*.py")):
            # read by the freezing tool, imported by nobody
            if not file.stem.startswith("manifest"):
                yield file, module_name(file, root)
    for file in sorted((checkout / "boards").glob("*/board.py")):
        yield file, "board"


def import_breaches(checkout: Path, plan: list[Room]) -> Iterator[str]:
    """Give every import that the plan does not allow."""
    roots = [checkout / name for name in ROOTS]
    for file, module in _modules(checkout):
        where = file.relative_to(checkout)
        room = room_of(module, plan)
        if room is None:
            yield f"{where}:1: {module} has no room in layers.toml"
            continue
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for one in imports_of(ast.parse(file.read_text(), str(file)), package, roots):
            wrong = _judge_import(module, room, one, plan)
            if wrong:
                yield f"{where}:{one.line}: {wrong}"


def trust_breaches(checkout: Path) -> Iterator[str]:
    """Give every place, tests and tools included, that would switch a certificate check off."""
    for folder in ("firmware", "host", "boards", "tests", "tools"):
        for file in sorted((checkout / folder).rglob("*.py")):
            # this file and its test have to name what they look for
            if file.name not in ("layers.py", "test_layers.py"):
                for line, wrong in judge_trust(ast.parse(file.read_text(), str(file))):
                    yield f"{file.relative_to(checkout)}:{line}: {wrong}"


def breaches(checkout: Path, plan: list[Room]) -> Iterator[str]:
    """Give every breach in a checkout as `path:line: what`."""
    yield from import_breaches(checkout, plan)
    yield from trust_breaches(checkout)


def main(argv: list[str]) -> int:
    """Check a checkout and give the exit status."""
    checkout = Path(argv[0]).resolve() if argv else ROOT
    found = list(breaches(checkout, load_plan(checkout / "tools/layers.toml")))
    for line in found:
        print(line)
    print(f"layers: {len(found)} breaches" if found else "layers: the code keeps the plan")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
