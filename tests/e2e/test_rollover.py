"""Certificates change under running boards: real firmware, real TLS, and nobody touches a board."""

from contextlib import closing

from chain import on_one_interpreter
from identities import identity_of

from tincall.cli.client import Client
from tincall.measure.stage import wait_until
from tincall.relay.rollover import anchor_id, bundle
from tincall.settings import DataFolder

PATIENCE_S = 30
ANSWERING = [{"id": "alice", "answer_after_ms": 200}]


def taken(relay, times):
    """Wait until the relay has taken up new certificates that many times since it was started."""
    wait_until(relay.stage, "the certificates", PATIENCE_S, lambda: relay.log().count("certificates taken") >= times)


@on_one_interpreter
def test_a_new_server_certificate_in_a_call(own_relay, interpreter, tmp_path):
    """The call goes on under the old one, and the next link begins under the new one."""
    relay, sn, folder = own_relay(ANSWERING), f"RENEW-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder)
    before = relay.log().count("certificates taken")
    with relay.running(sn, folder, interpreter) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        old = DataFolder(relay.data).server.read_bytes()
        assert relay.run("ca", "renew").status == 0
        taken(relay, before + 1)
        assert DataFolder(relay.data).server.read_bytes() != old
        board.press("end")
        board.wait_call("ENDED")
        assert [event for event in board.events() if event["ev"] == "error"] == []
    with relay.running(sn, folder, interpreter):
        pass


@on_one_interpreter
def test_a_new_authority_and_no_hand_on_a_board(own_relay, interpreter, tmp_path):
    """Both steps under a board that is linked, and one that is switched off in between; then nobody needs the old one."""
    relay, here, away = own_relay(ANSWERING), f"ROLL-{interpreter}", f"ROLL-AWAY-{interpreter}"
    folders = {sn: tmp_path / sn for sn in (here, away)}
    for sn, folder in folders.items():
        relay.enrol(sn, folder)
    with relay.running(away, folders[away], interpreter):
        pass
    first = identity_of(folders[here])["ca"]
    with relay.running(here, folders[here], interpreter) as board:
        assert relay.run("ca", "roll").status == 0
        board.wait("anchors", PATIENCE_S)
        both = wait_until(
            relay.stage, "both", PATIENCE_S, lambda: has(relay, here) and identity_of(folders[here])["ca"]
        )
        assert both.startswith(first) and both.count("BEGIN CERTIFICATE") == 2
        refused = relay.run("ca", "switch")
        assert refused.status == 1 and away in refused.complaint() and f"{here}," not in refused.complaint() + ","
        with relay.running(away, folders[away], interpreter) as late:
            late.wait("anchors", PATIENCE_S)
            wait_until(relay.stage, "the other board", PATIENCE_S, lambda: has(relay, away))
        assert relay.run("ca", "switch").status == 0
        board.wait_number(2, "anchors", PATIENCE_S)
        last = wait_until(
            relay.stage, "the new one alone", PATIENCE_S, lambda: has(relay, here) and identity_of(folders[here])["ca"]
        )
        assert both == first + last
    assert identity_of(folders[away])["ca"] == both
    with relay.running(away, folders[away], interpreter) as late:
        late.wait("anchors", PATIENCE_S)
        late.press("call")
        late.wait_call("ANSWERED")
    assert identity_of(folders[away])["ca"] == last
    for sn in folders:
        with relay.running(sn, folders[sn], interpreter) as board:
            assert [event for event in board.events() if event["ev"] in ("anchors", "error")] == []


def has(relay, sn):
    """Tell whether a board has said that it has what boards are to trust now, as the files of the relay say."""
    with closing(Client(relay.data)) as client:
        found = client.get("/v1/ca")
    return sn not in found["lacking"] and found["anchor"] == anchor_id(bundle(DataFolder(relay.data)))
