"""The driver of the ES8311 against a fake of its registers."""

from collections.abc import Callable


def test_cases(check: Callable[[str], None]) -> None:
    check("es8311_cases.py")
