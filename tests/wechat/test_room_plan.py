"""Plans of room ends: from a file, an argument or a name; what is wrong is said with its place."""

import json
import re
import sys
from dataclasses import replace

import pytest
from support.checkout import CHECKOUT

from tincall.errors import OperatorError
from tincall.wechat import room_plan
from tincall.wechat.room_plan import RoomPlan
from tincall.worker.room_process import RoomLimits

NATIVE = {"command": ["/opt/room-end", "-x"], "appid": "wx1", "flavor": 2, "closed_s": 5}


def test_a_file_and_an_argument_say_the_same(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(NATIVE))
    plan = RoomPlan.read(str(path))
    assert plan == RoomPlan.read(json.dumps(NATIVE))
    assert plan.arguments == ["/opt/room-end", "-x"]
    assert plan.opening == {"appid": "wx1", "model_id": "", "sn": "", "flavor": 2}
    assert plan.limits == replace(room_plan.NATIVE, closed_s=5)


def test_a_name_stands_for_a_room_end_of_ours():
    plan = RoomPlan.read('{"command": "simulator", "url": "http://127.0.0.1:8000"}')
    assert plan.arguments == [sys.executable, "-m", "tincall.simulator.room_end"]
    assert plan.opening["url"] == "http://127.0.0.1:8000"
    assert RoomPlan.read("simulator").arguments == plan.arguments


def test_a_program_of_ones_own_may_take_as_long_as_host_native_does():
    source = (CHECKOUT / "host/native/src/room_end.c").read_text()
    own = {name: int(number) for name, number in re.findall(r"#define (\w+_(?:MS|S)) (\d+)\n", source)}
    limits = RoomPlan(command=["/opt/room-end"]).limits
    assert limits.ready_s * 1000 > own["INIT_MS"]
    assert limits.join_s * 1000 > own["JOIN_MS"]
    assert limits.closed_s * 1000 > own["LATE_JOIN_MS"] + own["HANGUP_MS"]
    assert limits.closed_s + limits.grace_s > own["LEAVE_S"]
    assert RoomPlan(command="simulator").limits == RoomLimits()


def test_it_goes_through_a_workers_command_unchanged():
    plan = RoomPlan.read(json.dumps(NATIVE))
    command = plan.worker_command()
    assert command[:4] == [sys.executable, "-m", "tincall.wechat.worker", "--room-end"]
    assert RoomPlan.read(command[4]) == plan


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/no/such/file", "/no/such/file cannot be read: No such file"),
        ("{", "that is not JSON"),
        ("{}", "command: Field required"),
        ('{"command": []}', "command"),
        ('{"command": "zoom"}', "no room end is called 'zoom'"),
        ('{"command": ["x"], "flavor": 3}', "flavor"),
        ('{"command": ["x"], "secret": "s"}', "secret: Extra inputs"),
        ('{"command": ["x"], "closed_s": 0}', "closed_s"),
    ],
)
def test_what_is_no_plan_is_said_with_a_hint(text, sentence):
    with pytest.raises(OperatorError) as heard:
        RoomPlan.read(text)
    assert sentence in heard.value.message and "tincall-room-end" in heard.value.hint
