"""A board that is reset shows nothing of its owner in any file, must be enrolled anew, and then counts from the beginning."""

import json
import shutil

from chain import EVENT_S, Board, on_one_interpreter, tincall, with_phones

BACK_S = 30.0


def bytes_of(folder):
    """Give all that the board's own memory shows: its flash, and its non-volatile storage with what was replaced."""
    places = [*sorted((folder / "flash").rglob("*")), *sorted(folder.glob("nvs.*"))]
    return b"".join(place.read_bytes() for place in places if place.is_file())


def shown(folder, secrets):
    found = bytes_of(folder)
    return [secret for secret in secrets if secret.encode() in found or secret.encode().hex().encode() in found]


@on_one_interpreter
@with_phones("answers")
def test_nothing_is_left_and_the_board_is_enrolled_anew(relay, interpreter, tmp_path):
    sn, folder, old = f"RESET-{interpreter}", tmp_path / "board", tmp_path / "old"
    relay.enrol(sn, folder)
    with relay.running(sn, folder, interpreter) as board:
        assert isinstance(board, Board)
    secrets = [sn, "127.0.0.1", "BEGIN CERTIFICATE", "model_id"]
    assert shown(folder, secrets) == secrets
    (folder / "flash" / "main.py").write_text("run()")
    shutil.copytree(folder, old, ignore=shutil.ignore_patterns("*.sock"))
    done = tincall("emulate", "--folder", folder, "--board", interpreter, "--factory-reset", "--json", timeout_s=60)
    assert done.document()["reason"] == "reset"
    assert [one["lit"] for one in said(folder, "lamp")].count(True) > 10
    assert shown(folder, secrets) == [] and (folder / "flash" / "main.py").exists()
    assert not list(folder.glob("nvs.*")) and not list((folder / "flash").glob("*.bin"))
    # an enrolment with a new key counts anew; the old memory proves nothing any more
    assert relay.run("devices", "--forget", sn).status == 0
    relay.enrol(sn, folder)
    with relay.running(sn, folder, interpreter):
        pass
    with relay.running(sn, old, interpreter, online=False) as board:
        assert board.wait("error", BACK_S, step="verify")["reason"] == "auth_failed"
    assert relay.run("devices", "show", sn, "--json").document()["standing"]["second_board"] is None


@on_one_interpreter
@with_phones("answers")
def test_a_reset_that_power_cut_off_is_done_at_the_next_start(relay, interpreter, tmp_path):
    sn, folder = f"CUT-{interpreter}", tmp_path / "board"
    relay.enrol(sn, folder)
    (folder / "flash" / "reset.bin").write_bytes(b"")
    with relay.running(sn, folder, interpreter, online=False) as board:
        board.wait("factory_reset", EVENT_S)
        board.wait_number(2, "boot", BACK_S)
        board.kill()
    assert shown(folder, [sn, "BEGIN CERTIFICATE"]) == [] and not list((folder / "flash").glob("*.bin"))


def said(folder, name):
    lines = [json.loads(line) for line in (folder / "board.log").read_text().splitlines()]
    return [line for line in lines if line["ev"] == name]
