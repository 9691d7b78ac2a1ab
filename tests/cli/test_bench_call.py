"""`tincall bench call`: a table or JSON, a status that says whether all is reached, and one call for real."""

import pytest
from commands import document, tincall

from tincall.cli import bench_call
from tincall.measure.call_conditions import CONDITIONS

WAY = {"pesq": 4.25, "pesq_turns": None, "concealed_pct": 0.0, "mouth_to_ear_ms": 180.4, "playout_ms": 43}


def row(name, **changed):
    found = {
        "condition": name,
        "words": f"as {name}",
        "codec": "G722",
        "mb_per_min": 1.25,
        "up": WAY,
        "down": {**WAY, "pesq": None},
        "facts": [],
        "targets": [{"way": "up", "figure": "pesq", "bound": 4.2, "measured": 4.25, "ok": True, "distance": 0.0}],
    }
    return found | changed


@pytest.fixture
def given(monkeypatch):
    """Let each call give a line of the test's own."""

    def measure(condition, board, folder, known, talk_s, seed, bar):
        given.asked.append((condition, board, talk_s, seed))
        bar.step("starting")
        with bar.talk(2.0) as moved:
            moved(1.0)
        return row(condition.name, **given.changed)

    given.asked, given.changed, given.load = [], {}, 0.5
    monkeypatch.setattr(bench_call, "_measure", measure)
    monkeypatch.setattr(bench_call.talk, "clips", dict)
    monkeypatch.setattr(bench_call.os, "getloadavg", lambda: (given.load, 0.4, 0.3))
    return given


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_all_conditions_are_called_and_all_reached_is_status_0(given):
    found = tincall("bench", "call")
    assert found.exit_code == 0, found.output
    assert [condition for condition, *_ in given.asked] == list(CONDITIONS)
    assert "4.25|-" in found.stdout and "180|180" in found.stdout and "reached" in found.stdout
    assert "load" not in found.stderr
    seconds = {condition.name: talk_s for condition, _, talk_s, _ in given.asked}
    assert seconds["clean"] == 13 and seconds["wifi"] == 40


def test_a_miss_is_status_1_and_a_late_one_only_told(given):
    wrong = {"way": "up", "figure": "mouth_to_ear_ms", "bound": 200, "measured": 250.0, "ok": False, "distance": 50}
    given.changed = {"targets": [wrong]}
    found = tincall("bench", "call", "--only", "clean")
    assert found.exit_code == 0 and "(late: up mouth_to_ear_ms 250.0, at most 200)" in found.stdout
    given.changed = {"facts": [{"what": "up: every packet is accounted for", "ok": False, "figures": "9 to 8"}]}
    found = tincall("bench", "call", "--only", "clean")
    assert found.exit_code == 1 and "clean: up: every packet is accounted for" in found.stderr
    told = document(tincall("bench", "call", "--only", "clean", "--json"))
    assert told["missed"] == ["clean: up: every packet is accounted for"] and told["error"]["status"] == 1


def test_a_busy_machine_is_told_of(given):
    given.load = 1.6
    found = tincall("bench", "call", "--quick", "--json")
    assert "The load of this machine is 1.6" in found.stderr and document(found)["load"] == [1.6, 0.4, 0.3]


def test_quick_calls_are_short_and_their_figures_are_not_judged(given):
    assert tincall("bench", "call", "--quick", "--seed", "9", "--board", "cpython").exit_code == 0
    assert [(condition.name, *rest) for condition, *rest in given.asked] == [
        ("clean", "cpython", 4.0, 9),
        ("save-bytes", "cpython", 4.0, 9),
    ]
    assert not any((*condition.up, *condition.down, *condition.both) for condition, *_ in given.asked)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--only", "rain"), "there is no condition 'rain'"),
        (("--seconds", "2"), "a talk of 2 s is not possible"),
        (("--board", "toaster"), "toaster"),
    ],
)
def test_wrong_words_are_status_2(given, wrong, words):
    found = tincall("bench", "call", *wrong)
    assert found.exit_code == 2 and words in found.stderr and not given.asked


@pytest.mark.paced
def test_a_call_is_made_for_real_with_every_packet_accounted_for(tmp_path):
    found = tincall(
        "bench", "call", "--quick", "--only", "loss5", "--seconds", "3", "--keep", tmp_path / "all", "--json"
    )
    assert found.exit_code == 0, found.output
    (one,) = document(found)["rows"]
    assert all(fact["ok"] for fact in one["facts"]) and len(one["facts"]) == 9
    assert one["codec"] == "G722" and 0.5 < one["mb_per_min"] < 2
    for way in ("up", "down"):
        far = one["far_side"][way]
        assert far["taken"] > 100 and far["taken"] == far["given"] + far["lost"]
        assert one[way]["pesq"] > 1 and 20 < one[way]["mouth_to_ear_ms"] < 1000
    assert sum(one["far_side"][way]["lost"] for way in ("up", "down")) > 0
    assert (tmp_path / "all" / "loss5" / "report.json").is_file()
