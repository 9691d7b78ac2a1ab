"""Boards that claim their key in the field: real commands, real firmware, whatever is lost on the way."""

import asyncio
import json
import os
import sqlite3

import pytest
from chain import is_ended, on_one_interpreter, with_phones
from identities import identity_of
from support.plain_client import PlainClient

from callcore import attest, claim
from callcore.evidence import Begin
from tincall.cli.claim_ticket import CLAIM
from tincall.cli.enrol import IDENTITY
from tincall.emulator import shelf
from tincall.emulator.folder import BoardFolder
from tincall.measure.stage import wait_until
from tincall.relay import authority, claim_code
from tincall.settings import DataFolder

ALICE = [{"id": "alice", "answer_after_ms": 200}]


class Ticket:
    """A claim that was opened by the command, in a file with its code."""

    def __init__(self, relay, sn, folder, *more):
        self.relay = relay
        self.sn = sn
        self.told = relay.run("claim", "--sn", sn, "--json", *more).document()
        self.secret = claim_code.read(self.told["code"])
        self.file = folder / f"{sn}.json"
        self.write()

    def write(self, **changes):
        self.file.touch(0o600)
        self.file.write_text(json.dumps({**self.told, **changes}))

    def ask(self, uid):
        """Claim as some board would, and let the answer be lost or not; gives status, reason or None, key or None."""
        told = self.told
        der = authority.der(authority.load_certificate(DataFolder(self.relay.data).server))
        begin = Begin(told["sn"], told["model_id"], 1, uid, os.urandom(16), "1.0")
        th, said = claim.request(self.secret, begin, told["claim_id"], attest.channel_binding(der))

        async def go():
            client = await PlainClient.connect(self.relay.ready["device_port"], self.relay.data / "ca.pem")
            answer = await client.request("POST", "/v1/claim", said)
            await client.close()
            return answer

        answer = asyncio.run(go())
        if answer.status == 200:
            return 200, None, claim.granted(self.secret, th, answer.body)[1]
        return answer.status, answer.json["reason"], None


def held(folder, fact):
    return shelf.load(BoardFolder(folder), *fact)


@with_phones("answers")
@pytest.mark.parametrize(
    "interpreter", ["unix", "cpython", pytest.param("unix32", marks=pytest.mark.long)], indirect=True
)
def test_a_board_claims_its_key_and_calls(relay, interpreter, tmp_path):
    """As README.md has it; then the claim is gone on both sides, and another board gets nothing."""
    sn, folder = f"CLAIM-{interpreter}", tmp_path / "board"
    ticket = Ticket(relay, sn, tmp_path)
    with relay.running(sn, folder, interpreter, "--claim", ticket.file) as board:
        assert board.wait("claimed")["sn"] == sn
        board.press("call")
        board.wait_call("ANSWERED")
        board.press("end")
        board.wait_call("ENDED")
        assert relay.settled(sn, is_ended)["released_by"] == "device"
        assert held(folder, CLAIM) is None
        assert ticket.ask(b"\1\2\3")[:2] == (401, "claim_refused")
    with relay.running(sn, folder, interpreter):
        pass
    for secret in (ticket.told["code"], ticket.secret.hex(), identity_of(folder)["key"]):
        assert secret not in (folder / "board.log").read_text() + relay.log()
    with relay.running(sn, tmp_path / "other", "cpython", "--claim", ticket.file, online=False) as other:
        assert other.wait("error")["reason"] == "claim_refused"
        assert other.wait("waiting")["wait_ms"] == 900_000
        assert held(tmp_path / "other", IDENTITY) is None and held(tmp_path / "other", CLAIM) is not None


@with_phones("answers")
@on_one_interpreter
def test_what_is_wrong_is_said_and_kept_to(relay, interpreter, tmp_path):
    """A code that is another claim's, and a chip that comes second."""
    wrong = Ticket(relay, f"WRONG-{interpreter}", tmp_path)
    wrong.write(code=claim_code.write(bytes(16)))
    with relay.running(wrong.sn, tmp_path / "wrong", interpreter, "--claim", wrong.file, online=False) as board:
        assert board.wait("error")["reason"] == "claim_refused"
    bound = Ticket(relay, f"BOUND-{interpreter}", tmp_path)
    key = bound.ask(b"\1\2\3")[2]
    with relay.running(bound.sn, tmp_path / "bound", interpreter, "--claim", bound.file, online=False) as board:
        assert board.wait("error")["reason"] == "claim_bound"
        assert board.wait("stopped")["reason"] == "claim_bound"
        wait_until(relay.stage, "the board to end for good", 10, lambda b=board: not b.actor.is_alive())
    assert bound.ask(b"\1\2\3")[2] == key
    again = Ticket(relay, bound.sn, tmp_path)
    with relay.running(bound.sn, tmp_path / "again", interpreter, "--claim", again.file):
        assert identity_of(tmp_path / "again")["key"] != key.hex()
        assert identity_of(tmp_path / "again")["kv"] == 2


def test_an_answer_that_was_lost_a_relay_that_was_killed_and_a_time_that_is_over(own_relay, tmp_path):
    relay = own_relay(ALICE)
    sn, folder = "LOST-1", tmp_path / "board"
    ticket, old = Ticket(relay, sn, tmp_path), Ticket(relay, "OLD-1", tmp_path)
    uid = BoardFolder(folder)
    uid.take()
    uid.release()
    key = ticket.ask(bytes.fromhex(uid.uid()))[2]
    relay.kill()
    with sqlite3.connect(relay.data / "tincall.db") as database:
        database.execute("UPDATE claims SET expires_s = opened_s WHERE sn = 'OLD-1'")
    database.close()
    relay.restart()
    with relay.running(sn, folder, "cpython", "--claim", ticket.file):
        assert identity_of(folder)["key"] == key.hex()
    relay.kill()
    relay.restart()
    with relay.running(sn, folder, "cpython"):
        assert ticket.ask(bytes.fromhex(uid.uid()))[:2] == (401, "claim_refused")
    with relay.running("OLD-1", tmp_path / "old", "cpython", "--claim", old.file, online=False) as board:
        assert board.wait("error")["reason"] == "claim_refused"


def test_a_board_that_was_switched_off_after_it_stored_its_key_ends_the_claim(own_relay, tmp_path):
    """Power fails between the identity and the verification: the next start finds both, maybe in one place, ends with one."""
    relay = own_relay(ALICE)
    sn, folder = "CUT-1", tmp_path / "board"
    ticket = Ticket(relay, sn, tmp_path)
    with relay.running(sn, folder, "cpython", "--claim", ticket.file):
        pass
    place = BoardFolder(folder)
    fields = {name: value for name, value in ticket.told.items() if name not in ("code", "expires_s")}
    before = held(folder, IDENTITY)
    for lost in (False, True):
        shelf.save(place, *CLAIM, json.dumps({**fields, "secret": ticket.secret.hex()}).encode())
        if lost:
            (folder / "flash" / "claim.bin").unlink()
        with relay.running(sn, folder, "cpython"):
            assert held(folder, CLAIM) is None
        assert held(folder, IDENTITY) == before
