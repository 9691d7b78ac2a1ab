"""The stage: what it starts it stops, whatever happens, and what fails is told."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tincall.errors import OperatorError
from tincall.measure import stage
from tincall.measure.stage import Stage, wait_until


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Let `tincall X` be a small program of the test's own."""

    def make(body: str) -> None:
        package = tmp_path / "fake" / "tincall"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "__main__.py").write_text(textwrap.dedent(body))
        monkeypatch.setenv("PYTHONPATH", str(package.parent))
        monkeypatch.chdir(package.parent)

    return make


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"


def all_end(*pids: int) -> bool:
    """Tell whether processes that were told to stop do; the system takes its time over it."""
    until_s = time.monotonic() + 30
    while any(alive(pid) for pid in pids):
        if time.monotonic() > until_s:
            return False
        time.sleep(0.02)
    return True


SLEEPER = """
    import json, os, subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(json.dumps({"ready": True, "pid": os.getpid(), "child": child.pid, "said": os.environ.get("SAID")}))
    time.sleep(60)
"""


def test_stops_process_and_its_children(program, tmp_path):
    program(SLEEPER)
    with Stage(tmp_path) as players:
        found = players.start("sleeper", "x", SAID="hello").document(10)
        assert alive(found["pid"]) and alive(found["child"])
        assert found["said"] == "hello"
    assert all_end(found["pid"], found["child"])


def test_stops_all_when_the_block_fails(program, tmp_path):
    program(SLEEPER)
    with pytest.raises(ZeroDivisionError), Stage(tmp_path) as players:
        found = players.start("sleeper", "x").document(10)
        raise ZeroDivisionError
    assert all_end(found["pid"], found["child"])


def test_kills_what_does_not_want_to_stop(program, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "_STOP_S", 0.3)
    program(
        """
        import json, os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(json.dumps({"pid": os.getpid()}))
        time.sleep(60)
        """
    )
    with Stage(tmp_path) as players:
        found = players.start("stubborn", "x").document(10)
    assert all_end(found["pid"])


def test_tells_the_reason_that_the_process_gave(program, tmp_path):
    program("""import json; print(json.dumps({"error": {"message": "port 1 is in use", "hint": "take another"}}))""")
    with Stage(tmp_path) as players, pytest.raises(OperatorError, match="the relay: port 1 is in use") as caught:
        players.start("relay", "x").document(10)
    assert caught.value.hint == "take another"


def test_tells_the_last_words_of_a_process_that_died(program, tmp_path):
    program("""import sys; sys.exit("no such file")""")
    with Stage(tmp_path) as players, pytest.raises(OperatorError, match="ended with status 1: no such file"):
        players.start("relay", "x").document(10)


def test_notices_a_death_while_waiting(program, tmp_path):
    program("""import json; print(json.dumps({"ready": 1}))""")
    with Stage(tmp_path) as players:
        players.start("relay", "x").document(10)
        with pytest.raises(OperatorError, match="the relay ended with status 0"):
            wait_until(players, "nothing", 10, lambda: None)


def test_waiting_has_an_end(tmp_path):
    with Stage(tmp_path) as players, pytest.raises(OperatorError, match=r"a wonder: not after 0\.1 s"):
        wait_until(players, "a wonder", 0.1, lambda: None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing_running(program, tmp_path, number):
    program(SLEEPER)
    code = """
        import pathlib, sys, time
        sys.path.insert(0, {host!r})
        import importlib.util
        spec = importlib.util.spec_from_file_location("stage", {file!r})
        stage = importlib.util.module_from_spec(spec); sys.modules["stage"] = stage; spec.loader.exec_module(stage)
        with stage.Stage(pathlib.Path(".")) as players:
            found = players.start("sleeper", "x").document(10)
            print(found["pid"], found["child"], flush=True)
            time.sleep(60)
    """
    host = str(stage.__file__).rsplit("/tincall/", 1)[0]
    package = tmp_path / "fake" / "tincall"
    (package / "errors.py").write_text(Path(f"{host}/tincall/errors.py").read_text())
    script = textwrap.dedent(code.format(host=str(package.parent), file=stage.__file__))
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    parent.send_signal(number)
    parent.wait(20)
    parent.stdout.close()
    assert len(pids) == 2 and all_end(*pids)


def test_a_process_that_was_stopped_is_known_as_stopped(program, tmp_path):
    program(SLEEPER)
    with Stage(tmp_path) as players:
        sleeper = players.start("sleeper", "x")
        assert alive(sleeper.document(10)["pid"])
        assert players.stop(sleeper) == players.stop(sleeper) == -signal.SIGTERM
        players.check()


def test_an_interrupt_while_a_process_starts_comes_when_it_is_known(program, tmp_path, monkeypatch):
    program(SLEEPER)
    found = []

    class Interrupted(stage.Actor):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            os.kill(os.getpid(), signal.SIGTERM)
            found.append(self.document(10))

    monkeypatch.setattr(stage, "Actor", Interrupted)
    with pytest.raises(KeyboardInterrupt), Stage(tmp_path) as players:
        players.start("sleeper", "x")
    assert len(found) == 1 and all_end(found[0]["pid"], found[0]["child"])


def test_an_interrupt_while_all_stop_is_not_lost(program, tmp_path, monkeypatch):
    program(SLEEPER)
    stop = stage.Actor.stop

    def interrupted(actor):
        os.kill(os.getpid(), signal.SIGINT)
        return stop(actor)

    monkeypatch.setattr(stage.Actor, "stop", interrupted)
    with pytest.raises(KeyboardInterrupt), Stage(tmp_path) as players:
        found = players.start("sleeper", "x").document(10)
    assert all_end(found["pid"])


def test_an_interrupt_that_was_made_another_error_is_one_all_the_same(tmp_path):
    with pytest.raises(KeyboardInterrupt), Stage(tmp_path):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt as error:
            raise RuntimeError("Error calling __set_name__") from error


def test_an_interrupt_that_was_swallowed_is_noticed_at_the_next_check(tmp_path):
    with pytest.raises(KeyboardInterrupt), Stage(tmp_path) as players:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            pass
        wait_until(players, "nothing", 10, lambda: None)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_terminable_turns_sigterm_into_ctrl_c(handler):
    before = signal.getsignal(signal.SIGTERM)
    of_interrupts = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(KeyboardInterrupt), stage.terminable():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
    finally:
        signal.signal(signal.SIGINT, of_interrupts)
    assert signal.getsignal(signal.SIGTERM) == before
