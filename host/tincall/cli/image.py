"""`tincall image`: LittleFS images of boards, firmware and identity in them, one board or a whole list.

Keys go from the relay's answers into the images and nowhere else. A list may be broken off and taken up again: what is done
stays, and a number that was enrolled without its image having been written is enrolled anew, since nobody has its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tincall import files
from tincall.cli import output, paths
from tincall.cli.client import DEFAULT_DATA, Client, DataOption
from tincall.cli.enrol import Profile
from tincall.emulator.troubles import FLASH_BYTES
from tincall.errors import STATUS_USAGE, OperatorError
from tincall.settings import DataFolder

if TYPE_CHECKING:
    from tincall.workbench.batch import Ledger, Row
    from tincall.workbench.boards import Board

_MODEL = "tincall"


def image(
    board: Annotated[str, typer.Argument(help="Which board; see boards/README.md.")],
    out: Annotated[Path, typer.Option("--out", help="The image; with --csv, the folder for all of them.")],
    sn: Annotated[str, typer.Option("--sn", help="Enrol this serial number, and put its identity in.")] = "",
    name: Annotated[str, typer.Option("--name", help="Name for people.")] = "",
    model: Annotated[str, typer.Option("--model", help="Model id.")] = _MODEL,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="A list of boards: columns sn, and name and model if you like.")
    ] = None,
    interpreter: Annotated[
        Path | None,
        typer.Option("--interpreter", help="The MicroPython file that the boards run: it says where files go."),
    ] = None,
    flash_mib: Annotated[
        int | None,
        typer.Option("--flash-mib", min=2, max=128, help="Size of the chips' flash, if not the board's usual."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="How boards reach the relay, as `tincall enrol` has it.")] = "",
    profile: Annotated[Profile, typer.Option("--profile", help="As `tincall enrol` has it.")] = Profile.HMAC,
    arch: Annotated[str, typer.Option("--arch", hidden=True)] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make flashable images of a board's files."""
    if sn and csv is not None:
        raise OperatorError("--sn and --csv are two ways", "Say one of them.", STATUS_USAGE)
    maker = Maker(board, interpreter, flash_mib, arch)
    if csv is not None:
        with _relay(data, host, profile) as relay:
            _batch(maker, csv, out, model, relay)
        return
    if sn:
        paths.check_sn(sn)
        with _relay(data, host, profile) as relay:
            made = relay.enrolled(sn, name, model, lambda identity: _save(out, maker.image(identity)))
    else:
        made = _save(out, maker.image(None))
    _show(maker, out, sn, made)


class Maker:
    """Makes the images of one kind of board.

    Args:
        board: its name.
        interpreter: the MicroPython file on it; None for an emulated board.
        flash_mib: size of its flash; None for what the board has as a rule.
        arch: of an emulated board's interpreter; empty for `x64`.

    Raises:
        OperatorError: no such board, no such file or none for it, or the firmware cannot be compiled.
    """

    def __init__(self, board: str, interpreter: Path | None, flash_mib: int | None, arch: str) -> None:
        from tincall.workbench import boards, firmware, plan

        known = boards.load(board)
        self.board = known.id
        self.offset, self.size = _place(known, interpreter, flash_mib)
        self.arch = known.arch or arch or "x64"
        self._store = firmware.store(known.id)
        files_of_it = firmware.files(self.arch, known.id)
        self._files = plan.marked(files_of_it, firmware.version(), known.id, self.arch)

    def image(self, identity: dict[str, Any] | None) -> bytes:
        """Make an image; with an identity there is a key in it.

        The store's other copy, in the chip's own storage, is made by the board when it first starts.
        """
        from callcore import record
        from tincall.cli.enrol import IDENTITY
        from tincall.workbench import boards, flash_image

        held = dict(self._files)
        if identity is not None:
            name, kind = IDENTITY
            held[f"{self._store.rstrip('/')}/{name}.bin"] = record.pack(kind, 1, json.dumps(identity).encode())
        made = flash_image.make(held, self.size)
        # the file is an emulated board's whole flash
        return made.ljust(self.size, b"\xff") if self.board == boards.EMULATED else made


def _place(board: Board, interpreter: Path | None, flash_mib: int | None) -> tuple[int, int]:
    """Give offset and size of the partition for files, which the interpreter formats if anything else is in it."""
    from tincall.workbench import chip_image, flasher

    if board.flash_bytes is None or board.bootloader_offset is None:
        return 0, FLASH_BYTES
    if interpreter is None:
        hint = f"Name the file with --interpreter; there is one at {flasher.where_to_get(board)}."
        message = "where the files go, and how many, is said by the MicroPython file that the board runs"
        raise OperatorError(message, hint, STATUS_USAGE)
    read = chip_image.read(interpreter, board.bootloader_offset)
    flasher.judge_image(board, read)
    return read.files_at(flash_mib << 20 if flash_mib else board.flash_bytes)


class _Relay:
    """Enrols boards for images."""

    def __init__(self, client: Client, folder: DataFolder, where: dict[str, Any], profile: Profile) -> None:
        self._client = client
        self._folder = folder
        self._where = where
        self._profile = profile

    def known(self) -> set[str]:
        """Give all numbers that are enrolled."""
        return {one["sn"] for one in self._client.get("/v1/devices")["devices"]}

    def forget(self, sn: str) -> None:
        """Take an enrolment back."""
        self._client.delete(paths.device(sn))

    def enrolled(self, sn: str, name: str, model: str, use: Callable[[dict[str, Any]], bytes]) -> bytes:
        """Enrol a board and use its identity; where that fails, take it back."""
        from tincall.cli.enrol import fields_of, handed_over

        with handed_over(self._client, sn, model, name, self._profile) as answer:
            try:
                return use(fields_of(answer, self._where, self._folder))
            except (OperatorError, OSError) as error:
                why = error.message if isinstance(error, OperatorError) else f"it cannot be written: {error.strerror}"
                hint = f"{sn} is not enrolled; mend that, try again."
                raise OperatorError(f"no image of {sn}: {why}", hint) from None


@contextmanager
def _relay(data: Path, host: str, profile: Profile) -> Iterator[_Relay]:
    from tincall.cli.enrol import address

    folder = DataFolder(data)
    where = address(folder, host)
    with Client(data) as client:
        yield _Relay(client, folder, where, profile)


def _save(out: Path, image: bytes) -> bytes:
    try:
        files.write(out, image, 0o600)
    except OSError as error:
        raise OperatorError(f"{out} cannot be written: {error.strerror}", "Name another by --out.") from None
    return image


def _show(maker: Maker, out: Path, sn: str, made: bytes) -> None:
    document = {
        "board": maker.board, "file": str(out), "bytes": len(made), "sha256": hashlib.sha256(made).hexdigest(),
        "offset": maker.offset, "partition_bytes": maker.size, "sn": sn or None,
    }  # fmt: skip
    said = f"{out}: {len(made):,} bytes, for {maker.offset:#x} of the flash"
    more = f"{sn} is enrolled, and its key is in there: keep it as you keep keys.\n" if sn else ""
    way = (
        ""
        if maker.board == "EMULATED"
        else f"Write it: tincall flash {maker.board} --port ... --image MICROPYTHON.bin --files {out}"
    )
    output.result(document, lambda console: console.print(output.escape(said), output.escape(more) + way, sep="\n"))


def _batch(maker: Maker, list_file: Path, folder: Path, model: str, relay: _Relay) -> None:
    from tincall.workbench import batch

    rows = batch.rows(list_file, model)
    ledger = batch.Ledger(folder)
    before = sum(ledger.state(row.sn) == "done" for row in rows)
    try:
        with _progress(len(rows)) as advance:
            _make_all(maker, rows, relay, ledger, advance)
    finally:
        report = ledger.report()
    failed = [one for one in ledger.entries() if one.state == "failed"]
    made = sum(ledger.state(row.sn) == "done" for row in rows) - before
    document = {
        "board": maker.board, "folder": str(folder), "report": str(report), "rows": len(rows), "made": made,
        "done_before": before, "failed": [{"sn": one.row.sn, "why": one.why} for one in failed],
        "offset": maker.offset, "partition_bytes": maker.size,
    }  # fmt: skip
    said = f"{made} images made in {folder}, {before} were there before; {report} tells all. Keys are in them."
    problem = OperatorError(f"{len(failed)} boards have no image", f"See {report}.") if failed else None
    output.result(document, lambda console: console.print(output.escape(said)), problem)


def _make_all(maker: Maker, rows: list[Row], relay: _Relay, ledger: Ledger, advance: Callable[[], object]) -> None:
    """Make what is not done yet."""
    known = relay.known()
    for row in rows:
        state = ledger.state(row.sn)
        if state == "begun" and row.sn in known:
            # ours, and its key went with the run that was broken off
            relay.forget(row.sn)
        elif state != "done" and row.sn in known:
            ledger.fail(row, "it was enrolled before; forget it first, or take it out of the list")
            state = "done"
        if state != "done":
            ledger.begin(row)
            relay.enrolled(row.sn, row.name, row.model, _saver(maker, ledger, row))
        advance()


def _saver(maker: Maker, ledger: Ledger, row: Row) -> Callable[[dict[str, Any]], bytes]:
    def save(identity: dict[str, Any]) -> bytes:
        made = maker.image(identity)
        ledger.save(row, made)
        return made

    return save


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """Show how many of them are through; gives what to call for each."""
    if output.is_json():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("images", total=total)
        yield lambda: bar.advance(task)
