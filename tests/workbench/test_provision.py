"""What a board answers, and the sentences that are made of it: each with what to do, none with a key."""

import json

import pytest

from callcore import refusals
from tincall.errors import OperatorError
from tincall.workbench import provision
from tincall.workbench.facts import Facts
from tincall.workbench.provision import Verified

FACTS = Facts(
    version=(1, 25, 0), platform="esp32", machine="x with ESP32S3", mpy=0, bits=32, uid="c0ffee", block_bytes=4096,
    free_bytes=1, total_bytes=2, file_system="littlefs", firmware="0.1.0", board="B", main="ours", shadow="",
)  # fmt: skip
FAILED = Verified(False, "verify", "", "the detail", "SN-1", "relay:8443", "home", 1, 20, 0, "2000-01-01", 0)


class Board:
    path = "/dev/ttyX"

    def __init__(self, *answers):
        self._answers = list(answers)
        self.given = []

    def run(self, code, timeout_s=10.0, data=None):
        self.given.append((code, data))
        return self._answers.pop(0)


def changed(one, **fields):
    return type(one)(**{**one.__dict__, **fields})


@pytest.mark.parametrize(
    ("fields", "says", "hint"),
    [
        ({"firmware": "", "main": ""}, "no firmware", "tincall install"),
        ({"main": "unfinished"}, "not whole", "tincall install B"),
        ({"main": "other"}, "no firmware", "tincall install"),
        ({"file_system": "fat"}, "FAT", "tincall flash B"),
    ],
)
def test_a_board_that_can_take_no_identity_is_refused(fields, says, hint):
    with pytest.raises(OperatorError, match=says) as refused:
        provision.judge(changed(FACTS, **fields), "/dev/ttyX")
        provision.judge_flash(changed(FACTS, **fields), "/dev/ttyX")
    assert hint in refused.value.hint


REASONS = {
    *refusals.REASONS,
    *provision._WIFI_HINTS,
    *provision._LINK_HINTS,
    "tls_expired",
    "tls_not_yet_valid",
    "tls_failed",
}


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_a_sentence_and_something_to_do(reason):
    step = "wifi" if reason in provision._WIFI_HINTS else "verify"
    problem = provision.trouble(changed(FAILED, reason=reason, step=step))
    assert problem.message.endswith(".") and ".." not in problem.message
    assert problem.hint and "{" not in problem.hint
    assert "SN-1" in problem.message or step == "wifi"


def test_the_firmware_may_say_something_before_the_answer():
    told = {
        "trouble": "",
        "identity": None,
        "known": ["home"],
        "trial": "",
        "radio": True,
        "online": False,
        "resetting": False,
        "word": False,
    }
    held = provision.standing(Board('{"ev": "wifi"}\r\n' + json.dumps(told) + "\r\n"))
    assert held.known == ["home"] and not held.needs_network


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"trouble": "no_firmware", "why": "no module named 'board'"}, "does not load"),
        ({"trouble": "record_newer", "why": "of later firmware"}, "of later firmware"),
        ({"trouble": "storage", "why": "EIO"}, "EIO"),
        ({"trouble": "", "resetting": True}, "factory reset"),
    ],
)
def test_a_board_whose_store_is_not_to_be_used_is_refused(told, says):
    with pytest.raises(OperatorError, match=says) as refused:
        provision.standing(Board(json.dumps(told)))
    assert refused.value.hint


def test_an_identity_that_did_not_get_to_both_places_is_an_error_without_the_key():
    board = Board('{"ok": true, "both": false, "why": "NVS is full"}', "MemoryError")
    for _ in range(2):
        with pytest.raises(OperatorError) as refused:
            provision.write_identity(board, {"key": "5ec7e7" * 10})
        assert "5ec7e7" not in refused.value.message + refused.value.hint
    assert "5ec7e7" not in board.given[0][0]  # it goes as data


def test_networks_are_given_strongest_first_and_each_once():
    board = Board(json.dumps([["a", -70, True], ["b", -50, False], ["a", -40, True], ["", -10, True]]))
    assert provision.scan(board) == [("a", -40, True), ("b", -50, False)]


def test_a_network_that_is_none_is_told_without_its_password():
    board = Board('{"ok": false, "why": "a password has 8 to 63 characters"}')
    with pytest.raises(OperatorError, match="8 to 63") as refused:
        provision.write_network(board, "home", "short!")
    assert "short!" not in refused.value.message
