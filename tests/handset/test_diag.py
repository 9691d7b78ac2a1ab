"""What the board says on its console: one JSON object a line, which any reader can take."""

import json

import pytest


@pytest.fixture
def said(run, board):
    done = run(board, "diag_say.py")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return [json.loads(line) for line in lines[:6]], lines[6:]


def test_every_line_has_its_name_and_time(said):
    assert [line["ev"] for line in said[0]] == ["boot", "text", "error", "error", "error", "crash"]
    assert all(0 <= line["ms"] < 1 << 30 for line in said[0])


def test_boot_names_interpreter_and_heap(said, board):
    boot = said[0][0]
    name, version, platform, word = boot["interpreter"].split(" ")
    assert name == ("cpython" if board == "cpython" else "micropython")
    assert [part.isdigit() for part in version.split(".")] == [True, True, True] and platform == "unix"
    assert word == ("32-bit" if board == "unix32" else "64-bit")
    assert (boot["heap_free"] > 0) == (name == "micropython")


def test_text_of_any_kind_arrives_as_it_was(said):
    text = said[0][1]
    assert (text["name"], text["many"], text["yes"]) == ('Zo\xeb "the" \\ \u5f20\n', [1, -1, {"a": None}], True)


def test_an_error_has_step_reason_and_sentence(said):
    link, store, other = said[0][2:5]
    assert (link["step"], link["reason"], link["detail"]) == ("link", "tls_expired", "the certificate has expired")
    assert (store["reason"], store["detail"]) == ("storage", "no room")
    assert other["reason"] == "" and "28" in other["detail"]


def test_a_crash_shows_where(said):
    line, trace = said[0][5], "\n".join(said[1])
    assert "nobody expected this" in line["error"]
    assert "diag_say.py" in trace and "boom" in trace and "RuntimeError" in trace
