"""The tree of errors: ours (`LocalError`, a bug here) apart from theirs (`PeerError`, an event).

Single parents only: MicroPython knows no others. An error carries what a person needs to hear (`detail`, never a secret)
and, where a call ends by it, the hangup cause.
"""


class CallError(Exception):
    """Base of all errors of the project.

    Args:
        detail: what happened, with the offending value and the limit.
        cause: Q.850 hangup cause for a call that ends by this error, 0 when none does.
    """

    def __init__(self, detail: str, cause: int = 0) -> None:
        super().__init__(detail)
        self.detail = detail
        self.cause = cause


class LocalError(CallError):
    """You asked for something the state does not allow: a bug on this side."""


class PeerError(CallError):
    """The other side broke the protocol."""


class WireError(PeerError):
    """Bytes are not a frame.

    Args:
        detail: what was wrong.
        code: WebSocket close code to send (RFC 6455 section 7.4.1).
    """

    def __init__(self, detail: str, code: int = 1002) -> None:
        super().__init__(detail)
        self.code = code


class MessageError(PeerError):
    """A frame is not a message; the link stays good.

    Args:
        detail: what was wrong, fit to be told to the peer.
        kind: name of the message, empty when it could not be read.
    """

    def __init__(self, detail: str, kind: str = "") -> None:
        super().__init__(detail)
        self.kind = kind


class AttestError(CallError):
    """Verification failed.

    Args:
        reason: one word of the fixed list in docs/protocol.md, for machines.
        detail: one sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class StoreError(CallError):
    """No sound record, or the file system is not fit for one.

    Args:
        reason: `record_missing`, `record_damaged`, `record_newer` or `storage`.
        detail: one sentence for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ChipError(CallError):
    """A chip beside the board's own does not answer, or is another one."""


class LinkError(CallError):
    """The way to the relay failed.

    Args:
        reason: one word of the fixed list in docs/protocol.md (`connect_refused`, `tls_wrong_ca`, `link_lost`, ...).
        detail: one sentence for people, with the step and the host.
    """

    def __init__(self, reason: str, detail: str, cause: int = 0) -> None:
        super().__init__(detail, cause)
        self.reason = reason
