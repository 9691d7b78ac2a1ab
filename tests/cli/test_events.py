"""`tincall events`: what boards told, for people and for programs, hostile words included."""

import pytest
from commands import document, tincall
from rich.console import Console

from tincall.cli import events as subject
from tincall.cli.client import Client

MISSED = {
    "sn": "EV-1", "log": "L", "number": 1, "kind": "missed", "at_s": 1_790_000_000, "received_ms": 1_790_000_001_000,
    "lost": 0, "call_id": "c1", "cause": 690, "duration_ms": 0, "text": "",
}  # fmt: skip


def test_a_relay_of_which_nothing_was_told(shared_relay):
    found = document(tincall("events", "--data", shared_relay, "--json"))
    assert (found["events"], found["stored"], found["repeated"]) == ([], 0, 0)
    assert "No board has told of anything" in tincall("events", "--data", shared_relay).stdout
    with Client(shared_relay) as client:
        client.post("/v1/devices", {"sn": "EV-8"})
    assert document(tincall("events", "EV-8", "--data", shared_relay, "--json"))["events"] == []
    assert "EV-8 has told of nothing" in tincall("events", "EV-8", "--data", shared_relay).stdout


def test_a_board_that_nobody_enrolled_is_told_so(shared_relay):
    refused = tincall("events", "EV-9", "--data", shared_relay)
    assert (refused.exit_code, "No device EV-9 is enrolled" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "call c1 rang when the link was lost"),
        ({"kind": "call", "duration_ms": 1500, "cause": 16}, "call c1 ended after 1.5 s"),
        (
            {"kind": "crash", "call_id": "", "cause": None, "text": "Traceback|[red]oh[/red]"},
            "crashed: ...Traceback|[red]oh",
        ),
        ({"kind": "door", "text": "opened"}, "door c1 opened"),
    ],
)
def test_each_kind_is_told(changes, words, capsys):
    subject._show(Console(soft_wrap=True, width=300), [{**MISSED, **changes}])
    assert words in capsys.readouterr().out


def test_a_board_without_the_time_is_told_by_ours():
    for never_set in (0, 946_684_900):
        assert subject.when({**MISSED, "at_s": never_set}).startswith("before ")
    assert not subject.when(MISSED).startswith("before")
