"""The install bench: a board on a line, a first install and a second, and what is held against the bounds."""

import pytest

from tincall.measure import install_bench
from tincall.workbench import plan

WANTED = plan.marked({"/main.py": b"print(1)\n", "/lib/handset/a.mpy": bytes(range(256)) * 8}, "1", "EMULATED", "x64")


def test_it_installs_twice_and_counts(tmp_path) -> None:
    steps: list[str] = []
    report = install_bench.run(tmp_path / "bench", WANTED, 460_800, steps.append)
    first, again = report["first"], report["again"]
    assert (report["files"], first["copied"], again["copied"], len(steps)) == (3, 3, 0, 2)
    assert first["sent_bytes"] > 2048 and again["sent_bytes"] > 0 < again["turns"]
    # the line is not faster than it is said to be
    assert first["line_s"] <= first["seconds"] <= first["bridge_s"] <= first["slow_bridge_s"]


@pytest.mark.parametrize(("first", "again", "reached"), [(20.0, 2.0, [True, True]), (20.1, 2.1, [False, False])])
def test_bounds(first: float, again: float, reached: list[bool]) -> None:
    targets = install_bench.judged({"bridge_s": first}, {"bridge_s": again})
    assert [one["ok"] for one in targets] == reached
