"""Words and numbers of the platform: the table is whole, directions are kept apart, the unknown is told and logged."""

import pytest
from structlog.testing import capture_logs

from callcore import causes, sentences
from callcore.errors import LocalError
from tincall.leg import IN, OUT
from tincall.wechat import vocabulary
from tincall.wechat.vocabulary import Reason, Status, ending, failure, is_over, meaning, reason_for, status_name

# every number that an interface of this relay can answer with, from the platform's public pages
DOCUMENTED = {
    "token": [-1, 40001, 40002, 40013, 40125, 40164, 40243, 41002, 41004, 43002, 45009, 45011]
    + [50004, 50007, 89503, 89506, 89507],
    "login": [-1, 40029, 45011, 40226],
    "ticket": [-1, 9800001, 9800002, 9800003, 48001],
    "call": [
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        12,
        13,
        14,
        15,
        17,
        19,
        20,
        22,
        23,
        24,
        10008,
        -1,
        40001,
        40014,
        42001,
        45009,
        48001,
    ],
    "group": [43002, 44002, 47001, 9800003, *range(9800012, 9800019), 9800044],
    "message": [-1, 40003, 40037, 41030, 43101, 47003],
    "rid": [76001],
    "quota": [76021, 76022],
    "add_device": [48001, 50093],
    "room": list(range(20)),
    "plugin": [*range(1000, 1009), 1011, *range(2000, 2011), 2100, 2102, 2103, 2104],
    "consent": [10001, 10021, 10025, -12001, 1001],
    "wmpf": [33, 10001, 10006, 10013, 10014],
}


@pytest.mark.parametrize(("api", "number"), [(api, number) for api in DOCUMENTED for number in DOCUMENTED[api]])
def test_every_documented_number_has_its_meaning(api, number):
    found = meaning(api, number)
    assert found.known and found.number == number and found.api == api
    assert sentences.is_known(found.cause)
    for text in (found.sentence, found.advice):
        assert text[0].isupper() and text.endswith(".") and len(text) > 8


def test_every_row_is_one_that_can_be_used():
    for (api, number), found in vocabulary.table().items():
        assert sentences.is_known(found.cause), (api, number)
        assert (found.cause == causes.NORMAL) == (found.retry == "done"), (api, number)
    assert set(DOCUMENTED) < vocabulary.apis()


@pytest.mark.parametrize(
    ("api", "number", "cause", "retry"),
    [
        ("call", 9, causes.BARRED, "no"),
        ("room", 9, causes.PROTOCOL_ERROR, "no"),
        ("call", 12, causes.NOT_SUBSCRIBED, "no"),
        ("call", 20, causes.UNALLOCATED, "no"),
        ("call", 40001, causes.TEMPORARY_FAILURE, "token"),
        ("call", 42001, causes.TEMPORARY_FAILURE, "token"),
        ("group", 40014, causes.TEMPORARY_FAILURE, "token"),
        ("token", 40001, causes.NOT_SUBSCRIBED, "no"),
        ("call", 10008, causes.TEMPORARY_FAILURE, "ticket"),
        ("call", 45009, causes.CONGESTION, "no"),
        ("call", 45011, causes.CONGESTION, "later"),
        ("ticket", -1, causes.TEMPORARY_FAILURE, "later"),
        ("sdk", -9, causes.BARRED, "no"),
        ("sdk", -10008, causes.TEMPORARY_FAILURE, "ticket"),
        ("group", 9800015, causes.NORMAL, "done"),
    ],
)
def test_a_number_means_what_its_interface_means_by_it(api, number, cause, retry):
    found = meaning(api, number)
    assert (found.cause, found.retry) == (cause, retry)


def test_48001_is_told_in_the_words_of_each_interface():
    ticket, app, call = (meaning(api, 48001) for api in ("ticket", "add_device", "call"))
    assert "onboarding" in ticket.advice and "hostAppId" in ticket.advice
    assert "mobile app" in app.sentence
    assert "audio/video" in call.advice
    assert all("api unauthorized" in one.sentence for one in (ticket, app, call))


def test_an_unknown_number_is_told_as_it_came_and_logged():
    with capture_logs() as logs:
        found = meaning("call", 424242)
    assert (found.known, found.cause, found.retry) == (False, causes.INTERWORKING, "no")
    assert "424242" in found.sentence and found.advice
    assert [(one["api"], one["number"], one["log_level"]) for one in logs] == [("call", 424242, "warning")]


def test_a_failure_carries_all_of_it():
    error = failure("call", 9, "not auth")
    assert (error.api, error.number, error.cause, error.retry) == ("call", 9, causes.BARRED, "no")
    assert "settings page" in error.advice
    assert str(error) == error.detail and "call 9: not auth" in error.detail and not error.maybe_done
    assert failure("call", 9).detail.endswith("(call 9)")


ENDINGS = [
    (Status.REJECTED, OUT, causes.REJECTED, "phone"),
    (Status.REJECTED, IN, causes.REJECTED, "device"),
    (Status.CANCELED, OUT, causes.ORIGINATOR_CANCEL, "device"),
    (Status.CANCELED, IN, causes.ORIGINATOR_CANCEL, "phone"),
    (Status.HANGUP_BY_CALLER, OUT, causes.NORMAL, "device"),
    (Status.HANGUP_BY_CALLER, IN, causes.NORMAL, "phone"),
    (Status.HANGUP_BY_CALLEE, OUT, causes.NORMAL, "phone"),
    (Status.HANGUP_BY_CALLEE, IN, causes.NORMAL, "device"),
    (Status.ABORTED, OUT, causes.TEMPORARY_FAILURE, "relay"),
    (Status.ABORTED, IN, causes.TEMPORARY_FAILURE, "relay"),
    (Status.BUSY, OUT, causes.BUSY, "phone"),
    (Status.BUSY, IN, causes.BUSY, "device"),
    (Status.TIMEOUT, OUT, causes.NO_ANSWER, "phone"),
    (Status.TIMEOUT, IN, causes.NO_ANSWER, "device"),
]


@pytest.mark.parametrize(("status", "direction", "cause", "who"), ENDINGS)
def test_an_ending_is_told_by_direction(status, direction, cause, who):
    assert is_over(status)
    assert ending(int(status), direction) == (cause, who)


@pytest.mark.parametrize("status", [0, 1, 2])
def test_what_goes_on_is_no_ending(status):
    assert not is_over(status)
    with pytest.raises(LocalError):
        ending(status, OUT)


@pytest.mark.parametrize("status", [10, -1, 4096])
def test_a_status_that_nobody_knows_ends_the_room_and_is_logged(status):
    with capture_logs() as logs:
        assert ending(status, IN) == (causes.INTERWORKING, "relay")
    assert is_over(status)
    assert [one["number"] for one in logs] == [status]
    assert status_name(status) == f"STATUS_{status}"


def test_statuses_are_named_as_the_platform_does():
    assert [status_name(number) for number in range(10)] == [
        "IDLE",
        "CALLING",
        "TALKING",
        "REJECTED",
        "CANCELED",
        "HANGUP_BY_CALLER",
        "HANGUP_BY_CALLEE",
        "ABORTED",
        "BUSY",
        "TIMEOUT",
    ]


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (causes.NORMAL, 1),
        (causes.ORIGINATOR_CANCEL, 1),
        (causes.ALLOTTED_TIMEOUT, 1),
        (causes.REJECTED, 11),
        (causes.BUSY, 11),
        (causes.NO_ANSWER, 10),
        (causes.TIMER_EXPIRED, 10),
        (causes.LINK_LOST, 8),
        (causes.NOT_REGISTERED, 8),
        (777, 1),
    ],
)
def test_a_cause_becomes_a_reason_that_every_header_has(cause, reason):
    assert reason_for(cause) == reason


def test_busy_is_said_only_where_the_header_has_it():
    assert reason_for(causes.BUSY, busy_known=True) == Reason.BUSY == 9


def test_a_damaged_table_is_our_fault(tmp_path, monkeypatch):
    damaged = tmp_path / "errors.tsv"
    damaged.write_text("apis\tnumber\tcause\tretry\tsentence\tadvice\ncall\tnine\t1\tno\tA\tB\n")
    monkeypatch.setattr(vocabulary, "TABLE", damaged)
    vocabulary.table.cache_clear()
    try:
        with pytest.raises(LocalError, match="line 2"):
            vocabulary.table()
    finally:
        vocabulary.table.cache_clear()
