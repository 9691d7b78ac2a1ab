"""The driver of the PI4IOE5V6408 against a fake of its registers."""

from collections.abc import Callable


def test_cases(check: Callable[[str], None]) -> None:
    check("pi4ioe5v6408_cases.py")
