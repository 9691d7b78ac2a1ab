"""The platform's side of `tincall doctor` says what `tincall wechat check` says."""

from commands import document, tincall

from tincall.cli import doctor_platform
from tincall.settings import DataFolder, load
from tincall.workbench.findings import NOT_TRIED, NOTE, WRONG


def test_without_a_mini_program_there_is_one_note(shared_relay):
    folder = DataFolder(shared_relay)
    (found,) = doctor_platform.results(load(folder.settings), folder)
    assert found.finding.state == NOTE and "docs/wechat.md" in found.finding.todo
    (found,) = doctor_platform.results(None, folder)
    assert found.finding.state == NOT_TRIED


def test_with_one_each_step_of_the_check_is_there(mini_relay):
    folder = DataFolder(mini_relay)
    found = list(doctor_platform.results(load(folder.settings), folder))
    steps = document(tincall("wechat", "check", "--data", mini_relay, "--json"))["steps"]
    assert [(one.name, one.finding.state) for one in found] == [
        (step["name"], doctor_platform.STATES[step["state"]]) for step in steps
    ]
    # nobody is at the platform's port
    assert {one.name: one.finding.state for one in found}["access token"] == WRONG
