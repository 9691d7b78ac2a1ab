"""Boards that share a serial number and a key, and boards that the operator switches off: real firmware, real commands."""

import shutil
import time

import pytest
from chain import is_ended, on_one_interpreter, with_phones
from identities import change_identity

from callcore import causes
from tincall.measure.stage import wait_until

ALICE = [{"id": "alice", "outcome": "answer"}]


def standing(relay, sn):
    """Ask how a board stands, as a person does."""
    return relay.run("devices", "show", sn, "--json").document()["standing"]


@with_phones("answers")
@on_one_interpreter
def test_flash_copied_to_another_chip(relay, interpreter, tmp_path):
    """T-ID-02, T-ID-03: the copy is refused and the first one serves on; by turns both are out until somebody has looked."""
    sn, first, copy = f"TWIN-{interpreter}", tmp_path / "first", tmp_path / "copy"
    relay.enrol(sn, first)
    with relay.running(sn, first, interpreter):
        pass
    shutil.copytree(first, copy)
    (copy / "uid").write_text("02c0ffee0002")
    with relay.running(sn, first, interpreter) as board:
        with relay.running(sn, copy, interpreter, online=False) as twin:
            assert twin.wait("error")["reason"] == "uid_mismatch"
            wait_until(relay.stage, "the copy to end for good", 10, lambda: not twin.actor.is_alive())
        board.press("call")
        board.wait_call("ANSWERED")
        board.press("end")
        board.wait_call("ENDED")
        assert standing(relay, sn)["second_board"]["uid"] == "02c0ffee0002"
    with relay.running(sn, first, interpreter):
        with relay.running(sn, copy, interpreter, online=False) as twin:
            assert twin.wait("error")["reason"] == "sn_conflict"
        found = standing(relay, sn)
        assert (found["state"], found["linked"], found["second_board"]["times"]) == ("conflict", False, 2)
    with relay.running(sn, first, interpreter, online=False) as board:
        assert board.wait("error")["reason"] == "sn_conflict"
    assert relay.run("devices", "resume", sn, "--json").document()["state"] == "active"
    with relay.running(sn, first, interpreter):
        assert standing(relay, sn)["second_board"] is None


@with_phones("answers")
@on_one_interpreter
def test_a_wrong_number_and_then_the_right_one(relay, interpreter, tmp_path):
    """T-ID-09: one record and one start; nothing of the wrong number stays anywhere."""
    sn, folder = f"RIGHT-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder)
    change_identity(folder, sn=f"WRONG-{interpreter}")
    with relay.running(sn, folder, interpreter, online=False) as board:
        assert board.wait("error")["reason"] == "auth_failed"
    change_identity(folder, sn=sn)
    with relay.running(sn, folder, interpreter):
        assert standing(relay, sn)["state"] == "active"


@with_phones("answers")
@pytest.mark.parametrize(("word", "state"), [("suspend", "suspended"), ("revoke", "revoked")])
@on_one_interpreter
def test_a_board_that_is_switched_off_in_a_call(relay, interpreter, word, state):
    """T-ID-11: within a second of the command's end nothing of call and link is left."""
    with relay.board(interpreter) as board:
        board.press("call")
        board.wait_call("ANSWERED")
        done = relay.run("devices", word, board.sn, "--json").document()
        decided_s = time.monotonic()
        assert (done["state"], done["changed"]) == (state, True)
        assert board.wait("error")["reason"] == "revoked"
        board.wait_call("ENDED")
        assert time.monotonic() - decided_s < 1.0
        record = relay.settled(board.sn, is_ended)
        assert (record["cause"], record["released_by"]) == (causes.BARRED, "relay")
        assert relay.run("devices", word, board.sn, "--json").document()["changed"] is False
        log = [line for line in relay.log().splitlines() if "operator decided" in line and board.sn in line]
        assert len(log) == 2


def test_a_decision_outlives_a_relay_that_is_killed(own_relay, tmp_path):
    relay = own_relay(ALICE)
    sn, folder = "KEPT-1", tmp_path / "board"
    relay.enrol(sn, folder)
    assert relay.run("devices", "suspend", sn).status == 0
    relay.kill()
    relay.restart()
    with relay.running(sn, folder, "cpython", online=False) as board:
        assert board.wait("error")["reason"] == "suspended"
    assert relay.run("devices", "resume", sn).status == 0
    with relay.running(sn, folder, "cpython"):
        assert standing(relay, sn)["state"] == "active"
