"""The driver of the WS2812 against a fake of its registers."""

from collections.abc import Callable


def test_cases(check: Callable[[str], None]) -> None:
    check("ws2812_cases.py")
