"""What the mini program and the relay say to each other, as the OpenAPI shows it: bodies and answers with an example each.

Bodies are strict: an unknown field or another type is refused. Text is bounded here and cleaned where it is kept.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SN_PATTERN = r"^[0-9A-Za-z_-]{1,128}$"
CALL_ID_PATTERN = r"^[0-9A-Za-z_-]{1,64}$"

SerialNumber = Annotated[str, Field(pattern=SN_PATTERN, description="Serial number of one of the person's boards.")]
Consent = Literal["unknown", "granted", "refused", "withdrawn"]
Advice = Literal["none", "prompt", "settings"]
ADVICE_MEANS = (
    "What mends the consent: `none`; `prompt` by wx.requestDeviceVoIP; `settings`, since WeChat asks nobody twice."
)
RoomType = Literal["voice", "video"]
# the plug-in's words for why a call was cancelled (onVoipEvent, cancelVoip)
CancelReason = Literal["manual", "unloadCallPage", "forceFromApp", "other"]
# the plug-in's names of events that end a call, and `callFailed` for a callDevice that threw
EndEvent = Literal[
    "hangUpVoip", "rejectVoip", "busy", "timeout", "abortVoip", "joinFailCaller", "endVoip", "finishVoip", "callFailed"
]
NUMBER_MAX = 10**9


def _example(**values: Any) -> ConfigDict:
    # pydantic keeps names that begin with model_ for itself; the platform has one
    return ConfigDict(
        extra="forbid", strict=True, protected_namespaces=(), json_schema_extra={"examples": [values]}, frozen=True
    )


class Login(BaseModel):
    """A login."""

    model_config = _example(code="0a3Xk2Ga1bC0")
    code: Annotated[str, Field(pattern=r"^[!-~]{1,512}$", description="From wx.login; it works once.")]


class LoggedIn(BaseModel):
    """A session."""

    model_config = _example(session="q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c", expires_in_s=43200)
    session: Annotated[str, Field(description="Bearer token for all other requests; ends the person's older one.")]
    expires_in_s: int


class Bind(BaseModel):
    """An invite to use."""

    model_config = _example(invite="7KQM-03XV-9TZB", name="Mum")
    invite: Annotated[str, Field(max_length=64, description="As the person typed it.")]
    name: Annotated[str, Field(max_length=64, description="What the board shows, if the invite does not say.")] = ""


class Board(BaseModel):
    """A board that a person has."""

    model_config = _example(
        sn="SN-0001",
        model_id="mDL_door",
        name="Front door",
        device_name="Front door",
        called="Mum",
        online=True,
        busy=False,
        consent="unknown",
        advice="prompt",
    )
    sn: str
    model_id: Annotated[str, Field(description="As the platform knows the board.")]
    name: str
    device_name: Annotated[
        str, Field(description="The name for wx.requestDeviceVoIP and callDevice, which must agree.")
    ]
    called: Annotated[str, Field(description="What the board shows for this person.")]
    online: bool
    busy: bool
    consent: Consent
    advice: Annotated[Advice, Field(description=ADVICE_MEANS)]


class BoardList(BaseModel):
    """The boards that a person has."""

    devices: list[Board]


class OneBoard(BaseModel):
    """One of the person's boards."""

    model_config = _example(sn="SN-0001")
    sn: SerialNumber


class Ticket(BaseModel):
    """What wx.requestDeviceVoIP wants to be told."""

    model_config = _example(
        sn="SN-0001", sn_ticket="a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6", model_id="mDL_door", device_name="Front door"
    )
    sn: str
    sn_ticket: Annotated[str, Field(description="Good for a minute at least and 5 at most; not to be kept.")]
    model_id: str
    device_name: str


class ConsentReport(BaseModel):
    """What a phone found out about its person's consent."""

    model_config = _example(sn="SN-0001", state="granted")
    sn: SerialNumber
    state: Annotated[
        Literal["granted", "refused", "missing"],
        Field(description="`missing`: WeChat has none (any more), as by error 9; it may ask for it again."),
    ]


class ConsentState(BaseModel):
    """A person's consent to be called by a board, as far as it is known."""

    model_config = _example(sn="SN-0001", state="granted", advice="none", updated_s=1790000000)
    sn: str
    state: Consent
    advice: Annotated[Advice, Field(description=ADVICE_MEANS)]
    updated_s: Annotated[int, Field(description="When it last changed, seconds since 1970.")]


class ConsentList(BaseModel):
    """A person's consents."""

    consents: list[ConsentState]


class Call(BaseModel):
    """A call to make."""

    model_config = _example(sn="SN-0001", room_type="voice")
    sn: SerialNumber
    room_type: RoomType = "voice"


class Permit(BaseModel):
    """What callDevice wants to be told, besides `isCloud: true`."""

    model_config = _example(
        call="mfrggzdfmztwq2lknnwg",
        sn="SN-0001",
        model_id="mDL_door",
        device_name="Front door",
        room_type="voice",
        payload="AQEAbWZyZ2d6ZGZtenR3cTJsa25ud2cxMjM0NTY3ODkwMTI",
        expires_in_s=60,
    )
    call: Annotated[str, Field(description="Id of the call, for the reports.")]
    sn: str
    model_id: str
    device_name: str
    room_type: RoomType
    payload: Annotated[str, Field(description="For one call of this board, by this person, in this minute.")]
    expires_in_s: int


class Cancelled(BaseModel):
    """The person gave up before the board answered (the plug-in's cancelVoip)."""

    model_config = _example(reason="manual")
    reason: CancelReason = "other"


class Ended(BaseModel):
    """The call is over on the phone."""

    model_config = _example(event="finishVoip", keep_time=42)
    event: EndEvent
    keep_time: Annotated[
        int | float | None,
        Field(ge=0, le=NUMBER_MAX, description="keepTime of the plug-in, whose pages name no unit; kept as it came."),
    ] = None
    errcode: Annotated[
        int | None, Field(ge=-NUMBER_MAX, le=NUMBER_MAX, description="Of a callDevice that threw; 9: no consent.")
    ] = None


class Outcome(BaseModel):
    """What the report met."""

    model_config = _example(call="mfrggzdfmztwq2lknnwg", was="live")
    call: str
    was: Annotated[
        Literal["unused", "live", "over"],
        Field(description="`unused`: the payload is worth nothing now; `live`: the call is ended; `over`: it was."),
    ]


class Done(BaseModel):
    """It is done."""

    model_config = _example(done=True)
    done: Literal[True] = True
