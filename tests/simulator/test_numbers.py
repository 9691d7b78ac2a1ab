"""The simulator's own numbers agree with the facts that the relay's table was made of."""

from tincall.simulator import numbers
from tincall.simulator.numbers import Refused, RoomError
from tincall.wechat import vocabulary


def test_statuses_and_reasons_are_those_of_the_platforms_library():
    ours = {name: getattr(numbers, name) for name in vocabulary.Status.__members__}
    assert ours == {name: status.value for name, status in vocabulary.Status.__members__.items()}
    assert set(numbers.REASONS) == {reason.value for reason in vocabulary.Reason}


def test_a_refusal_says_number_text_and_detail_and_no_more():
    refused = Refused(9)
    assert (refused.number, str(refused)) == (9, numbers.ERRORS[9])
    assert str(Refused(47001, "sn missing")).endswith(": sn missing")
    assert str(Refused(123456)) == "unknown error"
    assert RoomError(3, "no").number == 3
