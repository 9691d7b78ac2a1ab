"""Buttons and lamp on each interpreter."""


def test_cases(check, board):
    check(board, "panel_cases.py")
