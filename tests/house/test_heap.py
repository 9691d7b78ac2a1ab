"""The heap of calls: the search for the least, what it reports, and that the run per frame can fail."""

import json
import subprocess
from pathlib import Path

import heap
import pytest
from mpyfile import MeasureError


class Bench:
    """A board that needs so many KiB."""

    def __init__(self, needs: int) -> None:
        self.needs, self.tried = needs, []

    def passes(self, codec: str, kib: int) -> tuple[bool, str]:
        self.tried.append(kib)
        return kib >= self.needs, "" if kib >= self.needs else f"{kib} is too little"


@pytest.mark.parametrize("needs", [70, 100, 128, 131, 1000])
def test_the_least_is_found_in_steps_of_four(needs: int) -> None:
    bench = Bench(needs)
    kib, why = heap.least(bench, "PCMA")
    assert 0 <= kib - needs < 8 and kib % 4 == 0
    assert why.endswith("is too little") and int(why.split()[0]) < needs
    assert len(bench.tried) <= 10


def test_a_call_that_no_heap_helps_is_an_error() -> None:
    with pytest.raises(MeasureError, match="no call with 1024 KiB of heap: 1024 is too little"):
        heap.least(Bench(5000), "PCMA")


def _kept(folder: Path, facts: list[tuple[str, bool]] | None, errors: list[str]) -> None:
    (folder / "board").mkdir(parents=True)
    events = [{"ev": "error", "detail": text} for text in errors] + [{"ev": "lamp"}]
    (folder / "board/board.log").write_text("".join(json.dumps(event) + "\n" for event in events))
    if facts is not None:
        told = [{"what": what, "ok": ok} for what, ok in facts]
        (folder / "report.json").write_text(json.dumps({"verdict": {"facts": told}}))


@pytest.mark.parametrize(
    ("facts", "errors", "want"),
    [
        ([("it was answered", True)], [], (True, "")),
        ([("it was answered", True), ("uplink: PESQ wideband is at least 4.0", False)], [], (True, "")),
        ([("it was answered", False), ("nothing was lost", False)], [], (False, "it was answered; nothing was lost")),
        (None, ["other", "memory allocation failed"], (False, "memory allocation failed")),
    ],
)
def test_a_call_passes_by_its_facts(facts, errors, want, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = object.__new__(heap.Bench)
    bench._folder, bench._launcher, bench._fakes, bench._firmware = tmp_path, tmp_path / "board", tmp_path, tmp_path
    bench._command = ("micropython",)

    def run(command: list[str], **options) -> subprocess.CompletedProcess[str]:
        assert options["env"]["TINCALL_MICROPYTHON32"] == str(tmp_path / "board")
        assert "heapsize=100k" in (tmp_path / "board").read_text()
        _kept(Path(command[command.index("--keep") + 1]), facts, errors)
        return subprocess.CompletedProcess(command, 1, "", "")

    monkeypatch.setattr(heap.subprocess, "run", run)
    assert bench.passes("PCMA", 100) == want


def test_what_is_beyond_its_budget_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    class Fake(Bench):
        def __init__(self, folder: Path) -> None:
            super().__init__(150)

        def weigh(self) -> dict[str, int]:
            return {"asyncio": 2000, "machine": 12288, "together": 90000, "PCMA": 20000, "G722": 41000}

    page = tmp_path / "heap.md"
    page.write_text(f"head\n\n{heap.MARK}\n\nold")
    monkeypatch.setattr(heap, "PAGE", page)
    monkeypatch.setattr(heap, "Bench", Fake)
    assert heap.main(as_json=False, writes=True) == 1
    assert (
        page.read_text().startswith(f"head\n\n{heap.MARK}\n\n| heap of a whole call") and "old" not in page.read_text()
    )
    told = capsys.readouterr()
    assert "the heap of a call with PCMA is beyond" in told.err and "the data of a call with G722 is beyond" in told.err
    assert "the heap of a call with G722" not in told.err
    assert "| of either, modules that stand in for drivers | 12 |" in told.out
    assert "| asyncio | 2,000 |" in told.out and "| G722 | 41,000 | 40,960 |" in told.out


@pytest.mark.parametrize("said", ["up 150 down 150 grown 0 alive False lost 0", "Traceback"])
def test_a_run_that_broke_off_is_no_figure(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from support import boards

    monkeypatch.setattr(heap, "find", lambda board: ("x",))
    monkeypatch.setattr(boards, "run", lambda *_, **__: subprocess.CompletedProcess([], 1, said, ""))
    with pytest.raises(MeasureError, match="no call with a locked heap on unix: " + said):
        heap.per_frame()


def test_growth_is_told_by_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    from support import boards

    said = {"unix": "up 150 down 150 grown 0 alive True lost 0", "unix32": "up 150 down 150 grown 32 alive True lost 0"}
    monkeypatch.setattr(heap, "find", lambda board: ("x",))
    monkeypatch.setattr(boards, "run", lambda board, *_, **__: subprocess.CompletedProcess([], 0, said[board], ""))
    assert heap.per_frame() == {"unix, G722": 0, "unix32, G722": 32}
