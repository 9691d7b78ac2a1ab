"""What is different in the chain of a rehearsed call: nothing, or a bad line, a bad far side, and settings of the relay."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tincall.measure import bad_media
from tincall.measure.bad_line import BadLine, LineProfile
from tincall.simulator.impair import FrameProfile
from tincall.wechat.room_plan import RoomPlan


class Chain:
    """The chain as it is; others are told the same at the same moments and change something."""

    def settings(self, given: Mapping[str, str]) -> dict[str, str]:
        """Give the variables of the relay's environment.

        Args:
            given: those that it would have.
        """
        return dict(given)

    def relay_stands(self, port: int, announcement: Path) -> None:
        """Hear of the relay before any board does.

        Args:
            port: to which boards connect.
            announcement: file by which the relay tells that port; a board that is enrolled now reads it there.
        """

    def dialling(self) -> None:
        """Hear that the call is about to be made."""

    def answered(self) -> None:
        """Hear that the call was answered."""

    def talked(self) -> None:
        """Hear that both have said what they had to say; the call is not over yet."""


class BadChain(Chain):
    """A chain with faults; use it in a `with` block around the call.

    Args:
        folder: for what the far side counts; empty.
        line: between board and relay; it is there also when nothing is wrong with it, since it counts.
        media: of the packets towards the phone and from it, where the link ends; None: nothing comes between.

    Attributes:
        talk_bytes: what the connection of the board carried during the talk: `up` and `down`; empty before.
    """

    def __init__(
        self,
        folder: Path,
        line: LineProfile,
        media: tuple[FrameProfile, FrameProfile] | None,
    ) -> None:
        self._folder = folder
        self._profile = line
        self._media = media
        self._line: BadLine | None = None
        self._before: dict[str, int] = {}
        self._began_s = 0.0
        self.talk_bytes: dict[str, int] = {}
        self.talk_s = 0.0

    def __enter__(self) -> BadChain:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._line is not None:
            self._line.close()

    @property
    def line(self) -> BadLine:
        """The line, once the relay stands."""
        assert self._line is not None
        return self._line

    def settings(self, given: Mapping[str, str]) -> dict[str, str]:
        """See `Chain.settings`."""
        if self._media is None:
            return dict(given)
        plan = RoomPlan(
            command="simulator",
            appid=given["TINCALL__WECHAT__APPID"],
            model_id=given["TINCALL__WECHAT__MODEL_ID"],
            url=given["TINCALL__WECHAT__BASE_URL"],
        )
        command = bad_media.command(self._folder, self._media, plan.worker_command())
        return {**given, "TINCALL__WORKER__COMMAND": json.dumps(command)}

    def relay_stands(self, port: int, announcement: Path) -> None:
        """Put the line before the relay, and let boards hear of it in the relay's place."""
        self._line = BadLine(port, self._profile)
        announcement.write_text(json.dumps({**json.loads(announcement.read_text()), "device_port": self._line.port}))

    def dialling(self) -> None:
        """Let the line become bad."""
        self.line.begin()

    def answered(self) -> None:
        """Begin to count."""
        self._before = self.line.count()
        self._began_s = time.monotonic()

    def talked(self) -> None:
        """End counting."""
        after = self.line.count()
        self.talk_s = time.monotonic() - self._began_s
        self.talk_bytes = {way: after[way] - self._before[way] for way in after}

    def far_side(self) -> dict[str, dict[str, int]] | None:
        """Give the fates of the packets at the far side, when the relay has ended; None: nothing was between."""
        return None if self._media is None else bad_media.figures(self._folder)
