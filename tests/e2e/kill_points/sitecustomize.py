"""Found by Python at its start when this folder is on its path: pulls the plug of a relay at a named point.

The point stands in the file that TINCALL_TEST_KILL_FILE names, as long as the test wants a death. The variable is the relay's
alone: workers inherit none of its kind.
"""

import os
import signal
from pathlib import Path
from typing import Any

place = os.environ.get("TINCALL_TEST_KILL_FILE")
if place:
    from tincall.relay.line import Line
    from tincall.wechat import points

    def pull(point: str) -> None:
        """Die like a machine that loses power, but for the disk's own cache."""
        if Path(place).exists() and Path(place).read_text() == point:
            os.kill(os.getpid(), signal.SIGKILL)

    points.hook = pull

    def stored(line: Line, number: int, answer: Any = Line._kept) -> None:
        """Die, perhaps, between the commit of a board's event and the answer to the board."""
        pull("event stored")
        answer(line, number)

    Line._kept = stored  # type: ignore[method-assign]
