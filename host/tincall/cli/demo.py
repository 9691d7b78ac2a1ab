"""`tincall demo`: a whole call on this machine, and a verdict that rests on what arrived.

Relay, board, and the simulated platform with the phone run as processes of their own, started by the same commands a person
types. Steps: lay out a relay, start platform and relay, enrol a board, invite the phone's owner to it, switch it on, call,
talk, hang up, read the records, judge. `--direct` leaves the platform out.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from callcore import coders
from tincall.cli import output
from tincall.cli.client import READY_FILE, Client
from tincall.errors import OperatorError
from tincall.measure import call_report, marker, rehearsal
from tincall.measure.chain import Chain
from tincall.measure.far_side import FarSide, Scripted, ThroughPlatform
from tincall.measure.stage import Stage, terminable, wait_until
from tincall.wav import load, save

if TYPE_CHECKING:
    from rich.console import Console

RATE_HZ = call_report.RATE_HZ
SN = "DEMO-0001"
PHONE = "alice"
_ANSWER_AFTER_MS = 600
_SETUP_S = 30.0
_ONLINE_S = 45.0  # longer than the board's own patience with a server (30 s), so that its reason is what a person hears
_RESULTS = Path("demo")
_CODECS = (*coders.NAMES, "L16")
_ANY_PORTS = {"TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0"}

Direction = Literal["out", "in"]


@dataclass(frozen=True)
class Plan:
    """What the demo shall do.

    Args:
        board: `unix`, `unix32` or `cpython`.
        direction: `out`: the board calls and hangs up; `in`: the phone calls and hangs up.
        said_by_board: marked clip for the board's microphone.
        said_by_phone: marked clip for the phone.
        is_default: the default clips, whose score is part of the verdict.
        folder: everything the call leaves.
        is_direct: leave the platform out: the phone is scripted beside the relay.
        codec: the only one the board offers; None leaves it the choice.
        saves_bytes: no silence is sent, and 40 ms in a packet.
        chain: what is different on the way.
    """

    board: str
    direction: Direction
    said_by_board: Path
    said_by_phone: Path
    is_default: bool
    folder: Path
    is_direct: bool = False
    codec: str | None = None
    saves_bytes: bool = False
    chain: Chain = field(default_factory=Chain)


def demo(
    board: Annotated[str, typer.Option(help="unix, unix32 (MicroPython) or cpython.")] = "unix",
    direction: Annotated[
        str, typer.Option(help="out: the board calls the phone; in: the phone calls the board.")
    ] = "out",
    clip: Annotated[Path | None, typer.Option(help="WAV file that both sides say; human speech by default.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of the talk; the clip is cut or repeated.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder for everything the call leaves; new or empty.")] = None,
    browser: Annotated[
        bool, typer.Option("--browser", help="Be the phone yourself: a page in your browser, one call, nothing judged.")
    ] = False,
    direct: Annotated[
        bool, typer.Option("--direct", help="Leave the platform out; the phone is beside the relay.", hidden=True)
    ] = False,
    codec: Annotated[
        str | None, typer.Option(help=f"All the board offers, of {', '.join(_CODECS)}.", hidden=True)
    ] = None,
    save_bytes: Annotated[bool, typer.Option("--save-bytes", help="Send no silence, and 40 ms in a packet.")] = False,
) -> None:
    """Make a call on this machine and judge what was heard."""
    if direction not in ("out", "in"):
        raise OperatorError(f"{direction!r} is no direction", "Say --direction out or --direction in.", 2)
    if seconds is not None and not 1 <= seconds <= 300:
        raise OperatorError(f"a talk of {seconds:g} s is not possible", "Say --seconds 1 to 300.", 2)
    if codec is not None and codec not in _CODECS:
        raise OperatorError(f"a board does not speak {codec!r}", f"Say --codec {', '.join(_CODECS)}.", 2)
    interpreter, why_not = rehearsal.interpreter(board)
    if why_not is not None:
        output.note(f"{why_not.message}; so the board runs on CPython.\n{why_not.hint}")
    with terminable(), folder_for(keep) as folder:
        said = clips(folder, clip, seconds)
        if browser:
            _talk_yourself(interpreter, said[0], folder, keep, save_bytes)
            return
        way: Direction = "out" if direction == "out" else "in"
        plan = Plan(interpreter, way, *said, clip is None, folder, direct, codec, save_bytes)
        with _progress() as progress:
            report = _perform(plan, progress)
        if keep is None:
            report = rehearsal.keep_results(report, _RESULTS)
    output.result(report, lambda console: show(console, report), problem_of(report))


def _talk_yourself(interpreter: str, said_by_board: Path, folder: Path, keep: Path | None, saves_bytes: bool) -> None:
    """Let a person be the phone, and show how the call went."""
    from tincall.cli import demo_browser

    with _progress() as progress:
        report = demo_browser.talk(interpreter, said_by_board, folder, progress.step, saves_bytes)
    if keep is None:
        report = rehearsal.keep_results(report, _RESULTS)
    call, down = report["call"], report["downlink"]

    def human(console: Console) -> None:
        console.print(
            f"\nThe call ended: {call['cause_name']}, by the {call['released_by']}, after {call['talk_s']} s."
        )
        console.print(
            f"The board heard {down['received']} of {down['sent']} frames; {down['concealed']} were concealed."
        )
        if report["files"]["downlink_wav"]:
            console.print(f"What it heard of you is in {output.escape(report['files']['downlink_wav'])}")

    output.result(report, human)


def problem_of(report: dict[str, Any]) -> OperatorError | None:
    """Say what must be true and is not."""
    failed = [fact["what"] for fact in report["verdict"]["facts"] if not fact["ok"]]
    if not failed:
        return None
    return OperatorError(f"the call did not pass; not so: {'; '.join(failed)}", "The figures above say by how much.")


def _perform(plan: Plan, progress: Progress) -> dict[str, Any]:
    """Make the call and report on it."""
    events, record = rehearse(plan, progress)
    progress.step("judging what was heard")
    return judge(plan, events, record)


def rehearse(plan: Plan, progress: Progress) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Make the call; gives what the board told and the relay's record, with what the phone heard.

    Raises:
        OperatorError: something did not start or ended, or the call did not come about.
    """
    data, board = plan.folder / "relay", plan.folder / "board"
    with Stage(plan.folder) as stage, _far_side(plan, stage) as far:
        progress.step("laying out a relay: certificates, keys, database")
        stage.run("init", "init", "--data", data, "--json")
        progress.step(f"starting {far.words}")
        arguments, settings = far.set_up(data)
        if plan.saves_bytes:
            settings |= rehearsal.SAVE_BYTES
        settings = plan.chain.settings({**_ANY_PORTS, **settings})
        relay = stage.start("relay", "relay", "--data", data, *arguments, "--json", **settings)
        ready = relay.document(_SETUP_S)
        plan.chain.relay_stands(ready["device_port"], data / READY_FILE)
        progress.step(f"enrolling {SN} with a fresh key")
        stage.run("enrol", "enrol", "--data", data, "--sn", SN, "--board", board, "--json")
        with closing(Client(data)) as client:
            far.meet(client, ready, SN)
            progress.step(f"switching the board on ({plan.board})")
            told: list[str | Path] = ["--folder", board, "--board", plan.board]
            told += ["--mic", plan.said_by_board, "--speaker", heard_by_board(plan), "--json"]
            if plan.codec is not None:
                main = plan.folder / "firmware" / "main.py"
                rehearsal.write_main(main, plan.codec)
                told += ["--main", main]
            stage.start("board", "emulate", *told)
            with rehearsal.Watch(board, _SETUP_S) as watch:
                watch.wait(stage, "online", _ONLINE_S)
                call_id = set_up_call(plan, stage, watch, lambda: far.call(client, SN), progress)
                record = far.told(hang_up(plan, stage, watch, client, call_id, progress))
                events = watch.events()
        progress.step("stopping everything")
    return events, record


def judge(plan: Plan, events: list[dict[str, Any]], record: dict[str, Any]) -> dict[str, Any]:
    """Report on the call that `rehearse` made."""
    return call_report.report(
        events=events,
        record=record,
        direction=plan.direction,
        said_by_board=plan.said_by_board,
        said_by_phone=plan.said_by_phone,
        heard_by_board=heard_by_board(plan),
        folder=plan.folder,
        needs_score=plan.is_default,
        saves_bytes=plan.saves_bytes,
    )


def heard_by_board(plan: Plan) -> Path:
    return plan.folder / "heard-by-board.wav"


@contextmanager
def _far_side(plan: Plan, stage: Stage) -> Iterator[FarSide]:
    """Script the phone and give its side."""
    phones = plan.folder / "phones.toml"
    record = plan.folder / "phone"
    rehearsal.write_phones(phones, PHONE, plan.said_by_phone, record, plan.direction == "in", _ANSWER_AFTER_MS)
    with closing((Scripted if plan.is_direct else ThroughPlatform)(stage, phones, PHONE)) as far:
        yield far


def set_up_call(
    plan: Plan, stage: Stage, watch: rehearsal.Watch, phone_calls: Callable[[], None], progress: Progress
) -> str:
    """Set the call up, by the board's button or from the phone; gives its id when it is answered."""
    plan.chain.dialling()
    if plan.direction == "out":
        progress.step("pressing the board's call button")
        watch.press("call")
    else:
        progress.step("the phone calls the board")
        phone_calls()
        watch.wait_call(stage, "RINGING", _SETUP_S)
        progress.step("pressing the board's call button to answer")
        watch.press("call")
    answered = watch.wait_call(stage, "ANSWERED", _SETUP_S)
    plan.chain.answered()
    return str(answered["call"])


def hang_up(
    plan: Plan, stage: Stage, watch: rehearsal.Watch, client: Client, call_id: str, progress: Progress
) -> dict[str, Any]:
    """Let both talk, end the call, and give its record with both ends' figures."""
    said = max(len(load(path, RATE_HZ)) for path in (plan.said_by_board, plan.said_by_phone)) / RATE_HZ
    talk_s = said + rehearsal.CLIP_DELAY_S
    began_s = time.monotonic()
    with progress.talk(talk_s) as moved:
        while (now_s := time.monotonic() - began_s) < talk_s and not watch.seen_call("ENDED"):
            moved(now_s)
            stage.check()
            time.sleep(0.05)
    plan.chain.talked()
    if plan.direction == "out" and not watch.seen_call("ENDED"):
        progress.step("pressing the board's end button")
        watch.press("end")
    watch.wait_call(stage, "ENDED", talk_s + _SETUP_S)
    watch.wait(stage, "figures", _SETUP_S)
    return dict(
        wait_until(
            stage, "the records of both ends", _SETUP_S, lambda: rehearsal.complete(client.get(f"/v1/calls/{call_id}"))
        )
    )


@contextmanager
def folder_for(keep: Path | None, results: Path = _RESULTS) -> Iterator[Path]:
    """Give an empty folder, which stays when the person named it; of another one its logs go to `results` if all fails.

    Raises:
        OperatorError: it, or the place for the results, cannot be had.
    """
    if keep is None:
        try:
            results.mkdir(parents=True, exist_ok=True)
            folder = tempfile.TemporaryDirectory(prefix="tincall-demo-")
        except OSError as error:
            where = error.filename or tempfile.gettempprefix()
            hint = "Name a folder for everything after --keep."
            raise OperatorError(f"cannot write to {where}: {error.strerror}", hint, 2) from error
        with folder as made:
            try:
                yield Path(made)
            except OperatorError as error:
                raise _with_logs(error, Path(made), results) from error
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise OperatorError(f"{keep} is not an empty folder", "Name a new one after --keep.", 2)
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(f"cannot make {keep}: {error.strerror}", "Name another folder after --keep.", 2) from error
    yield keep.absolute()


def _with_logs(error: OperatorError, folder: Path, results: Path) -> OperatorError:
    """Save the logs out of a folder that will vanish, and let the error name them where they are then."""
    for log in folder.rglob("*.log"):
        kept = results / log.relative_to(folder)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, kept)
    message, hint = (text.replace(str(folder), str(results)) for text in (error.message, error.hint))
    return OperatorError(message, hint, error.status)


def clips(folder: Path, clip: Path | None, seconds: float | None) -> tuple[Path, Path]:
    """Write the two marked clips."""
    found = (clip, clip) if clip is not None else rehearsal.default_clips()
    paths = folder / "said-by-board.wav", folder / "said-by-phone.wav"
    for source, path in zip(found, paths, strict=True):
        save(path, marker.mark(rehearsal.fit(load(source, RATE_HZ), seconds, RATE_HZ), RATE_HZ), RATE_HZ)
    return paths


class Progress:
    """Tells a person how far it is, with a bar where it can move; silent with --json.

    Args:
        console: where to, or None.
    """

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._began_s = time.monotonic()

    def step(self, text: str) -> None:
        """Name what is done now."""
        if self._console is not None:
            self._console.print(f"[dim]{time.monotonic() - self._began_s:6.1f} s[/]  {text}")

    @contextmanager
    def talk(self, seconds: float) -> Iterator[Any]:
        """Draw a bar while the talk lasts; gives a function that takes the seconds so far."""
        if self._console is None or not self._console.is_terminal:
            self.step(f"talking for {seconds:.0f} s")
            yield lambda now_s: None
            return
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("          talking"),
            BarColumn(40),
            TextColumn("{task.completed:.0f} of {task.total:.0f} s"),
        )
        with Bar(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("talk", total=seconds)
            yield lambda now_s: bar.update(task, completed=now_s)


@contextmanager
def _progress() -> Iterator[Progress]:
    if output.is_json():
        yield Progress(None)
        return
    from rich.console import Console

    yield Progress(Console(stderr=True, highlight=False))


def show(console: Console, report: dict[str, Any]) -> None:
    """Draw the figures, the verdict and the places of the files."""
    from rich.table import Table

    for table in call_report.tables(report):
        console.print(table)
    facts = Table.grid(padding=(0, 2))
    for fact in report["verdict"]["facts"]:
        mark = "[green]yes[/]" if fact["ok"] else "[red]NO[/]"
        facts.add_row(mark, output.escape(fact["what"]), f"[dim]{output.escape(fact['figures'])}[/]")
    console.print()
    console.print(facts)
    console.print()
    titles = {"uplink_wav": "what the phone heard", "downlink_wav": "what the board heard", "timeline_png": "picture"}
    for what, path in report["files"].items():
        if path:  # no table: a path is to be copied, and a table would cut it
            console.print(f"{titles.get(what, 'report'):22}{output.escape(path)}")
