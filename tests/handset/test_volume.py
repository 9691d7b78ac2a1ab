"""The volume on each interpreter; what a power cut leaves of a record is in tests/powerloss."""


def test_cases(check, board):
    check(board, "volume_cases.py")
