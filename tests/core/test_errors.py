"""The tree of errors: who may be caught by what, and what each carries."""

from callcore import errors
from callcore.errors import (
    AttestError,
    CallError,
    LinkError,
    LocalError,
    MessageError,
    PeerError,
    StoreError,
    WireError,
)

CASES = (
    (CallError("what happened", 41), 41),
    (LocalError("what happened"), 0),
    (PeerError("what happened", 17), 17),
    (WireError("what happened"), 0),
    (MessageError("what happened"), 0),
    (AttestError("auth_failed", "what happened"), 0),
    (StoreError("record_damaged", "what happened"), 0),
    (LinkError("link_lost", "what happened", 27), 27),
)


def test_each_carries_its_sentence_and_cause():
    for error, cause in CASES:
        assert error.detail == "what happened", error
        assert str(error) == "what happened", error
        assert error.cause == cause, error


def test_ours_are_told_from_theirs():
    parents = {
        "LocalError": CallError,
        "PeerError": CallError,
        "WireError": PeerError,
        "MessageError": PeerError,
        "AttestError": CallError,
        "StoreError": CallError,
        "LinkError": CallError,
    }
    assert not issubclass(LocalError, PeerError)
    assert not issubclass(PeerError, LocalError)
    for name, parent in parents.items():
        assert issubclass(getattr(errors, name), parent), name
        assert issubclass(getattr(errors, name), CallError), name
    for other in (AttestError, StoreError, LinkError):
        assert not issubclass(other, PeerError), other
    for foreign in (OSError, ValueError):
        assert not issubclass(CallError, foreign), foreign


def test_a_wire_error_has_a_close_code():
    assert WireError("x").code == 1002
    assert WireError("x", 1009).code == 1009


def test_a_reason_is_one_word_for_machines():
    assert AttestError("auth_failed", "x").reason == "auth_failed"
    assert StoreError("storage", "x").reason == "storage"
    assert LinkError("tls_wrong_ca", "x").reason == "tls_wrong_ca"


def test_it_is_caught_as_what_it_is():
    for error, _ in CASES:
        try:
            raise error
        except CallError as caught:
            assert caught is error
