"""What a phone's page and the gate say to each other: text messages on `/sim/phone`; sound is binary beside them.

| message | from | carries |
|---|---|---|
| `hello` | page | `v` 1, `token` of its session: first message; the gate closes on anything else |
| `welcome` | gate | `v`, `openid`, `name`, `app` (the mini program), `devices`, `call` (what goes on, or null) |
| `devices` | gate | `devices`: the list anew |
| `ask` | gate | `device`: the mini program asks for consent |
| `consent` | page | `sn`, `allow` |
| `ring` | gate | `call`: somebody calls |
| `answer` `reject` `hang_up` | page | `room` |
| `call` | page | `sn`, `kind`: call that device |
| `calling` | gate | `call`: the device is being called |
| `talk` | gate | `room`: the other side is there, sound flows |
| `over` | gate | `room`, `why` (one of `room.ENDS`, or `lost`) |
| `mute` | page | `room`, `on`: the device hears silence |
| `press` | page | `room`: the custom button |
| `pressed` | gate | `room`, `ok`, `text`: what became of it |
| `refused` | gate | `number`, `text`: the platform did not allow a call; `number` is its `errcode` |
| `figures` | gate | `room`, `made`, `sent`, `dropped`: frames of this call, once a second |
| `report` | page | `room`, `figures`: what the page measured, once a second |
| `ping` `pong` | page, gate | `n`: the way there and back |
| `moved` | gate | this phone was opened elsewhere; the connection ends |

A call is `{"room", "sn", "name", "model", "kind", "direction", "state", "muted", "talk_ms"}`, a device `{"sn", "name",
"model", "consent"}`. A binary message is one frame: 20 ms of 16 kHz, 16-bit little-endian, mono.
"""

from __future__ import annotations

from typing import Any

from tincall.simulator.room import ENDS
from tincall.worker.words import Check, Words, is_object, number, one_of, text

VERSION = 1
PAGE = "page"
GATE = "gate"

# a welcome with some dozens of devices and the worst of names; what a page says is far shorter
TEXT_MAX_BYTES = 65_536
PAGE_TEXT_MAX_BYTES = 2048

VOICE = "voice"
VIDEO = "video"
NO_ANSWER_YET = "unasked"
ALLOWED = "allowed"
DENIED = "refused"
CONSENTS = (NO_ANSWER_YET, ALLOWED, DENIED)

LOST = "lost"
CLOSE_NORMAL = 1000
CLOSE_WRONG = 1008
CLOSE_MOVED = 4001
CLOSE_NO_SESSION = 4003

COUNT_MAX = 1 << 40
ROOM = text(128)
SN = text(128)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _is_call(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_figures(value: Any) -> bool:
    """Check for up to 24 named numbers."""
    return (
        isinstance(value, dict)
        and len(value) <= 24
        and all(len(name) <= 32 and isinstance(one, int | float) for name, one in value.items())
    )


_COUNT: Check = number(0, COUNT_MAX)
# names are shown by the page, which takes out what could mislead; here they are only bounded
_NAME: Check = lambda value: isinstance(value, str) and len(value) <= 512  # noqa: E731

WORDS = Words(
    "message of a phone's page",
    TEXT_MAX_BYTES,
    {
        "hello": ((PAGE,), {"v": number(VERSION, VERSION), "token": text(128)}),
        "consent": ((PAGE,), {"sn": SN, "allow": _is_flag}),
        "answer": ((PAGE,), {"room": ROOM}),
        "reject": ((PAGE,), {"room": ROOM}),
        "hang_up": ((PAGE,), {"room": ROOM}),
        "call": ((PAGE,), {"sn": SN, "kind": one_of(VOICE, VIDEO)}),
        "mute": ((PAGE,), {"room": ROOM, "on": _is_flag}),
        "press": ((PAGE,), {"room": ROOM}),
        "report": ((PAGE,), {"room": ROOM, "figures": _is_figures}),
        "ping": ((PAGE,), {"n": _COUNT}),
        "welcome": (
            (GATE,),
            {
                "v": number(VERSION, VERSION),
                "openid": text(128),
                "name": _NAME,
                "app": _NAME,
                "devices": _is_list,
                "call": _is_call,
            },
        ),
        "devices": ((GATE,), {"devices": _is_list}),
        "ask": ((GATE,), {"device": is_object}),
        "ring": ((GATE,), {"call": is_object}),
        "calling": ((GATE,), {"call": is_object}),
        "talk": ((GATE,), {"room": ROOM}),
        "over": ((GATE,), {"room": ROOM, "why": one_of(*ENDS, LOST)}),
        "pressed": ((GATE,), {"room": ROOM, "ok": _is_flag, "text": _NAME}),
        "refused": ((GATE,), {"number": number(-1, COUNT_MAX), "text": _NAME}),
        "figures": ((GATE,), {"room": ROOM, "made": _COUNT, "sent": _COUNT, "dropped": _COUNT}),
        "pong": ((GATE,), {"n": _COUNT}),
        "moved": ((GATE,), {}),
    },
    {},
)
