"""The native room end with the stand-in library: faults, deadlines, orders of calls, memory and threads.

What every room end does is in tests/contracts. Nothing here says that the real library works with it.
"""

import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from native_end import KEY, TOKEN, NativeEnd
from support.native_build import NATIVE, compiler

from tincall.worker.room import FROM_WORKER, pack_frame, pack_message

FRAME = bytes(range(256)) * 2 + bytes(128)
IN_ORDER = ["hangup", "status", "destroy", "stop"]


@pytest.fixture
def quick(built, tmp_path):
    """Give a maker of room ends with short deadlines."""
    return lambda **environment: NativeEnd([built(is_quick=True)], tmp_path / "data", **environment)


def call(end):
    """Live one call of a second; gives the exit status and what was written."""
    end.open()
    end.until("ready")
    end.join()
    end.until("status", number=2)
    for _ in range(40):
        end.send(FRAME)
        end.listen(0.02)
    end.say(t="hangup", reason=1)
    end.until("status", number=5)
    end.say(t="close")
    end.until("closed")
    return end.end()


def test_a_call_does_what_it_should_in_order(built, tmp_path):
    end = NativeEnd([built()], tmp_path / "data")
    status, words = call(end)
    assert status == 0
    log = end.log.read_text().splitlines()
    assert log[0] == "init flavor=2 appid=wx0 model=m1 sn=sn-1"
    assert log[1] == f"join type=1 appid=wx0 token={TOKEN} room=r#0@0,1@20,2@60 key={KEY} payload=p"
    assert end.calls()[2:] == ["status"] * 3 + IN_ORDER
    facts = dict(fact.split("=") for fact in log[-2].split()[1:])
    said, (voice, ring, other) = int(facts["in"]), map(int, facts["pulls"].split(","))
    assert facts["bad"] == "0" and int(facts["late"]) <= 3
    # 0.8 s of talking, on a machine that may be busy; the ringing tone's stream is open a little longer
    assert 20 <= said <= 80 and abs(voice - ring) <= 1 and voice >= other >= said - 2
    assert any(frame == FRAME for frame in end.frames)
    assert not any(b"\x55" * 8 in frame for frame in end.frames), "a tone that is no voice reached the worker"


@pytest.mark.parametrize("sanitizer", ["address", "thread"])
def test_a_call_is_clean_under_sanitizers(built, tmp_path, sanitizer):
    end = NativeEnd([built(sanitizer)], tmp_path / "data")
    assert call(end) == (0, words_of_a_call())


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_call_is_clean_under_valgrind(built, tmp_path):
    tool = ["valgrind", "-q", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,indirect"]
    end = NativeEnd([*tool, built()], tmp_path / "data")
    assert call(end) == (0, words_of_a_call())


def words_of_a_call():
    """What a call writes to the standard error output: the library's line, and ours about the stand-in's test."""
    return (
        "stand-in: a line on the standard output\n"
        "room end: the library wants a microphone that is not 16 kHz with 16 bits; there is none\n"
    )


def test_older_headers_do_as_well(built, tmp_path):
    assert call(NativeEnd([built(is_old=True)], tmp_path / "data"))[0] == 0


def test_a_library_that_is_not_there_is_said(tmp_path):
    done = subprocess.run(
        ["make", "-s", "-C", str(NATIVE), f"SDK={tmp_path}", f"OUT={tmp_path}/x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "Give the folder of your copy" in done.stderr


def test_no_file_of_the_platform_is_here():
    files = sorted(path.relative_to(NATIVE).as_posix() for path in NATIVE.rglob("*") if path.is_file())
    files = [name for name in files if name != "tincall-room-end"]  # what a user has built
    ours = ["pipe.c", "pipe.h", "room_end.c", "sound.c", "sound.h", "words.c", "words.h"]
    assert files == ["Makefile", "README.md", *(f"src/{name}" for name in ours)]
    assert not [name for name in files if "Tencent" in (NATIVE / name).read_text()]


def test_arguments_are_refused(built):
    done = subprocess.run([built(), "--token", "x"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("usage: tincall-room-end")


def test_nothing_secret_can_be_seen_from_outside(built, tmp_path):
    end = NativeEnd([built()], tmp_path / "data")
    end.open()
    end.until("ready")
    end.join(script="0@0,1@20")
    end.until("status", number=1)
    proc = Path(f"/proc/{end.process.pid}")
    shown = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
    status, words = end.end()
    assert status == 0
    for secret in (KEY, TOKEN):
        assert secret.encode() not in shown and secret not in words


# --- steps that fail ---


def test_an_init_that_fails_is_told_with_its_number(quick):
    end = quick(STANDIN_INIT_ERROR=9)
    end.open()
    failed = end.until("failed")
    assert (failed["step"], failed["number"]) == ("open", 9) and "clock" in failed["text"]
    assert end.end()[0] == 0
    assert "stop" not in end.calls()


def test_an_init_that_takes_too_long_is_cancelled(quick):
    end = quick(STANDIN_INIT_MS=60000)
    end.open()
    assert end.until("failed")["number"] == 4
    assert end.end()[0] == 0 and end.calls() == ["init", "cancel"]


def test_a_worker_that_vanishes_ends_a_long_init(built, tmp_path):
    end = NativeEnd([built()], tmp_path / "data", STANDIN_INIT_MS=60000)
    end.open()
    time.sleep(0.2)
    began_s = time.monotonic()
    assert end.end()[0] == 0 and time.monotonic() - began_s < 2


def test_a_join_that_fails_is_hung_up_destroyed_and_stopped(quick):
    end = quick()
    end.open()
    end.join(script="!15")
    failed = end.until("failed")
    assert (failed["step"], failed["number"]) == ("join", 15)
    end.say(t="close")
    end.until("closed")
    assert end.end()[0] == 0 and end.calls() == ["init", "join", *IN_ORDER]


def test_a_join_that_takes_too_long_is_cancelled_and_hung_up(quick):
    end = quick(STANDIN_JOIN_MS=60000)
    end.open()
    end.join()
    assert end.until("failed")["number"] == 4
    end.say(t="close")
    end.until("closed")
    assert end.end()[0] == 0 and end.calls() == ["init", "join", "cancel", *IN_ORDER]


def test_a_join_under_way_is_waited_for_before_it_is_hung_up(quick):
    end = quick(STANDIN_JOIN_MS=100)
    end.open()
    end.until("ready")
    end.join(script="1@0")
    end.say(t="hangup", reason=1)
    end.until("status", number=4)
    end.say(t="close")
    end.until("closed")
    assert end.end()[0] == 0 and "cancel" not in end.calls()
    assert [call for call in end.calls() if call != "status"] == ["init", "join", "hangup", "destroy", "stop"]


@pytest.mark.parametrize(
    ("environment", "number"), [({"STANDIN_HANGUP_ERROR": 13}, 13), ({"STANDIN_HANGUP_MS": 60000}, 4)]
)
def test_a_hang_up_that_fails_is_told_and_the_rest_is_done(quick, environment, number):
    end = quick(**environment)
    end.open()
    end.join()
    end.until("status", number=2)
    end.say(t="hangup", reason=1)
    failed = end.until("failed")
    assert (failed["step"], failed["number"]) == ("hangup", number)
    end.say(t="close")
    end.until("closed")
    assert end.end()[0] == 0 and end.calls()[-2:] == ["destroy", "stop"] and end.calls().count("hangup") == 1


def test_declining_takes_whose_call_it_is_from_the_room_or_else_from_the_opening(quick):
    end = quick()
    end.open()
    end.say(t="listener_hangup", server_token=TOKEN, payload="p", reason=10, sn="sn-9", appid="wx9")
    end.say(t="close")
    end.until("closed")
    line = end.log.read_text().splitlines()[1]
    assert line == f"listener_hangup appid=wx9 sn=sn-9 model=m1 token={TOKEN} payload=p reason=10"
    assert end.end()[0] == 0


def test_a_library_that_never_stops_is_ended_by_the_alarm(quick):
    end = quick(STANDIN_STOP_HANGS=1)
    end.open()
    end.until("ready")
    status, words = end.end()
    assert status == 3 and "did not come back" in words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_hangs_up(quick, number):
    end = quick()
    end.open()
    end.join()
    end.until("status", number=2)
    assert end.end(number)[0] == 0 and end.calls()[-4:] == IN_ORDER


def test_statuses_and_sound_after_the_end_do_no_harm(quick):
    end = quick()
    end.open()
    end.join(script="2@0,6@40,7@60,2@80,5@120")
    end.until("status", number=5)
    assert [message["number"] for message in end.messages if message["t"] == "status"] == [2, 6, 7, 2, 5]
    end.say(t="close")
    end.until("closed")
    assert end.end()[0] == 0


# --- what comes in ---

SOUND = [
    {"t": "open", "data_dir": "/tmp/x", "appid": "", "model_id": "", "sn": "", "flavor": 0},
    {"t": "join", "room_id": "r#1@0", "session_key": KEY, "server_token": TOKEN, "payload": "p", "room_type": "video"},
    {"t": "hangup", "reason": 0},
    {"t": "close"},
]


def raw(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"J" + len(data).to_bytes(2, "little") + data


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (b"X\x00\x00", "wrong kind or size"),
        (b"P\x81\x02" + bytes(641), "wrong kind or size"),
        (b"J\x01\x10" + bytes(4097), "wrong kind or size"),
        (raw(""), "not an object"),
        (raw("[]"), "not an object"),
        (raw('{"t":"close"'), "not JSON"),
        (raw('{"t":"close"}x'), "not JSON"),
        (raw('{"t":"dance"}'), "nobody knows"),
        (raw('{"t":7}'), "a field is wrong"),
        (raw('{"t":"close","t":"close"}'), "twice"),
        (raw('{"t":"hangup"}'), "missing"),
        (raw('{"t":"hangup","reason":1.0}'), "wrong"),
        (raw('{"t":"hangup","reason":-1}'), "wrong"),
        (raw('{"t":"hangup","reason":1000}'), "wrong"),
        (raw('{"t":"hangup","reason":01}'), "wrong"),
        (raw('{"t":"hangup","reason":"1"}'), "wrong"),
        (raw('{"t":"hangup","reason":99999999999999999999}'), "wrong"),
        (raw('{"t":"close","more":{"a":1}}'), "not a simple value"),
        (raw(b'{"t":"cl\x00ose"}'), "a field is wrong"),
        (raw(r'{"t":"close","x":"\u0000"}'), "not a simple value"),
        (raw(r'{"t":"close","x":"\ud800"}'), "not a simple value"),
        (raw('{"' + "k" * 32 + '":1}'), "name of a field"),
        (raw('{"t":"open","data_dir":"' + "x" * 1025 + '","appid":"","model_id":"","sn":"","flavor":0}'), "wrong"),
        (raw('{"t":"open","data_dir":"","appid":"","model_id":"","sn":"","flavor":0}'), "wrong"),
        (raw('{"t":"open","data_dir":"/x","appid":"","model_id":"","sn":"","flavor":3}'), "wrong"),
        (pack_message(SOUND[1], FROM_WORKER), "out of turn"),
        (pack_message({"t": "hangup", "reason": 1}, FROM_WORKER), "out of turn"),
    ],
)
def test_a_breach_ends_it_with_a_sentence_that_shows_nothing(built, tmp_path, record, sentence):
    end = NativeEnd([built("address")], tmp_path / "data")
    end.process.stdin.write(record)
    status, words = end.wait()
    assert status == 1 and sentence in words and "xxxx" not in words and KEY not in words


def test_what_may_be_there_is_passed_over_and_escapes_are_read(quick, tmp_path):
    end = quick()
    text = (
        '{ "new" : true , "old":null,"x":-5,"y":"\\u00e9\\ud83d\\ude00\\"\\\\\\/" , "t" : "open" ,"appid":"wx\\u002d1",'
    )
    end.process.stdin.write(raw(text + f'"data_dir":"{end.folder}","model_id":"é","sn":"","flavor":1}}'))
    end.until("ready")
    assert end.log.read_text().startswith("init flavor=1 appid=wx-1 model=é sn=-\n")
    assert end.end()[0] == 0


def test_ten_messages_at_once_are_too_many(quick):
    end = quick(STANDIN_INIT_MS=300)
    end.open()
    end.process.stdin.write(raw('{"t":"hangup","reason":1}') * 10)
    status, words = end.wait()
    assert status == 1 and ("too many" in words or "out of turn" in words)


def test_no_bytes_do_harm(built, tmp_path):
    program, choice = built("address", is_quick=True), random.Random(7)
    sound = b"".join(pack_message(message, FROM_WORKER) + pack_frame(FRAME) for message in SOUND)
    sound = sound.replace(b"/tmp/x", str(tmp_path).encode()[-6:])
    for _ in range(60):
        data = bytearray(sound)
        for _ in range(choice.randrange(1, 12)):
            at = choice.randrange(len(data))
            kind = choice.randrange(3)
            if kind == 0:
                data[at] = choice.randrange(256)
            elif kind == 1:
                del data[at : at + choice.randrange(1, 40)]
            else:
                data[at:at] = bytes(choice.randrange(256) for _ in range(choice.randrange(1, 9)))
        done = subprocess.run([program], input=bytes(data), capture_output=True, cwd=tmp_path, timeout=20, check=False)
        # 0 or 1, or the stand-in's abort over a folder that was damaged into nonsense; never a sanitizer's find
        assert done.returncode in (0, 1) or b"data_dir cannot" in done.stderr, done.stderr.decode(errors="replace")
        assert b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr


def test_the_compiler_is_as_strict_as_it_can_be():
    text = (NATIVE / "Makefile").read_text()
    assert all(flag in text for flag in ("-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"))
    assert compiler() is None or "-isystem $(SDK)" in text
