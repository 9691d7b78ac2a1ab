"""The relay is killed at each named point of a push: the call ends once, with a record, and no phone goes on ringing."""

from pathlib import Path

import pytest
from chain import left_running
from wechat_chain import Chain

from tincall.measure.stage import Stage, wait_until
from tincall.wechat import points

PHONE = '[[phones]]\nid = "alice"\nname = "Alice"\noutcome = "no_answer"\n'
PLUG = "plug"
KILL_POINTS = Path(__file__).parent / "kill_points"
# shorter than a person would wait, longer than a relay takes to start
RING = {"TINCALL__CALL__RING_MS": "4000"}
DEATH_S = 15
END_S = 30


@pytest.mark.parametrize("direction", ["out", pytest.param("in", marks=pytest.mark.long)])
def test_killed_in_a_push(direction, tmp_path):
    with Stage(tmp_path) as stage:
        plug = {"PYTHONPATH": str(KILL_POINTS), "TINCALL_TEST_KILL_FILE": str(tmp_path / PLUG)}
        chain = Chain(stage, tmp_path, PHONE, **plug, **RING)
        try:
            chain.enrol()
            with chain.board("cpython") as board:
                for number, point in enumerate(points.POINTS, 1):
                    # the relay is another one each time, and the board comes back to it
                    wait_until(stage, f"the board before {point}", END_S, lambda n=number: came(board) >= n)
                    killed_at(chain, board, point, direction)
            assert stage.stop(chain.relay) == 0
        finally:
            chain.close()
    assert left_running(tmp_path) == []


def killed_at(chain, board, point, direction):
    """Kill the relay at one point of a new call, start it again, and hold what is left to the rules."""
    before = {record["call_id"] for record in chain.records()}
    rooms_before = len(chain.platform.ledger()["rooms"])
    plug = chain.folder / PLUG
    plug.write_text(point)
    if direction == "out":
        board.press("call")
    else:
        chain.person.call(board.sn)
    wait_until(chain.stage, f"the relay's death {point}", DEATH_S, lambda: not chain.relay.is_alive() or None)
    plug.unlink()
    chain.stage.stop(chain.relay)
    chain.start()
    ledger = chain.silent(END_S)
    records = [one for one in chain.ended(0, END_S) if one["call_id"] not in before]
    rooms = ledger["rooms"][rooms_before:]
    assert len(rooms) == 1 and rooms[0]["talked"] is False, (point, rooms)
    # of a phone's call nothing is known before anything was stored, and the platform may have given it up by then
    is_unknown = direction == "in" and point == points.BEFORE_COMMIT
    assert len(records) == 1 or (is_unknown and not records), (point, records)
    for record in records:
        assert (record["direction"], record["state"]) == (direction, "ended"), (point, record)
        assert record["cause"] in (19, 41, 487, 606), (point, record)
    assert "Traceback" not in chain.log(), point
    leave_nothing_open(chain, point)


def came(board):
    """Count how often the board has come online."""
    return sum(event["ev"] == "online" for event in board.events())


def leave_nothing_open(chain, point):
    """See that the relay has hung up what it found, by its log; the platform may have given the room up before."""
    if point != points.BEFORE_COMMIT:
        said = "a room that was left open is hung up"
        wait_until(chain.stage, f"the room after {point}", END_S, lambda: said in chain.log() or None)
    assert "a room is left open" not in chain.log(), point
