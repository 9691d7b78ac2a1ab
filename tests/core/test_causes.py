"""Hangup causes: numbers of the standards, and a name for each."""

from callcore import causes


def _constants():
    return [
        (word, getattr(causes, word))
        for word in dir(causes)
        if word == word.upper() and word[0] != "_" and word not in ("LOWEST", "HIGHEST")
    ]


def test_numbers_are_those_of_the_standards():
    assert (causes.UNALLOCATED, causes.NORMAL, causes.BUSY, causes.NO_RESPONSE) == (1, 16, 17, 18)
    assert (causes.NO_ANSWER, causes.REJECTED, causes.DESTINATION_OUT_OF_ORDER) == (19, 21, 27)
    assert (causes.TEMPORARY_FAILURE, causes.CONGESTION, causes.NOT_SUBSCRIBED, causes.BARRED) == (41, 42, 50, 52)
    assert (causes.INCOMPATIBLE, causes.TIMER_EXPIRED, causes.PROTOCOL_ERROR, causes.INTERWORKING) == (
        88,
        102,
        111,
        127,
    )
    assert (causes.ORIGINATOR_CANCEL, causes.ALLOTTED_TIMEOUT, causes.MEDIA_TIMEOUT) == (487, 602, 604)
    assert (causes.NOT_REGISTERED, causes.LINK_LOST) == (606, 690)


def test_every_constant_has_its_name():
    constants = _constants()
    assert len(constants) == 20
    for word, number in constants:
        assert causes.name(number) == word
        assert causes.LOWEST <= number <= causes.HIGHEST


def test_no_two_causes_share_a_number():
    constants = _constants()
    assert len({number for _, number in constants}) == len(constants)


def test_unknown_cause_is_named_by_its_number():
    assert causes.name(99) == "CAUSE_99"
