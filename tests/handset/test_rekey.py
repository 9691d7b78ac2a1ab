"""The record of a board whose key changes, on each interpreter; power cuts are in tests/powerloss."""


def test_cases(check, board):
    check(board, "rekey_cases.py")
