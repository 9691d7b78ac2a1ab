"""The program: its commands, its ways to fail, and that help costs no heavy imports."""

import gc
import json
import subprocess
import sys

import pytest
import typer
from commands import tincall

from tincall.cli import main, output
from tincall.errors import OperatorError


def test_help_names_every_command_and_loads_none_of_them():
    program = (
        "import sys\n"
        "from tincall.cli.main import app\n"
        "try:\n    app(['--help'], prog_name='tincall')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "heavy = {'fastapi', 'sqlalchemy', 'uvicorn', 'cryptography', 'requests', 'numpy', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    for name in main.COMMANDS:
        assert name in done.stdout


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_command_has_help_and_json(name):
    result = tincall(name, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_no_command_shows_the_help():
    result = tincall()
    assert "COMMAND" in result.output
    assert result.exit_code == 2


def test_version_is_told():
    result = tincall("--version")
    assert (result.exit_code, result.stdout) == (0, "tincall 0.1.0\n")


@pytest.mark.parametrize("arguments", [["devcies"], ["init", "--nonsense"], ["calls", "--limit", "0"], ["enrol"]])
def test_wrong_usage_ends_with_two(arguments):
    result = tincall(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_slip_of_the_pen_is_answered_with_the_command():
    assert "devices" in tincall("devcies").stderr


def failing(error):
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize("status", [1, 2])
def test_what_the_operator_can_mend_is_one_sentence_and_what_to_do(monkeypatch, status):
    error = OperatorError("The thing is broken.", "Mend it.", status)
    monkeypatch.setattr("tincall.cli.devices.devices", failing(error))
    result = tincall("devices")
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr == "tincall: The thing is broken.\n         Mend it.\n"


@pytest.mark.parametrize("arguments", [["--json", "devices"], ["devices", "--json"]])
def test_with_json_the_failure_is_the_one_document(monkeypatch, arguments):
    monkeypatch.setattr("tincall.cli.devices.devices", failing(OperatorError("Broken.", "Mend it.", 1)))
    result = tincall(*arguments)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": {"message": "Broken.", "hint": "Mend it.", "status": 1}}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["init", "--nonsense", "--json"], "--nonsense"),
        (["--json", "init", "--nonsense"], "--nonsense"),
        (["devcies", "--json"], "devcies"),
        (["enrol", "--json"], "--sn"),
        (["calls", "--limit", "0", "--json"], "--limit"),
    ],
)
def test_with_json_wrong_usage_is_the_one_document(arguments, word):
    result = tincall(*arguments)
    told = json.loads(result.stdout)["error"]
    assert (result.exit_code, told["status"], word in told["message"]) == (2, 2, True)
    assert "--help" in told["hint"]


def test_ctrl_c_is_quiet(monkeypatch):
    monkeypatch.setattr("tincall.cli.devices.devices", failing(KeyboardInterrupt()))
    result = tincall("devices")
    assert (result.exit_code, result.stdout, result.stderr.strip()) == (130, "", "")


def test_json_can_stand_before_and_behind(monkeypatch):
    seen = []

    def command(limit: int = typer.Option(3)) -> None:
        seen.append((output.is_json(), limit))

    monkeypatch.setattr("tincall.cli.devices.devices", command)
    for arguments in (["devices"], ["--json", "devices"], ["devices", "--json", "--limit", "4"]):
        assert tincall(*arguments).exit_code == 0
    assert seen == [(False, 3), (True, 3), (True, 4)]


def test_a_command_with_a_json_option_of_its_own_keeps_it(monkeypatch):
    def command(as_json: bool = typer.Option(False, "--json", help="Mine.")) -> None:
        print(as_json)

    monkeypatch.setattr("tincall.cli.devices.devices", command)
    assert tincall("devices", "--json").stdout == "True\n"


def test_the_module_runs_as_the_program_does():
    done = subprocess.run([sys.executable, "-m", "tincall", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tincall ")


def test_an_interrupt_that_a_library_hid_still_ends_with_130():
    program = (
        "import os, signal, sys\n"
        "from tincall.cli import devices, main\n"
        "def command() -> None:\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n        raise RuntimeError('wrapped')\n"
        "devices.devices = command\n"
        "sys.argv = ['tincall', 'devices']\n"
        "main.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_within_a_destructor_is_quiet_and_ends_with_130():
    program = (
        "import os, signal, sys\n"
        "from tincall.cli import devices, main\n"
        "class Thing:\n"
        "    def __del__(self):\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "def command() -> None:\n"
        "    Thing()\n"
        "devices.devices = command\n"
        "sys.argv = ['tincall', 'devices']\n"
        "main.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_garbage_is_looked_for_from_when_a_command_is_loaded():
    gc.disable()
    try:
        main.load("devices")
        assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()
