"""The operator's error carries what happened, what to do and the exit status."""

from tincall.errors import STATUS_FAILED, STATUS_USAGE, OperatorError


def test_defaults_are_a_failure_without_a_hint() -> None:
    error = OperatorError("the port is taken")
    assert (str(error), error.message, error.hint, error.status) == ("the port is taken",) * 2 + ("", STATUS_FAILED)


def test_usage_and_failure_have_the_statuses_people_script_against() -> None:
    assert (STATUS_FAILED, STATUS_USAGE) == (1, 2)
    assert OperatorError("no such file", "name one", STATUS_USAGE).status == 2
