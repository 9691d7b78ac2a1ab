"""The plan of an install: what differs and nothing else, what is somebody's own stays, what is left of a cut install counts."""

import hashlib
import json

import pytest

from tincall.errors import OperatorError
from tincall.workbench import plan

BLOCK = 4096
FILES = {
    "/main.py": b"start",
    "/lib/board.mpy": b"pins",
    "/lib/callcore/call.mpy": b"calls",
    "/lib/handset/app.mpy": b"a" * 5000,
}
WANTED = plan.marked(FILES, "1.2.3", "EMULATED", "x64")


def tree(files: dict[str, bytes]) -> plan.Tree:
    return {path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in files.items()}


def made(found: dict[str, bytes], wanted: dict[str, bytes] = WANTED) -> plan.Plan:
    return plan.make(wanted, tree(found), BLOCK)


def on_its_way(paths: list[str], wanted: dict[str, bytes] = WANTED) -> dict[str, bytes]:
    suffix = plan.make(wanted, {}, BLOCK).suffix
    return {path + suffix: wanted[path] for path in paths}


def test_a_bare_board_gets_all_of_it_and_what_says_so_last() -> None:
    todo = made({})
    assert todo.copy == WANTED and todo.switch == list(todo.copy)
    assert list(todo.copy)[-2:] == [plan.MARKER, plan.MAIN]
    assert (todo.keep, todo.clean, todo.remove) == ([], [], [])
    assert todo.folders == ["/lib", "/lib/callcore", "/lib/handset"]


def test_a_board_that_has_it_gets_nothing() -> None:
    todo = made(WANTED)
    assert todo.is_done and todo.keep == sorted(WANTED) and not todo.copy


def test_only_what_differs_is_copied_and_main_py_which_ends_it() -> None:
    todo = made(WANTED | {"/lib/callcore/call.mpy": b"other"})
    assert list(todo.copy) == ["/lib/callcore/call.mpy", plan.MAIN]
    assert plan.MARKER in todo.keep


def test_what_hides_or_is_of_no_use_any_more_goes_and_what_is_somebodys_stays() -> None:
    old = ["/lib/callcore/call.py", "/lib/handset/gone.mpy", "/lib/board.py"]
    own = ["/lib/callcore/notes.txt", "/lib/board.txt", "/main.py.bak", "/lib/tincall.json.old"]
    todo = made(WANTED | dict.fromkeys(old + own, b""))
    assert todo.remove == sorted(old)
    assert (list(todo.copy), todo.clean) == ([plan.MAIN], [])


def test_what_a_cut_install_copied_whole_is_not_copied_again() -> None:
    done = ["/lib/board.mpy", "/lib/callcore/call.mpy"]
    found = on_its_way(done)
    torn = next(iter(on_its_way(["/lib/handset/app.mpy"])))
    todo = made(found | {torn: b"a" * 100})
    assert list(todo.copy) == ["/lib/handset/app.mpy", plan.MARKER, plan.MAIN]
    assert todo.clean == [torn] and set(todo.switch) == set(WANTED)


def test_when_all_is_there_only_the_names_are_left_to_give() -> None:
    todo = made(on_its_way(list(WANTED)))
    assert not todo.copy and set(todo.switch) == set(WANTED) and not todo.clean


def test_a_main_py_on_its_way_does_not_speak_for_files_that_are_not_there() -> None:
    found = on_its_way([path for path in WANTED if path != "/lib/board.mpy"])
    todo = made(found)
    assert list(todo.copy) == ["/lib/board.mpy", plan.MAIN]
    assert todo.clean == [plan.MAIN + todo.suffix]


def test_rests_of_another_firmware_go_and_its_main_py_first() -> None:
    other = plan.marked(FILES | {"/lib/board.mpy": b"other pins"}, "1.2.2", "EMULATED", "x64")
    rests = on_its_way(list(other), other)
    todo = made(rests | {plan.FINISH: b"", "/lib/handset/x.mpy.new": b""})
    assert todo.clean[0].startswith(plan.MAIN) and set(todo.clean) == {*rests, plan.FINISH, "/lib/handset/x.mpy.new"}
    assert todo.copy == WANTED


def test_room_is_counted_in_blocks_and_rests_give_theirs_back() -> None:
    whole = made({}).blocks
    assert whole >= len(WANTED) + 1 + 1
    one_more = made({}, WANTED | {"/lib/handset/more.mpy": b"m" * (2 * BLOCK)}).blocks
    assert one_more == whole + 3
    rest = "/lib/handset/big.mpy.new"
    assert plan.make(WANTED, {rest: (2 * BLOCK, "")}, BLOCK).blocks == whole - 3


def test_source_and_foreign_places_are_refused() -> None:
    with pytest.raises(OperatorError, match="is source"):
        made({}, WANTED | {"/lib/callcore/g711.py": b""})
    for path in ("/boot.py", "/store/identity.bin", "/lib/other/a.mpy", "/lib/callcore/a.mpy.new"):
        with pytest.raises(OperatorError, match="no place"):
            made({}, WANTED | {path: b""})


def test_what_says_what_it_is_changes_with_the_files() -> None:
    told = json.loads(WANTED[plan.MARKER])
    assert (told["version"], told["board"], told["arch"], told["files"]) == ("1.2.3", "EMULATED", "x64", len(FILES))
    other = plan.marked(FILES | {"/main.py": b"begin"}, "1.2.3", "EMULATED", "x64")
    assert json.loads(other[plan.MARKER])["set"] != told["set"]
