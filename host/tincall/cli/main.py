"""The program `tincall`: one subcommand per file, loaded only when it is called, and one way to fail.

Exit status: 0 done; 1 the thing asked for failed; 2 wrong usage or configuration; 130 interrupted.
"""

import functools
import gc
import inspect
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

import tincall
from tincall.cli import output
from tincall.errors import STATUS_USAGE, OperatorError

# name: (module of tincall.cli, function in it or table of subcommands, what the list of commands says)
COMMANDS = {
    "demo": ("demo", "demo", "Make a whole call on this machine: relay, board and phone, and judge what was heard."),
    "init": ("init", "init", "Make a relay's data folder: certificates, keys, settings, database."),
    "relay": ("relay", "relay", "Run the relay."),
    "backup": ("backup", "backup", "Make a backup of a relay's data folder; the relay may run."),
    "restore": ("restore", "restore", "Put a backup into a data folder, or in the place of what is there."),
    "ca": ("ca", "SUBCOMMANDS", "See to the certificates: until when they are good, and making new ones."),
    "simulate": ("simulate", "simulate", "Run the phones' platform on this machine, for trying and testing."),
    "emulate": ("emulate", "emulate", "Run an emulated board."),
    "enrol": ("enrol", "enrol", "Register a board, and give an emulated one its identity."),
    "claim": ("claim", "claim", "Open a claim, by which a board in the field gets its key by itself."),
    "devices": ("devices", "devices", "List the boards that are enrolled, or switch one off and on again."),
    "events": ("events", "events", "List what boards had to tell that happened while they had no link."),
    "invite": ("invite", "invite", "Make a code by which a person comes to a board in the mini program."),
    "contacts": ("contacts", "contacts", "List the people whom a board may call."),
    "calls": ("calls", "calls", "List calls, or show one."),
    "call": ("call", "call", "Let a phone call a board, or press an emulated board's button."),
    "hangup": ("call", "hangup", "End a call."),
    "ports": ("ports", "ports", "List serial ports, and what is on the boards behind them."),
    "flash": ("flash", "flash", "Write MicroPython to a bare chip, checked before and after."),
    "install": ("install", "install", "Install the firmware on a board that runs MicroPython, or bring it up to date."),
    "monitor": ("monitor", "monitor", "Show what a board says, without disturbing it."),
    "provision": ("provision", "provision", "Give a board its number, key, relay and network, and let it prove them."),
    "doctor": ("doctor", "doctor", "Look at relay, board and platform, and say what is wrong and what to do."),
    "up": ("up", "up", "Bring a board up in one go, from MicroPython on it to a call that is judged."),
    "image": ("image", "image", "Make flashable images of boards with firmware and identity, one or a whole list."),
    "wechat": ("wechat", "SUBCOMMANDS", "Look at the platform's side, and sign or register Android devices."),
    "bench": ("bench", "SUBCOMMANDS", "Measure how voice comes through, and hold it against what it has to be."),
    "stream": ("stream", "stream", "Play a WAV as a board's microphone, record its speaker, or send a call's RTP."),
}
# the parser's own error; which module it is in differs between versions of typer
UsageError: Any = typer.BadParameter.__base__
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on the standard output, and nothing else there.")
]


class Commands(TyperGroup):
    """The group of all subcommands; help draws them from the table without loading them."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a subcommand, or stand in for it while the list is drawn."""
        if cmd_name not in COMMANDS:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name][2])
        return load(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Draw the list of commands."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the subcommand; a word that is near to one is answered with it."""
        self.commands = {name: TyperCommand(name) for name in COMMANDS}
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; what the operator can mend is told in one sentence; wrong usage as JSON, if that is wanted."""
        words = [*ctx._protected_args, *ctx.args]
        try:
            return super().invoke(ctx)
        except OperatorError as problem:
            output.error(problem)
            raise typer.Exit(problem.status) from None
        except UsageError as problem:
            output.use_json("--json" in words)
            if not output.is_json():
                raise
            hint = f"See `{problem.ctx.command_path if problem.ctx else 'tincall'} --help`."
            output.error(OperatorError(problem.format_message(), hint, STATUS_USAGE))
            raise typer.Exit(STATUS_USAGE) from None


def load(name: str) -> Any:
    """Make the command of a name, with `--json` if it has none of its own."""
    module, function, sentence = COMMANDS[name]
    found = getattr(import_module(f"tincall.cli.{module}"), function)
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    one = typer.Typer(name=name, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
    if isinstance(found, dict):
        one.callback(help=sentence)(_with_json(lambda: None))
        for sub, (run_it, told) in found.items():
            one.command(sub, help=told)(_with_json(run_it))
    else:
        one.command(name, help=sentence)(_with_json(found))
    return typer.main.get_command(one)


def _with_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command's function the option `--json`, so that it may stand before or after the subcommand."""
    hints = get_type_hints(function, include_extras=True)
    parameters = [
        parameter.replace(annotation=hints.get(parameter.name, parameter.annotation))
        for parameter in inspect.signature(function).parameters.values()
    ]
    if any(parameter.name in ("json", "as_json") for parameter in parameters):
        return function
    flag = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption)

    @functools.wraps(function)
    def command(*args: Any, as_json: bool, **kwargs: Any) -> Any:
        output.use_json(as_json)
        return function(*args, **kwargs)

    command.__annotations__ = {**hints, "as_json": JsonOption}
    command.__signature__ = inspect.Signature([*parameters, flag])  # type: ignore[attr-defined]
    return command


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Voice calls between MicroPython boards and a phone, through a relay you run yourself.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tincall {tincall.__version__}")
        raise typer.Exit


@app.callback()
def options(
    json: JsonOption = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before the subcommand."""
    output.use_json(json)


def run() -> None:
    """Run the program with this process's arguments; never returns."""
    interrupts: list[int] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    def unraisable(what: "sys.UnraisableHookArgs") -> None:
        # Ctrl-C within a destructor or a callback of the interpreter, which cannot let it out; whoever waits asks again
        if not issubclass(what.exc_type, KeyboardInterrupt):
            sys.__unraisablehook__(what)

    signal.signal(signal.SIGINT, interrupted)
    sys.unraisablehook = unraisable
    try:
        app(prog_name="tincall")
    except BaseException as error:
        # `import` and some libraries make another exception of a KeyboardInterrupt
        if interrupts or isinstance(error, KeyboardInterrupt):
            raise SystemExit(130) from None
        raise
