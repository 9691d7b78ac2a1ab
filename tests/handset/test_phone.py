"""The telephone on each interpreter."""


def test_cases(check, board):
    check(board, "phone_cases.py")
