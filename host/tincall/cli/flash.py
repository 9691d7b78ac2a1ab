"""`tincall flash`: MicroPython onto a bare chip, and files with it if you like; nothing is erased before all was judged."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tincall.cli import output
from tincall.cli.install import PortOption
from tincall.errors import STATUS_USAGE, OperatorError


def flash(
    board: Annotated[str, typer.Argument(help="Which board; see boards/README.md.")],
    port: PortOption = "",
    image: Annotated[
        Path | None,
        typer.Option("--image", help="MicroPython's .bin file for this board; without it, where to get it."),
    ] = None,
    files: Annotated[
        Path | None, typer.Option("--files", help="An image of `tincall image`, written in the same go.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Erase only what is written: identity and files stay.")] = False,
    baud: Annotated[int, typer.Option("--baud", min=9600, max=4_000_000, help="Bits a second.")] = 460_800,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Write MicroPython to a bare chip."""
    from tincall.workbench import boards, chip_image, flasher, ports
    from tincall.workbench.chip_program import Esptool

    known = boards.load(board)
    offset = flasher.judge_board(known)
    if image is None:
        raise OperatorError(
            "no firmware file is named",
            f"Get it from {flasher.where_to_get(known)}; name it after --image.",
            STATUS_USAGE,
        )
    read = chip_image.read(image, offset)
    flasher.judge_image(known, read)
    port = port or ports.the_one()
    esptool = Esptool(port, baud)
    output.note(f"asking the chip on {port}")
    chip = esptool.ask()
    flasher.judge_chip(known, read, chip)
    parts = [(offset, read.content)]
    if files is not None:
        content = _read(files)
        parts.append((flasher.place_of_files(read, chip, content), content))
    _confirm(port, chip.name, keep, files is not None, yes)
    with tempfile.TemporaryDirectory(prefix="tincall-flash-") as folder, _progress() as told:
        # what was judged is what is written, whatever happens to the files meanwhile
        written = [(at, _copy(Path(folder) / f"{at:x}.bin", content)) for at, content in parts]
        try:
            esptool.write(chip.name, written, not keep, told)
        except KeyboardInterrupt:
            output.note("tincall: broken off; the chip holds half of it. Run the same again.")
            raise
    document = {
        "board": known.id, "port": port, "chip": chip.name, "flash_bytes": chip.flash_bytes, "erased": not keep,
        "interpreter": f"{read.project} {read.version}".strip(),
        "parts": [{"offset": at, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for at, data in parts],
    }  # fmt: skip
    named = document["interpreter"] or "the firmware"
    rest = "Its files are on it, too." if files else f"Next: tincall install {known.id} --port {port}"
    said = f"{named} is on the {chip.name} on {port}, written and read back. {rest}"
    output.result(document, lambda console: console.print(output.escape(said)))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}", "Name an image.", STATUS_USAGE) from None


def _copy(file: Path, content: bytes) -> Path:
    file.touch(0o600)  # there may be a key in it
    file.write_bytes(content)
    return file


def _confirm(port: str, chip: str, keeps: bool, has_files: bool, yes: bool) -> None:
    """Ask before anything is lost.

    Raises:
        OperatorError: the person does not want it, or there is nobody to ask.
    """
    lost = "MicroPython on it is replaced" if keeps else "Everything on it is erased, its identity as well"
    if keeps and has_files:
        lost += ", and so are its files"
    if yes:
        return
    if output.is_json() or not sys.stdin.isatty():
        raise OperatorError(f"nobody is there to be asked. {lost}", "Say --yes.", STATUS_USAGE)
    if not typer.confirm(f"A {chip} is on {port}. {lost}. Go on?", err=True):
        raise OperatorError("nothing was done", "The chip is as it was; tap RESET to start it.")


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Draw a bar for what is being done; gives what to call."""
    if output.is_json():
        yield lambda what, part: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("connecting", total=None)

        def told(what: str, part: float) -> None:
            bar.update(task, description=what, total=1.0 if part else None, completed=part)

        yield told
