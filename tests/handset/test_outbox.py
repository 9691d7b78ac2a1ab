"""What waits for the relay on flash, on each interpreter; power cuts are in tests/powerloss."""


def test_cases(check, board):
    check(board, "outbox_cases.py")
