"""Human speech for calls and scores: the recordings of one Debian package as WAV files of one kind.

All are 16 kHz, one channel, 16 bits. The package's own raw files get a header; its WAV files are taken when they are
of that kind already.
"""

import shutil
import wave
from pathlib import Path

from tincall.errors import OperatorError

PACKAGE = "pocketsphinx-testdata"
RATE_HZ = 16000
_RECORDINGS = "usr/share/pocketsphinx/test/data"
_LICENCE = f"usr/share/doc/{PACKAGE}/copyright"


def _is_ours(path: Path) -> bool:
    try:
        with wave.open(str(path)) as file:
            return (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
    except (wave.Error, EOFError):
        return False


def _add_header(raw: Path, to: Path) -> None:
    with wave.open(str(to), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(raw.read_bytes())


def _name(path: Path) -> str:
    """Give a clip a name that says which set it is from: `cards-001.wav`, `librivox-0870.wav`, `goforward.wav`."""
    stem = path.stem.replace("sense_and_sensibility_01_austen_64kb-", "").replace(".", "-")
    return f"{stem}.wav" if path.parent.name == "data" else f"{path.parent.name}-{stem}.wav"


def collect(unpacked: Path, into: Path) -> list[Path]:
    """Gather the recordings of an unpacked package, its licence beside them.

    Args:
        unpacked: root of the unpacked package.
        into: folder for the WAV files; made when it is not there.

    Returns:
        The WAV files, sorted.

    Raises:
        OperatorError: the package holds none; its layout has changed.
    """
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted((unpacked / _RECORDINGS).rglob("*")):
        if path.suffix == ".raw":
            _add_header(path, into / _name(path))
        elif path.suffix == ".wav" and _is_ours(path):
            shutil.copyfile(path, into / _name(path))
    clips = sorted(into.glob("*.wav"))
    licence = unpacked / _LICENCE
    if not clips or not licence.is_file():
        raise OperatorError(f"{PACKAGE} holds no recordings, or no licence, where they used to be", "Report this.")
    shutil.copyfile(licence, into / "LICENCE.txt")
    return clips
