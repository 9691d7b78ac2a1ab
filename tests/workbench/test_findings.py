"""Checks are taken in order, and one that rests on what is wrong is not tried."""

from tincall.errors import OperatorError
from tincall.workbench.findings import NOT_TRIED, NOTE, OK, WRONG, Check, Finding, Round, sentence


def test_what_rests_on_something_wrong_is_not_tried_and_the_rest_is():
    began, done, looked = [], [], []

    def good():
        looked.append("good")
        return Finding(OK, "Good.")

    def broken():
        raise OperatorError("it is broken", "Mend it.")

    walk = Round(lambda group, name: began.append(name), done.append)
    walk.walk(
        "board",
        [
            Check("note", lambda: Finding(NOTE, "So so.")),
            Check("after a note", good, ("note",)),
            Check("broken", broken),
            Check("needs it", good, ("note", "broken")),
            Check("needs what needs it", good, ("needs it",)),
            Check("another", good),
        ],
    )
    states = [(one.name, one.finding.state) for one in walk.results]
    assert states == [
        ("note", NOTE),
        ("after a note", OK),
        ("broken", WRONG),
        ("needs it", NOT_TRIED),
        ("needs what needs it", NOT_TRIED),
        ("another", OK),
    ]
    assert looked == ["good", "good"] and done == walk.results
    assert began == ["note", "after a note", "broken", "another"]
    (wrong,) = walk.wrong
    assert wrong.document() == {
        **{"group": "board", "name": "broken", "state": "wrong", "said": "It is broken.", "todo": "Mend it."},
        "figures": {},
    }
    assert walk.results[3].finding.said == "It takes what `broken` looks at."


def test_names_of_one_group_block_nothing_in_another():
    walk = Round(lambda group, name: None, lambda result: None)
    walk.walk("relay", [Check("port", lambda: Finding(WRONG, "No."))])
    walk.walk(
        "board", [Check("port", lambda: Finding(OK, "Yes.")), Check("heap", lambda: Finding(OK, "Yes."), ("port",))]
    )
    assert [one.finding.state for one in walk.results] == [WRONG, OK, OK]


def test_sentences_begin_large_and_end_with_one_full_stop():
    assert sentence("nothing answers") == "Nothing answers."
    assert sentence("/dev/x is busy.") == "/dev/x is busy."
    assert sentence("") == ""
