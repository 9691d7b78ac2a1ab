"""Messages as JSON objects, held to a table: who may say what, and what each message carries.

Strict both ways: a message of another name, from the wrong side, without a field it must carry or with a wrong one is an
error; fields that the table does not name are dropped, so that a later version can add some. What is wrong is told by the
name of message and field, never by what stood there: messages carry secrets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from callcore.compat import json_loads
from callcore.errors import LocalError, MessageError

Check = Callable[[Any], bool]
Fields = Mapping[str, Check]


def text(limit: int, least: int = 1) -> Check:
    """Give a check for printable text of `least` to `limit` characters."""

    def fits(value: Any) -> bool:
        return isinstance(value, str) and least <= len(value) <= limit and value.isprintable()

    return fits


def number(low: int, high: int) -> Check:
    """Give a check for an integer from `low` to `high`."""

    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return fits


def one_of(*words: str) -> Check:
    """Give a check for one of some words."""
    return lambda value: isinstance(value, str) and value in words


def is_object(value: Any) -> bool:
    """Check for any JSON object."""
    return isinstance(value, dict)


class Words:
    """The vocabulary of one conversation.

    Args:
        what: what its messages are called in sentences, such as "control message".
        max_bytes: longest message.
        messages: name to (who may say it, fields it must carry).
        optional: name to further fields it may carry.
    """

    def __init__(
        self,
        what: str,
        max_bytes: int,
        messages: Mapping[str, tuple[tuple[str, ...], Fields]],
        optional: Mapping[str, Fields],
    ) -> None:
        self._what = what
        self._max_bytes = max_bytes
        self._messages = messages
        self._optional = optional

    def encode(self, message: Mapping[str, Any], sender: str) -> bytes:
        """Write one message.

        Args:
            message: `t`, its name, and its fields.
            sender: who says it.

        Returns:
            At most `max_bytes`.

        Raises:
            LocalError: the sender may not say this, or it is too long.
        """
        fault = self._fault(message, sender)
        if fault:
            raise LocalError(fault)
        try:
            data = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise LocalError(f"{message['t']!r} cannot be written as JSON: {type(error).__name__}") from None
        if len(data) > self._max_bytes:
            raise LocalError(f"{message['t']!r} has {len(data)} bytes; at most {self._max_bytes} are allowed")
        return data

    def decode(self, data: bytes, sender: str) -> dict[str, Any]:
        """Read one message.

        Args:
            data: its bytes.
            sender: who wrote it.

        Returns:
            `t`, exactly the fields it must carry, and those it may carry that are there, checked.

        Raises:
            MessageError: anything else.
        """
        if len(data) > self._max_bytes:
            raise MessageError(f"{self._what} of {len(data)} bytes; at most {self._max_bytes} are allowed")
        try:
            message = json_loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise MessageError(f"{self._what} is not JSON: {type(error).__name__}") from None
        if not isinstance(message, dict):
            raise MessageError(f"{self._what} is not an object")
        fault = self._fault(message, sender)
        if fault:
            raise MessageError(fault)
        fields = (*self._messages[message["t"]][1], *self._optional.get(message["t"], ()))
        return {"t": message["t"], **{name: message[name] for name in fields if name in message}}

    def _fault(self, message: Mapping[str, Any], sender: str) -> str:
        """Tell in a sentence what is wrong with a message, or give ''."""
        name = message.get("t")
        if not isinstance(name, str) or name not in self._messages:
            return f"no {self._what} is called {str(name)[:32]!r}"
        senders, fields = self._messages[name]
        if sender not in senders:
            return f"{name!r} does not come from the {sender}"
        for field, fits in fields.items():
            if field not in message:
                return f"{name!r} lacks {field!r}"
            if not fits(message[field]):
                return f"{name!r} has a wrong {field!r}"
        for field, fits in self._optional.get(name, {}).items():
            if field in message and not fits(message[field]):
                return f"{name!r} has a wrong {field!r}"
        return ""
