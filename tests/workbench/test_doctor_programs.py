"""The doctor's programs run on a board: each gives one line of JSON, and none tells what is secret."""

import json

import pytest
from support.ready_boards import ready
from support.wired import wired

from tincall.workbench import doctor_programs as programs
from tincall.workbench import doctor_sound, provision
from tincall.workbench.serial_board import SerialBoard

FIELDS = {
    "sn": "SN-1", "model_id": "m", "kv": 1, "key": "ab" * 32, "host": "127.0.0.1", "port": 1, "name": "127.0.0.1",
    "ca": "-----BEGIN CERTIFICATE-----\n", "time": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory):
    folder = ready(tmp_path_factory.mktemp("doctor") / "b")
    with wired(folder, room_db=20.0) as live, SerialBoard.open(live.port) as opened:
        yield opened


def told(board, program):
    return json.loads(board.run(program, 30.0).strip().splitlines()[-1])


def test_memory_marker_signal_and_streams(board):
    assert told(board, programs.MEMORY)["free"] > 100_000
    assert told(board, programs.MARKER)["board"] == "EMULATED"
    assert told(board, programs.SIGNAL) == -40
    assert told(board, programs.STREAMS) == {"duplex": "full", "echo": False, "pins": [14, 15, 32, 26, 25, 22]}


def test_records_are_missing_sound_healed_or_damaged(board):
    assert {state for _, state, _ in told(board, programs.RECORDS)} == {"record_missing"}
    provision.write_identity(board, FIELDS)
    assert told(board, programs.RECORDS)[0] == ["identity", "ok", ""]
    board.run("with open('identity.bin','wb') as f:f.write(b'rot')")
    name, state, detail = told(board, programs.RECORDS)[0]
    assert (name, state) == ("identity", "healed") and "identity.bin" in detail and "ab" * 8 not in detail
    assert told(board, programs.RECORDS)[0][1] == "ok"


def test_a_tone_is_played_and_heard(board):
    before = doctor_sound.read(told(board, programs.SOUND % (False, True, 300, 50)))
    during = doctor_sound.read(told(board, programs.SOUND % (True, True, 500, 200)))
    assert before.samples >= 2048 and -85 < before.level_dbfs < -70 and before.why == ""
    assert during.tone_dbfs > before.tone_dbfs + doctor_sound.HEARD_DB
    assert during.written_bytes > 8000
    alone = doctor_sound.read(told(board, programs.SOUND % (True, False, 200, 0)))
    assert alone.samples == 0 and alone.written_bytes > 2000
