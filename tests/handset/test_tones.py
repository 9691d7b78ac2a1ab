"""Tones on each interpreter: what is played, how loud, and when it is over."""


def test_cases(check, board):
    check(board, "tones_cases.py")
