"""The firmware is held against what an ESP32's MicroPython has: what it has not is found, what is known is not told again."""

import subprocess
from pathlib import Path

import pytest
import stubs


@pytest.fixture(scope="module")
def typings() -> None:
    """See to it that the stubs are there."""
    if not stubs.get():
        pytest.skip("the stubs cannot be had")


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("import time\ntime.sleep_msx(1)\n", '"sleep_msx"'),
        ("import machine\ndef f():\n    return machine.Pin(1).vlaue()\n", '"vlaue"'),
        ("import network\nnetwork.WLAN(network.STA_IF).conect('a', 'b')\n", '"conect"'),
        ("import esp32\nesp32.NVS()\n", '"NVS"'),
        ("import subprocess\n", '"subprocess"'),
    ],
)
def test_a_planted_error_is_found(typings: None, code: str, wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "planted.py"
    file.write_text(code)
    found = stubs.findings([str(file)])
    assert len(found) == 1 and wrong in found[0]


def test_the_firmware_has_none(typings: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert stubs.main([]) == 0, capsys.readouterr().out


def test_without_stubs_the_check_is_left_out_except_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stubs, "TYPINGS", tmp_path / "typings")
    failed = subprocess.CompletedProcess([], 1, "", "no network")
    monkeypatch.setattr(stubs.subprocess, "run", lambda *given, **more: failed)
    monkeypatch.delenv("CI", raising=False)
    assert stubs.main([]) == 0 and "cannot be had: no network" in capsys.readouterr().out
    monkeypatch.setenv("CI", "1")
    assert stubs.main([]) == 1 and list(tmp_path.iterdir()) == []
