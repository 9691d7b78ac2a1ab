"""What the tests of the handset share: running files of this folder as a board, and certificates to judge."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support import boards
from support.authority import TestAuthority

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """An authority whose server certificates a board trusts that has its anchor."""
    return TestAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    """An authority that no board trusts."""
    return TestAuthority(tmp_path_factory.mktemp("stranger"), "Stranger CA")


@pytest.fixture(params=boards.BOARDS)
def board(request: pytest.FixtureRequest) -> str:
    """Give the interpreters one after the other."""
    return str(request.param)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., boards.Done]:
    """Run a script of this folder on a board: `run(board, script, *arguments)`; its working directory is empty."""

    def go(board: str, script: str, *arguments: object, timeout_s: float = 40) -> boards.Done:
        return boards.run(board, HERE / script, *arguments, folder=tmp_path, timeout_s=timeout_s)

    return go


@pytest.fixture
def check(tmp_path: Path) -> Callable[[str, str], None]:
    """Run the `test_` functions of a file of this folder on a board: `check(board, file)`; all must pass."""
    return lambda board, cases: boards.check(board, HERE / cases, tmp_path)
