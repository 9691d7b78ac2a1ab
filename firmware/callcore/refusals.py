"""Why a verification fails: the fixed list of reasons, what each says to people, and when the board may try again.

The relay sends a refusal as an RFC 9457 problem with the word in the member `reason`; the board looks its own sentence
up by the word, so that text from a server that is not proved yet never reaches a person.
"""

from callcore.compat import const, json_loads
from callcore.errors import AttestError

# what the board does after a refusal: seconds to wait, or one of these
RETRY_BACKOFF = const(0)  # again after the usual growing delay
RETRY_NEVER = const(-1)  # stop until somebody provisions the board or the operator clears the state

# reason: (HTTP status, 0 where only the board says it; seconds until the next attempt; sentence)
REASONS = {
    # before the proof: same shape and work whatever the reason is
    "bad_request": (400, 900, "The relay could not read the board's request."),
    "version_unsupported": (400, 900, "The relay does not speak this version of the protocol."),
    "too_large": (413, 900, "The board's request was larger than the relay takes."),
    "rate_limited": (429, 60, "Too many attempts; the relay asks the board to wait."),
    "unavailable": (503, RETRY_BACKOFF, "The relay cannot verify boards at the moment."),
    "auth_failed": (401, RETRY_BACKOFF, "The relay does not accept this serial number with this key."),
    "nonce_expired": (401, RETRY_BACKOFF, "The board took too long to answer the relay's challenge."),
    "nonce_used": (409, RETRY_BACKOFF, "The challenge was answered already."),
    # 900 and not never: what made it too old may have been the relay's clock
    "claim_refused": (401, 900, "This claim is wrong, used or too old. Ask for another."),
    # after a right proof
    "cb_mismatch": (
        403,
        900,
        "The board saw another server certificate than the relay's. Something is reading this TLS connection.",
    ),
    "counter_rollback": (409, RETRY_NEVER, "An older copy of this board's memory is in use, or it was copied."),
    "uid_mismatch": (403, RETRY_NEVER, "This serial number is bound to another board."),
    "sn_conflict": (409, 600, "Two boards use this serial number."),
    "suspended": (403, 3600, "Switched off by the operator."),
    "revoked": (403, RETRY_NEVER, "Switched off for good by the operator."),
    "claim_bound": (409, RETRY_NEVER, "Another board used this claim. Ask for another."),
    "kv_retired": (401, RETRY_NEVER, "This version of the key is no longer valid."),
    # said by the board itself
    "server_not_proved": (0, 900, "The server does not know this board's key."),
    "bad_answer": (0, RETRY_BACKOFF, "The server's answer is not one of this protocol."),
}


def refusal(reason: str, extra: str = "") -> AttestError:
    """Make the error for a reason, with its sentence.

    Args:
        reason: a key of REASONS.
        extra: what was wrong in particular, without a secret; follows the sentence.
    """
    sentence = REASONS[reason][2]
    return AttestError(reason, sentence + " " + extra if extra else sentence)


def from_problem(status: int, answer: object) -> AttestError:
    """Read a refusal as the board receives it; anything outside the list is `bad_answer`.

    Args:
        status: HTTP status of the answer.
        answer: its body: the bytes, or what JSON gave, or None.
    """
    if isinstance(answer, bytes):
        try:
            answer = json_loads(answer.decode())
        except ValueError:
            answer = None
    reason = answer.get("reason") if isinstance(answer, dict) else None
    if isinstance(reason, str) and reason in REASONS and REASONS[reason][0] == status != 0:
        return refusal(reason)
    return refusal("bad_answer", "It has HTTP status %d and no known reason." % status)


def retry_s(reason: str) -> int:
    """Give the seconds after which the board tries again, or RETRY_BACKOFF or RETRY_NEVER."""
    return REASONS[reason][1] if reason in REASONS else RETRY_BACKOFF
