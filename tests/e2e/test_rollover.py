"""Certificates change under running boards: real firmware, real TLS, and nobody touches a board."""

from chain import on_one_interpreter, with_phones

from tincall.measure.stage import wait_until
from tincall.settings import DataFolder

PATIENCE_S = 30


def taken(relay, times):
    """Wait until the relay has taken up new certificates that many times since it was started."""
    wait_until(relay.stage, "the certificates", PATIENCE_S, lambda: relay.log().count("certificates taken") >= times)


@with_phones("answers")
@on_one_interpreter
def test_a_new_server_certificate_in_a_call(relay, interpreter, tmp_path):
    """The call goes on under the old one, and the next link begins under the new one."""
    sn, folder = f"RENEW-{interpreter}", tmp_path / "board"
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
