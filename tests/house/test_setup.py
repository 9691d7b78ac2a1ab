"""tools/setup does nothing twice, and says what a machine lacks."""

import json
from pathlib import Path

import pytest
import setup


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> Path:
    """Let setup work in a folder of its own, where no step may start a program."""
    (tmp_path / "pyproject.toml").write_bytes((checkout / "pyproject.toml").read_bytes())
    (tmp_path / ".venv").mkdir()
    for name, value in {
        "ROOT": tmp_path,
        "VENV": tmp_path / ".venv",
        "RECORD": tmp_path / ".venv/tincall-setup.json",
        "LOG": tmp_path / ".venv/pip.log",
    }.items():
        monkeypatch.setattr(setup, name, value)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


class Pip:
    """Stands for pip: remembers what it was asked for, fails where it is told to."""

    def __init__(self, *fails: str) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.fails = fails

    def __call__(self, *what: str) -> bool:
        self.asked.append(what)
        setup.LOG.write_text("collecting\nerror: it went wrong\n")
        return what[-1] not in self.fails


def _prepare(monkeypatch: pytest.MonkeyPatch, pip: Pip, compiler: bool = True) -> None:
    monkeypatch.setattr(setup, "_pip_install", pip)
    monkeypatch.setattr(setup, "_can_compile", lambda: compiler)
    monkeypatch.setattr(setup, "make_venv", lambda: None)
    monkeypatch.setattr(setup, "get_micropython", lambda purpose: None)
    monkeypatch.setattr(setup, "get_browser", lambda: None)


def test_the_second_time_installs_nothing(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    _prepare(monkeypatch, pip)
    setup.main("tests")
    setup.main("tests")
    setup.main("demo")
    assert pip.asked == [("-e", ".[boards,codecs,judge,dev]")]


def test_a_demo_is_not_enough_for_tests(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    _prepare(monkeypatch, pip)
    setup.main("demo")
    setup.main("tests")
    assert pip.asked == [("-e", ".[codecs,judge]"), ("-e", ".[boards,codecs,judge,dev]")]


@pytest.mark.parametrize("change", ["requirements", "place", "damage"])
def test_a_change_of_what_it_rests_on_installs_again(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    _prepare(monkeypatch, Pip())
    setup.main("tests")
    assert setup.already("tests")
    if change == "requirements":
        (elsewhere / "pyproject.toml").write_text("[project]\n")
    elif change == "place":
        setup.RECORD.write_text(json.dumps({**json.loads(setup.RECORD.read_text()), "at": "/elsewhere"}))
    else:
        setup.RECORD.write_text("[]")
    assert not setup.already("tests")


def test_a_demo_goes_without_a_score_when_nothing_can_be_compiled(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pip = Pip(".[codecs,judge]")
    _prepare(monkeypatch, pip, compiler=False)
    setup.main("demo")
    assert "apt-get install build-essential python3-dev" in capsys.readouterr().out
    assert not any(one.startswith("pesq") for one in pip.asked[-1])
    assert any(one.startswith("matplotlib") for one in pip.asked[-1])
    assert setup.already("demo")
    # once there is a compiler it tries again
    monkeypatch.setattr(setup, "_can_compile", lambda: True)
    assert not setup.already("demo")


def test_tests_do_not_go_without_it(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepare(monkeypatch, Pip(".[boards,codecs,judge,dev]"), compiler=False)
    with pytest.raises(setup.SetupError, match="build-essential"):
        setup.main("tests")


def test_a_failing_pip_shows_the_end_of_its_log(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepare(monkeypatch, Pip(".[boards,codecs,judge,dev]"))
    with pytest.raises(setup.SetupError, match="it went wrong"):
        setup.main("tests")
    assert not setup.already("tests")


def test_a_python_without_venv_names_the_package(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "_can_make_venv", lambda: False)
    with pytest.raises(setup.SetupError, match="apt-get install python3-venv"):
        setup.make_venv()


def test_only_ci_as_root_installs_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(setup.subprocess, "run", started)
    monkeypatch.delenv("CI", raising=False)
    assert setup._apt_install(["python3-venv"]) is False
    monkeypatch.setenv("CI", "1")
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    assert setup._apt_install(["python3-venv"]) is False


class Machine:
    """Stands for a machine with or without a browser, and for what apt-get does to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, has: bool, user: int, works: bool = True) -> None:
        self.has = has
        self.asked: list[list[str]] = []
        self._works = works
        monkeypatch.delenv("TINCALL_CHROMIUM", raising=False)
        monkeypatch.setattr(setup.shutil, "which", self._which)
        monkeypatch.setattr(setup.os, "geteuid", lambda: user)
        monkeypatch.setattr(setup.subprocess, "run", self._run)

    def _which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name == "apt-get" or (name == "chromium" and self.has) else None

    def _run(self, command: list[str], **_: object) -> object:
        self.asked.append(command)
        self.has = self.has or (self._works and "install" in command)
        return setup.subprocess.CompletedProcess(command, 0 if self._works else 100, "", "no network")


def test_a_browser_that_is_there_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, has=True, user=0)
    setup.get_browser()
    assert machine.asked == []


@pytest.mark.parametrize("ci", ["", "1"])
def test_root_gets_a_browser_from_debian(monkeypatch: pytest.MonkeyPatch, ci: str) -> None:
    monkeypatch.setenv("CI", ci)
    machine = Machine(monkeypatch, has=False, user=0)
    setup.get_browser()
    assert [command[2] for command in machine.asked] == ["update", "install"]
    assert "chromium" in machine.asked[1]


def test_others_are_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("CI", raising=False)
    machine = Machine(monkeypatch, has=False, user=1000)
    setup.get_browser()
    assert machine.asked == []
    assert "sudo apt-get install chromium" in capsys.readouterr().out


@pytest.mark.parametrize("user", [0, 1000])
def test_ci_without_a_browser_fails(monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setenv("CI", "1")
    Machine(monkeypatch, has=False, user=user, works=False)
    with pytest.raises(setup.SetupError, match="Chromium"):
        setup.get_browser()


def test_setup_looks_for_the_browser_that_the_tests_look_for(checkout: Path) -> None:
    assert f"NAMES = {setup.BROWSERS!r}".replace("'", '"') in (checkout / "tests/e2e/browser.py").read_text()


def test_what_is_fetched_beside_pip_is_not_forgotten_when_it_fails(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(purpose: str) -> None:
        raise setup.SetupError("no MicroPython")

    _prepare(monkeypatch, Pip())
    monkeypatch.setattr(setup, "get_micropython", fails)
    with pytest.raises(setup.SetupError, match="no MicroPython"):
        setup.main("tests")
