"""When the heap is swept: often outside of calls, never by itself within one."""


def test_cases(check, board):
    check(board, "heap_cases.py")
