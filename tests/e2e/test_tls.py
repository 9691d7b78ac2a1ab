"""A whole call with TLS 1.3, and capped at TLS 1.2, which is what small boards speak."""

import socket
import ssl

import pytest
from chain import assert_accounted

from callcore import causes


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_call_at_each_version(own_relay, interpreter, tone, version):
    relay = own_relay([{"id": "alice", "answer_after_ms": 100}], TINCALL__DEVICE__TLS_MAX=version)
    with relay.board(interpreter, "--mic", tone) as board:
        assert spoken(relay) == f"TLSv{version}"
        board.press("call")
        board.wait("mic_played")
        board.press("end")
        record = relay.settled(board.sn)
        assert (record["cause"], record["released_by"]) == (causes.NORMAL, "device")
        assert_accounted(board, record)
    assert relay.stop() == 0


def spoken(relay):
    """Ask the device port for the newest TLS that it has."""
    context = ssl.create_default_context(cafile=relay.data / "ca.pem")
    with (
        socket.create_connection(("127.0.0.1", relay.ready["device_port"])) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        return link.version()
