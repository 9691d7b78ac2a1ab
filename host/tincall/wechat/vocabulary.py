"""The platform's words and numbers, turned into ours and back: statuses, hang-up reasons, error numbers.

The numbers of errors are data, in `errors.tsv`: which interfaces say a number, the hangup cause of a call that ends by
it, whether trying again can help, a sentence for people, and what to do. A number means different things to different
interfaces (9 is "no consent" to a call and "wrong order" to the platform's library), so every look-up names one. Numbers
that nobody has documented are kept as they came and written to the log.
"""

import functools
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from callcore import causes
from callcore.errors import CallError, LocalError
from tincall.leg import DEVICE, IN, OUT, PHONE
from tincall.logs import get

RELAY = "relay"
TABLE = Path(__file__).with_name("errors.tsv")
ANY = "any"

# what trying again can do: nothing; once more as it is; later, ever more slowly; with a new access token or a new device
# ticket, once; or it is done already, and the error is none
RETRIES = ("no", "once", "later", "token", "ticket", "done")

log = get("wechat.vocabulary")


class Status(IntEnum):
    """State of a room, as the platform's server library tells it (cloud server SDK, session status)."""

    IDLE = 0
    CALLING = 1
    TALKING = 2
    REJECTED = 3
    CANCELED = 4
    HANGUP_BY_CALLER = 5
    HANGUP_BY_CALLEE = 6
    ABORTED = 7
    BUSY = 8
    TIMEOUT = 9


class Reason(IntEnum):
    """Why this side hangs up, as the platform's server library takes it (cloud server SDK, hang-up reason)."""

    UNKNOWN = 0
    MANUAL = 1
    SYSTEM = 6
    APP = 7
    DEVICE = 8
    # not in every copy of the platform's header, so it is never said unless the settings allow it
    BUSY = 9
    TIMEOUT = 10
    REJECT = 11


# the statuses after which nothing more happens in a room: cause, and who ended it, `caller` or `callee` of the platform
_ENDINGS = {
    Status.REJECTED: (causes.REJECTED, "callee"),
    Status.CANCELED: (causes.ORIGINATOR_CANCEL, "caller"),
    Status.HANGUP_BY_CALLER: (causes.NORMAL, "caller"),
    Status.HANGUP_BY_CALLEE: (causes.NORMAL, "callee"),
    # the platform's own fault, or its reaction to a side that sends nothing: neither person did it
    Status.ABORTED: (causes.TEMPORARY_FAILURE, RELAY),
    Status.BUSY: (causes.BUSY, "callee"),
    Status.TIMEOUT: (causes.NO_ANSWER, "callee"),
}
# the platform words its statuses for calls of the device; in calls of the phone the sides change places
_SIDES = {OUT: {"caller": DEVICE, "callee": PHONE}, IN: {"caller": PHONE, "callee": DEVICE}}

_REASONS = {
    causes.BUSY: Reason.BUSY,
    causes.REJECTED: Reason.REJECT,
    causes.BARRED: Reason.REJECT,
    causes.NO_ANSWER: Reason.TIMEOUT,
    causes.NO_RESPONSE: Reason.TIMEOUT,
    causes.TIMER_EXPIRED: Reason.TIMEOUT,
    causes.DESTINATION_OUT_OF_ORDER: Reason.DEVICE,
    causes.INCOMPATIBLE: Reason.DEVICE,
    causes.NOT_REGISTERED: Reason.DEVICE,
    causes.LINK_LOST: Reason.DEVICE,
    causes.MEDIA_TIMEOUT: Reason.DEVICE,
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error number says.

    Args:
        number: the number itself.
        api: the interface that said it.
        cause: hangup cause of a call that ends by it, a number of `callcore.causes`.
        retry: one of `RETRIES`.
        sentence: what happened, for people.
        advice: what to do about it.
        known: whether the table has it.
    """

    number: int
    api: str
    cause: int
    retry: str
    sentence: str
    advice: str
    known: bool = True


class PlatformError(CallError):
    """The platform refused, failed, or did not answer; its text holds no secret.

    Args:
        detail: what happened, where, in one sentence.
        api: the interface, a name of the column `apis` in `errors.tsv`.
        number: the platform's number; None when it gave none, as without an answer.
        cause: hangup cause of a call that ends by it.
        advice: what to do about it.
        retry: one of `RETRIES`.
        maybe_done: whether the platform may have done what was asked all the same: it was sent, and no answer came.
    """

    def __init__(
        self,
        detail: str,
        *,
        api: str,
        number: int | None = None,
        cause: int = causes.INTERWORKING,
        advice: str = "",
        retry: str = "no",
        maybe_done: bool = False,
    ) -> None:
        super().__init__(detail, cause)
        self.api = api
        self.number = number
        self.advice = advice
        self.retry = retry
        self.maybe_done = maybe_done


@functools.cache
def table() -> dict[tuple[str, int], Meaning]:
    """Give every known error number, by interface and number; read once.

    Raises:
        LocalError: `errors.tsv` is damaged.
    """
    found: dict[tuple[str, int], Meaning] = {}
    for at, line in enumerate(TABLE.read_text("utf-8").splitlines()[1:], 2):
        try:
            apis, number, cause, retry, sentence, advice = line.split("\t")
            for api in apis.split(","):
                if retry not in RETRIES or (api, int(number)) in found:
                    raise ValueError(retry)
                found[api, int(number)] = Meaning(int(number), api, int(cause), retry, sentence, advice)
        except ValueError:
            raise LocalError(f"{TABLE.name}, line {at}: not a row of this table") from None
    return found


def apis() -> set[str]:
    """Name every interface of the table."""
    return {api for api, _ in table()}


def meaning(api: str, number: int) -> Meaning:
    """Tell what an error number of an interface says; one that nobody knows is logged and told as it is.

    Args:
        api: a name of the column `apis`, as "call" or "ticket".
        number: as the platform gave it; the device library's negative numbers are those of the call interface.
    """
    same = -number if api == "sdk" and number < 0 else number
    for place in (api, ANY):
        if found := table().get((place, same)):
            return Meaning(number, api, found.cause, found.retry, found.sentence, found.advice)
    log.warning("an error number that nobody knows", api=api, number=number)
    sentence = f"The platform answered with number {number}, which is documented nowhere."
    advice = "Look it up in the platform's documents; the platform explains a request of the last 7 days by its rid."
    return Meaning(number, api, causes.INTERWORKING, "no", sentence, advice, known=False)


def failure(api: str, number: int, text: str = "") -> PlatformError:
    """Make the error for a number that the platform gave.

    Args:
        api: the interface.
        number: not 0.
        text: the platform's own words, bounded and without secrets; may be empty.
    """
    found = meaning(api, number)
    said = f"{found.sentence} ({api} {number}" + (f": {text})" if text else ")")
    return PlatformError(said, api=api, number=number, cause=found.cause, advice=found.advice, retry=found.retry)


def is_over(status: int) -> bool:
    """Tell whether nothing more happens in a room after `status`; one that nobody knows ends it, to be safe."""
    return status not in (Status.IDLE, Status.CALLING, Status.TALKING)


def ending(status: int, direction: str) -> tuple[int, str]:
    """Tell why a room ended and who ended it.

    Args:
        status: as the platform gave it, 3 to 9 or one that nobody knows.
        direction: `tincall.leg.OUT` (the board called) or `IN` (the phone called).

    Returns:
        Hangup cause, and `device`, `phone` or `relay`.

    Raises:
        LocalError: a room of this status has not ended.
    """
    if not is_over(status):
        raise LocalError(f"status {status} is no ending")
    if status not in _ENDINGS:
        log.warning("a status that nobody knows", number=status, direction=direction)
        return causes.INTERWORKING, RELAY
    cause, side = _ENDINGS[Status(status)]
    return cause, _SIDES[direction].get(side, side)


def status_name(status: int) -> str:
    """Give the platform's name of a status, for logs; `STATUS_<number>` for one that nobody knows."""
    try:
        return Status(status).name
    except ValueError:
        return f"STATUS_{status}"


def reason_for(cause: int, busy_known: bool = False) -> Reason:
    """Choose the hang-up reason that says best why this side ends a call.

    Args:
        cause: a number of `callcore.causes`.
        busy_known: whether the user's copy of the platform's header has reason 9, busy; it is refused else.
    """
    found = _REASONS.get(cause, Reason.MANUAL)
    return Reason.REJECT if found == Reason.BUSY and not busy_known else found
