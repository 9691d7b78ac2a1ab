"""A relay whose disk fills up: says so where it is asked, goes on, and recovers without a restart."""

import pytest
import requests
from commands import RunningRelay, tincall
from support import small_disk

from tincall.cli.client import Client
from tincall.errors import OperatorError


def test_a_relay_on_a_full_disk(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        data = disk / "data"
        assert tincall("init", "--data", data).exit_code == 0
        with RunningRelay(data) as relay, Client(data) as client:
            ready = f"https://127.0.0.1:{relay.ready['web_port']}/readyz"

            def readyz():
                answer = requests.get(ready, verify=data / "ca.pem", timeout=10)
                return answer.status_code, answer.json()["reasons"]

            client.post("/v1/devices", {"sn": "SN-1"})
            assert readyz() == (200, [])
            ballast = small_disk.fill(disk)
            with pytest.raises(OperatorError, match="storage_full") as caught:
                client.post("/v1/devices", {"sn": "SN-2"})
            assert "Make room on that disk" in caught.value.hint
            status, reasons = readyz()
            assert status == 503 and "storage_full" in reasons[0]
            assert [one["sn"] for one in client.get("/v1/devices")["devices"]] == ["SN-1"], "asking goes on"
            result = tincall("backup", disk / "b", "--data", data)
            assert result.exit_code == 1 and "storage_full" in result.stderr
            ballast.unlink()
            client.post("/v1/devices", {"sn": "SN-2"})
            assert readyz() == (200, [])
            assert relay.stop()[0] == 0


def test_a_restore_without_room_leaves_nothing(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        assert tincall("init", "--data", tmp_path / "data").exit_code == 0
        assert tincall("backup", tmp_path / "b", "--data", tmp_path / "data").exit_code == 0
        small_disk.fill(disk)
        result = tincall("restore", tmp_path / "b", "--data", disk / "new")
        assert (result.exit_code, "Traceback" in result.stderr) == (1, False)
        assert not (disk / "new").exists()


def test_a_relay_does_not_start_on_a_full_disk_and_says_why(tmp_path):
    with small_disk.mounted(tmp_path / "disk") as disk:
        data = disk / "data"
        assert tincall("init", "--data", data).exit_code == 0
        ballast = small_disk.fill(disk)
        result = tincall("relay", "--data", data)
        assert result.exit_code == 1 and "storage_full" in result.stderr and "Traceback" not in result.stderr
        ballast.unlink()
        with RunningRelay(data) as relay:
            assert relay.stop()[0] == 0
