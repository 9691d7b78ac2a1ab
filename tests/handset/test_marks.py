"""The marks on each interpreter; hundreds of power cuts in a row are in tests/powerloss."""


def test_cases(check, board):
    check(board, "marks_cases.py")
