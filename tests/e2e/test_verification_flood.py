"""Strangers who verify as fast as they can: the call in progress does not notice (T-AS-02)."""

import base64
import collections
import contextlib
import json
import os
import socket
import ssl
import threading
import time

from chain import assert_accounted, with_phones

from callcore import causes

FLOODERS = 8  # each with an address of its own, so that their first sixty questions are worked on
FLOOD_S = 3.0
AHEAD = 4  # requests under way on a connection, as many as the relay reads ahead


def begin(number):
    """Write one request for a challenge, for a serial number that nobody has."""
    asked = {"v": 1, "sn": f"FLOOD-{number}", "model_id": "m", "kv": 1, "uid": "00", "fw": "1"}
    asked["dn"] = base64.b64encode(os.urandom(16)).decode()
    body = json.dumps(asked).encode()
    return b"POST /v1/verify/begin HTTP/1.1\r\nHost: relay\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def flood(relay, own_address, until_s, answers):
    """Ask for challenges until then; counts the answers by status."""
    context = ssl.create_default_context(cafile=relay.data / "ca.pem")
    address = ("127.0.0.1", relay.ready["device_port"])
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, source_address=(own_address, 0)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as link,
    ):
        link.settimeout(10)
        number = 0
        while time.monotonic() < until_s:
            link.sendall(begin(number) * AHEAD)
            number += AHEAD
            heard = b""
            while heard.count(b"HTTP/1.1 ") < AHEAD or not heard.endswith(b"}"):
                heard += link.recv(65536)
            for line in heard.split(b"HTTP/1.1 ")[1:]:
                answers[line[:3].decode()] += 1


@with_phones("answers")
def test_a_call_does_not_notice_a_flood_of_verifications(relay, tone):
    answers = collections.Counter()
    with relay.board("cpython", "--mic", tone) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        began_s = time.monotonic()
        until_s = began_s + FLOOD_S
        addresses = [f"127.3.0.{number + 1}" for number in range(FLOODERS)]
        threads = [threading.Thread(target=flood, args=(relay, one, until_s, answers)) for one in addresses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s = time.monotonic() - began_s
        board.wait("mic_played")
        assert board.states()[-1] == "ANSWERED"
        board.press("end")
        record = relay.settled(board.sn)
        assert (record["cause"], record["released_by"]) == (causes.NORMAL, "device")
        assert_accounted(board, record)
    assert answers["429"] > 200 and set(answers) <= {"200", "429"}, answers
    most = 60 + took_s + 1  # as many as one address may ask in a minute, and what grows back
    assert 60 < answers["200"] <= FLOODERS * most, answers
