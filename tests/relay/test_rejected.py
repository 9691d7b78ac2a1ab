"""What an operator cannot have: each rule of the words of an enrolment, and a device that is over."""

import pytest

from tincall.relay import rejected
from tincall.relay.device_rows import Device
from tincall.relay.rejected import Rejected


def test_words_that_keep_the_rules():
    rejected.check("SN-1", "model_x", "")
    rejected.check("a" * 128, "m" * 64, "Tür, vorne " + "x" * 53)


@pytest.mark.parametrize(
    ("sn", "model_id", "name", "about"),
    [
        ("", "m", "", "serial number"),
        ("a" * 129, "m", "", "serial number"),
        ("a b", "m", "", "serial number"),
        ("a", "", "", "model id"),
        ("a", "m" * 65, "", "model id"),
        ("a", "m/n", "", "model id"),
        ("a", "m", "x" * 65, "name"),
        ("a", "m", "two\nlines", "name"),
    ],
)
def test_words_that_break_a_rule_are_named(sn, model_id, name, about):
    with pytest.raises(Rejected) as caught:
        rejected.check(sn, model_id, name)
    assert caught.value.reason == "bad_value"
    assert about in caught.value.message


def test_a_device_that_is_over_says_the_way_back():
    error = rejected.over(Device("SN-1", "m", "", "revoked", 1, b"", "", 0, 0, "", "", 0, 0))
    assert (error.reason, error.message) == ("over", "SN-1 is revoked, for good.")
    assert "tincall devices --forget SN-1" in error.hint
