"""What happened while a board had no link is told once: calls missed and cut, crashes; whichever end dies in between."""

from pathlib import Path

import pytest
from chain import EVENT_S, on_one_interpreter, with_phones

from callcore import causes
from tincall.emulator.child import FIRMWARE
from tincall.measure.stage import wait_until

ANSWERING = [{"id": "alice", "answer_after_ms": 100}]
BACK_S = 30.0
KILL_POINTS = Path(__file__).parent / "kill_points"
# fails the first time that its call button is pressed in a life
FAILING = """
import sys
sys.path.insert(0, {firmware!r})
from handset import app, phone
def fail(self):
    raise ValueError("nobody thought of \\x07this")
phone.Phone.press_call = fail
app.run()
"""


def told(relay, sn, count, seconds=BACK_S):
    """Wait until a board has told so much; gives it, oldest first."""

    def look():
        found = relay.run("events", sn, "--json").document()["events"]
        return found[::-1] if len(found) >= count else None

    return wait_until(relay.stage, f"{count} events of {sn}", seconds, look)


@pytest.mark.long
@on_one_interpreter
def test_a_talk_that_was_cut_is_told_with_its_length(own_relay, interpreter, tone):
    relay = own_relay(ANSWERING)
    with relay.board(interpreter, "--mic", tone) as board:
        for number in (1, 2):
            board.press("call")
            talk = board.wait_number(number, "call", state="ANSWERED")["call"]
            board.wait_number(number, "mic_played")
            relay.kill()
            board.wait("call", EVENT_S, state="ENDED", call=talk)
            relay.restart()
            board.wait_number(1 + number, "online", BACK_S)
            found = told(relay, board.sn, number)
            assert (found[-1]["number"], found[-1]["kind"], found[-1]["call_id"]) == (number, "call", talk)
            assert found[-1]["duration_ms"] > 0 and found[-1]["cause"] == causes.LINK_LOST
        assert len({one["log"] for one in found}) == 1
        assert f"call {talk} ended after" in relay.run("devices", "show", board.sn).out
        assert relay.stop() == 0


@on_one_interpreter
@with_phones("answers")
def test_a_crash_is_told_by_the_next_life(relay, interpreter, tmp_path):
    main = tmp_path / "failing" / "main.py"
    main.parent.mkdir()
    main.write_text(FAILING.format(firmware=str(FIRMWARE)))
    with relay.board(interpreter, "--main", main) as board:
        board.press("call")
        board.wait_number(2, "online", BACK_S)
        (crash,) = told(relay, board.sn, 1)
        assert (crash["kind"], crash["call_id"], crash["cause"]) == ("crash", "", None)
        assert crash["text"].endswith("ValueError: nobody thought of ?this") and "main.py" in crash["text"]
        assert "the firmware crashed" in relay.run("devices", "show", board.sn).out


@on_one_interpreter
def test_a_missed_call_is_told_once_though_the_relay_dies_between_commit_and_answer(own_relay, interpreter, tmp_path):
    plug = tmp_path / "plug"
    relay = own_relay(ANSWERING, PYTHONPATH=str(KILL_POINTS), TINCALL_TEST_KILL_FILE=str(plug))
    with relay.board(interpreter) as board:
        missed = relay.run("call", board.sn, "--phone", "alice", "--json").document()["call"]
        board.wait_call("RINGING")
        relay.kill()
        plug.write_text("event stored")
        relay.restart()
        wait_until(relay.stage, "the relay's death", BACK_S, lambda: not relay.actor.is_alive() or None)
        relay.stage.stop(relay.actor)
        plug.unlink()
        relay.restart()

        def repeated():
            found = relay.run("events", "--json").document()
            return found if found["repeated"] else None

        found = wait_until(relay.stage, "the repeat", BACK_S, repeated)
        (event,) = found["events"]
        assert (event["number"], event["kind"], event["call_id"], event["lost"]) == (1, "missed", missed, 0)
        assert (event["cause"], event["duration_ms"]) == (causes.LINK_LOST, 0)
        assert abs(event["at_s"] - event["received_ms"] / 1000) < 60
        assert (found["stored"], found["repeated"]) == (0, 1)
        assert f"call {missed} rang when the link was lost" in relay.run("devices", "show", board.sn).out
        assert relay.stop() == 0
