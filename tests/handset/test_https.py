"""One HTTPS exchange on each interpreter; test_tls.py and test_attestor.py have real servers."""


def test_cases(check, board):
    check(board, "https_cases.py")
