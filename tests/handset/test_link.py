"""The link on each interpreter; test_voice.py has it on real TLS."""


def test_cases(check, board):
    check(board, "link_cases.py")
