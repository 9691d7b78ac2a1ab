"""Sentences for people: one for each hangup cause, and none twice."""

from callcore import causes, sentences


def _numbers():
    """All numbers that have a name of their own."""
    return [number for number in range(causes.LOWEST, causes.HIGHEST + 1) if causes.name(number)[:6] != "CAUSE_"]


def test_every_cause_has_a_sentence():
    numbers = _numbers()
    assert len(numbers) == 20
    for number in range(causes.LOWEST, causes.HIGHEST + 1):
        assert sentences.is_known(number) == (number in numbers)
        assert sentences.sentence(number).endswith(".")


def test_no_two_causes_share_a_sentence():
    assert len({sentences.sentence(number) for number in _numbers()}) == 20


def test_an_unknown_cause_is_said_by_its_number():
    assert not sentences.is_known(99)
    assert "99" in sentences.sentence(99)
