"""What the tests of the chips' drivers share: running files of this folder as a board."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support import boards

HERE = Path(__file__).parent


@pytest.fixture(params=boards.BOARDS)
def check(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], None]:
    """Run the `test_` functions of a file of this folder on each interpreter: `check(file)`; all must pass."""
    return lambda cases: boards.check(str(request.param), HERE / cases, tmp_path)
