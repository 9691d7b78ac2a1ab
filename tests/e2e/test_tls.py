"""A whole call with TLS 1.3, and capped at TLS 1.2, which is what small boards speak."""

import socket
import ssl

import pytest
from chain import assert_accounted, on_one_interpreter

from callcore import causes


@on_one_interpreter
@pytest.mark.parametrize(("relay", "version"), [("tls 1.2", "TLSv1.2"), ("answers", "TLSv1.3")], indirect=["relay"])
def test_a_call_at_each_version(relay, interpreter, tone, version):
    assert spoken(relay) == version
    with relay.board(interpreter, "--mic", tone) as board:
        board.press("call")
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(board.sn)
        assert (record["cause"], record["released_by"]) == (causes.NORMAL, "device")
        assert_accounted(board, record)


def spoken(relay):
    """Ask the device port for the newest TLS that it has."""
    context = ssl.create_default_context(cafile=relay.data / "ca.pem")
    with (
        socket.create_connection(("127.0.0.1", relay.ready["device_port"])) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        return link.version()
