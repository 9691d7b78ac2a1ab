"""The kinds of room end that the contract runs against, each with a far side that does as it is told."""

import sys

from support.platform import APPID, Platform

from contracts.room_end_contract import RoomEndKit
from contracts.worker_contract import WorkerKit
from tincall.wechat.room_plan import RoomPlan

WHOSE = {"appid": APPID, "model_id": "m1", "sn": "sn-1"}
# what the stand-in's rooms go through, by what the phone shall do and whether it is rung or calls
SCRIPTS = {
    ("answers", "callee"): "0@0,1@20,2@70",
    ("rejects", "callee"): "0@0,1@20,3@70",
    ("busy", "callee"): "0@0,1@20,8@25",
    ("never_answers", "callee"): "0@0,1@20",
    ("hangs_up", "callee"): "0@0,1@20,2@70,6@270",
    ("wrong", "callee"): "!15",
    ("answers", "caller"): "2@20",
}
ENDS = {
    "status 3": "rejected",
    "status 4": "cancelled",
    "status 5": "hung_up_by_device",
    "status 6": "hung_up_by_phone",
}


class NativeKit(RoomEndKit):
    """The native room end with the stand-in library.

    Args:
        program: the built room end.
        log: where the stand-in writes what is called.
    """

    def __init__(self, program, log):
        self.command = [str(program)]
        self.opening = {**WHOSE, "flavor": 0}
        self.secrets = ["U0VDUkVUS0VZ/+", "U0VDUkVUVE9LRU4="]
        self._log = log

    def room(self, behaviour, role="callee"):
        script = SCRIPTS[behaviour, role]
        key, token = self.secrets
        push = {"room_id": f"room-1#{script}", "session_key": key, "server_token": token, "payload": "v1.payload_-"}
        return {**push, "room_type": "voice", **WHOSE}

    def end_of(self, room):
        for line in self._log.read_text().splitlines():
            if line in ENDS:
                return ENDS[line]
            if line.startswith("listener_hangup") and line.endswith("reason=11"):
                return "rejected"
        return ""


class SimulatorKit(RoomEndKit):
    """The simulator's room end with the simulator's rooms."""

    def __init__(self):
        self._platform = Platform()
        self.command = [sys.executable, "-m", "tincall.simulator.room_end"]
        self.opening = {**WHOSE, "flavor": 0, "url": self._platform.url}
        self.secrets = []

    def room(self, behaviour, role="callee"):
        room = self._platform.room(behaviour, role)
        self.secrets += [room["session_key"], room["server_token"]]
        return room

    def end_of(self, room):
        return self._platform.end_of(room)

    def close(self):
        self._platform.close()


class WeChatKit(WorkerKit):
    """The worker that meets its phone in a room, with some room end."""

    def __init__(self, ends):
        opening = {name: value for name, value in ends.opening.items() if name != "sn"}
        super().__init__(RoomPlan(command=ends.command, **opening).worker_command())
        self._ends = ends

    def phone(self, behaviour, role):
        return {"room": self._ends.room(behaviour, role)}
