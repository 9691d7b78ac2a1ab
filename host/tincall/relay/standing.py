"""How a device stands with this relay: its states, the words that change them, and what each change leads to.

    state       verified   doubled    suspend     resume        revoke
    new         active     .          suspended   new           revoked
    active      active     conflict   suspended   active        revoked
    suspended   .          .          suspended   active, new   revoked
    conflict    .          .          suspended   active, new   revoked
    revoked     .          .          .           .             revoked

A dot: the word has no place there and changes nothing; from the operator it is refused. Where a word leads to the state that
there is, it is done already, so that every command may be given twice. Two states behind `resume`: `new` is for a device
that was never verified.

- Only `new` and `active` may be verified. Everything else ends the live call and closes the link (4403) at once, and the
  board hears why in its next verification, after a right proof.
- `verified` and `doubled` are the verifier's words, the others the operator's.
- `conflict` is where two boards that both know the key come by turns; the operator looks which of them is there by right, and
  says `resume`, or forgets the device and enrols it anew, which makes every copy of the old key worthless.
- `revoked` is for good: the way back is to forget the device and to enrol it anew, with another key.
"""

NEW = "new"
ACTIVE = "active"
SUSPENDED = "suspended"
CONFLICT = "conflict"
REVOKED = "revoked"

VERIFIED = "verified"
DOUBLED = "doubled"
SUSPEND = "suspend"
RESUME = "resume"
REVOKE = "revoke"
OPERATORS_WORDS = (SUSPEND, RESUME, REVOKE)

# who may be verified and have a link
WELCOME = (NEW, ACTIVE)

# state: {word: next state}; a word that a state does not list changes nothing
NEXT = {
    NEW: {VERIFIED: ACTIVE, SUSPEND: SUSPENDED, RESUME: NEW, REVOKE: REVOKED},
    ACTIVE: {VERIFIED: ACTIVE, DOUBLED: CONFLICT, SUSPEND: SUSPENDED, RESUME: ACTIVE, REVOKE: REVOKED},
    SUSPENDED: {SUSPEND: SUSPENDED, RESUME: ACTIVE, REVOKE: REVOKED},
    CONFLICT: {SUSPEND: SUSPENDED, RESUME: ACTIVE, REVOKE: REVOKED},
    REVOKED: {REVOKE: REVOKED},
}


def after(state: str, word: str, was_verified: bool) -> str | None:
    """Say which state a word leads to.

    Args:
        state: a key of NEXT.
        word: one of the words above.
        was_verified: whether the device has ever been verified.

    Returns:
        The next state, which may be the same; None: the word has no place in this state.
    """
    found = NEXT[state].get(word)
    if found == ACTIVE and word == RESUME and not was_verified:
        return NEW
    return found
