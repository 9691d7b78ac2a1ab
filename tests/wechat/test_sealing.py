"""Sealed secrets: open for their own row under their own key, and for nothing else."""

import pytest

from tincall.errors import OperatorError
from tincall.wechat.sealing import Sealing

KEK = bytes(range(32))
ROW = ("wechat_rooms", "wx1", "room-1")


def test_what_was_sealed_opens_for_its_row():
    sealing = Sealing(KEK)
    assert sealing.open(sealing.seal(b"canary", *ROW), *ROW) == b"canary"
    assert sealing.open(sealing.seal(b"", *ROW), *ROW) == b""


def test_the_same_secret_never_looks_the_same():
    sealing = Sealing(KEK)
    first, second = sealing.seal(b"canary", *ROW), sealing.seal(b"canary", *ROW)
    assert first != second and b"canary" not in first


@pytest.mark.parametrize(
    "other",
    [("wechat_rooms", "wx1", "room-2"), ("wechat_tokens", "wx1", "room-1"), ("wechat_rooms", "wx1room-1"), ()],
)
def test_it_opens_for_no_other_row(other):
    sealing = Sealing(KEK)
    with pytest.raises(OperatorError, match="cannot be opened"):
        sealing.open(sealing.seal(b"canary", *ROW), *(other or ("",)))


@pytest.mark.parametrize("place", [0, 12, 17, -1])
def test_a_changed_byte_is_noticed_and_nothing_is_shown(place):
    sealing = Sealing(KEK)
    sealed = bytearray(sealing.seal(b"canary", *ROW))
    sealed[place] ^= 1
    with pytest.raises(OperatorError) as caught:
        sealing.open(bytes(sealed), *ROW)
    assert "canary" not in str(caught.value) and "backup" in caught.value.hint


def test_another_key_and_a_stump_are_refused():
    sealed = Sealing(KEK).seal(b"canary", *ROW)
    for sealing, given in ((Sealing(bytes(32)), sealed), (Sealing(KEK), sealed[:5]), (Sealing(KEK), b"")):
        with pytest.raises(OperatorError):
            sealing.open(given, *ROW)


def test_its_key_is_not_in_its_name():
    assert repr(Sealing(KEK)) == "<sealing>"
