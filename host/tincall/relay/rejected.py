"""What an operator cannot have: a device that is not to be enrolled or changed as asked, and the rules of its words."""

from callcore.verify import is_serial_number
from tincall.errors import OperatorError
from tincall.relay.device_rows import Device

MODEL_ID_MAX_CHARS = 64
NAME_MAX_CHARS = 64


class Rejected(OperatorError):
    """A device cannot be enrolled or changed as asked.

    Args:
        reason: `bad_value`, `exists`, `unknown` or `over`.
        message: one sentence.
        hint: what to do.
    """

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


def over(device: Device) -> Rejected:
    """Say that nothing can be decided about a device any more."""
    why = f"{device.sn} is {device.state}, for good."
    return Rejected("over", why, f"`tincall devices --forget {device.sn}` and enrolling it anew is the way back.")


def check(sn: str, model_id: str, name: str) -> None:
    """Hold the words of an enrolment against their rules.

    Raises:
        Rejected: one of them breaks its rule.
    """
    if not is_serial_number(sn):
        raise Rejected("bad_value", "A serial number has 1 to 128 of the characters 0-9 A-Z a-z _ and -.")
    if not is_serial_number(model_id) or len(model_id) > MODEL_ID_MAX_CHARS:
        raise Rejected("bad_value", "A model id has 1 to 64 of the characters 0-9 A-Z a-z _ and -.")
    if len(name) > NAME_MAX_CHARS or (name and not name.isprintable()):
        raise Rejected("bad_value", f"A name has at most {NAME_MAX_CHARS} printable characters.")
