"""The bodies that the platform's APIs take, strictly: no unknown field, no other type, bounded text.

The real platform passes over fields it does not know. Here they are refused, since they are a mistake of somebody.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# the platform's own library keeps these in buffers of 256 bytes
Short = Annotated[str, StringConstraints(max_length=255)]
Openid = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


class StableToken(Body):
    """POST /cgi-bin/stable_token. Empty values are answered with numbers of their own."""

    grant_type: Short = ""
    appid: Short = ""
    secret: Annotated[Short, Field(repr=False)] = ""
    force_refresh: bool = False


class Ticket(Body):
    """POST /wxa/getsnticket. The serial number's rules have numbers of their own."""

    sn: Annotated[str, StringConstraints(max_length=4096)]
    model_id: Short


class VoipCall(Body):
    """POST /wxa/business/iot/voip/call."""

    model_id: Short
    sn: Short
    openid: Openid
    room_type: Literal["voice", "video"]
    payload: Annotated[Short, StringConstraints(min_length=1)]
    listener_name: Short = ""
    version_type: Annotated[int, Field(ge=0, le=2)] = 0
    query: Annotated[str, StringConstraints(max_length=1024)] = ""
    caller_camera_status: Annotated[int, Field(ge=0, le=1)] = 0
    listener_camera_status: Annotated[int, Field(ge=0, le=1)] = 0


class QuotaGet(Body):
    """POST /cgi-bin/openapi/quota/get."""

    cgi_path: Annotated[Short, StringConstraints(min_length=1)]


class RidGet(Body):
    """POST /cgi-bin/openapi/rid/get."""

    rid: Annotated[Short, StringConstraints(min_length=1)]


class ClearQuota(Body):
    """POST /cgi-bin/clear_quota."""

    appid: Short


class GroupCreate(Body):
    """POST /wxa/business/group/createid."""

    model_id: Short
    group_name: Annotated[str, StringConstraints(max_length=4096)]


class GroupInfo(Body):
    """POST /wxa/business/group/getinfo."""

    group_id: Short


class GroupDevice(Body):
    """A device of a group."""

    model_id: Short
    sn: Short


class GroupAdd(Body):
    """POST /wxa/business/group/adddevice."""

    group_id: Short
    device_list: Annotated[list[GroupDevice], Field(min_length=1, max_length=100)]
    force_add: bool = False


class GroupRemove(Body):
    """POST /wxa/business/group/removedevice."""

    group_id: Short
    device_list: Annotated[list[GroupDevice], Field(min_length=1, max_length=100)]


class DeviceMessage(Body):
    """POST /cgi-bin/message/device/subscribe/send."""

    template_id: Short
    sn: Short
    modelId: Short  # noqa: N815 - the platform's spelling
    to_openid_list: Annotated[list[Openid], Field(min_length=1, max_length=100)]
    data: dict[str, dict[Literal["value"], Any]]
    page: Short = ""
    miniprogram_state: Literal["developer", "trial", "formal"] = "formal"
    lang: Literal["zh_CN", "en_US", "zh_HK", "zh_TW"] = "zh_CN"


class AddDevice(Body):
    """POST /wxa/business/runtime/adddevice."""

    product_id: int
    device_id_list: Annotated[list[Annotated[Short, StringConstraints(min_length=1)]], Field(min_length=1)]
    model_name: Annotated[Short, StringConstraints(min_length=1)]
