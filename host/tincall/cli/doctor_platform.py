"""`tincall doctor` at the platform's side: the steps of `tincall wechat check`, where a mini program is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tincall.cli import wechat
from tincall.settings import DataFolder, Settings
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Finding, Result, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "platform"
STATES = {"ok": OK, "failed": WRONG, "skipped": NOT_TRIED, "remark": NOTE}


def results(settings: Settings | None, folder: DataFolder) -> Iterator[Result]:
    """Give what there is to say.

    Args:
        settings: of the relay; None: they cannot be read.
        folder: where the platform's secrets are.
    """
    if settings is None:
        yield Result(GROUP, "mini program", Finding(NOT_TRIED, "It takes the relay's settings."))
        return
    if not settings.wechat.appid:
        said = "No mini program is set, so phones are the simulated ones alone."
        yield Result(GROUP, "mini program", Finding(NOTE, said, "docs/wechat.md says how to come by one."))
        return
    for step in wechat.steps(folder, settings.wechat):
        yield Result(GROUP, step.name, Finding(STATES[step.state], sentence(step.detail), step.advice))
