"""docs/doctor.md against the code: every check is in its tables, in the order in which it is taken, with its bounds."""

import re
from pathlib import Path

from tincall.cli import doctor_platform, doctor_relay
from tincall.relay import certificates
from tincall.workbench import doctor, doctor_sound, doctor_way

PAGE = (Path(__file__).resolve().parents[2] / "docs/doctor.md").read_text()


def names(title: str) -> list[str]:
    section = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")][2:]


def row(name: str) -> str:
    (found,) = re.findall(rf"^\| {name} \|.*$", PAGE, re.MULTILINE)
    return str(found)


def test_the_tables_have_every_check_in_its_order(tmp_path: Path) -> None:
    assert names("Relay") == [check.name for check in doctor_relay.RelayDoctor(tmp_path).checks()]
    board = doctor.BoardDoctor("port", lambda: None)  # type: ignore[arg-type,return-value]
    assert names("Board") == [check.name for check in board.checks()]
    assert names("Platform") == ["mini program"] and doctor_platform.GROUP == "platform"


def test_every_check_needs_only_earlier_ones(tmp_path: Path) -> None:
    board = doctor.BoardDoctor("port", lambda: None)  # type: ignore[arg-type,return-value]
    for checks in (board.checks(), doctor_relay.RelayDoctor(tmp_path).checks()):
        seen: set[str] = set()
        for check in checks:
            assert set(check.needs) <= seen, check.name
            seen.add(check.name)


def test_the_bounds_are_those_of_the_code() -> None:
    assert f"{doctor_relay.LEAST_BYTES >> 20} MB" in row("disk room") and f"{doctor_relay.FEW_BYTES >> 20} MB" in row(
        "disk room"
    )
    assert f"{certificates.RENEW_DAYS} days" in row("certificates") and f" {certificates.ROLL_DAYS} " in row(
        "certificates"
    )
    assert f"{doctor.TLS_BYTES // 1000} KB" in row("memory for TLS")
    assert f"{doctor_way.POOR_DBM}" in row("signal") and f"{doctor_way.WEAK_DBM}" in row("signal")
    assert f"one in {round(1 / doctor_sound.CLIPPED_SHARE):,}" in row("microphone")
    assert f"{doctor_sound.HEARD_DB:.0f} dB" in row("loop-back")
