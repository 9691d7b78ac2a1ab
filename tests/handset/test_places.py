"""The places of the store on each interpreter; what a power cut leaves in them is in tests/powerloss."""


def test_cases(check, board):
    check(board, "places_cases.py")
