"""The platform's numbers as the simulator speaks them: session statuses, hang-up reasons, error numbers and their texts.

Written down here a second time, apart from the relay's own table, so that neither can be wrong by the other.
"""

from __future__ import annotations

# statuses of a cloud session, as the room end is told them
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

# reasons that a room end may give
REASONS = {0: "unknown", 1: "manual", 6: "system", 7: "app", 8: "device", 9: "busy", 10: "timeout", 11: "reject"}
REASON_BUSY = 9
REASON_TIMEOUT = 10

# what a room end's step may fail with (wx_error_t)
INVALID_ARGUMENT = 3
NOT_FOUND = 5
FAILED_PRECONDITION = 9
DATA_LOSS = 15

ERRORS = {
    0: "ok",
    -1: "system error",
    1: "invalid room id",
    2: "invalid device id",
    5: "create room failed",
    7: "invalid openid",
    9: "device not authorized by user",
    12: "audio and video ability not approved",
    15: "no credit for audio and video",
    17: "model id does not match",
    19: "openid belongs to another appid",
    20: "openid not exist",
    23: "device licence expired",
    24: "device licence not active",
    1002: "request to the mini program's server failed",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40037: "invalid template_id",
    40125: "invalid appsecret",
    40164: "invalid ip, not in whitelist",
    40226: "code blocked",
    40243: "appsecret frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    44002: "empty post data",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    47001: "data format error",
    47003: "argument invalid",
    48001: "api unauthorized",
    50004: "forbidden api",
    50007: "account frozen",
    50093: "invalid host appid",
    76001: "rid not found",
    76021: "cgi_path not found",
    89503: "request needs the administrator to confirm",
    89506: "ip refused by the administrator for 24 hours",
    89507: "ip refused by the administrator for 1 hour",
    9800001: "sn too long",
    9800002: "sn contains invalid characters",
    9800003: "invalid model_id",
    9800012: "invalid group name",
    9800013: "invalid group_id",
    9800014: "model type differs from the group",
    9800015: "device already in group",
    9800016: "group is full",
    9800017: "device not in group",
    9800018: "device in another group",
    9800044: "group reached its largest size",
}


class Refused(Exception):
    """An answer of the platform that is not 0.

    Args:
        number: its `errcode`.
        detail: what exactly is wrong; put behind the standard text, without secrets.
    """

    def __init__(self, number: int, detail: str = "") -> None:
        text = ERRORS.get(number, "unknown error")
        super().__init__(f"{text}: {detail}" if detail else text)
        self.number = number


class RoomError(Exception):
    """A step of a room end that the platform's library would have failed.

    Args:
        number: as wx_error_t counts.
        text: what is wrong, without secrets.
    """

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number
