"""Identity and counter on each interpreter; what a power cut leaves is in tests/powerloss."""


def test_cases(check, board):
    check(board, "identity_cases.py")
