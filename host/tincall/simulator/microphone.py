"""What the simulated phone's microphone hears: silence, and a clip once or again and again, in frames of one tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]


class Microphone:
    """A clip handed out frame by frame.

    Args:
        clip: int16 samples; empty for silence.
        frame_samples: samples in one frame.
        wait_samples: silence before the clip's first sample.
        is_repeating: whether the clip begins anew after its end; there is no pause between.

    Attributes:
        clip_at: where the clip's sample 0 stands in the stream of frames.
        is_spoken: whether the whole clip has been handed out; never for a repeating or an empty clip.
    """

    def __init__(self, clip: Samples, frame_samples: int, wait_samples: int, is_repeating: bool) -> None:
        self.clip_at = wait_samples
        self.is_spoken = False
        self._clip = clip
        self._frame_samples = frame_samples
        self._is_repeating = is_repeating
        self._at = -wait_samples

    def next_frame(self) -> Samples:
        """Give the next frame: int16 array of shape (frame_samples,)."""
        frame = np.zeros(self._frame_samples, dtype=np.int16)
        length = len(self._clip)
        filled = min(max(0, -self._at), self._frame_samples)
        self._at += filled
        while filled < self._frame_samples and self._at < length:
            part = self._clip[self._at : self._at + self._frame_samples - filled]
            frame[filled : filled + len(part)] = part
            filled += len(part)
            self._at += len(part)
            if self._at == length and self._is_repeating:
                self._at = 0
        if length and self._at == length:
            self.is_spoken = True
        return frame
