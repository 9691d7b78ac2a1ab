"""`tincall bench verify`: a real relay, real boards' proofs, and a status that says whether all is reached."""

import pytest
from commands import document, tincall

from tincall.cli import bench_verify
from tincall.measure import verify_bench

FIGURES = {
    "verifications": 960, "boards": 16, "round_trips": 2.0, "cpu_ms": 2.0, "cpu_tls_ms": 0.5, "cpu_verify_ms": 1.5,
    "per_core_s": 500, "per_s": 200, "took_p50_ms": 80.0, "took_p99_ms": 130.0,
}  # fmt: skip


def test_a_small_one_counts_what_it_did():
    done = tincall("bench", "verify", "--boards", "2", "--each", "10", "--json")
    found = document(done)
    assert (found["verifications"], found["boards"], found["round_trips"]) == (20, 2, 2.0)
    assert found["cpu_ms"] > 0 and found["took_p50_ms"] > 0
    assert done.exit_code == (0 if all(one["ok"] for one in found["targets"]) else 1)


@pytest.mark.parametrize(("cpu_ms", "status"), [(2.0, 0), (3.5, 1)])
def test_what_is_missed_is_said_and_ends_with_1(monkeypatch, cpu_ms, status):
    figures = FIGURES | {"cpu_ms": cpu_ms}
    report = {**figures, "targets": verify_bench.judged(figures)}
    monkeypatch.setattr(bench_verify, "_target", lambda *_: None)
    monkeypatch.setattr(verify_bench, "run", lambda *_: report)
    done = tincall("bench", "verify")
    assert done.exit_code == status
    assert f"{cpu_ms:.2f} ms" in done.stdout and "at most 3 ms" in done.stdout
    assert ("Not reached: cpu_ms." in done.stderr) == bool(status)


def test_bad_numbers_are_usage():
    assert tincall("bench", "verify", "--boards", "0").exit_code == 2
    assert tincall("bench", "verify", "--each", "1").exit_code == 2
