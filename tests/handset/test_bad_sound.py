"""Bad sound at a board whose loops run, on every interpreter."""


def test_cases(check, board):
    check(board, "bad_sound_cases.py")
