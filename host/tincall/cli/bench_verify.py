"""`tincall bench verify`: start a relay, let boards verify over and over, and hold what it costs against what it may cost."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall.cli import output
from tincall.cli.client import Client
from tincall.errors import OperatorError
from tincall.measure.stage import Stage

if TYPE_CHECKING:
    from rich.console import Console

# no bound may be what is measured; all of it comes from one address
SETTINGS = {
    "TINCALL__DEVICE__PORT": "0",
    "TINCALL__WEB__PORT": "0",
    "TINCALL__WORKER__WARM": "0",
    "TINCALL__LIMITS__ATTEMPTS_PER_MINUTE": "1000000",
    "TINCALL__LIMITS__ATTEMPTS_PER_MINUTE_ADDRESS": "1000000",
    "TINCALL__LIMITS__CONNECTIONS_PER_ADDRESS": "2048",
    "TINCALL__LOG__LEVEL": "warning",
}
START_S = 30.0
ROWS = (
    ("round_trips", "round trips after TLS", "{:g}", "{:g}"),
    ("cpu_ms", "CPU of the relay for each, TLS and all", "{:.2f} ms", "at most {:g} ms"),
    ("per_core_s", "that is for a core, each second", "{:g}", "at least {:g}"),
    ("cpu_tls_ms", "of it TLS", "{:.2f} ms", ""),
    ("cpu_verify_ms", "of it verification and its record on disk", "{:.2f} ms", ""),
    ("per_s", "each second, here, now", "{:g}", ""),
    ("took_p50_ms", "one takes, half of them", "{:.0f} ms", ""),
    ("took_p99_ms", "one takes, 99 of 100", "{:.0f} ms", ""),
)


def verify(
    boards: Annotated[int, typer.Option(min=1, max=500, help="Boards that verify at one time.")] = 16,
    each: Annotated[int, typer.Option(min=10, max=10_000, help="Verifications of each.")] = 60,
) -> None:
    """Measure what verifying boards costs the relay."""
    from tincall.measure import verify_bench

    with tempfile.TemporaryDirectory(prefix="tincall-bench-") as made, Stage(Path(made)) as stage:
        target = _target(stage, Path(made), boards)
        report = verify_bench.run(target, each, output.note if not output.is_json() else _quiet)
    output.result(report, lambda console: _show(console, report), _problem(report))


SUBCOMMAND = (verify, "Measure what verifying boards costs the relay.")


def _target(stage: Stage, folder: Path, boards: int) -> Any:
    """Start a relay and enrol boards."""
    from tincall.measure.verify_bench import Target

    data = folder / "data"
    stage.run("init", "init", "--data", data, "--json")
    relay = stage.start("relay", "relay", "--data", data, "--json", **SETTINGS)
    ready = relay.document(START_S)
    keys = {}
    with Client(data) as client:
        for number in range(boards):
            enrolled = client.post("/v1/devices", {"sn": f"BENCH-{number}"})
            keys[enrolled["sn"]] = base64.b64decode(enrolled["key"])
    return Target(ready["device_port"], data / "ca.pem", ready["pid"], keys)


def _quiet(words: str) -> None:
    pass


def _problem(report: dict[str, Any]) -> OperatorError | None:
    missed = [one["figure"] for one in report["targets"] if not one["ok"]]
    if not missed:
        return None
    return OperatorError(f"Not reached: {', '.join(missed)}.", "Measure on a machine that does nothing else.")


def _show(console: Console, report: dict[str, Any]) -> None:
    from rich.table import Table

    bounds = {one["figure"]: one for one in report["targets"]}
    table = Table("figure", "found", "has to be", box=None)
    for name, words, form, bound in ROWS:
        judged = bounds.get(name)
        colour = "" if judged is None else "[green]" if judged["ok"] else "[red]"
        wanted = "" if judged is None else bound.format(judged["bound"])
        table.add_row(words, colour + form.format(report[name]), wanted)
    console.print(f"{report['verifications']} verifications of {report['boards']} boards")
    console.print(table)
