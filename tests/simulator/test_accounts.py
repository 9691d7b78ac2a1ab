"""Accounts: tickets and codes that end, consent and its refusal, whose openid it is."""

import pytest
from sim import counted

from tincall.clock import ManualClock
from tincall.simulator import accounts as accounts_file
from tincall.simulator.accounts import ANY, Accounts, App, User
from tincall.simulator.numbers import Refused

APP = App("wx1", "secret-1", models=("m1", "m2"))


@pytest.fixture
def books():
    clock = ManualClock()
    made = Accounts(clock, counted())
    made.apps["wx1"] = APP
    made.apps["wx2"] = App("wx2", "secret-2")
    made.add_user(User("o1", "wx1"))
    made.add_user(User("o2", "wx2"))
    return made, clock


def refusal(number, function, *arguments):
    with pytest.raises(Refused) as caught:
        function(*arguments)
    assert caught.value.number == number


def test_a_ticket_ends_after_five_minutes(books):
    made, clock = books
    ticket = made.ticket("wx1", "sn-1", "m1")
    clock.advance(300_000)
    made.request_consent("o1", "sn-1", "m1", ticket, True)
    made.set_consent("o1", "sn-1", False)
    made.set_consent("o1", "sn-1", True)
    late = made.ticket("wx1", "sn-2", "m1")
    clock.advance(300_001)
    refusal(10008, made.request_consent, "o1", "sn-2", "m1", late, True)


def test_a_ticket_is_for_one_device_of_one_app(books):
    made, _ = books
    ticket = made.ticket("wx1", "sn-1", "m1")
    for sn, model_id in (("sn-2", "m1"), ("sn-1", "m2")):
        refusal(10008, made.request_consent, "o1", sn, model_id, ticket, True)
    refusal(10008, made.request_consent, "o2", "sn-1", "m1", ticket, True)
    refusal(10008, made.request_consent, "o1", "sn-1", "m1", "made-up", True)


def test_a_device_keeps_its_model(books):
    made, _ = books
    made.ticket("wx1", "sn-1", "m1")
    refusal(9800003, made.ticket, "wx1", "sn-1", "m2")
    refusal(17, made.device, "wx1", "sn-1", "m2")
    made.device("wx1", "sn-9", "m2")
    refusal(9800003, made.ticket, "wx1", "sn-9", "m1")


def test_an_app_without_hardware_gets_no_ticket(books):
    made, _ = books
    made.apps["wx3"] = App("wx3", "s", is_onboarded=False)
    refusal(48001, made.ticket, "wx3", "sn-1", "tincall")


def test_a_refusal_of_consent_stays_until_the_settings_page(books):
    made, _ = books
    user = made.user("o1", "wx1")
    ticket = made.ticket("wx1", "sn-1", "m1")
    refusal(9, made.check_consent, user, "sn-1")
    refusal(10021, made.request_consent, "o1", "sn-1", "m1", ticket, False)
    # the prompt does not come back
    refusal(10021, made.request_consent, "o1", "sn-1", "m1", ticket, True)
    made.set_consent("o1", "sn-1", True)
    made.check_consent(user, "sn-1")
    refusal(10001, made.request_consent, "o1", "sn-1", "m1", ticket, True)
    made.set_consent("o1", "sn-1", False)
    refusal(9, made.check_consent, user, "sn-1")


def test_consent_to_every_device_is_withdrawn_as_a_whole(books):
    made, _ = books
    made.add_user(User("o3", "wx1", consents={ANY}))
    user = made.user("o3", "wx1")
    made.check_consent(user, "whatever")
    made.set_consent("o3", "sn-1", False)
    refusal(9, made.check_consent, user, "sn-1")


def test_openids_belong_to_apps(books):
    made, _ = books
    assert made.user("o1", "wx1").openid == "o1"
    refusal(19, made.user, "o2", "wx1")
    refusal(20, made.user, "o9", "wx1")
    for verb in (made.login, lambda openid: made.set_consent(openid, "sn", True)):
        refusal(20, verb, "o9")
    refusal(20, made.request_consent, "o9", "sn", "m1", "t", True)


def test_a_login_code_is_good_once_for_one_app_and_five_minutes(books):
    made, clock = books
    code = made.login("o1")
    assert made.session("wx1", "secret-1", code)["openid"] == "o1"
    refusal(40029, made.session, "wx1", "secret-1", code)
    refusal(40029, made.session, "wx2", "secret-2", made.login("o1"))
    late = made.login("o1")
    clock.advance(300_001)
    refusal(40029, made.session, "wx1", "secret-1", late)
    refusal(40125, made.session, "wx1", "other", made.login("o1"))
    refusal(40013, made.session, "wx9", "other", made.login("o1"))


def test_what_is_handed_out_is_bounded(books, monkeypatch):
    monkeypatch.setattr(accounts_file, "HANDED_OUT_MAX", 3)
    made, _ = books
    first = made.login("o1")
    for _ in range(3):
        made.login("o1")
    refusal(40029, made.session, "wx1", "secret-1", first)


def test_secrets_do_not_show():
    assert "secret-1" not in repr(APP)
