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

_NAMES = {
    UNALLOCATED: "UNALLOCATED",
    NORMAL: "NORMAL",
    BUSY: "BUSY",
    NO_RESPONSE: "NO_RESPONSE",
    NO_ANSWER: "NO_ANSWER",
    REJECTED: "REJECTED",
    DESTINATION_OUT_OF_ORDER: "DESTINATION_OUT_OF_ORDER",
    TEMPORARY_FAILURE: "TEMPORARY_FAILURE",
    CONGESTION: "CONGESTION",
    NOT_SUBSCRIBED: "NOT_SUBSCRIBED",
    BARRED: "BARRED",
    INCOMPATIBLE: "INCOMPATIBLE",
    TIMER_EXPIRED: "TIMER_EXPIRED",
    PROTOCOL_ERROR: "PROTOCOL_ERROR",
    INTERWORKING: "INTERWORKING",
    ORIGINATOR_CANCEL: "ORIGINATOR_CANCEL",
    ALLOTTED_TIMEOUT: "ALLOTTED_TIMEOUT",
    MEDIA_TIMEOUT: "MEDIA_TIMEOUT",
    NOT_REGISTERED: "NOT_REGISTERED",
    LINK_LOST: "LINK_LOST",
}


def name(cause: int) -> str:
    """Give the constant's name, for logs and records; `CAUSE_<number>` for one that is not ours."""
    return _NAMES.get(cause) or "CAUSE_" + str(cause)
