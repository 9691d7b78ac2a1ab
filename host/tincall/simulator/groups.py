"""Device groups of the platform: made, looked at, filled and emptied; no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tincall.simulator.numbers import Refused

DEVICES_MAX = 50
GROUPS_MAX = 1024
NAME_MAX_BYTES = 32

Device = tuple[str, str]  # model_id, sn


@dataclass
class _Group:
    appid: str
    model_id: str
    name: str
    devices: list[Device] = field(default_factory=list)


class Groups:
    """All groups."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._made = 0

    def create(self, appid: str, models: tuple[str, ...], model_id: str, name: str) -> str:
        """Make a group and give its id.

        Raises:
            Refused: 9800003 or 9800012.
        """
        if model_id not in models:
            raise Refused(9800003)
        if not 1 <= len(name.encode()) <= NAME_MAX_BYTES:
            raise Refused(9800012)
        if len(self._groups) >= GROUPS_MAX:
            raise Refused(-1)
        self._made += 1
        group_id = f"group{self._made:08d}"
        self._groups[group_id] = _Group(appid, model_id, name)
        return group_id

    def info(self, appid: str, group_id: str) -> dict[str, Any]:
        """Say what is in a group.

        Raises:
            Refused: 9800013.
        """
        group = self._find(appid, group_id)
        listed = [{"model_id": model_id, "sn": sn} for model_id, sn in group.devices]
        return {
            "group_name": group.name,
            "model_id": group.model_id,
            "model_type": group.model_id,
            "device_list": listed,
        }

    def add(self, appid: str, group_id: str, devices: list[Device], force: bool) -> list[dict[str, Any]]:
        """Put devices into a group; gives an `errcode` for each.

        Raises:
            Refused: 9800013.
        """
        group = self._find(appid, group_id)
        return [_told(device, self._add_one(group, device, force)) for device in devices]

    def remove(self, appid: str, group_id: str, devices: list[Device]) -> list[dict[str, Any]]:
        """Take devices out of a group; gives an `errcode` for each.

        Raises:
            Refused: 9800013.
        """
        group = self._find(appid, group_id)
        answers = []
        for device in devices:
            is_in = device in group.devices
            if is_in:
                group.devices.remove(device)
            answers.append(_told(device, 0 if is_in else 9800017))
        return answers

    def _add_one(self, group: _Group, device: Device, force: bool) -> int:
        if device[0] != group.model_id:
            return 9800014
        if device in group.devices:
            return 9800015
        if len(group.devices) >= DEVICES_MAX:
            return 9800016
        other = next((one for one in self._groups.values() if device in one.devices), None)
        if other is not None:
            if not force:
                return 9800018
            other.devices.remove(device)
        group.devices.append(device)
        return 0

    def _find(self, appid: str, group_id: str) -> _Group:
        group = self._groups.get(group_id)
        if group is None or group.appid != appid:
            raise Refused(9800013)
        return group


def _told(device: Device, number: int) -> dict[str, Any]:
    return {"model_id": device[0], "sn": device[1], "errcode": number}
