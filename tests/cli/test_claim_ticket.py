"""A ticket for an emulated board: with its code in one piece or typed, never in an argument; what is none is told so."""

import io
import json
import subprocess
import sys

import pytest
from commands import tincall

from tincall.cli import claim_ticket as subject
from tincall.cli.enrol import IDENTITY
from tincall.emulator import shelf
from tincall.emulator.folder import BoardFolder
from tincall.errors import OperatorError
from tincall.relay import claim_code

SECRET = bytes(range(16))
CODE = claim_code.write(SECRET)
TICKET = {
    "sn": "SN-1", "model_id": "m", "host": "127.0.0.1", "port": 8443, "name": "127.0.0.1", "ca": "-----BEGIN\n",
    "claim_id": "C1", "time": 1790000000,
}  # fmt: skip

# what the board does with the record: the firmware's own files, in a process of their own since the host imports none of them
READER = """
import sys
sys.path.insert(0, "firmware")
from handset.places import Folder
from handset.store import Store
print(Store([Folder(sys.argv[1])]).load(("claim", 5)).decode())
"""


class Typed(io.StringIO):
    def isatty(self):
        return False


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Put a ticket; `typed` is what stands at standard input. Gives the fields that the board's firmware finds."""

    def go(document, typed="", source=None):
        file = tmp_path / "ticket.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        monkeypatch.setattr(sys, "stdin", Typed(typed))
        subject.put(tmp_path / "board", source or file)
        done = subprocess.run(
            [sys.executable, "-c", READER, tmp_path / "board" / "flash"], capture_output=True, text=True
        )
        return json.loads(done.stdout)

    return go


def test_the_boards_firmware_finds_it_with_the_secret(put, tmp_path):
    want = {**TICKET, "secret": SECRET.hex()}
    assert put({**TICKET, "code": CODE, "expires_s": 1}) == want
    assert put(TICKET, typed=CODE.lower().replace("-", " ") + "\n") == want
    assert put("", typed=json.dumps({**TICKET, "code": CODE}), source=subject.STDIN) == want
    assert ((tmp_path / "board" / "flash" / "claim.bin").stat().st_mode & 0o077) == 0


def refused(put, *what, **how):
    with pytest.raises(OperatorError) as caught:
        put(*what, **how)
    assert CODE not in caught.value.message + caught.value.hint and caught.value.status == 2
    return caught.value.message


def test_what_is_no_ticket_or_no_code_is_told_so(put):
    for document in ("", "[]", "<html>", {}, {**TICKET, "ca": 1}, {**TICKET, "claim_id": None}):
        assert "no ticket" in refused(put, document)
    assert "without a port" in refused(put, {**TICKET, "port": "1", "code": CODE})
    for code in ("", CODE[:-1], CODE[:-1] + ("0" if CODE[-1] != "0" else "1")):
        assert "not the code" in refused(put, TICKET, typed=code)
        assert "not the code" in refused(put, {**TICKET, "code": code})
    assert "not the code" in refused(put, "", typed=json.dumps(TICKET), source=subject.STDIN)


def test_a_file_that_is_not_there(put, tmp_path):
    assert "cannot be read" in refused(put, TICKET, source=tmp_path / "none")


def test_a_board_with_an_identity_keeps_it(put, tmp_path):
    place = BoardFolder(tmp_path / "board")
    place.take()
    shelf.save(place, *IDENTITY, b"{}")
    place.release()
    assert "an identity already" in refused(put, {**TICKET, "code": CODE})
    assert "an identity already" in refused(put, TICKET, typed=""), "told before anybody looks for a code"
    assert shelf.load(place, *subject.CLAIM) is None
    place.take()
    place.release()


def test_the_command_takes_it(tmp_path):
    result = tincall("emulate", "--folder", tmp_path / "b", "--claim", tmp_path / "none.json")
    assert result.exit_code == 2 and "none.json cannot be read" in " ".join(result.stderr.split())
