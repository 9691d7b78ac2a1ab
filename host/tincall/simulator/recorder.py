"""A recording that goes to disk as it comes, with the instant of its first sample beside it.

`<name>.wav` is 16-bit PCM; `<name>.json` says when sample 0 was at the edge it was recorded at, in nanoseconds of the
computer's calendar clock, which all processes of one computer share. Sample n was there n / rate_hz later.
"""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# ten minutes, 9.6 MB: a forgotten call must not fill the disk
MAX_SECONDS = 600


class Recording:
    """One WAV file being written.

    Args:
        folder: where; made if missing.
        name: file name without its ending.
        rate_hz: samples a second.
        t0_ns: instant of sample 0, as `time.time_ns()` counts.

    Attributes:
        path: the WAV file.
        samples: samples written.

    Raises:
        OSError: the files cannot be made.
    """

    def __init__(self, folder: Path, name: str, rate_hz: int, t0_ns: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.wav"
        self.samples = 0
        self._timeline = folder / f"{name}.json"
        self._rate_hz = rate_hz
        self._t0_ns = t0_ns
        self._file = open(self.path, "wb")  # noqa: SIM115 - closed by close()
        self._wave = wave.open(self._file, "wb")  # noqa: SIM115 - closed by close()
        self._wave.setparams((1, 2, rate_hz, 0, "NONE", ""))

    def write(self, samples: NDArray[np.int16]) -> None:
        """Add samples; what is beyond `MAX_SECONDS` is left out."""
        room = MAX_SECONDS * self._rate_hz - self.samples
        if room > 0:
            kept = samples[:room]
            self._wave.writeframesraw(kept.astype("<i2", copy=False).tobytes())
            self.samples += len(kept)

    def close(self, **facts: Any) -> None:
        """Finish the WAV file and write the timeline, with further facts in it."""
        self._wave.close()
        self._file.close()
        timeline = {"file": self.path.name, "rate_hz": self._rate_hz, "samples": self.samples, "t0_ns": self._t0_ns}
        self._timeline.write_text(json.dumps({**timeline, **facts}, indent=1) + "\n")
