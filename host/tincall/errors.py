"""The error a person sees: what went wrong, where, what to do about it, and the exit status that goes with it."""

STATUS_FAILED = 1
STATUS_USAGE = 2


class OperatorError(Exception):
    """Something the person at the keyboard can mend; printed without a traceback.

    Args:
        message: what went wrong and where, in one sentence, without secrets.
        hint: what to do about it; empty when nothing sensible can be said.
        status: exit status of the program, `STATUS_FAILED` or `STATUS_USAGE`.
    """

    def __init__(self, message: str, hint: str = "", status: int = STATUS_FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
