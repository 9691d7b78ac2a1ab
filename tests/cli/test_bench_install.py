"""`tincall bench install`: what was found, what it has to be, and a status that says whether it is."""

import pytest
from commands import document, tincall

from tincall.measure import install_bench
from tincall.workbench import firmware

FOUND = {
    "copied": 2, "sent_bytes": 100, "received_bytes": 50, "turns": 3, "line_s": 0.1, "seconds": 1.0, "slow_bridge_s": 3.0,
}  # fmt: skip


@pytest.mark.parametrize(("first_s", "status"), [(8.0, 0), (21.0, 1)])
def test_what_is_missed_is_said_and_ends_with_1(monkeypatch, first_s, status):
    first, again = FOUND | {"bridge_s": first_s}, FOUND | {"bridge_s": 1.0}
    targets = install_bench.judged(first, again)
    report = {"baud": 9600, "files": 2, "bytes": 9, "first": first, "again": again, "targets": targets}
    monkeypatch.setattr(firmware, "files", lambda arch, board: {"/main.py": b""})
    monkeypatch.setattr(install_bench, "run", lambda *_: report)
    done = tincall("bench", "install")
    assert done.exit_code == status and f"{first_s:.2f}" in done.stdout and "at most 20 s" in done.stdout
    assert ("Not reached: first." in done.stderr) == bool(status)
    found = document(tincall("bench", "install", "--json"))
    assert found["first"] == first and ("error" in found) == bool(status)


def test_a_speed_that_is_none_is_usage():
    assert tincall("bench", "install", "--baud", "0").exit_code == 2
