"""A scenario: what the platform, its phones and its users do in one kind of call, and what a relay must end with.

Scenarios are TOML files beside this one. `prepare` makes a simulator play one; `judge` holds what the simulator's ledger and
the relay's own records say against what the scenario expects, strictly. Who drives the call, presses the board's buttons or
makes the phone call reads `direction` and `device`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tincall.errors import OperatorError
from tincall.simulator import cloud
from tincall.simulator.accounts import ANY, User
from tincall.simulator.faults import Fault
from tincall.simulator.impair import FrameProfile
from tincall.simulator.phone import PhoneScript
from tincall.simulator.pusher import PushPlan
from tincall.simulator.room import ENDS, Times
from tincall.simulator.service import Service

FOLDER = Path(__file__).with_name("scenarios")
Ms = Annotated[int, Field(ge=1, le=3_600_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TimeTable(_Strict):
    """Shorter times than the platform's, so that a scenario takes seconds; missing ones are the platform's."""

    ring_ms: Ms = Times.ring_ms
    peer_wait_ms: Ms = Times.peer_wait_ms
    silence_ms: Ms = Times.silence_ms
    ticket_s: Annotated[float, Field(gt=0, le=300)] = 300
    token_s: Annotated[float, Field(gt=0, le=7200)] = 7200


class AppState(_Strict):
    """What the console says of the app."""

    is_onboarded: bool = True
    is_approved: bool = True
    has_credit: bool = True


class UserEntry(_Strict):
    """A user.

    Attributes:
        openid: the user's id.
        consents: serial numbers that may ring; `*`: any.
        appid: another app's user; empty: of the app.
    """

    openid: Annotated[str, Field(min_length=1, max_length=128)]
    consents: list[str] = Field(default_factory=lambda: [ANY])
    appid: str = ""


class DevicePart(_Strict):
    """What the board's person does, for whoever drives the call.

    Attributes:
        does: `talk`: answers, or waits for the answer; `hang_up`: ends the talk after `after_ms`; `reject`, `busy`,
            `no_answer`: when it is called; `cancel`: gives up calling after `after_ms`.
        after_ms: from the answer, or from the start of a call that it cancels.
    """

    does: Literal["talk", "hang_up", "reject", "busy", "no_answer", "cancel"] = "talk"
    after_ms: Annotated[int, Field(ge=0, le=60_000)] = 0


class Expectation(_Strict):
    """What must have happened in the end.

    Attributes:
        rooms: rooms that were made.
        rang: a phone rang, in one room at least; for a phone's call: the relay said yes.
        talked: the parties talked, in one room at least.
        why: how each room ended, one of these.
        calls: requests to the call API; `calls_max`: up to so many, if more than `calls`.
        cause: the hangup cause in the relay's record, one of these.
        released_by: who ended the call in the relay's record, one of these.
        records: calls that the relay wrote down.
        remarks: broken rules that are the scenario's own doing.
    """

    rooms: int = 1
    rang: bool = True
    talked: bool = True
    why: list[Literal[ENDS]] = Field(default_factory=list)  # type: ignore[valid-type]
    calls: int = 1
    calls_max: int = 0
    cause: list[int]
    released_by: list[Literal["device", "phone", "relay"]]
    records: int = 1
    remarks: list[str] = Field(default_factory=list)


class Scenario(_Strict):
    """One scenario.

    Attributes:
        about: what it shows, in a sentence.
        direction: `out`: the board calls the first phone; `in`: the first phone calls the board.
        payload: for a phone's call: `given` by the relay, `strange` text of somebody else, or `used` before.
        vanish_after_ms: the phones fall silent this long after the talk began; 0: never.
        cancel_after_ms: for a phone's call: the user gives up so long after it began; 0: never.
        time_limit_ms: for a phone's call: the mini program's `timeLimit`; 0: none.
        daily_calls: quota of the call API; 0: plenty.
        expect: what a relay must end with.
    """

    about: Annotated[str, Field(min_length=10, max_length=200)]
    direction: Literal["out", "in"] = "out"
    payload: Literal["given", "strange", "used"] = "given"
    vanish_after_ms: int = 0
    cancel_after_ms: int = 0
    time_limit_ms: int = 0
    daily_calls: int = 0
    times: TimeTable = Field(default_factory=TimeTable)
    app: AppState = Field(default_factory=AppState)
    push: PushPlan = Field(default_factory=PushPlan)
    users: list[UserEntry] = Field(default_factory=list)
    phones: list[PhoneScript] = Field(min_length=1)
    faults: list[Fault] = Field(default_factory=list)
    up: FrameProfile | None = None
    down: FrameProfile | None = None
    device: DevicePart = Field(default_factory=DevicePart)
    expect: Expectation


def names() -> list[str]:
    """List the scenarios that are there."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """Read a scenario by name.

    Raises:
        OperatorError: there is none, or its file is wrong.
    """
    if name not in names():
        raise OperatorError(f"There is no scenario {name!r}.", "`tincall simulate --list` names them.", 2)
    return read(FOLDER / f"{name}.toml")


def read(path: Path) -> Scenario:
    """Read a scenario file.

    Raises:
        OperatorError: it is unreadable or wrong; says where.
    """
    try:
        return Scenario.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}.", "Name a scenario file.", 2) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} is not TOML: {error}.", "Correct that line.", 2) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise OperatorError(
            f"{path}: `{where}` is wrong: {first['msg']}.", "docs/simulator.md has the keys.", 2
        ) from None


def prepare(service: Service, scenario: Scenario, phones: Sequence[PhoneScript] = (), real_time: bool = False) -> None:
    """Make a simulator play a scenario: accounts, times, faults, pushes, paths, phones.

    Args:
        service: fresh.
        scenario: what to play.
        phones: scripts that take the place of those of the same id, or come beside them.
        real_time: keep the platform's own times.

    Raises:
        OperatorError: a phone's clip cannot be read.
    """
    accounts, appid = service.cloud.accounts, service.console.appid
    if not real_time:
        times = scenario.times
        service.rooms.times = Times(times.ring_ms, times.peer_wait_ms, times.silence_ms)
        accounts.ticket_s, service.cloud.tokens.token_s = times.ticket_s, times.token_s
    accounts.apps[appid] = replace(accounts.apps[appid], **scenario.app.model_dump())
    service.plan = scenario.push
    service.up, service.down = scenario.up, scenario.down
    for fault in scenario.faults:
        service.cloud.faults.add(fault)
    if scenario.daily_calls:
        service.cloud.quotas.daily[cloud.CALL] = scenario.daily_calls
    played = {script.id: script for script in (*scenario.phones, *phones)}
    for openid in played:
        accounts.add_user(User(openid, appid, played[openid].name, {ANY}))
    for entry in scenario.users:
        accounts.add_user(User(entry.openid, entry.appid or appid, consents=set(entry.consents)))
    for script in played.values():
        if script.id in accounts.users and accounts.users[script.id].appid == appid:
            service.add_phone(script, scenario.vanish_after_ms)


def judge(scenario: Scenario, ledger: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what is wrong.

    Args:
        scenario: what was played.
        ledger: as `GET /sim/ledger` gives it.
        records: the relay's records of calls: `cause`, `released_by` of each.

    Returns:
        Complaints for people; empty: all is as it must be.
    """
    expect = scenario.expect
    facts, rooms = ledger["facts"], ledger["rooms"]
    found = []

    def must(is_so: bool, text: str) -> None:
        if not is_so:
            found.append(text)

    calls = sum(1 for fact in facts if fact["kind"] == "api" and fact["path"] == cloud.CALL)
    most = max(expect.calls, expect.calls_max)
    must(expect.calls <= calls <= most, f"{calls} requests to the call API, {expect.calls} to {most} expected")
    must(len(rooms) == expect.rooms, f"{len(rooms)} rooms, {expect.rooms} expected")
    must(ledger["live"] == 0, f"{ledger['live']} rooms are not over")
    must(not [fact for fact in facts if fact["kind"] == "failure"], "the simulator itself failed")
    rang, talked = any(room["rang"] for room in rooms), any(room["talked"] for room in rooms)
    must(rang == expect.rang, "it rang" if rang else "nothing rang")
    must(talked == expect.talked, "they talked" if talked else "they never talked")
    for room in rooms:
        found += _judge_room(room, expect)
    for remark in ledger["remarks"]:
        must(remark["rule"] in expect.remarks, f"broken rule: {remark}")
    must(len(records) == expect.records, f"the relay wrote {len(records)} calls, {expect.records} expected")
    for record in records:
        cause, by = record.get("cause"), record.get("released_by")
        must(cause in expect.cause, f"the relay's cause is {cause}, expected is one of {expect.cause}")
        must(by in expect.released_by, f"released_by is {by}, expected is one of {expect.released_by}")
    return found


def _judge_room(room: Mapping[str, Any], expect: Expectation) -> list[str]:
    name, statuses = room["room_id"], room["statuses"]
    found = []
    if expect.why and room["why"] not in expect.why:
        found.append(f"room {name} ended as {room['why']!r}, expected is one of {expect.why}")
    if room["talked"] and not room["frames_up"]:
        found.append(f"room {name}: the relay sent no sound")
    if room["joined"] and (not statuses or statuses[-1] < 3):
        found.append(f"room {name}: the room end did not stay to the end: {statuses}")
    return found
