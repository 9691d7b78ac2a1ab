"""Factory reset on each interpreter; what stays in the raw flash is in tests/powerloss/test_reset.py."""


def test_cases(check, board):
    check(board, "reset_cases.py")
