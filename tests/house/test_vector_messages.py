"""The golden messages: every type is there, good ones encode to their bytes, bad ones are bad."""

import pytest
import vector_messages

from callcore import messages
from callcore.errors import MessageError

SENDERS = {"board": messages.FROM_BOARD, "relay": messages.FROM_RELAY}
BUILT = vector_messages.build()


def test_every_message_that_a_side_may_send_has_a_vector() -> None:
    told = {(row["sender"], row["message"]["t"]) for row in BUILT["valid"]}
    for name, shapes in messages.MESSAGES.items():
        for senders, _ in shapes:
            for side, bit in SENDERS.items():
                assert not senders & bit or (side, name) in told, (side, name)


def test_good_ones_are_the_bytes_of_their_meaning() -> None:
    for row in BUILT["valid"]:
        sender = SENDERS[row["sender"]]
        assert messages.encode(row["message"], sender).hex() == row["hex"]
        assert messages.decode(bytes.fromhex(row["hex"]), sender) == row["message"]


def test_bad_ones_are_refused_under_their_name() -> None:
    for row in BUILT["malformed"]:
        with pytest.raises(MessageError) as caught:
            messages.decode(bytes.fromhex(row["hex"]), SENDERS[row["sender"]])
        assert caught.value.kind == row["about"]
