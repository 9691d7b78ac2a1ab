"""`tincall up`: from a board on a cable to its first call, in one go: relay, firmware, provisioning, a call that is judged.

Each step is found out before it is taken, so the same command goes on where it was interrupted. What it starts ends with it;
the relay's data folder and the board stay as they are then.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import demo, output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption, running
from tincall.cli.install import BaudOption, PortOption
from tincall.cli.provision import WifiKeyOption, WifiOption, show_step
from tincall.errors import STATUS_USAGE, OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from tincall.cli.provisioning import Network
    from tincall.measure.stage import Stage
    from tincall.settings import DataFolder
    from tincall.workbench.journey import Journey
    from tincall.workbench.provision import Verified

PHONE = "alice"
START_S = 30.0
RESULTS = Path("first-call")
_EMULATED = "EMULATED"
_ANSWER_AFTER_MS = 600
_ANY_PORTS = {"TINCALL__DEVICE__PORT": "0", "TINCALL__WEB__PORT": "0"}


@dataclass(frozen=True)
class Trip:
    """What `up` was asked for.

    Args:
        board: name of a folder of `boards/`; empty: as its firmware says.
        sn: serial number; empty: as it has, or one of its kind and chip.
        data: the relay's data folder.
        folder: for what is made for this call alone.
        network: name and password of the WiFi; None: any will do, and a person is asked.
        baud: of the port.
        wait_s: how long a person may take to press the button.
    """

    board: str
    sn: str
    data: Path
    folder: Path
    network: Network | None
    baud: int
    wait_s: float


def up(
    board: Annotated[
        str, typer.Argument(metavar="[BOARD]", help="Which board it is, a folder of `boards/`; as before if not given.")
    ] = "",
    port: PortOption = "",
    emulated: Annotated[
        bool, typer.Option("--emulated", help="Make and start an emulated board, with a relay of its own.")
    ] = False,
    sn: Annotated[str, typer.Option("--sn", help="Serial number; made of board and chip if not given.")] = "",
    wifi: WifiOption = "",
    wifi_key_file: WifiKeyOption = None,
    keep: Annotated[Path | None, typer.Option(help="Folder for everything the call leaves; new or empty.")] = None,
    wait: Annotated[int, typer.Option("--wait", min=5, help="Seconds that you have to press the call button.")] = 180,
    baud: BaudOption = 115_200,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Bring a board up, from MicroPython on it to a call, and judge the call.

    Makes the relay's folder and runs the relay if need be; asks for the WiFi and nothing else.
    """
    from tincall.cli.provision import network
    from tincall.measure import rehearsal
    from tincall.measure.stage import Stage, terminable
    from tincall.workbench.journey import Journey

    if emulated and (port or board not in ("", _EMULATED)):
        raise OperatorError("--emulated makes a board of its own.", "Leave BOARD and --port out.", STATUS_USAGE)
    if sn:
        paths.check_sn(sn)
    wanted = network(wifi, wifi_key_file)
    journey = Journey(show_step)
    try:
        with terminable(), demo.folder_for(keep, RESULTS) as folder:
            where = folder / "relay" if emulated else data
            trip = Trip(_EMULATED if emulated else board, sn, where, folder, wanted, baud, float(wait))
            with Stage(folder) as stage:
                judge = _emulated(trip, stage, journey) if emulated else _real(trip, port, stage, journey)
            report = judge()  # when everybody has finished his recordings
            if keep is None:
                report = rehearsal.keep_results(report, RESULTS)
    except OperatorError as problem:
        output.result({"steps": journey.document()}, lambda console: None, problem)
        return
    output.result(report, lambda console: _show(console, report, data, emulated), demo.problem_of(report))


def _emulated(trip: Trip, stage: Stage, journey: Journey) -> Callable[[], dict[str, Any]]:
    """Make a board, and let it press its own button; gives what judges the call."""
    from tincall.cli import up_call
    from tincall.emulator.control import BoardControl

    said = demo.clips(trip.folder, None, None)
    plan = demo.Plan("unix", "out", *said, True, trip.folder, is_direct=True)
    place = trip.folder / "board"
    with _relay(trip, stage, journey, said[1], ["127.0.0.1"], False, _ANY_PORTS) as client:
        told: list[str | Path] = ["--folder", place, "--pty", "--mic", said[0], "--speaker", demo.heard_by_board(plan)]
        stage.start("board", "emulate", *told, "--json")
        with BoardControl.wait(place, START_S) as control:
            path = str(control.status()["port"])
        verified, sn, since_ns = _bring_up(trip, path, client, journey)
        events, record = up_call.by_itself(plan, stage, client, journey, since_ns)
    return lambda: _whole(demo.judge(plan, events, record), trip, path, sn, verified, journey)


def _real(trip: Trip, port: str, stage: Stage, journey: Journey) -> Callable[[], dict[str, Any]]:
    """Bring a board on a port up, and let its person press the button; gives what judges the call."""
    from tincall.cli import up_call
    from tincall.workbench import boards, ports

    if trip.board:
        boards.load(trip.board)
    path = port or ports.the_one()
    _, said = demo.clips(trip.folder, None, None)
    with _relay(trip, stage, journey, said, [own_address()], True, {}) as client:
        verified, sn, _ = _bring_up(trip, path, client, journey)
        record = up_call.with_a_person(stage, client, sn, journey, trip)
    return lambda: _whole(up_call.judge(record), trip, path, sn, verified, journey)


@contextmanager
def _relay(
    trip: Trip, stage: Stage, journey: Journey, says: Path, hosts: list[str], hangs_up: bool, settings: dict[str, str]
) -> Iterator[Client]:
    """Have a relay with a phone: the one that runs on the data folder, or one of our own."""
    from tincall.measure import rehearsal
    from tincall.settings import DataFolder
    from tincall.workbench.journey import DONE, MADE

    folder = DataFolder(trip.data)
    with journey.at("relay"):
        if not folder.settings.exists():
            named = [word for host in hosts for word in ("--host", host)]
            stage.run("init", "init", "--data", trip.data, *named, "--json")
            journey.add("data", MADE, str(trip.data))
        if is_there := _runs(folder):
            said = "it runs"
        else:
            phones = trip.folder / "phones.toml"
            rehearsal.write_phones(phones, PHONE, says, trip.folder / "phone", hangs_up, _ANSWER_AFTER_MS)
            words = ("--data", trip.data, "--phones", phones, "--json")
            ready = stage.start("relay", "relay", *words, **settings).document(START_S)
            said = f"started for this call; boards connect to port {ready['device_port']}"
        client = Client(trip.data)
    with client:
        with journey.at("relay"):
            if not client.get("/v1/phones")["phones"]:
                hint = "Stop that relay and run the same again: it starts one that plays a phone. Or add [[phones]]."
                raise OperatorError("the relay that runs there plays no phone that could be called.", hint)
        journey.add("relay", DONE if is_there else MADE, said)
        yield client


def _runs(folder: DataFolder) -> bool:
    """Tell whether a relay runs on a data folder; one that was killed has left its announcement."""
    if not running(folder):
        return False
    try:
        with Client(folder.root) as client:
            client.get("/readyz")
    except OperatorError:
        return False
    return True


def _bring_up(trip: Trip, path: str, client: Client, journey: Journey) -> tuple[Verified | None, str, int]:
    """Install and provision; gives how it was verified, its serial number, and when its firmware began."""
    from tincall.cli import install
    from tincall.cli.provision import ask
    from tincall.cli.provisioning import Provisioning, Wanted
    from tincall.settings import DataFolder
    from tincall.workbench import boards
    from tincall.workbench.journey import DONE, MADE
    from tincall.workbench.serial_board import SerialBoard

    with journey.at("install"), SerialBoard.open(path, trip.baud) as there:
        try:
            chosen, _, done = install.bring(there, boards.load(trip.board) if trip.board else None)
        except BaseException:
            there.restart()  # what was stopped starts again, whatever comes
            raise
        said = f"{len(done.copied)} files copied, {len(done.kept)} kept, {done.seconds:.1f} s"
        journey.add("install", MADE if done.copied or done.removed else DONE, f"{chosen.id}: {said}")
    # opening it again resets the interpreter, which may have loaded what was there before
    with SerialBoard.open(path, trip.baud) as there:
        try:
            work = Provisioning(
                there, client, DataFolder(trip.data), Wanted(trip.sn, network=trip.network), journey, ask
            )
            work.run()
        finally:
            began_ns = time.time_ns()
            there.restart()
    return work.verified, work.sn, began_ns


def own_address() -> str:
    """Give the address by which boards on the same network reach this computer; nothing is sent to find it out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of documentation (RFC 5737): the way out is what counts
            return str(probe.getsockname()[0])
        except OSError:
            raise OperatorError(
                "this computer is in no network.", "Join the one that the board is to use, or run `tincall init` first."
            ) from None


def _whole(
    report: dict[str, Any], trip: Trip, path: str, sn: str, verified: Verified | None, journey: Journey
) -> dict[str, Any]:
    told = None if verified is None else {"verify_ms": verified.verify_ms, "ssid": verified.ssid, "kv": verified.kv}
    ours = {"sn": sn, "port": path, "data": str(trip.data), "steps": journey.document(), "provisioned": told}
    return {**ours, **report}


def _show(console: Console, report: dict[str, Any], data: Path, emulated: bool) -> None:
    """Draw the figures and what comes next."""
    from tincall.cli import up_call

    if "timeline_png" in report["files"]:
        demo.show(console, report)
    else:
        up_call.show(console, report)
    if not emulated:
        where = output.escape(data)
        console.print(
            f"\nFrom now on: tincall relay --data {where} (with --phones FILE it plays phones; docs/phones.toml)"
        )
