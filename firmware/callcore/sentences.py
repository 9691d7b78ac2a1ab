"""What each hangup cause says to people: for the relay alone, since a board has nowhere to show it."""

from callcore import causes

_SENTENCES = {
    causes.UNALLOCATED: "There is nobody under that number.",
    causes.NORMAL: "The call was hung up.",
    causes.BUSY: "The line is busy.",
    causes.NO_RESPONSE: "The other end did not react.",
    causes.NO_ANSWER: "Nobody answered.",
    causes.REJECTED: "The call was declined.",
    causes.DESTINATION_OUT_OF_ORDER: "The other end is out of order.",
    causes.TEMPORARY_FAILURE: "Something failed for the moment; try again.",
    causes.CONGESTION: "Too many calls at once; try again later.",
    causes.NOT_SUBSCRIBED: "The service is not booked for this device.",
    causes.BARRED: "This call is not allowed.",
    causes.INCOMPATIBLE: "The two ends have no audio format in common.",
    causes.TIMER_EXPIRED: "Setting up the call took too long.",
    causes.PROTOCOL_ERROR: "The two ends did not understand each other.",
    causes.INTERWORKING: "The other network ended the call without a reason.",
    causes.ORIGINATOR_CANCEL: "The caller gave up.",
    causes.ALLOTTED_TIMEOUT: "The longest permitted time was reached.",
    causes.MEDIA_TIMEOUT: "No sound arrived any more.",
    causes.NOT_REGISTERED: "The device is not connected.",
    causes.LINK_LOST: "The connection was lost.",
}


def is_known(cause: int) -> bool:
    """Tell whether `cause` is one of `causes`."""
    return cause in _SENTENCES


def sentence(cause: int) -> str:
    """Say in one sentence, for people, why the call ended."""
    return _SENTENCES.get(cause) or "The call ended with cause " + str(cause) + "."
