"""What the doctor makes of what a board tells: a board that is made up, wrong in one thing at a time."""

import dataclasses
import json
import time

import pytest

from tincall.errors import OperatorError
from tincall.workbench import doctor, doctor_programs, faults, firmware, plan, probes
from tincall.workbench.facts import Facts
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Round

FILES = {"/main.py": b"from handset import app", "/lib/board.mpy": b"board", "/lib/callcore/a.mpy": b"a"}
FACTS = Facts((1, 25, 0), "esp32", "Module with ESP32S3", 11014, 32, "aa", 4096, 1 << 20, 2 << 20, "littlefs",
              firmware.version(), "EMULATED", "ours", "")  # fmt: skip
IDENTITY = {
    "sn": "SN-1",
    "model_id": "m",
    "kv": 2,
    "next_kv": 0,
    "host": "relay",
    "port": 8443,
    "name": "relay",
    "ca": "",
}
STANDING = {"trouble": "", "identity": IDENTITY, "why": "", "known": ["home"], "trial": "", "radio": True, "online": False,
            "resetting": False, "word": True}  # fmt: skip
TODAY = time.strftime("%Y-%m-%d", time.gmtime())
VERIFIED = {"ok": True, "step": "done", "reason": "", "detail": "", "sn": "SN-1", "where": "relay:8443", "ssid": "home",
            "kv": 2, "wifi_ms": 900, "verify_ms": 1200, "date": TODAY, "floor": 1}  # fmt: skip
QUIET = {"written": 32000, "n": 16000, "zeros": 9, "clipped": 0, "sum": 0, "energy": 16000 * 2500, "low": -90, "high": 90,
         "fold": [0] * 16, "why": ""}  # fmt: skip
TONE = {**QUIET, "fold": [4000 * at for at in (0, 38, 71, 92, 100, 92, 71, 38, 0, -38, -71, -92, -100, -92, -71, -38)]}
SOUNDS = ("microphone", "speaker", "loop-back")


class MadeUp:
    """A board that answers as a test has it.

    Args:
        facts: fields in place of those of a good board.
        answers: answers in place of a good board's, by program.
    """

    def __init__(self, answers, facts, files):
        self.path = "/dev/board"
        self.reset = False
        marker = plan.marked(FILES, firmware.version(), "EMULATED", "xtensawin")
        self.files = {**marker, **files}
        self._facts = dataclasses.replace(FACTS, **facts)
        self._answers = {
            doctor_programs.MEMORY: {"free": 100_000, "used": 1, "chip": [[200_000, 150_000, 110_000, 90_000]]},
            doctor_programs.MARKER: json.loads(marker[plan.MARKER]),
            doctor_programs.RECORDS: [["identity", "ok", ""], ["marks", "ok", ""], ["networks", "ok", ""]],
            doctor_programs.SIGNAL: -60,
            doctor_programs.STREAMS: {"duplex": "full", "echo": True, "pins": []},
            probes.STANDING: STANDING,
            probes.VERIFY: VERIFIED,
            doctor_programs.SOUND % (False, True, 1300, 300): QUIET,
            doctor_programs.SOUND % (True, True, 1300, 300): TONE,
            doctor_programs.SOUND % (True, False, 1000, 300): {**QUIET, "n": 0},
            **answers,
        }

    def facts(self):
        return self._facts

    def run(self, code, timeout_s=0, data=None):
        if isinstance(self._answers[code], OperatorError):
            raise self._answers[code]
        return "what the firmware says\n" + json.dumps(self._answers[code]) + "\n"

    def tree(self, folders):
        return {path: (len(body), doctor._sha256(body)) for path, body in self.files.items() if body is not None}


@pytest.fixture
def looked(monkeypatch):
    monkeypatch.setattr(firmware, "files", lambda arch, board: FILES)

    def look(answers=None, facts=None, files=None, ask=None):
        board = MadeUp(answers or {}, facts or {}, files or {})
        walk = Round(lambda group, name: None, lambda result: None)
        walk.walk("board", doctor.BoardDoctor("/dev/board", lambda: board, ask).checks())
        return {one.name: one.finding for one in walk.results}

    return look


def wrong(found):
    return [name for name, one in found.items() if one.state == WRONG]


def test_nothing_is_wrong_with_a_good_board(looked):
    found = looked()
    assert {one.state for one in found.values()} == {OK}, found
    assert found["identity"].said == "It is SN-1, key version 2, of the relay relay:8443."
    assert found["WiFi"].said == "It joined home in 900 ms; networks stored: 1."
    assert "key" not in found["identity"].figures


def test_a_board_that_does_not_answer_leaves_nothing_to_try():
    def gone():
        raise OperatorError("nothing answers on /dev/board.", "Is it the right port?")

    walk = Round(lambda group, name: None, lambda result: None)
    walk.walk("board", doctor.BoardDoctor("/dev/board", gone).checks())
    assert [one.finding.state for one in walk.results] == [WRONG] + [NOT_TRIED] * 16


@pytest.mark.parametrize(
    ("facts", "name", "says"),
    [
        ({"version": (1, 24, 1)}, "interpreter", "1.24.1 is too old"),
        ({"mpy": 4870}, "interpreter", "no machine code"),
        ({"file_system": "fat"}, "flash", "FAT"),
        ({"free_bytes": 4096}, "flash", "full: 4 of 2,048 KB"),
        ({"main": "unfinished"}, "firmware", "not whole"),
        ({"firmware": "", "main": ""}, "firmware", "no firmware of ours"),
        ({"shadow": "frozen/handset"}, "firmware", "elsewhere, too"),
    ],
)
def test_a_board_without_what_it_takes_is_told_so(looked, facts, name, says):
    found = looked(facts=facts)
    assert wrong(found) == [name] and says in found[name].said and found[name].todo
    assert found["verification"].state == NOT_TRIED and found["speaker"].state == NOT_TRIED


def test_files_that_are_missing_or_changed_are_named(looked):
    found = looked(files={"/lib/callcore/a.mpy": None})
    assert "missing: 1, /lib/callcore/a.mpy first" in found["firmware"].said and wrong(found) == ["firmware"]
    assert "not as they should be" in looked(files={"/lib/board.mpy": b"other"})["firmware"].said


def test_another_firmware_that_is_whole_is_a_note(looked, monkeypatch):
    found = looked(facts={"firmware": "0.0.9"})
    assert found["firmware"].state == NOTE and "0.0.9" in found["firmware"].said
    monkeypatch.setattr(firmware, "files", lambda arch, board: {**FILES, "/main.py": b"newer"})
    found = looked()
    assert found["firmware"].state == NOTE and "another than this program has" in found["firmware"].said


def test_memory_is_judged_by_what_tls_and_a_call_take(looked):
    tight = {"free": 20_000, "used": 1, "chip": [[90_000, 60_000, 40_000, 1], [9_000, 9_000, 9_000, 1]]}
    found = looked({doctor_programs.MEMORY: tight})
    assert wrong(found) == ["memory for TLS"] and "39 KB" in found["memory for TLS"].said
    assert found["heap"].state == NOTE and "86 KB" in found["heap"].said
    found = looked({doctor_programs.MEMORY: {"free": 1 << 21, "used": 1, "chip": []}})
    assert found["memory for TLS"].state == NOT_TRIED and found["verification"].state == OK


@pytest.mark.parametrize(
    ("record", "state", "says"),
    [
        (["marks", "record_damaged", "bad seal"], WRONG, "damaged in both places: bad seal"),
        (["networks", "storage", "no flash"], WRONG, "networks"),
        (["identity", "record_newer", ""], WRONG, "later firmware"),
        (["identity", "healed", "/store/identity.bin: bad seal"], NOTE, "mended from the other"),
        (["marks", "record_missing", ""], OK, "are there: 1,"),
    ],
)
def test_records_are_judged(looked, record, state, says):
    good = ["identity" if record[0] != "identity" else "marks", "ok", ""]
    found = looked({doctor_programs.RECORDS: [good, record]})
    assert found["records"].state == state and says in found["records"].said
    assert (found["identity"].state == NOT_TRIED) == (state == WRONG)


def test_a_board_without_identity_is_told_how_to_get_one(looked):
    found = looked({probes.STANDING: {**STANDING, "identity": None}})
    assert wrong(found) == ["identity"] and "tincall provision" in found["identity"].todo


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"step": "wifi", "reason": "wrong_password", "detail": "WiFi home does not take our password"}, "WiFi"),
        ({"step": "wifi", "reason": "no_networks", "detail": "this board knows no WiFi network"}, "WiFi"),
        ({"step": "clock", "reason": "timeout", "detail": "ntp does not answer"}, "clock"),
        ({"step": "connect", "reason": "dns_fail", "detail": "the name relay does not resolve"}, "way to the relay"),
        ({"step": "connect", "reason": "timeout", "detail": "relay:8443 does not answer"}, "way to the relay"),
        ({"step": "verify", "reason": "connect_refused", "detail": "nothing listens"}, "way to the relay"),
        ({"step": "verify", "reason": "tls_wrong_ca", "detail": "not signed by our trust anchor"}, "TLS"),
        ({"step": "verify", "reason": "tls_wrong_name", "detail": "for another name"}, "TLS"),
        ({"step": "verify", "reason": "tls_expired", "detail": "has expired"}, "TLS"),
        ({"step": "connect", "reason": "tls_failed", "detail": "our trust anchor is no certificate"}, "TLS"),
        ({"step": "verify", "reason": "timeout", "detail": "no answer"}, "TLS"),
        ({"step": "verify", "reason": "auth_failed", "detail": "refused"}, "verification"),
        ({"step": "verify", "reason": "suspended", "detail": "refused"}, "verification"),
    ],
)
def test_the_first_that_is_wrong_on_the_way_is_the_cause(looked, change, name):
    found = looked({probes.VERIFY: {**VERIFIED, "ok": False, **change}})
    assert wrong(found) == [name] and found[name].todo
    assert found["microphone"].state == OK  # it does not rest on the network


def test_a_clock_that_is_off_is_the_cause_where_a_certificate_was_refused_for_it(looked):
    off = {
        "ok": False,
        "step": "verify",
        "reason": "tls_not_yet_valid",
        "detail": "is not valid yet",
        "date": "2001-02-03",
    }
    assert wrong(looked({probes.VERIFY: {**VERIFIED, **off}})) == ["clock"]
    found = looked({probes.VERIFY: {**VERIFIED, "date": "2001-02-03"}})
    assert found["clock"].state == OK and "2001-02-03" in found["clock"].said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"step": "verify", "reason": "auth_failed", "detail": "refused"}, "tincall provision --sn SN-1 --again"),
        ({"step": "connect", "reason": "dns_fail", "detail": "none"}, "tincall provision --sn SN-1 --host NAME"),
        ({"step": "wifi", "reason": "wrong_password", "detail": "no"}, "tincall provision --sn SN-1 --wifi SSID"),
        ({"step": "verify", "reason": "suspended", "detail": "refused"}, "tincall devices resume SN-1"),
    ],
)
def test_what_to_do_can_be_typed_as_it_stands(looked, change, says):
    found = looked({probes.VERIFY: {**VERIFIED, "ok": False, **change}})
    ((_, one),) = [(name, one) for name, one in found.items() if one.state == WRONG]
    assert says in one.todo and "run the same with" not in one.todo


def test_a_board_that_is_pulled_out_is_wrong_once(looked):
    found = looked({doctor_programs.MEMORY: faults.lost("/dev/board")})
    assert wrong(found) == ["heap"] and "was lost" in found["heap"].said
    assert {one.state for one in list(found.values())[5:]} == {NOT_TRIED}


@pytest.mark.parametrize(("rssi", "state"), [(-90, WRONG), (-80, NOTE), (-50, OK), (None, NOT_TRIED)])
def test_the_signal_is_judged(looked, rssi, state):
    found = looked({doctor_programs.SIGNAL: rssi})
    assert found["signal"].state == state and found["verification"].state == OK


def test_a_board_of_one_direction_at_a_time_cannot_hear_itself(looked):
    found = looked({doctor_programs.STREAMS: {"duplex": "half", "echo": False, "pins": []}})
    assert found["speaker"].state == OK and found["loop-back"].state == NOT_TRIED
    assert "one way at a time" in found["loop-back"].said


def test_a_person_is_asked_for_the_tone(looked):
    asked = []
    found = looked(ask=lambda question: asked.append(question))
    assert len(asked) == 1 and wrong(found) == ["speaker"] and "Nobody heard" in found["speaker"].said
