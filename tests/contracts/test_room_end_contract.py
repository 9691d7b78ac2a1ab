"""Runs every case of the room end contract against every kind of room end."""

import pytest
from support.legs import run

from contracts.room_end_contract import CASES, opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__[5:])
def test_room_end(case, room_end_kit, tmp_path, capfd):
    async def main():
        worker = await opened(room_end_kit, tmp_path / "rooms")
        try:
            await case(room_end_kit, worker)
        finally:
            await worker.end.close()

    run(main())
    assert list((tmp_path / "rooms").iterdir()) == []
    said = "".join(capfd.readouterr())
    assert not [secret for secret in room_end_kit.secrets if secret in said]
