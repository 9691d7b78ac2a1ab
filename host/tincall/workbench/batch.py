"""A batch of boards: the rows of a list, and the ledger that says how far each has come.

The ledger is `report.json` in the folder of the images, replaced whole at each step. A row is `begun` before anything is asked
of the relay, and `done` when its image is on the disk. So whoever finds it after a crash knows of each number: not touched,
perhaps enrolled with a key that nobody has, or done. It holds no keys.
"""

import csv
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from callcore.verify import is_serial_number
from tincall import files
from tincall.errors import STATUS_USAGE, OperatorError

LEDGER, REPORT = "report.json", "report.csv"
COLUMNS = ("sn", "name", "model")
# a list is read whole, and each row of it is a file of some hundred kilobytes
_MOST_ROWS = 10_000


@dataclass(frozen=True)
class Row:
    """One board to be made: serial number, name for people, model id."""

    sn: str
    name: str
    model: str


@dataclass(frozen=True)
class Entry:
    """How far a row has come.

    Args:
        row: what was asked for.
        state: `begun`, `done`, or `failed`: it was not begun, and `why` says why.
        file: name of its image within the folder, when it is done.
        sha256: of the image.
        why: as above.
    """

    row: Row
    state: Literal["begun", "done", "failed"]
    file: str = ""
    sha256: str = ""
    why: str = ""


def rows(file: Path, model: str) -> list[Row]:
    """Read a list: CSV with a head that names `sn`, and `name` and `model` where there are any.

    Args:
        file: the list, UTF-8.
        model: for rows without one.

    Raises:
        OperatorError: status 2, with the line that is wrong.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}", "Name a CSV file.", STATUS_USAGE) from None
    except UnicodeDecodeError:
        raise OperatorError(f"{file} is no text in UTF-8", "Save it as CSV in UTF-8.", STATUS_USAGE) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    head = reader.fieldnames or []
    unknown = [name for name in head if name not in COLUMNS]
    if "sn" not in head or unknown:
        said = f"has a column {unknown[0]!r}" if unknown else "has no column sn"
        raise OperatorError(f"{file} {said}", f"Its first line names of {', '.join(COLUMNS)}.", STATUS_USAGE)
    found: dict[str, Row] = {}
    for values in reader:
        where = f"{file}:{reader.line_num}"
        sn = (values["sn"] or "").strip()
        if not is_serial_number(sn):
            hint = "It has 1 to 128 of 0-9 A-Z a-z _ -."
            raise OperatorError(f"{where}: {sn!r} is no serial number", hint, STATUS_USAGE)
        if sn in found or None in values:
            what = f"{sn} stands there twice" if sn in found else "the line has more fields than the first one"
            raise OperatorError(f"{where}: {what}", "Mend the list.", STATUS_USAGE)
        found[sn] = Row(sn, (values.get("name") or "").strip(), (values.get("model") or "").strip() or model)
    if not 0 < len(found) <= _MOST_ROWS:
        raise OperatorError(f"{file} has {len(found)} rows", f"It needs 1 to {_MOST_ROWS:,}.", STATUS_USAGE)
    return list(found.values())


class Ledger:
    """How far the rows of one folder have come.

    Args:
        folder: of the images; made when it is not there.

    Raises:
        OperatorError: status 2; the folder cannot be used, or its ledger cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / LEDGER
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held = json.loads(self._file.read_text())["boards"] if self._file.exists() else []
            self._entries = {one["row"]["sn"]: Entry(**{**one, "row": Row(**one["row"])}) for one in held}
        except OSError as error:
            hint = "Name a folder that you may write to."
            raise OperatorError(f"{folder} cannot be used: {error.strerror}", hint, STATUS_USAGE) from None
        except (ValueError, KeyError, TypeError):
            hint = "Look what it is, or name another folder: it alone knows which of the boards are made already."
            raise OperatorError(f"{self._file} is no ledger", hint, STATUS_USAGE) from None

    def entries(self) -> list[Entry]:
        """Give all entries in the order they came."""
        return list(self._entries.values())

    def state(self, sn: str) -> str:
        """Give the state of a number; empty when it was not touched."""
        return self._entries[sn].state if sn in self._entries else ""

    def begin(self, row: Row) -> None:
        """Note that the relay is about to be asked for this number; the note is on the disk when this returns."""
        self._put(Entry(row, "begun"))

    def fail(self, row: Row, why: str) -> None:
        """Note that nothing was begun, and why."""
        self._put(Entry(row, "failed", why=why))

    def save(self, row: Row, image: bytes) -> Path:
        """Write a row's image, for its owner's eyes alone since a key is in it, and note that it is done.

        If power fails, a reader finds no image or this one, and the row `begun` or `done`, `done` only with the image.

        Raises:
            OSError: it cannot be written.
        """
        path = files.write(self.folder / f"{row.sn}.img", image, 0o600)
        self._put(Entry(row, "done", path.name, hashlib.sha256(image).hexdigest()))
        return path

    def report(self) -> Path:
        """Write what became of every row as CSV, and give the file."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow([*COLUMNS, "state", "file", "sha256", "why"])
        for one in self._entries.values():
            cells = [one.row.sn, one.row.name, one.row.model, one.state, one.file, one.sha256, one.why]
            # a program for tables would take a text that begins so for a formula
            writer.writerow([f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in cells])
        return files.write(self.folder / REPORT, text.getvalue().encode())

    def _put(self, entry: Entry) -> None:
        self._entries[entry.row.sn] = entry
        held = [asdict(one) for one in self._entries.values()]
        files.write(self._file, json.dumps({"boards": held}, indent=1).encode())
