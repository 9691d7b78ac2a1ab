"""What the relay answers to a board's request on the device port: an object of the protocol, or a refusal (RFC 9457)."""

import http
import math
from dataclasses import dataclass, field

from callcore import refusals, verify
from callcore.errors import AttestError


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer to a request: HTTP status, JSON object, further headers."""

    status: int
    body: dict[str, object] = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)


def refuse(error: AttestError) -> Answer:
    """Write a refusal."""
    status = verify.status_of(error.reason)
    title = http.HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": title, "status": status, "detail": error.detail, "reason": error.reason}
    return Answer(status, told)


def rate_limited(wait_s: float) -> Answer:
    """Write the refusal of one attempt too many, with the seconds until the next is allowed."""
    answer = refuse(refusals.refusal("rate_limited"))
    whole_s = max(1, math.ceil(wait_s))
    answer.body["retry_after"] = whole_s
    return Answer(answer.status, answer.body, {"Retry-After": str(whole_s)})
