"""Boards that do not fit their relay: each says in one sentence what is wrong, waits, and ends in order when told to."""

import pytest
from chain import is_ended, on_one_interpreter, tincall, with_phones
from identities import change_identity
from support.authority import TestAuthority
from support.peer import Peer

from tincall.measure.stage import wait_until

WRONG = {
    # what of the identity is wrong: step, reason, words of the sentence
    "ca": ("link", "tls_wrong_ca", "not signed by our trust anchor"),
    "name": ("link", "tls_wrong_name", "for another name"),
    "key": ("verify", "auth_failed", ""),
    "sn": ("verify", "auth_failed", ""),
}


def refused(relay, sn, folder, interpreter):
    """Run a board that cannot get in; gives what it says, and sees it wait instead of knocking for ever."""
    with relay.running(sn, folder, interpreter, online=False) as board:
        error = board.wait("error")
        wait = board.wait("waiting")
        assert wait["reason"] == error["reason"]
        assert wait["wait_ms"] >= 500
        assert [event["ev"] for event in board.events()].count("crash") == 0
        assert [event["ev"] for event in board.events()].count("online") == 0
    return error


@on_one_interpreter
@with_phones("answers")
@pytest.mark.parametrize("what", list(WRONG))
def test_an_identity_that_does_not_fit(relay, interpreter, what, tmp_path):
    values = {
        "ca": TestAuthority(tmp_path).anchor.read_text(),
        "name": "relay.example",
        "key": "00" * 31 + "01",
        "sn": "NOBODY-1",
    }
    sn, folder = f"BAD-{what}-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder)
    change_identity(folder, **{what: values[what]})
    error = refused(relay, sn, folder, interpreter)
    step, reason, words = WRONG[what]
    assert (error["step"], error["reason"]) == (step, reason)
    assert words in error["detail"] and len(error["detail"]) > 20
    if step == "link":
        assert str(relay.ready["device_port"]) in error["detail"]
    assert values["key"] not in str(error) + relay.log()
    if what == "ca":
        wait_until(relay.stage, "the relay's word", 5, lambda: "unknown ca" in relay.log())


@with_phones("answers")
@pytest.mark.parametrize(
    ("days", "reason", "words"),
    [((-30, -1), "tls_expired", "expired"), ((1, 30), "tls_not_yet_valid", "not valid yet")],
)
def test_a_certificate_whose_time_is_past_or_to_come(relay, interpreter, days, reason, words, tmp_path):
    authority = TestAuthority(tmp_path)
    sn, folder = f"BAD-{reason}-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder)
    # the relay itself would not start with such a certificate, so something else stands in its place
    with Peer(authority.server(from_days=days[0], to_days=days[1]), lambda connection: connection.request()) as peer:
        change_identity(folder, ca=authority.anchor.read_text(), port=peer.port)
        error = refused(relay, sn, folder, interpreter)
    assert (error["step"], error["reason"]) == ("link", reason)
    assert words in error["detail"] and "clock" in error["detail"] and "20" in error["detail"]


@with_phones("answers")
def test_a_relay_that_is_not_there(relay, interpreter, tmp_path, free_port):
    sn, folder = f"BAD-port-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder)
    change_identity(folder, port=free_port)
    error = refused(relay, sn, folder, interpreter)
    assert (error["step"], error["reason"]) == ("link", "connect_refused")
    assert "is the relay running?" in error["detail"]


@on_one_interpreter
@with_phones("answers")
def test_a_board_that_is_forgotten_in_a_call(relay, interpreter):
    with relay.board(interpreter) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        assert relay.run("devices", "--forget", board.sn).status == 0
        record = relay.settled(board.sn, is_ended)
        assert record["duration_ms"] > 0
        assert board.wait("error")["reason"] == "revoked"
        assert board.wait_call("ENDED")["call"] == record["call_id"]


@with_phones("answers")
def test_a_folder_that_is_no_board(relay, tmp_path):
    done = tincall("emulate", "--folder", tmp_path / "typo", "--board", "cpython")
    assert (done.status, "holds no board" in done.complaint()) == (2, True)
    assert not (tmp_path / "typo").exists()
    for command in (["emulate", "--folder", relay.data], ["enrol", "--sn", "BAD-place", "--board", relay.data]):
        done = relay.run(*command) if command[0] == "enrol" else tincall(*command)
        assert (done.status, "data folder of a relay" in done.complaint() or "no board" in done.complaint()) == (
            2,
            True,
        )
    assert not (relay.data / "flash").exists()


def test_a_board_without_an_identity(tmp_path, interpreter):
    (tmp_path / "board/flash").mkdir(parents=True)
    done = tincall("emulate", "--folder", tmp_path / "board", "--board", interpreter)
    assert done.status == 1
    assert "this board has no identity yet; enrol it" in done.complaint()


@with_phones("answers")
def test_an_identity_that_is_damaged(relay, tmp_path):
    folder = tmp_path / "board"
    relay.enrol("BAD-flash", folder)
    path = folder / "flash" / "identity.bin"
    path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    (folder / "nvs.json").unlink()
    done = tincall("emulate", "--folder", folder, "--board", "cpython")
    assert done.status == 1
    assert "damaged" in done.complaint()


@with_phones("answers")
def test_two_runners_in_one_folder(relay):
    with relay.board("cpython") as board:
        done = tincall("emulate", "--folder", board.folder, "--board", "cpython")
        assert done.status == 1
        assert "runs in" in done.complaint() and str(board.folder) in done.complaint()
        done = relay.run("enrol", "--sn", "OTHER-1", "--board", board.folder)
        assert done.status == 1
        assert "runs in" in done.complaint()
