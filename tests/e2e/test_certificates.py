"""Boards with certificates of their own (profile M): whole calls, and every certificate that is not the right one."""

import base64
import datetime

import pytest
from chain import assert_accounted, on_one_interpreter, with_phones
from cryptography import x509
from identities import change_identity, identity_of
from support.authority import TestAuthority
from test_rollover import has

from callcore import causes
from tincall.cli.enrol import write_identity
from tincall.emulator.folder import BoardFolder
from tincall.measure.stage import wait_until
from tincall.relay import issuer
from tincall.settings import DataFolder

ANSWERING = [{"id": "alice", "answer_after_ms": 200}]
BACK_S = 60.0


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


@pytest.mark.long
@on_one_interpreter
@with_phones("answers")
@pytest.mark.parametrize("what", ["another authority", "expired", "another key", "none"])
def test_a_certificate_that_is_not_the_right_one(relay, interpreter, what, tmp_path):
    sn, folder = f"M-{what.replace(' ', '-')}-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder, "mtls")
    before = identity_of(folder)
    if what == "another authority":
        cert, secret = TestAuthority(tmp_path).board(sn)
        changed = {"cert": base64.b64encode(cert).decode(), "key": secret.hex()}
    elif what == "expired":
        changed = ended(relay, sn)
    elif what == "another key":
        changed = {"key": "11" * 32}
    else:
        write_identity(BoardFolder(folder), {key: value for key, value in before.items() if key != "cert"})
        changed = {}
    change_identity(folder, **changed)
    with relay.running(sn, folder, interpreter, online=False) as board:
        error = board.wait("error")
        assert error["reason"] == ("auth_failed" if what == "none" else "tls_client_cert_refused"), error
        assert board.wait("waiting")["reason"] == error["reason"]
        assert "online" not in {event["ev"] for event in board.events()}
    standing = relay.run("devices", "show", sn, "--json").document()
    assert standing["device"]["state"] == "new"
    change_identity(folder, cert=before["cert"], key=before["key"])
    with relay.running(sn, folder, interpreter):
        pass


def ended(relay, sn):
    """Make a certificate that the relay's authority has signed, and that has ended."""
    then = datetime.datetime.now(datetime.UTC) - issuer.BOARD_LIFE - datetime.timedelta(days=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(issuer.authority, "builder", started_before(then))
        issued = issuer.issue(DataFolder(relay.data), sn, then)
    return {"cert": base64.b64encode(issued.certificate).decode(), "key": issued.secret.hex()}


def started_before(then):
    real = issuer.authority.builder
    return lambda subject, key, start, end: real(subject, key, then, end)


@pytest.mark.long
@on_one_interpreter
def test_another_authority_and_then_another_certificate(own_relay, interpreter, tmp_path):
    """The board is linked all the while; its certificate of the authority before is good until it is changed."""
    relay, sn, folder = own_relay(ANSWERING), f"M-ROLL-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder, "mtls")
    first = identity_of(folder)
    with relay.running(sn, folder, interpreter) as board:
        assert relay.run("ca", "roll").status == 0
        board.wait("anchors", BACK_S)
        wait_until(relay.stage, "both authorities", BACK_S, lambda: has(relay, sn))
        assert relay.run("ca", "switch").status == 0
        board.wait_number(2, "anchors", BACK_S)
        wait_until(relay.stage, "the new authority", BACK_S, lambda: has(relay, sn))
        assert identity_of(folder)["cert"] == first["cert"]
        relay.kill()
        relay.restart()
        board.wait_number(4, "online", BACK_S)
        assert relay.run("devices", "rotate", sn).status == 0
        board.wait("verified", BACK_S, kv=2)
        wait_until(relay.stage, "the new certificate", BACK_S, lambda: identity_of(folder)["kv"] == 2)
        second = identity_of(folder)
        assert "next" not in second and second["cert"] != first["cert"] and second["ca"] != first["ca"]
        certificate = x509.load_der_x509_certificate(base64.b64decode(second["cert"]))
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(second["ca"].encode()))
    with relay.running(sn, folder, interpreter) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        assert "error" not in {event["ev"] for event in board.events()}
