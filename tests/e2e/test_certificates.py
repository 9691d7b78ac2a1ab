"""Boards with certificates of their own (profile M): whole calls, and every certificate that is not the right one."""

import pytest
from chain import assert_accounted, on_one_interpreter

from callcore import causes


@on_one_interpreter
@pytest.mark.parametrize(
    "relay", ["tls 1.2", pytest.param("answers", marks=pytest.mark.long)], indirect=True, ids=["tls1.2", "tls1.3"]
)
def test_a_call_of_a_board_with_a_certificate(relay, interpreter, tone):
    with relay.board(interpreter, "--mic", tone, profile="mtls") as board:
        board.press("call")
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(board.sn)
        assert (record["cause"], record["released_by"]) == (causes.NORMAL, "device")
        assert_accounted(board, record)
        shown = relay.run("devices", "show", board.sn, "--json").document()
        assert shown["device"]["profile"] == "mtls"
        assert shown["standing"]["cert_until_s"] > shown["device"]["created_s"] + 1000 * 86_400
        assert "error" not in {event["ev"] for event in board.events()}
