"""Hangup causes: why a call ended, as one number that every part of the chain understands.

Numbers below 128 are those of ITU-T Q.850 table 1; 487 and the numbers from 600 are FreeSWITCH's, which carry on where
Q.850 has no word. One number is our own: LINK_LOST. Q.850's 41 (temporary failure) would say "something failed, try
again" and hide the commonest fault of a board on WiFi among all others; 690 stands clear of the numbers FreeSWITCH has
given out (600 to 619), so a record of calls can count lost links by themselves.
"""

from callcore.compat import const

UNALLOCATED = const(1)
NORMAL = const(16)
BUSY = const(17)
NO_RESPONSE = const(18)
NO_ANSWER = const(19)
REJECTED = const(21)
DESTINATION_OUT_OF_ORDER = const(27)
TEMPORARY_FAILURE = const(41)
CONGESTION = const(42)
NOT_SUBSCRIBED = const(50)
BARRED = const(52)
INCOMPATIBLE = const(88)
TIMER_EXPIRED = const(102)
PROTOCOL_ERROR = const(111)
INTERWORKING = const(127)
ORIGINATOR_CANCEL = const(487)
ALLOTTED_TIMEOUT = const(602)
MEDIA_TIMEOUT = const(604)
NOT_REGISTERED = const(606)
LINK_LOST = const(690)

# what a cause may be on the wire: room for numbers of a later version, none for nonsense
LOWEST = const(1)
HIGHEST = const(999)

_KNOWN = {
    UNALLOCATED: ("UNALLOCATED", "There is nobody under that number."),
    NORMAL: ("NORMAL", "The call was hung up."),
    BUSY: ("BUSY", "The line is busy."),
    NO_RESPONSE: ("NO_RESPONSE", "The other end did not react."),
    NO_ANSWER: ("NO_ANSWER", "Nobody answered."),
    REJECTED: ("REJECTED", "The call was declined."),
    DESTINATION_OUT_OF_ORDER: ("DESTINATION_OUT_OF_ORDER", "The other end is out of order."),
    TEMPORARY_FAILURE: ("TEMPORARY_FAILURE", "Something failed for the moment; try again."),
    CONGESTION: ("CONGESTION", "Too many calls at once; try again later."),
    NOT_SUBSCRIBED: ("NOT_SUBSCRIBED", "The service is not booked for this device."),
    BARRED: ("BARRED", "This call is not allowed."),
    INCOMPATIBLE: ("INCOMPATIBLE", "The two ends have no audio format in common."),
    TIMER_EXPIRED: ("TIMER_EXPIRED", "Setting up the call took too long."),
    PROTOCOL_ERROR: ("PROTOCOL_ERROR", "The two ends did not understand each other."),
    INTERWORKING: ("INTERWORKING", "The other network ended the call without a reason."),
    ORIGINATOR_CANCEL: ("ORIGINATOR_CANCEL", "The caller gave up."),
    ALLOTTED_TIMEOUT: ("ALLOTTED_TIMEOUT", "The longest permitted time was reached."),
    MEDIA_TIMEOUT: ("MEDIA_TIMEOUT", "No sound arrived any more."),
    NOT_REGISTERED: ("NOT_REGISTERED", "The device is not connected."),
    LINK_LOST: ("LINK_LOST", "The connection was lost."),
}


def is_known(cause: int) -> bool:
    """Tell whether `cause` is one of the causes of this file."""
    return cause in _KNOWN


def name(cause: int) -> str:
    """Give the constant's name, for logs and records; `CAUSE_<number>` for one that is not ours."""
    return _KNOWN[cause][0] if cause in _KNOWN else "CAUSE_" + str(cause)


def sentence(cause: int) -> str:
    """Say in one sentence, for people, why the call ended."""
    return _KNOWN[cause][1] if cause in _KNOWN else "The call ended with cause " + str(cause) + "."
