"""Rebuild the golden vectors in tests/vectors and show every difference; never silently.

Each family of vectors is a module `tools/vector_<name>.py` with `build() -> dict`, whose result becomes
`tests/vectors/<name>.json`. A generator says the same thing as the code under test in another way, or quotes a
standard; it never asks that code.

    tools/vectors.py            show what would change, write it
    tools/vectors.py --check    show what would change, write nothing, exit 1 if anything would
    tools/vectors.py NAME ...   only these families
"""

import argparse
import difflib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).resolve().parent
VECTORS = TOOLS.parent / "tests" / "vectors"


def families() -> list[str]:
    """Name every family that has a generator."""
    return sorted(path.stem.removeprefix("vector_") for path in TOOLS.glob("vector_*.py"))


def as_text(value: Any, indent: int = 0) -> str:
    """Write JSON with one entry of an object, or one case of a list of objects, on a line."""
    inner = " " * (indent + 1)
    if isinstance(value, dict) and value:
        rows = [f"{inner}{json.dumps(key)}: {as_text(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        rows = [f"{inner}{json.dumps(item)}" for item in value]
        return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
    return json.dumps(value)


def rebuilt(name: str) -> str:
    """Build one family.

    Raises:
        ValueError: what was built does not survive JSON.
    """
    sys.path.insert(0, str(TOOLS))
    try:
        content = importlib.import_module("vector_" + name).build()
    finally:
        sys.path.remove(str(TOOLS))
    if json.loads(json.dumps(content)) != content:
        raise ValueError(f"vector_{name}.build() gives something that JSON cannot hold")
    return as_text(content) + "\n"


def difference(name: str, text: str) -> list[str]:
    """Give the lines of a unified difference between the file as it is and `text`; none when they are equal."""
    path = VECTORS / f"{name}.json"
    before = path.read_text().splitlines() if path.exists() else []
    label = f"tests/vectors/{name}.json"
    return list(difflib.unified_diff(before, text.splitlines(), label, label + " (rebuilt)", lineterm="", n=1))


def orphans() -> list[str]:
    """Name the vector files that no generator makes."""
    return sorted(path.name for path in VECTORS.glob("*.json") if path.stem not in families())


def main(arguments: list[str]) -> int:
    """Rebuild or check; give the exit status."""
    parser = argparse.ArgumentParser(description="Rebuild tests/vectors and show every difference.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if anything would change")
    parser.add_argument("names", nargs="*", metavar="NAME", help="families to build; all when none is named")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in families()]
    if unknown:
        parser.error(f"no family is called {', '.join(unknown)}; there are {', '.join(families())}")
    changed = 0
    for name in options.names or families():
        text = rebuilt(name)
        lines = difference(name, text)
        if not lines:
            continue
        changed += 1
        print("\n".join(line if len(line) <= 200 else line[:200] + " ..." for line in lines))
        if not options.check:
            (VECTORS / f"{name}.json").write_text(text)
    for name in orphans():
        changed += 1
        print(f"tests/vectors/{name}: no tools/vector_*.py makes this file; write one or remove the file")
    verb = "would change" if options.check else "changed"
    print(f"{changed} of {len(families())} families {verb}" if changed else "all vectors are up to date")
    return 1 if changed and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
