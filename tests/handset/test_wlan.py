"""WiFi on each interpreter: which network is joined, what happens to a trial, and what is believed of the radio."""


def test_cases(check, board):
    check(board, "wlan_cases.py")
