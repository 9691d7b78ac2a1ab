"""What a board has besides pins is found, started, turned and switched off."""

from collections.abc import Callable


def test_cases(check: Callable[[str], None]) -> None:
    check("fittings_cases.py")
