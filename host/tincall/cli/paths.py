"""Paths of the relay's API that hold what a person typed: checked first, so that nothing climbs out of its place."""

import re

from callcore.verify import is_serial_number
from tincall.errors import STATUS_USAGE, OperatorError

# as `CallId` of relay/api.py
_CALL_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def check_sn(sn: str) -> str:
    """Give a serial number back.

    Raises:
        OperatorError: status 2; it is none.
    """
    if not is_serial_number(sn):
        raise OperatorError(f"{sn!r} is no serial number.", "It has 1 to 128 of 0-9 A-Z a-z _ -.", STATUS_USAGE)
    return sn


def device(sn: str, *more: str) -> str:
    """Give the path of a device, and of what is below it.

    Raises:
        OperatorError: status 2; that is no serial number.
    """
    return "/".join(("/v1/devices", check_sn(sn), *more))


def call(call_id: str, *more: str) -> str:
    """Give the path of a call, and of what is below it.

    Raises:
        OperatorError: status 2; that is no call's id.
    """
    if not _CALL_ID.fullmatch(call_id):
        raise OperatorError(f"{call_id!r} is no id of a call.", "`tincall calls` lists them.", STATUS_USAGE)
    return "/".join(("/v1/calls", call_id, *more))
