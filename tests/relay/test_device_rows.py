"""Device rows: what is written is read, steps of one transaction come together or not at all."""

from dataclasses import replace

import pytest
from relay_store import Store, run

from tincall.errors import OperatorError
from tincall.relay import device_rows, second_board
from tincall.relay.device_rows import Device
from tincall.relay.second_board import SecondBoard

ROW = Device("SN-1", "m", "Door", "new", 1, b"canary", "", 0, 0, "", "", 0, 5)
SECOND = SecondBoard("SN-1", "uid_mismatch", "ff", 7, "192.0.2.1", "1.0", 3, 1, 1000)


def rows(tmp_path, work):
    async def go():
        async with Store(tmp_path) as store:
            await store.database.run(device_rows.add, ROW)
            return await work(store.database)

    return run(go())


def test_a_row_is_added_changed_and_removed(tmp_path):
    async def go(database):
        await database.run(device_rows.change, {"SN-1": {"name": "Gate", "epoch": 4}, "SN-9": {"name": "x"}})
        assert await database.read(device_rows.read) == {"SN-1": replace(ROW, name="Gate", epoch=4)}
        await database.run(device_rows.remove, "SN-1")
        assert await database.read(device_rows.read) == {}

    rows(tmp_path, go)


def test_a_state_and_a_second_board_go_together(tmp_path):
    async def go(database):
        await database.run(device_rows.doubt, SECOND, "conflict")
        assert (await database.read(device_rows.read))["SN-1"].state == "conflict"
        await database.run(device_rows.stand, "SN-1", "suspended", is_cleared=False)
        assert await database.read(second_board.read) == {"SN-1": SECOND}
        await database.run(device_rows.stand, "SN-1", "active", is_cleared=True)
        assert await database.read(second_board.read) == {}

    rows(tmp_path, go)


def test_half_of_a_transaction_is_none(tmp_path):
    async def go(database):
        def broken(connection):
            device_rows.doubt(connection, SECOND, "conflict")
            raise OperatorError("disk full")

        with pytest.raises(OperatorError):
            await database.run(broken)
        assert (await database.read(device_rows.read))["SN-1"].state == "new"
        assert await database.read(second_board.read) == {}

    rows(tmp_path, go)


def test_the_key_is_neither_printed_nor_shown():
    assert "canary" not in repr(ROW)
    assert "wrapped_key" not in ROW.public()
    assert ROW.public()["name"] == "Door"
