"""Masking keys on each interpreter."""


def test_cases(check, board):
    check(board, "masks_cases.py")
